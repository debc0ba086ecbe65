//! Makes the man pages and the shell completions of both programs from the definitions of their command lines.
//!
//! They land in `$SOPS_ASSETS` where that is set (the Makefile and packagers set it), else in cargo's own output directory.
//!
//! On macOS, the programs name no library that they do not use: the crate `libc` names libiconv for everybody.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

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
            let file = generate_to(shell, &mut program, name.as_str(), &directory)?;
            if shell == Shell::Bash {
                name_commands_alike(&file, &name)?;
            }
        }
        clap_mangen::generate_to(program, &directory)?;
    }
    Ok(())
}

/// Mends the completions for bash. There, `clap_complete` 4.6.11 has two names for each command of a program with a hyphen in its name:
/// one where the command is recognized, and another where it is completed. So no option of a command was ever completed.
fn name_commands_alike(file: &Path, program: &str) -> io::Result<()> {
    let [recognized, completed] = ["__", "__subcmd__"].map(|hyphen| format!("{}__subcmd__", program.replace('-', hyphen)));
    fs::write(file, fs::read_to_string(file)?.replace(&completed, &recognized))
}
