//! Decrypts the sops files that a configuration declares and publishes them under `/run/secrets`.

use std::{env, io::Write as _, process::ExitCode};

use sops_install_secrets::{
    program::{
        cli::{self, Request},
        environment::Environment,
        messages,
        run::{after_switch, run},
    },
    system::{hardening, root::Root},
};

fn main() -> ExitCode {
    // This comes first: nothing may be made with the umask of the caller, and no secret may be in memory while a core dump is
    // possible.
    hardening::ignore_umask();
    let dumps = hardening::forbid_dumps();
    // The log starts before anything is reported, so a failure of the line above is kept until here.
    messages::init(&env::var("JOURNAL_STREAM").unwrap_or_default());
    hardening::hush_panics();
    if let Err(error) = dumps {
        tracing::warn!("cannot forbid core dumps: {error}; a crash could leave secrets in a file");
    }
    match cli::parse(env::args_os()) {
        Ok(Request::Print(text)) => {
            // The error is ignored: whoever closed standard output does not want the text.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(Request::AfterSwitch(failed)) => after_switch(failed, &Environment::read(), &Root::new("/")).into(),
        Ok(Request::Run(arguments)) => run(&arguments, Environment::read(), &Root::new("/")).into(),
        Err(line) => {
            tracing::error!("{line}");
            ExitCode::from(2)
        }
    }
}
