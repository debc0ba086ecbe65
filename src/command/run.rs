//! Carries out a command: from the arguments to what is printed.

use std::{
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;

use super::{
    audience::Audience,
    check,
    cli::{CommandLine, Task},
    convert, host, host_keys, init, inspect, messages,
    reply::Reply,
};
use crate::{
    system::{read, root::Root, service_manager::IS_SYSTEMD},
    text::{diagnosis::Diagnosis, identity::has_identity},
};

/// Does what the arguments ask for, on the system below `root`. The first argument is the name of the program. Everything is
/// reported before this returns.
pub fn run(arguments: impl IntoIterator<Item = OsString>, root: &Root) -> ExitCode {
    let task = match CommandLine::try_parse_from(arguments) {
        Ok(line) => line.task,
        Err(error) => return refuse(&error),
    };
    if let Task::Doctor(_) | Task::Plan(_) | Task::Explain(_) = task {
        host::adopt_search_path(root);
    }
    let audience = Audience::of_standard_output();
    if let Err(refusal) = need_systemd(IS_SYSTEMD, &task) {
        return report(Err(refusal));
    }
    let answer = match &task {
        Task::Inspect(arguments) => inspect::answer(arguments, audience),
        Task::Convert(arguments) => Ok(convert::answer(arguments, audience)),
        Task::Status(arguments) => host::status(arguments, audience, root),
        Task::Doctor(arguments) => Ok(host::doctor(arguments, audience, root)),
        Task::Explain(arguments) => host::explain(arguments, audience, root),
        Task::WhoReads(arguments) => host::who_reads(arguments, audience, root),
        Task::Plan(arguments) => host::plan(arguments, audience, root),
        Task::Retry => host::retry(audience, root),
        Task::Rollback(arguments) => host::rollback(arguments, audience, root),
        Task::Forget(arguments) => host::forget(arguments, audience, root),
        Task::Messages(arguments) => Ok(messages::answer(arguments, audience)),
        Task::Check(arguments) => check::answer(arguments, audience),
        Task::Init(arguments) => init::answer(arguments, audience, root),
        Task::Keys(arguments) => host_keys::answer(arguments, audience, root),
    };
    report(answer)
}

/// Fails if `task` reads units, and no systemd `is_there`.
fn need_systemd(is_there: bool, task: &Task) -> Result<(), Diagnosis> {
    match task {
        Task::Status(_)
        | Task::Doctor(_)
        | Task::Explain(_)
        | Task::WhoReads(_)
        | Task::Plan(_)
        | Task::Retry
        | Task::Rollback(_)
        | Task::Forget(_)
            if !is_there =>
        {
            Err(Diagnosis::new(
                "this command reads the units of systemd, which this system does not have".to_owned(),
                "to see what the last runs said, run: tail /var/log/sops-nix.log ~/Library/Logs/SopsNix/stderr",
            ))
        }
        _ => Ok(()),
    }
}

/// Prints the help or the version if somebody asked for it, and what is wrong with the arguments otherwise. A private key among the
/// arguments is not repeated.
fn refuse(error: &clap::Error) -> ExitCode {
    if has_identity(&error.to_string()) {
        tracing::error!("an argument is a private key, and no command takes one; give the name of the file that has it");
        return ExitCode::from(2);
    }
    // The error is ignored: if the reader has closed the stream, nobody wants the text.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}

/// Prints an answer.
fn report(answer: Result<Reply, Diagnosis>) -> ExitCode {
    let mut answer = answer.unwrap_or_else(|failure| Reply {
        failures: vec![failure],
        ..Reply::default()
    });
    answer.failures.extend(print(&answer.text).err());
    answer.remarks.iter().for_each(|remark| tracing::warn!("{remark}"));
    answer.failures.iter().for_each(|failure| tracing::error!("{failure}"));
    ExitCode::from(u8::from(answer.has_findings || !answer.failures.is_empty()))
}

/// Prints a text on standard output. It is no failure if the reader stops reading before the end.
fn print(text: &str) -> Result<(), Diagnosis> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let cause = format!("cannot write to standard output: {}", read::reason(&error));
            Err(Diagnosis::bare(cause))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_about_units_are_refused_where_there_is_no_systemd() {
        let refused = |word| {
            let line = CommandLine::try_parse_from(["sops-nix", word]).unwrap();
            assert!(need_systemd(true, &line.task).is_ok(), "{word}");
            need_systemd(false, &line.task).is_err()
        };
        for word in ["status", "doctor", "who-reads", "retry"] {
            assert!(refused(word), "{word}");
        }
        for word in ["keys", "check", "init", "convert", "messages"] {
            assert!(!refused(word), "{word}");
        }
    }
}
