//! Decrypts the sops files that a configuration declares and publishes them under `/run/secrets`.

use std::{env, io::Write as _, process::ExitCode};

use sops_install_secrets::{
    program::{
        cli::{self, Request},
        environment::Environment,
        messages,
        run::run,
    },
    system::hardening,
};

fn main() -> ExitCode {
    hardening::ignore_umask();
    let dumps = hardening::forbid_dumps();
    messages::init(&env::var("JOURNAL_STREAM").unwrap_or_default());
    hardening::hush_panics();
    if let Err(error) = dumps {
        tracing::warn!("cannot forbid core dumps: {error}; a crash could leave secrets in a file");
    }
    match cli::parse(env::args_os()) {
        Ok(Request::Print(text)) => {
            // Whoever closed standard output does not want to know.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(Request::Run(arguments)) => run(&arguments, Environment::read()).into(),
        Err(line) => {
            tracing::error!("{line}");
            ExitCode::from(2)
        }
    }
}
