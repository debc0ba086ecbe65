//! The command that people type, for sops files and the keys that open them.

use std::{env, process::ExitCode};

use sops_install_secrets::{
    command::run::run,
    program::messages,
    system::{hardening, root::Root},
};

fn main() -> ExitCode {
    // Core dumps are forbidden before any private key is in memory.
    let dumps = hardening::forbid_dumps();
    // People type this command themselves, so its messages go to standard error and never to the journal.
    // What they mean is one of its own commands.
    let _ = messages::init("");
    hardening::hush_panics();
    if let Err(error) = dumps {
        tracing::warn!("cannot forbid core dumps: {error}; a crash could leave secrets in a file");
    }
    run(env::args_os(), &Root::new("/"))
}
