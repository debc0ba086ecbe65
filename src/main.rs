//! Decrypts the sops files that a configuration declares and publishes them under `/run/secrets`.

use std::{env, io::Write as _, process::ExitCode};

use sops_install_secrets::{
    program::{
        cli::{self, Request},
        environment::Environment,
        messages,
        outcome::Outcome,
        run::{after_switch, run},
    },
    system::{hardening, root::Root},
};

fn main() -> ExitCode {
    // The umask is cleared before any file is made, because the umask of the caller would change modes. Core dumps are forbidden
    // before any secret is in memory.
    hardening::ignore_umask();
    let dumps = hardening::forbid_dumps();
    // The log starts before anything is reported. So an error of `forbid_dumps` is kept until the log has started.
    let messages = messages::init(&env::var("JOURNAL_STREAM").unwrap_or_default());
    hardening::hush_panics();
    if let Err(error) = dumps {
        tracing::warn!("cannot forbid core dumps: {error}; a crash could leave secrets in a file");
    }
    match cli::parse(env::args_os()) {
        Ok(Request::Print(text)) => {
            // The error is ignored: if the reader has closed standard output, nobody wants the text.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(Request::AfterSwitch { since, failed }) => {
            after_switch(since.as_deref(), failed, &Environment::read(), &Root::new("/")).into()
        }
        Ok(Request::Run(arguments)) => {
            let outcome = run(&arguments, Environment::read(), &Root::new("/"));
            if outcome != Outcome::Done {
                messages.tell_more(&env::var_os("PATH").unwrap_or_default());
            }
            outcome.into()
        }
        Err(line) => {
            tracing::error!("{line}");
            ExitCode::from(2)
        }
    }
}
