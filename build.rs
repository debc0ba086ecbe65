//! Makes the man pages and the shell completions of both programs from the definitions of their command lines.
//!
//! Takes the messages out of the page about messages, for the program that is installed everywhere.
//!
//! The man pages and completions land in `$SOPS_ASSETS` where that is set (the Makefile and packagers set it), else in cargo's own output directory.
//!
//! On macOS, the programs name no library that they do not use: the crate `libc` names libiconv for everybody.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};
use message_row::Row;

#[allow(dead_code, reason = "the build needs the definition of the arguments, not their use")]
#[path = "src/program/cli.rs"]
mod installer;

#[path = "src/command/cli.rs"]
mod command;

#[allow(dead_code, reason = "the build needs the messages of a row, not the rest")]
#[path = "src/program/message_row.rs"]
mod message_row;

fn main() -> io::Result<()> {
    write_messages()?;
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

/// Writes the messages of the page: for each row a line with its name, its messages, and whether they sum up others.
fn write_messages() -> io::Result<()> {
    const PAGE: &str = "docs/messages.md";
    println!("cargo::rerun-if-changed={PAGE}");
    println!("cargo::rerun-if-changed=src/program/message_row.rs");
    let page = fs::read_to_string(PAGE)?;
    let line = |row: Row<'_>| {
        let kind = if row.is_sum() { "sum" } else { "" };
        [row.anchor, "\t", row.messages, "\t", kind, "\n"].concat()
    };
    let lines: String = page.lines().filter_map(Row::read).map(line).collect();
    let directory = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    fs::write(directory.join("messages.txt"), lines)
}

/// Mends the completions for bash. There, `clap_complete` 4.6.11 has two names for each command of a program with a hyphen in its name:
/// one where the command is recognized, and another where it is completed. So no option of a command was ever completed.
fn name_commands_alike(file: &Path, program: &str) -> io::Result<()> {
    let [recognized, completed] = ["__", "__subcmd__"].map(|hyphen| format!("{}__subcmd__", program.replace('-', hyphen)));
    fs::write(file, fs::read_to_string(file)?.replace(&completed, &recognized))
}
