//! Tests the agent of gpg. An agent that the run started ends with the run. An agent that was there before goes on.

use std::os::unix::net::UnixStream;

use crate::fixture;
use crate::host::{Host, Ready};

fn host() -> Option<Ready> {
    let host = Host::new().gnupg("pgp.asc").ready()?;
    Some(host.with_files([&fixture("to-pgp.yaml")]))
}

/// The process number of the agent for the host's `GnuPG` home; `None` if no agent runs.
fn agent(host: &Ready) -> Option<String> {
    let home = host.world.input("gnupg");
    UnixStream::connect(home.join("S.gpg-agent")).ok()?;
    Some(host.world.gnupg(&home, "gpg-connect-agent --no-autostart 'getinfo pid' /bye"))
}

#[test]
fn an_agent_that_the_run_started_is_gone_after_it() {
    let Some(host) = host() else { return };
    assert_eq!(agent(&host), None);
    let said = host.run();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(agent(&host), None);
    let names = std::fs::read_dir(host.world.input("gnupg")).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.find(|name| name.starts_with("S.")), None);
}

#[test]
fn an_agent_that_served_before_serves_on() {
    let Some(host) = host() else { return };
    let home = host.world.input("gnupg");
    host.world.gnupg(&home, "gpgconf --launch gpg-agent");
    let before = agent(&host);
    assert!(before.is_some());
    let said = host.run();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(agent(&host), before);
    host.world.end_gnupg(&home);
}
