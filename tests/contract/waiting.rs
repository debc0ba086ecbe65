//! What a run says while it waits for another run, on standard error and to systemd.

use std::{os::unix::net::UnixDatagram, time::Duration};

use serde_json::json;

use crate::common::{Manifest, World, has};

/// Stands for Plymouth, in a network of its own: starts the program, and prints what it is sent. The last arguments are the command.
const BOOT_SCREEN: &str = r#"
import socket, subprocess, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind("\0/org/freedesktop/plymouthd")
listener.listen()
listener.settimeout(30)
program = subprocess.Popen(sys.argv[1:])
for _ in range(2):
    peer, _ = listener.accept()
    print(peer.makefile("rb").read(), flush=True)
sys.exit(program.wait())
"#;

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

#[test]
fn a_run_that_waits_says_so_on_the_boot_screen_and_takes_it_away() {
    let Some(world) = World::system().filter(|_| has("python3")) else {
        return;
    };
    let slow = world.script(
        "slow-key",
        &format!("#!/bin/sh\nsleep 3\ncat {}\n", world.fixture("keys/age.txt").display()),
    );
    let manifest =
        world
            .manifest()
            .with("version", 1)
            .without("ageKeyFile")
            .secret("host", &world.fixture("nesting.json"), "database/host");
    let path = world.save(&manifest);
    let mut command = world.command("unshare");
    command
        .args(["--net", "python3", "-c", BOOT_SCREEN])
        .arg(world.executable())
        .arg(path)
        .env("SOPS_AGE_KEY_CMD", slow.join("slow-key"));
    let said = world.finish(&mut command);
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = "waiting for the command in SOPS_AGE_KEY_CMD";
    assert!(said.told.contains(text), "{said:?}");
    let length = format!("\\x02{}", char::from(u8::try_from(text.len() + 1).unwrap()));
    assert_eq!(said.out, format!("b'M{length}{text}\\x00'\nb'm{length}{text}\\x00'\n"));
}

#[test]
fn a_run_that_hashes_many_passwords_says_so() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let base = world.manifest().with("version", 1);
    let hashed = |manifest: Manifest, number: u32| {
        manifest.secret_with(
            &format!("password{number}"),
            &file,
            "database/host",
            json!({"transform": "yescrypt"}),
        )
    };
    let said = world.run(&(0..250).fold(base, hashed));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.told, "waiting for the hashes of passwords\n");
}
