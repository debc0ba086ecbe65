//! What a run says while it waits for another run, on standard error and to systemd.

use std::{os::unix::net::UnixDatagram, time::Duration};

use crate::common::World;

#[test]
fn a_run_that_waits_for_another_one_says_so_here_and_to_systemd() {
    let Some(world) = World::system() else { return };
    let manifest = world
        .manifest()
        .with("version", 1)
        .secret("host", &world.fixture("nesting.json"), "database/host");
    world.install(&manifest);
    let mut holder = world
        .command("flock")
        .args(["--no-fork", "/run/secrets.d/.lock", "sleep", "6"])
        .spawn()
        .unwrap();
    let is_held = "until ! flock --nonblock /run/secrets.d/.lock true; do sleep 0.05; done";
    world.shell(is_held);
    let socket = world.input("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let other = manifest.secret("port", &world.fixture("nesting.json"), "database/port");
    let said = world.run_with(&other, |command| command.env("NOTIFY_SOCKET", &socket));
    holder.wait().unwrap();
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = said.told.strip_suffix('\n').unwrap();
    assert!(told.starts_with("waiting for another run, process "), "{told}");
    assert!(told.ends_with(", which holds the lock /run/secrets.d/.lock"), "{told}");
    let mut bytes = [0; 200];
    let mut next = || {
        systemd
            .recv(&mut bytes)
            .map(|length| String::from_utf8_lossy(&bytes[..length]).into_owned())
    };
    assert_eq!(next().unwrap(), format!("STATUS={told}\n"));
    assert_eq!(next().unwrap(), "STATUS=\n");
}
