//! Whose agent it is, and when it ends.

use super::*;

#[test]
fn an_agent_of_ours_serves_many_messages_and_ends_with_its_sockets() {
    let Some(home) = Home::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    home.end_agent();
    let gpg = home.gpg_of_system("gpg");
    assert!(gpg.open(&message).is_ok());
    let agent = home.agent();
    assert!(agent.is_some());
    for _ in 0..20 {
        assert!(gpg.open(&message).is_ok_and(|key| key.expose() == DATA_KEY));
        assert_eq!(home.agent(), agent);
    }
    drop(gpg);
    assert_eq!(home.agent(), None);
    assert_eq!(home.sockets(), [""; 0]);
}

#[test]
fn an_agent_that_served_before_survives() {
    let Some(home) = Home::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    home.gpg(&["--decrypt"], message.as_bytes());
    let agent = home.agent();
    assert!(agent.is_some());
    assert!(home.open(&message).is_ok());
    assert_eq!(home.agent(), agent);
}

#[test]
fn nothing_is_started_before_the_first_message() {
    let Some(home) = Home::with("pgp_curve25519.asc") else {
        return;
    };
    let gpg = home.gpg_of_system("gpg");
    assert_eq!(home.agent(), None);
    drop(gpg);
}

#[test]
fn a_gpg_that_hangs_is_ended_in_time_and_the_agent_too() {
    let Some(home) = Home::with("pgp_curve25519.asc") else {
        return;
    };
    let program = home.script("gpg", "cat > /dev/null; sleep 60");
    let mut gpg = home.gpg_of_system(&program);
    gpg.patience = Duration::from_secs(2);
    let before = Instant::now();
    assert_eq!(said(gpg.open("")), format!("{}: no answer within 2 s", program.display()));
    assert!(home.agent().is_some());
    drop(gpg);
    assert!(before.elapsed() < Duration::from_secs(20));
    assert_eq!(home.agent(), None);
    assert_eq!(home.sockets(), [""; 0]);
}

#[test]
fn an_agent_with_a_pinentry_that_hangs_ends_with_it() {
    let Some(home) = Home::with_passphrase() else { return };
    let message = home.message(&[]);
    home.end_agent();
    let number = home.0.path().join("number");
    // It does not end by being told, only by force.
    let script = format!(
        "trap '' TERM INT HUP; echo $$ > {}; echo OK; while :; do sleep 1; done",
        number.display()
    );
    let pinentry = home.script("pinentry", &script);
    home.write("home/gpg-agent.conf", &format!("pinentry-program {}\n", pinentry.display()));
    let mut environment = home.environment();
    environment.push(("DISPLAY".into(), ":0".into()));
    let mut gpg = Gpg::new("gpg".into(), Some(home.path()), true, environment);
    gpg.patience = Duration::from_secs(2);
    assert_eq!(said(gpg.open(&message)), "gpg: no answer within 2 s");
    drop(gpg);
    assert_eq!(home.agent(), None);
    assert_eq!(home.sockets(), [""; 0]);
    let pinentry = fs::read_to_string(number).unwrap();
    let state = fs::read_to_string(format!("/proc/{}/stat", pinentry.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

#[test]
fn an_agent_that_cannot_be_started_is_named_with_its_reason() {
    let Some(home) = Home::with("pgp_curve25519.asc") else {
        return;
    };
    let program = home.script("gpg", "exit 1");
    home.script("gpg-agent", "echo 'gpg-agent[1]: out of luck' >&2; exit 2");
    assert_eq!(
        said(home.gpg_of_system(&program).open("")),
        "gpg-agent cannot be started: out of luck"
    );
    home.script("gpg-agent", "exit 0");
    assert_eq!(
        said(home.gpg_of_system(&program).open("")),
        "gpg-agent cannot be started: No such file or directory (os error 2)"
    );
}

#[test]
fn a_home_whose_path_is_too_long_for_a_socket_is_named() {
    let Some(home) = Home::empty() else { return };
    if Path::new(&format!("/run/user/{}", rustix::process::getuid().as_raw())).exists() {
        eprintln!("skipped: the sockets are in /run/user");
        return;
    }
    let path = home.0.path().join("x".repeat(90 - home.0.path().as_os_str().len()));
    fs::create_dir(&path).unwrap();
    let gpg = Gpg::new("gpg".into(), Some(path.clone()), false, home.environment());
    let reason = format!(
        "gpg-agent cannot be started: the path of its socket, {}/S.gpg-agent, is too long: choose a GnuPG home with a shorter path",
        path.display()
    );
    assert_eq!(said(gpg.open("")), reason);
}

#[test]
fn a_key_box_daemon_that_gpg_started_ends_and_one_that_served_before_survives() {
    let Some(home) = Home::empty() else { return };
    if home.gpgconf(&["--list-dirs", "keyboxd-socket"]).is_empty() {
        eprintln!("skipped: this gpg has no keyboxd");
        return;
    }
    home.write("home/common.conf", "use-keyboxd\n");
    home.gpg(&["--import", fixture("keys/pgp_curve25519.asc").to_str().unwrap()], b"");
    let message = home.message(&[]);
    assert!(home.sockets().contains(&"S.keyboxd".to_owned()));
    assert!(home.open(&message).is_ok());
    assert!(home.sockets().contains(&"S.keyboxd".to_owned()));
    home.end_agent();
    assert!(home.open(&message).is_ok());
    assert_eq!(home.sockets(), [""; 0]);
}

#[test]
fn a_smart_card_daemon_that_our_agent_started_ends_with_it() {
    let Some(home) = Home::with("pgp_curve25519.asc") else {
        return;
    };
    if !home.has_card_daemon() {
        eprintln!("skipped: no scdaemon");
        return;
    }
    // Where nothing says whose the message is, gpg looks for cards too.
    let message = home.message(&["--throw-keyids"]);
    home.end_agent();
    let gpg = home.gpg_of_system("gpg");
    assert!(gpg.open(&message).is_ok());
    assert!(home.sockets().contains(&"S.scdaemon".to_owned()));
    drop(gpg);
    assert_eq!(home.sockets(), [""; 0]);
}
