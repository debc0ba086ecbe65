//! Makes the man page and the shell completions from the definition of the command line.
//!
//! They land in `$SOPS_ASSETS` where that is set (the Makefile and packagers set it), else in cargo's own output directory.

use std::{env, fs, io, path::PathBuf};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};

#[allow(dead_code, reason = "the build needs the definition of the arguments, not their use")]
#[path = "src/program/cli.rs"]
mod cli;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src/program/cli.rs");
    println!("cargo::rerun-if-env-changed=SOPS_ASSETS");
    let Some(directory) = env::var_os("SOPS_ASSETS")
        .or_else(|| env::var_os("OUT_DIR"))
        .map(PathBuf::from)
    else {
        return Ok(());
    };
    fs::create_dir_all(&directory)?;
    let mut command = cli::Arguments::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "sops-install-secrets", &directory)?;
    }
    clap_mangen::generate_to(command, &directory)
}
