//! Credentials that a program prints: the setting `credential_process` of a profile.

use std::{
    io::{self, Read as _},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde::Deserialize;

use crate::{
    credentials::Credentials,
    deadline::Deadline,
    environment::Environment,
    fault::{Fault, Kind},
    secret::Secret,
};

/// The most bytes that the program may print: 64 KiB.
const MOST_OUTPUT: u64 = 64 << 10;

/// What the program prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
}

/// The credentials that `command` prints, for the profile `profile`. Of `environment` it gets what any program gets, and what is about AWS.
///
/// A shell runs it, as the tools of AWS do. It may have a password in it, so it is not shown.
///
/// # Errors
///
/// If the command fails, takes too long, or prints no credentials.
pub(crate) fn credentials(
    command: &str,
    profile: &str,
    environment: &Environment,
    deadline: Deadline,
) -> Result<Credentials, Fault> {
    let fault = |why: &str| {
        let fault = Fault::new(
            Kind::NoCredentials,
            format!("the credential_process of the profile {profile} {why}"),
        );
        fault.remedy("run the command as root to see what it says")
    };
    let output = output(command, environment, deadline).map_err(|error| fault(&format!("failed: {error}")))?;
    let output = output.ok_or_else(|| fault("did not end in time"))?;
    let printed: Printed = serde_json::from_slice(output.expose()).map_err(|_| fault("printed no credentials"))?;
    Ok(Credentials {
        id: printed.access_key_id,
        secret: printed.secret_access_key,
        token: printed.session_token,
        origin: format!("the credential_process of the profile {profile}"),
    })
}

/// What `command` prints; `None` if it did not end in time.
fn output(command: &str, environment: &Environment, deadline: Deadline) -> io::Result<Option<Secret>> {
    // The units and scripts that install secrets have no shell in their `PATH`.
    let mut shell = Command::new("/bin/sh");
    let shell = shell
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // It gets what is about AWS, and what any program gets. What identifies this host elsewhere is none of its business.
    let mut child = shell.env_clear().envs(environment.of_program("AWS_")).spawn()?;
    let (sender, receiver) = mpsc::channel();
    if let Some(pipe) = child.stdout.take() {
        thread::Builder::new().spawn(move || {
            let mut output = Vec::with_capacity(4096);
            let read = pipe.take(MOST_OUTPUT).read_to_end(&mut output);
            let _ = sender.send(read.map(|_| Secret::from(output)));
        })?;
    }
    let Ok(output) = receiver.recv_timeout(deadline.remaining()) else {
        child.kill()?;
        child.wait()?;
        return Ok(None);
    };
    if wait(&mut child, deadline)? {
        output.map(Some)
    } else {
        Ok(None)
    }
}

/// Waits for the end of `child`, which has closed its output. `false`: it was killed.
fn wait(child: &mut std::process::Child, deadline: Deadline) -> io::Result<bool> {
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(true),
            Some(status) => return Err(io::Error::other(status.to_string())),
            None if deadline.remaining().is_zero() => {
                child.kill()?;
                child.wait()?;
                return Ok(false);
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}
