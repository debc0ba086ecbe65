//! Tests of the real gpg with real homes. Scripts stand in only for a gpg that misbehaves, and for the person at a pinentry.
//!
//! Without gpg, all these tests are skipped, and a line on standard error says so.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Instant};

use tempfile::TempDir;

use super::*;

mod agents;
mod failures;

/// A longer time than any answer takes in these tests.
const TIMEOUT: Duration = Duration::from_mins(1);
/// The content of the messages that these tests make.
const DATA_KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
/// The fingerprint of the test key for Curve25519.
const FINGERPRINT: &str = "F8566BD7816F5A0AFD27E36C6BE268A6D2262945";
const PASSPHRASE: &str = "test passphrase";

/// A GnuPG home below a directory with a short path.
struct GpgHome(TempDir);

impl GpgHome {
    /// A home without keys. Returns `None`, and prints a line, if there is no gpg.
    fn empty() -> Option<Self> {
        if Command::new("gpg").arg("--version").output().is_err() {
            eprintln!("skipped: no gpg");
            return None;
        }
        let home = Self(tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap());
        fs::create_dir(home.path()).unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Some(home)
    }

    /// A home with one of the fixtures' keys, and no agent.
    fn with(key: &str) -> Option<Self> {
        let home = Self::empty()?;
        home.gpg(&["--import", fixture(&format!("keys/{key}")).to_str().unwrap()], b"");
        home.end_agent();
        Some(home)
    }

    /// A home with a key that has a passphrase, and no agent.
    fn with_passphrase() -> Option<Self> {
        let home = Self::with("pgp_curve25519.asc")?;
        let pinentry = home.pinentry(PASSPHRASE);
        home.write("home/gpg-agent.conf", &format!("pinentry-program {}\n", pinentry.display()));
        home.gpg(&["--passwd", FINGERPRINT], b"");
        home.end_agent();
        fs::remove_file(home.path().join("gpg-agent.conf")).unwrap();
        Some(home)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Makes a program beside the home.
    fn script(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        crate::install::tests::script(&path, content);
        path
    }

    /// Makes a pinentry that answers with `passphrase`, and makes the file `asked` when it is asked.
    fn pinentry(&self, passphrase: &str) -> PathBuf {
        let mark = self.0.path().join("asked");
        let script = format!(
            "echo OK\nwhile read -r word rest; do case $word in\n  GETPIN) touch {}; echo 'D {passphrase}'; echo OK;;\n  \
             BYE) echo OK; exit;;\n  *) echo OK;;\nesac; done",
            mark.display()
        );
        self.script("pinentry", &script)
    }

    /// What the real gpg prints.
    fn gpg(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = Command::new("gpg");
        command
            .env("GNUPGHOME", self.path())
            .args(["--batch", "--quiet", "--trust-model", "always"]);
        let mut child = Child::start(command.args(arguments), TIMEOUT, Progress::silent()).unwrap();
        child.send(input).unwrap();
        let finished = child.finish().unwrap();
        assert!(finished.status.success(), "gpg {arguments:?}: {}", finished.stderr);
        finished.output.expose().to_vec()
    }

    /// An armored message for the test key.
    fn message(&self, arguments: &[&str]) -> String {
        let common = ["--armor", "--encrypt", "--recipient", FINGERPRINT];
        String::from_utf8(self.gpg(&[&common, arguments].concat(), DATA_KEY)).unwrap()
    }

    /// Opens a message as in system mode, where nobody may be asked.
    fn open(&self, message: &str) -> Result<Plaintext, GpgFailure> {
        self.gpg_of_system("gpg").open(message, TIMEOUT)
    }

    fn gpg_of_system(&self, program: impl Into<PathBuf>) -> Gpg {
        Gpg::new(program.into(), Some(self.path()), false, self.environment())
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        let path = std::env::var_os("PATH").unwrap();
        vec![("PATH".into(), path), ("HOME".into(), self.0.path().into())]
    }

    /// The process number of the agent that serves the home. `None` if no agent serves the home.
    fn agent(&self) -> Option<String> {
        let mut command = Command::new("gpg-connect-agent");
        command
            .env("GNUPGHOME", self.path())
            .args(["--no-autostart", "GETINFO pid", "/bye"]);
        let answer = String::from_utf8(command.output().unwrap().stdout).unwrap();
        Some(answer.lines().next()?.strip_prefix("D ")?.to_owned())
    }

    /// What gpgconf prints.
    fn gpgconf(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("gpgconf");
        let output = command.env("GNUPGHOME", self.path()).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether the program that talks to cards is installed.
    fn has_card_daemon(&self) -> bool {
        let components = self.gpgconf(&["--list-components"]);
        let paths = components
            .lines()
            .filter_map(|line| line.strip_prefix("scdaemon:")?.rsplit(':').next());
        paths.into_iter().any(|path| Path::new(path).exists())
    }

    fn end_agent(&self) {
        self.gpgconf(&["--kill", "all"]);
        let before = Instant::now();
        while !self.sockets().is_empty() {
            assert!(before.elapsed() < TIMEOUT);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The sockets of daemons.
    fn sockets(&self) -> Vec<String> {
        let directory = self.gpgconf(&["--list-dirs", "socketdir"]);
        let entries = fs::read_dir(directory.trim()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("S.")).collect()
    }
}

impl Drop for GpgHome {
    fn drop(&mut self) {
        self.gpgconf(&["--kill", "all"]);
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The message in a sops file.
fn message_of(file: &str) -> String {
    let text = fs::read_to_string(fixture(file)).unwrap();
    let lines = text.lines().map(str::trim);
    let from = lines.skip_while(|line| !line.starts_with("-----BEGIN PGP MESSAGE"));
    let mut message = String::new();
    for line in from {
        message.extend([line, "\n"]);
        if line.starts_with("-----END") {
            break;
        }
    }
    message
}

/// The words of the failure for a message that was not opened.
fn said(result: Result<Plaintext, GpgFailure>) -> String {
    match result {
        Ok(_) => panic!("opened"),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn messages_by_sops_open_with_keys_for_rsa_and_curve25519_and_where_the_recipient_is_hidden() {
    let files = [
        ("pgp.asc", "3.7.3/to-pgp.yaml"),
        ("pgp.asc", "3.13.2/to-pgp.yaml"),
        ("pgp_curve25519.asc", "3.13.2/to-pgp-curve25519.yaml"),
        ("pgp_curve25519.asc", "3.13.2/to-pgp-hidden.yaml"),
    ];
    for (key, file) in files {
        let Some(home) = GpgHome::with(key) else { return };
        let opened = home.open(&message_of(file)).map_err(|failure| failure.to_string());
        // gpg itself gives the expected bytes.
        assert_eq!(
            opened.map(|key| key.expose().to_vec()),
            Ok(home.gpg(&["--decrypt"], message_of(file).as_bytes())),
            "{file}"
        );
    }
}

#[test]
fn where_no_home_is_named_gnupghome_and_home_say_where_it_is() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    let mut environment = home.environment();
    environment.push(("GNUPGHOME".into(), home.path().into()));
    let gpg = Gpg::new("gpg".into(), None, false, environment);
    assert!(gpg.open(&message, TIMEOUT).is_ok_and(|key| key.expose() == DATA_KEY));
    drop(gpg);
    fs::rename(home.path(), home.0.path().join(".gnupg")).unwrap();
    let gpg = Gpg::new("gpg".into(), None, false, home.environment());
    assert!(gpg.open(&message, TIMEOUT).is_ok_and(|key| key.expose() == DATA_KEY));
}

#[test]
fn a_key_with_a_passphrase_asks_in_user_mode_where_there_is_a_way_to_a_person() {
    let Some(home) = GpgHome::with_passphrase() else { return };
    let message = home.message(&[]);
    let asked = home.0.path().join("asked");
    let open = |may_ask, way: &str, passphrase| {
        let pinentry = home.pinentry(passphrase);
        home.write("home/gpg-agent.conf", &format!("pinentry-program {}\n", pinentry.display()));
        let _ = fs::remove_file(&asked);
        let mut environment = home.environment();
        environment.push((way.into(), "/dev/null".into()));
        let opened = Gpg::new("gpg".into(), Some(home.path()), may_ask, environment).open(&message, TIMEOUT);
        (
            opened.map(|key| key.expose().to_vec()).map_err(|failure| failure.to_string()),
            asked.exists(),
        )
    };
    let nobody = Err(
        "gpg asks for a passphrase, a PIN or a smart card, but nobody is here to answer; use a key that needs none of these"
            .to_owned(),
    );
    assert_eq!(open(false, "GPG_TTY", PASSPHRASE), (nobody.clone(), false));
    assert_eq!(open(true, "TERM", PASSPHRASE), (nobody, false));
    for way in ["GPG_TTY", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"] {
        assert_eq!(open(true, way, PASSPHRASE), (Ok(DATA_KEY.to_vec()), true), "{way}");
    }
    assert_eq!(
        open(true, "GPG_TTY", "x"),
        (
            Err("the passphrase or PIN is wrong; run this again, and type the right one".to_owned()),
            true
        )
    );
}

#[test]
fn gpg_sees_only_what_it_needs_of_the_environment() {
    let Some(home) = GpgHome::empty() else { return };
    let seen = home.0.path().join("seen");
    let program = home.script("qubes-gpg-client-wrapper", &format!("env > {}", seen.display()));
    let mut environment = home.environment();
    let others = ["SOPS_AGE_KEY", "SECRET", "DISPLAY", "QUBES_GPG_DOMAIN", "LANG", "TMPDIR"];
    environment.extend(others.map(|name| (name.into(), "x".into())));
    let names = |may_ask| {
        let _ = Gpg::new(program.clone(), Some(home.path()), may_ask, environment.clone()).open("", TIMEOUT);
        let text = fs::read_to_string(&seen).unwrap();
        let mut names: Vec<_> = text
            .lines()
            .filter_map(|line| Some(line.split_once('=')?.0.to_owned()))
            .collect();
        names.retain(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(&name.as_str()));
        names.sort();
        names
    };
    assert_eq!(
        names(false),
        ["GNUPGHOME", "HOME", "LC_ALL", "PATH", "QUBES_GPG_DOMAIN", "TMPDIR"]
    );
    assert_eq!(
        names(true),
        ["DISPLAY", "GNUPGHOME", "HOME", "LC_ALL", "PATH", "QUBES_GPG_DOMAIN", "TMPDIR"]
    );
}

#[test]
fn the_wrapper_of_qubes_gets_options_that_it_lets_pass_and_no_agent() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    home.end_agent();
    let given = home.0.path().join("given");
    let script = format!("echo \"$*\" > {}\nexec gpg --no-autostart \"$@\"", given.display());
    let gpg = home.gpg_of_system(home.script("qubes-gpg-client-wrapper", &script));
    assert_eq!(said(gpg.open(&message, TIMEOUT)), "gpg has no secret key for it");
    assert_eq!(
        fs::read_to_string(&given).unwrap(),
        "--batch --no-tty --status-fd 2 --decrypt\n"
    );
    assert_eq!(home.agent(), None);
    home.gpg(&["--decrypt"], message.as_bytes());
    assert!(gpg.open(&message, TIMEOUT).is_ok_and(|key| key.expose() == DATA_KEY));
}
