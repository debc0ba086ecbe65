//! Makes the man pages and the shell completions of both programs from the definitions of their command lines.
//!
//! They land in `$SOPS_ASSETS` where that is set (the Makefile and packagers set it), else in cargo's own output directory.
//!
//! On macOS, the programs name no library that they do not use: the crate `libc` names libiconv for everybody.

use std::{env, fs, io, path::PathBuf};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};

#[allow(dead_code, reason = "the build needs the definition of the arguments, not their use")]
#[path = "src/program/cli.rs"]
mod installer;

#[path = "src/command/cli.rs"]
mod command;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src/program/cli.rs");
    println!("cargo::rerun-if-changed=src/command/cli.rs");
    println!("cargo::rerun-if-env-changed=SOPS_ASSETS");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "macos") {
        println!("cargo::rustc-link-arg-bins=-Wl,-dead_strip_dylibs");
    }
    let Some(directory) = env::var_os("SOPS_ASSETS")
        .or_else(|| env::var_os("OUT_DIR"))
        .map(PathBuf::from)
    else {
        return Ok(());
    };
    fs::create_dir_all(&directory)?;
    for mut program in [installer::Arguments::command(), command::CommandLine::command()] {
        let name = program.get_name().to_owned();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            generate_to(shell, &mut program, name.as_str(), &directory)?;
        }
        clap_mangen::generate_to(program, &directory)?;
    }
    Ok(())
}
