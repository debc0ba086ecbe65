//! Asks the key services of clouds, Vault and OpenBao for the data keys of sops files.
//!
//! The installer starts this program if entries are still closed after all keys of the host were tried. It writes one JSON
//! document to standard input ([`request`]) and reads one line for each entry from standard output ([`reply`]). Secrets go no other way. What a
//! service refuses is part of an answer; the program itself fails only if it cannot read the request.

mod aws;
mod azure;
mod caller;
mod canonical;
mod credentials;
mod deadline;
mod environment;
mod fault;
mod form;
mod google;
mod http;
mod huawei;
mod identity;
mod keyservice;
mod origin;
mod proxy;
mod quote;
mod region;
mod reply;
mod request;
mod run;
mod secret;
mod services;
mod socket;
mod trust;
mod trusted_file;
mod unanswered;
mod vault;

use std::{
    io::{self, Read as _},
    process::ExitCode,
};

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::{
    environment::Environment,
    request::{Request, VERSION},
};

/// The most bytes of a request: 16 MiB.
const MOST_REQUEST: u64 = 16 << 20;

fn main() -> ExitCode {
    // The message of a panic may have a part of a secret in it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("a fault in sops-key-services, at {place}; please report it");
    }));
    match forbid_dumps()
        .map_err(|error| format!("core dumps cannot be forbidden: {error}"))
        .and_then(|()| read())
        .and_then(answer)
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("sops-key-services: {why}");
            ExitCode::FAILURE
        }
    }
}

fn answer(mut request: Request) -> Result<(), String> {
    let listed = std::mem::take(&mut request.environment);
    let environment = Environment::of_process().and(listed, request.environment_file.as_deref())?;
    run::run(request, &environment);
    Ok(())
}

/// Forbids core dumps, and forbids other processes of the same user to read the memory of this one.
fn forbid_dumps() -> io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    Ok(setrlimit(Resource::Core, none)?)
}

fn read() -> Result<Request, String> {
    let mut text = Vec::new();
    let read = io::stdin().lock().take(MOST_REQUEST + 1).read_to_end(&mut text);
    read.map_err(|error| format!("standard input: {error}"))?;
    if u64::try_from(text.len()).is_ok_and(|length| length > MOST_REQUEST) {
        return Err("the request is larger than 16 MiB".to_owned());
    }
    let request: Request = serde_json::from_slice(&text).map_err(|error| {
        format!("standard input has no request: {error}; this program is started by sops-install-secrets, not by hand")
    })?;
    match request.version {
        VERSION => Ok(request),
        other => Err(format!(
            "the request is of version {other}, and this program has {VERSION}: use programs of the same release"
        )),
    }
}
