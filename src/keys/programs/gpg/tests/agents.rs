//! Tests of which agent a run may use, and when an agent ends.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    process::{Child as Process, Stdio},
};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};

use super::*;

/// Whether the process with this number, which was killed, ends. It ends when the kernel gives it the processor once more, which
/// takes a while on a busy machine. A zombie counts as ended.
fn ends(number: &str) -> bool {
    let stat = format!("/proc/{}/stat", number.trim());
    (0..1000).any(|_| {
        let state = fs::read_to_string(&stat).unwrap_or_default();
        let ended = state.is_empty() || state.contains(") Z ");
        if !ended {
            std::thread::sleep(Duration::from_millis(10));
        }
        ended
    })
}

/// Stands in for the daemon of another gpg, or for somebody who poses as a daemon. This process itself listens on the socket.
struct FakeDaemon(PathBuf);

impl FakeDaemon {
    /// Says `answer` to whoever asks at `socket`.
    fn at(socket: PathBuf, answer: String) -> Self {
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let answer = answer.clone();
                // The answer is repeated until the other side closes the connection. So a blank answer never ends.
                std::thread::spawn(move || {
                    let _ = stream.write_all(b"OK hello\n");
                    while stream.write_all(answer.as_bytes()).is_ok() {
                        std::thread::sleep(Duration::from_millis(100));
                    }
                });
            }
        });
        Self(socket)
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A process that leads a process group, but is no child of this process.
struct Stranger(Process, String);

impl Stranger {
    fn new() -> Self {
        // The parent of the stranger stays alive. So the test process does not become the parent of the stranger.
        let mut parent = Command::new("sh");
        parent.args(["-c", "setsid sleep 60 & echo $!; wait"]).stdout(Stdio::piped());
        let mut parent = parent.spawn().unwrap();
        let mut number = String::new();
        BufReader::new(parent.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self(parent, number.trim().to_owned())
    }

    fn lives(&self) -> bool {
        let state = fs::read_to_string(format!("/proc/{}/stat", self.1)).unwrap_or_default();
        !state.is_empty() && !state.contains(") Z ")
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(&self.1).status();
        let _ = self.0.wait();
    }
}

#[test]
fn an_agent_of_ours_serves_many_messages_and_ends_with_its_sockets() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    home.end_agent();
    let gpg = home.gpg_of_system("gpg");
    assert!(gpg.open(&message, TIMEOUT).is_ok());
    let agent = home.agent();
    assert!(agent.is_some());
    for _ in 0..20 {
        assert!(gpg.open(&message, TIMEOUT).is_ok_and(|key| key.expose() == DATA_KEY));
        assert_eq!(home.agent(), agent);
    }
    drop(gpg);
    assert_eq!(home.agent(), None);
    assert_eq!(home.sockets(), [""; 0]);
}

#[test]
fn an_agent_that_served_before_survives() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
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
fn where_an_agent_is_about_to_end_another_is_started() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    home.end_agent();
    let socket = PathBuf::from(home.gpgconf(&["--list-dirs", "agent-socket"]).trim());
    // These are the last moments of a real agent: it accepts no connection, removes its socket, and ends.
    let listener = UnixListener::bind(&socket).unwrap();
    let ends = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        fs::remove_file(socket).unwrap();
        drop(listener);
    });
    let gpg = home.gpg_of_system("gpg");
    let opened = gpg.open(&message, TIMEOUT).map(|key| key.expose().to_vec());
    assert_eq!(opened.map_err(|failure| failure.to_string()), Ok(DATA_KEY.to_vec()));
    ends.join().unwrap();
    assert!(home.agent().is_some());
    // If the ending agent had counted as serving, gpg would have started another agent by itself, and that agent would stay.
    drop(gpg);
    assert_eq!(home.agent(), None);
}

#[test]
fn nothing_is_started_before_the_first_message() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let gpg = home.gpg_of_system("gpg");
    assert_eq!(home.agent(), None);
    drop(gpg);
}

#[test]
fn a_gpg_that_hangs_is_ended_in_time_and_the_agent_too() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let program = home.script("gpg", "cat > /dev/null; sleep 60");
    let gpg = home.gpg_of_system(&program);
    let before = Instant::now();
    assert_eq!(
        said(gpg.open("", Duration::from_secs(2))),
        format!("{}: no answer within 2 s", program.display())
    );
    assert!(home.agent().is_some());
    drop(gpg);
    assert!(before.elapsed() < Duration::from_secs(20));
    assert_eq!(home.agent(), None);
    assert_eq!(home.sockets(), [""; 0]);
}

#[test]
fn an_agent_with_a_pinentry_that_hangs_ends_with_it() {
    let Some(home) = GpgHome::with_passphrase() else { return };
    let message = home.message(&[]);
    home.end_agent();
    let number = home.0.path().join("number");
    // The pinentry ignores signals that ask it to end. It must be killed.
    let script = format!(
        "trap '' TERM INT HUP; echo $$ > {}; echo OK; while :; do sleep 1; done",
        number.display()
    );
    let pinentry = home.script("pinentry", &script);
    home.write("home/gpg-agent.conf", &format!("pinentry-program {}\n", pinentry.display()));
    let mut environment = home.environment();
    environment.push(("DISPLAY".into(), ":0".into()));
    let mut gpg = Gpg::new("gpg".into(), Some(home.path()), true, environment);
    let short = Duration::from_secs(2);
    gpg.asks = Some(short);
    assert_eq!(said(gpg.open(&message, short)), "gpg: no answer within 2 s");
    drop(gpg);
    assert_eq!(home.agent(), None);
    assert_eq!(home.sockets(), [""; 0]);
    assert!(ends(&fs::read_to_string(number).unwrap()), "the pinentry goes on");
}

#[test]
fn an_agent_that_cannot_be_started_is_named_with_its_reason() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let program = home.script("gpg", "exit 1");
    home.script("gpg-agent", "echo 'gpg-agent[1]: out of luck' >&2; exit 2");
    assert_eq!(
        said(home.gpg_of_system(&program).open("", TIMEOUT)),
        "cannot start gpg-agent: out of luck"
    );
    home.script("gpg-agent", "exit 0");
    assert_eq!(
        said(home.gpg_of_system(&program).open("", TIMEOUT)),
        format!(
            "cannot start gpg-agent: it gives no reason, and its socket {}/S.gpg-agent does not answer: no such file or directory",
            home.path().display()
        )
    );
}

#[test]
fn a_home_whose_path_is_too_long_for_a_socket_is_named() {
    let Some(home) = GpgHome::empty() else { return };
    if Path::new(&format!("/run/user/{}", rustix::process::getuid().as_raw())).exists() {
        eprintln!("skipped: the sockets are in /run/user");
        return;
    }
    let path = home.0.path().join("x".repeat(90 - home.0.path().as_os_str().len()));
    fs::create_dir(&path).unwrap();
    let gpg = Gpg::new("gpg".into(), Some(path.clone()), false, home.environment());
    let reason = format!(
        "cannot start gpg-agent: the path of its socket is too long: {}/S.gpg-agent; choose a GnuPG home with a shorter path",
        path.display()
    );
    assert_eq!(said(gpg.open("", TIMEOUT)), reason);
}

#[test]
fn a_key_box_daemon_that_gpg_started_ends_and_one_that_served_before_survives() {
    let Some(home) = GpgHome::empty() else { return };
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
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    if !home.has_card_daemon() {
        eprintln!("skipped: no scdaemon");
        return;
    }
    // If a message does not name its recipient, gpg also looks for smart cards.
    let message = home.message(&["--throw-keyids"]);
    home.end_agent();
    let gpg = home.gpg_of_system("gpg");
    assert!(gpg.open(&message, TIMEOUT).is_ok());
    assert!(home.sockets().contains(&"S.scdaemon".to_owned()));
    drop(gpg);
    assert_eq!(home.sockets(), [""; 0]);
}

#[test]
fn a_process_that_our_run_did_not_start_lives_on_whatever_a_socket_says() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    home.end_agent();
    let stranger = Stranger::new();
    for number in [stranger.1.as_str(), "1", "0", "-1", "99999999999"] {
        let gpg = home.gpg_of_system("gpg");
        assert!(gpg.open(&message, TIMEOUT).is_ok());
        let daemon = FakeDaemon::at(home.path().join("S.keyboxd"), format!("D {number}\nOK\n"));
        drop(gpg);
        assert!(stranger.lives(), "{number}");
        // This run did not make the socket, so it must not remove it either.
        assert!(daemon.0.exists());
    }
    assert_eq!(home.agent(), None);
}

#[test]
fn a_key_box_daemon_that_our_run_started_ends_and_one_of_another_gpg_does_not() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let stranger = Stranger::new();
    let number = home.0.path().join("number");
    // A gpg that starts a daemon does the same: gpg ends, and the daemon goes on in a session of its own.
    let script = format!(
        "(setsid sh -c 'echo $$ > {}; exec sleep 60' &) > /dev/null 2>&1",
        number.display()
    );
    let gpg = home.gpg_of_system(home.script("gpg", &format!("{script}; sleep 1; exit 2")));
    assert_eq!(said(gpg.open("", TIMEOUT)), "gpg failed: no reason given");
    let number = fs::read_to_string(number).unwrap();
    let _daemon = FakeDaemon::at(home.path().join("S.keyboxd"), format!("D {number}OK\n"));
    drop(gpg);
    assert!(ends(&number), "the daemon goes on");
    assert!(stranger.lives());
}

#[test]
fn a_socket_of_another_user_is_not_asked() {
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: not root, so nobody else can listen");
        return;
    }
    let Some(home) = GpgHome::empty() else { return };
    let path = home.path().join("S.keyboxd");
    let theirs = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&theirs, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    std::thread::scope(|scope| {
        // The credentials of a socket are those of the thread that begins to listen on it.
        scope.spawn(|| {
            let nobody = rustix::process::Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            listen(&theirs, 8).unwrap();
        });
    });
    let error = daemon::Daemon::at(&path, TIMEOUT).err().map(|error| error.kind());
    assert_eq!(error, Some(std::io::ErrorKind::PermissionDenied));
}

#[test]
fn a_socket_where_nobody_takes_a_connection_holds_nothing_up() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    home.end_agent();
    let path = home.path().join("S.keyboxd");
    let full = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&full, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&full, 0).unwrap();
    let _waiting = UnixStream::connect(&path).unwrap();
    // This runs on another thread, because a fault would make it wait forever.
    let (done, end) = std::sync::mpsc::channel();
    let gpg = home.gpg_of_system("gpg");
    std::thread::spawn(move || {
        let opened = gpg.open(&message, TIMEOUT).is_ok();
        drop(gpg);
        let _ = done.send(opened);
    });
    assert_eq!(end.recv_timeout(Duration::from_secs(30)), Ok(true));
    fs::remove_file(path).unwrap();
}

#[test]
fn an_answer_without_end_or_without_a_number_is_given_up() {
    let Some(home) = GpgHome::empty() else { return };
    for (name, answer) in [("a", "S status\n"), ("b", ""), ("c", "D"), ("d", &"x".repeat(100_000))] {
        let daemon = FakeDaemon::at(home.path().join(name), answer.to_owned());
        let before = Instant::now();
        assert!(daemon::Daemon::at(&daemon.0, Duration::from_secs(1)).is_err(), "{name}");
        assert!(before.elapsed() < Duration::from_secs(10), "{name}");
    }
}

#[test]
fn all_programs_for_a_message_share_one_deadline() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let program = home.script("gpg", "sleep 3; exit 2");
    home.script("gpgconf", "sleep 3; exec gpgconf \"$@\"");
    let gpg = home.gpg_of_system(&program);
    assert_eq!(
        said(gpg.open("", Duration::from_secs(5))),
        format!("{}: no answer within 5 s", program.display())
    );
}
