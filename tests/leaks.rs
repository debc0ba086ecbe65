//! Tests that no output of the program contains any part of a secret or of a key, and that nobody can read its memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Manifest, Said, World, fixtures, has, say, secret_in, secrets, token};
use rustix::fs::{FlockOperation, flock};
use serde_json::json;

/// Runs with all settings that make the program print more.
fn run_loudly(world: &World, manifest: &Manifest) -> Said {
    world.run_with(manifest, |command| {
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full")
    })
}

/// Secrets from files that are damaged in many ways: a wrong format, a missing end, changed text, or a missing MAC.
fn damaged_files(world: &World) -> Vec<(PathBuf, &'static str)> {
    let formats = ["yaml", "json", "dotenv", "ini", "binary"];
    let names = [
        "types.yaml",
        "types.json",
        "plain.env",
        "sections.ini",
        "text.bin",
        "nesting.yaml",
        "nesting.json",
        "rules.env",
        "strings.yaml",
        "unencrypted-suffix.yaml",
        "unencrypted-suffix.json",
        "unencrypted-suffix.env",
        "unencrypted-suffix.ini",
        "encrypted-regex.json",
    ];
    let mut files = Vec::new();
    for name in names {
        let Ok(text) = fs::read(fixtures().join("3.13.2").join(name)) else {
            continue;
        };
        let format = match name.rsplit_once('.').unwrap().1 {
            "env" => "dotenv",
            "bin" => "binary",
            other => formats.into_iter().find(|format| *format == other).unwrap(),
        };
        let mut add =
            |what: String, text: &[u8], format| files.push((world.write(&format!("damaged/{what}-{name}"), text), format));
        for other in formats {
            add(format!("as-{other}"), &text, other);
        }
        for part in 1..12 {
            add(format!("cut-{part}"), &text[..text.len() * part / 12], format);
            let mut altered = text.clone();
            altered[text.len() * part / 12] ^= 1;
            add(format!("altered-{part}"), &altered, format);
        }
        let lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
        for line in (0..lines.len()).step_by(7) {
            let rest: Vec<u8> = lines[..line]
                .iter()
                .chain(&lines[line + 1..])
                .copied()
                .flatten()
                .copied()
                .collect();
            add(format!("without-{line}"), &rest, format);
        }
    }
    // Values that were never encrypted must not be shown either, whatever error a parser reports.
    for entry in fs::read_dir(fixtures().join("plain")).unwrap() {
        let path = entry.unwrap().path();
        let (name, text) = (path.file_name().unwrap().to_str().unwrap(), fs::read(&path).unwrap());
        let starts = text.split_inclusive(|byte| *byte == b'\n').scan(0, |start, line| {
            *start += line.len();
            Some(*start - line.len())
        });
        for start in starts.step_by(2) {
            for format in formats {
                let what = format!("damaged/plain-{start}-{format}-{name}");
                files.push((world.write(&what, &text[start..]), format));
            }
        }
    }
    files
}

#[test]
fn no_output_of_any_run_shows_a_secret_or_a_key() {
    let Some(world) = World::system() else { return };
    let files = damaged_files(&world);
    let mut manifest = world.manifest().with("ageSshKeyPaths", json!(bad_keys(&world)));
    let plain = world.fixture("types.json");
    for (number, (file, format)) in files.iter().enumerate() {
        for (kind, key) in [("whole", ""), ("missing", "nothing/here")] {
            manifest = manifest.secret_with(&format!("{kind}/{number}"), file, key, json!({"format": format}));
        }
    }
    manifest = manifest
        .secret("good", &plain, "string")
        .secret("map", &plain, "x_unencrypted")
        .secret_with("owner", &plain, "html", json!({"owner": "carol"}))
        .template("left-over", &format!("{} {}", token("good"), token("nobody")), json!({}))
        .template("needs", &format!("{} {}", token("good"), token("map")), json!({}));
    let first = run_loudly(&world, &manifest);
    assert_eq!(first.code, Some(3));
    assert!(first.err.lines().count() > files.len() / 2, "{}", first.err);
    let second = run_loudly(&world, &manifest);
    assert_eq!(second.code, Some(1));
    let path = world.save(&manifest);
    let checked = world.run_arguments(["-check-mode=sopsfile".as_ref(), path.as_os_str()]);
    assert_eq!(checked.code, Some(1));
    for (what, said) in [("the first run", first), ("the second run", second), ("a check", checked)] {
        assert!(!said.err.contains("a fault in sops-install-secrets"), "{what}: {}", said.err);
        assert_eq!(secret_in(&said.out), None, "{what}");
        assert_eq!(secret_in(&said.told), None, "{what}");
    }
    say(&format!(
        "{} damaged files, {} secrets looked for",
        files.len(),
        secrets().len()
    ));
}

/// What nobody encrypted yet: a value in each format behind each character that may mean something there, and the same texts cut off,
/// or in the middle of a merge. `value` has the characters before the value too.
fn unencrypted(value: &str) -> Vec<(&'static str, String)> {
    let plain = [
        ("yaml", format!("a:\n  b: {value}\nc: 1\n")),
        ("yaml", format!("a:\n  - {value}\n")),
        ("yaml", format!("{value}: 1\n")),
        ("json", format!("{{\"a\": {value}}}\n")),
        ("json", format!("{{\"a\": \"{value}\"}}\n")),
        ("env", format!("A={value}\nB=1\n")),
        ("env", format!("A=1\n{value}\n")),
        ("ini", format!("[a]\nb={value}\n")),
        ("ini", format!("[a]\n{value}\n")),
        ("txt", format!("{value}\n")),
    ];
    let in_merge = |text: &str| format!("<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n");
    let broken = |(format, text): &(&'static str, String)| {
        let before_end = text.rfind(value).unwrap() + value.len();
        [(*format, text[..before_end].to_owned()), (*format, in_merge(text))]
    };
    plain.iter().flat_map(broken).chain(plain.clone()).collect()
}

#[test]
fn no_command_for_a_repository_shows_a_value() {
    let Some(world) = World::system() else { return };
    let secret = secrets()
        .iter()
        .find(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .unwrap();
    let top = world.input("repository");
    let mut files = Vec::new();
    for start in [
        "", "*", "&", "!", "!x!", "%", "@", "|", ">", "\"", "'", "`", "{", "[", "]", "?", "-", "#", ":", ",", "$", "\\", "=",
    ] {
        for (number, (format, text)) in unencrypted(&format!("{start}{secret}")).into_iter().enumerate() {
            files.push(world.write(&format!("repository/{}-{number}.{format}", files.len()), &text));
        }
    }
    let recipient = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u";
    world.write("repository/.sops.yaml", format!("creation_rules: [{{age: {recipient}}}]"));
    for command in ["check", "convert", "inspect"] {
        let arguments: Vec<_> = files.iter().map(|file| file.as_os_str()).collect();
        let each = if command == "inspect" { 1 } else { arguments.len() };
        for files in arguments.chunks(each) {
            let output = world
                .command(Path::new(env!("CARGO_BIN_EXE_sops-nix")))
                .current_dir(&top)
                .arg(command)
                .args(files)
                .env("RUST_BACKTRACE", "full")
                .output()
                .unwrap();
            assert_ne!(output.status.code(), None, "{command}");
            for line in [output.stdout, output.stderr]
                .iter()
                .flat_map(|said| said.split(|byte| *byte == b'\n'))
            {
                assert_eq!(secret_in(line), None, "{command}: {}", String::from_utf8_lossy(line));
            }
        }
    }
}

/// Keys of all kinds, each damaged in some way.
fn bad_keys(world: &World) -> Vec<PathBuf> {
    let mut keys = Vec::new();
    for name in [
        "ssh_ed25519",
        "ssh_rsa",
        "ssh_ecdsa",
        "ssh_passphrase",
        "age.txt",
        "hybrid.txt",
    ] {
        let text = fs::read(fixtures().join("keys").join(name)).unwrap();
        keys.push(world.write(&format!("bad/{name}"), &text));
        for part in 1..4 {
            keys.push(world.write(&format!("bad/cut-{part}-{name}"), &text[..text.len() * part / 4]));
            let mut altered = text.clone();
            altered[text.len() * part / 4] ^= 1;
            keys.push(world.write(&format!("bad/altered-{part}-{name}"), &altered));
        }
    }
    keys
}

#[test]
fn no_output_shows_a_key_that_is_no_key() {
    let Some(world) = World::system() else { return };
    let age = fs::read_to_string(world.fixture("keys/age.txt")).unwrap();
    let identity = age.lines().last().unwrap();
    let hybrid = fs::read_to_string(world.fixture("keys/hybrid.txt")).unwrap();
    let post_quantum = hybrid.lines().last().unwrap();
    let file = world.fixture("to-other.yaml");
    let ssh = fs::read_to_string(world.fixture("keys/ssh_ed25519")).unwrap();
    for text in [
        identity.replace("KEY-1", "KEY-2"),
        identity[..identity.len() - 1].to_owned(),
        format!("{identity} {identity}"),
        format!("{identity}x\n{identity}\n"),
        format!("key = {identity}"),
        format!("\"{identity}\""),
        identity.to_lowercase(),
        format!("{post_quantum}x\n{post_quantum}\n"),
        format!("key = {post_quantum}"),
        post_quantum.replace("PQ-1", "PQ-2"),
        post_quantum.to_lowercase(),
        ssh.replace('\n', ""),
        ssh,
    ] {
        let key = world.write("bad-key", &text);
        let manifest = world
            .manifest()
            .with("ageKeyFile", json!(key))
            .with("ageSshKeyPaths", json!([key]))
            .secret("a", &file, "database/host");
        let said = world.run_with(&manifest, |command| {
            command
                .env("SOPS_AGE_KEY", &text)
                .env("RUST_LOG", "trace")
                .env("RUST_BACKTRACE", "full")
                .env("NIXOS_ACTION", "dry-activate")
        });
        assert_eq!(said.code, Some(1), "{said:?}");
        assert_eq!(secret_in(&said.told), None, "the message about a bad key");
        // A message with a part of a key is as bad as a message with the whole key.
        for key in [identity, post_quantum] {
            let data = key.rsplit_once('1').unwrap().1;
            assert!(
                !said.err.contains(&data[..12]) && !said.err.to_uppercase().contains(&data[12..24]),
                "{}",
                said.err
            );
        }
    }
}

#[test]
fn no_output_of_a_good_run_shows_a_secret_or_a_key() {
    let Some(world) = World::system() else { return };
    let files = [
        "types.json",
        "nesting.yaml",
        "plain.env",
        "sections.ini",
        "text.bin",
        "bytes.bin",
    ]
    .map(|name| world.fixture(name));
    let keys = ["keys/ssh_ed25519", "keys/ssh_rsa"].map(|name| world.fixture(name));
    let manifest = |first: &str| {
        let manifest = world
            .manifest()
            .with("ageSshKeyPaths", json!(keys))
            .secret("one", &files[0], first);
        let manifest = files.iter().enumerate().fold(manifest, |manifest, (number, file)| {
            let fields = json!({"path": format!("/etc/{number}"), "restartUnits": ["a.service"]});
            manifest.secret_with(&format!("whole/{number}"), file, "", fields)
        });
        manifest.template("t", &format!("{}{}", token("one"), token("whole/1")), json!({}))
    };
    for (number, key) in ["html", "separators", "string"].into_iter().enumerate() {
        let said = world.run_with(&manifest(key), |command| {
            command
                .env("RUST_LOG", "trace")
                .env("NIXOS_ACTION", if number == 1 { "dry-activate" } else { "switch" })
        });
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(secret_in(&said.out), None, "standard output");
        assert_eq!(secret_in(&said.told), None, "standard error");
    }
    let lists = world.tree("/run/nixos");
    assert_eq!(secret_in(&lists), None, "a list");
}

/// What a program with a leak could do. The secret of the fixtures is written in two halves, because the script itself is searched
/// too.
const LEAKS: &[&str] = &[
    "printf '%s%s' \"$1\" \"$2\"",
    "printf '%s%s' \"$1\" \"$2\" >&2",
    "printf '%s%s' \"$1\" \"$2\" > /tmp/left",
    "printf '%s%s' \"$1\" \"$2\" > /var/tmp/left",
    "printf '%s%s' \"$1\" \"$2\" > /dev/shm/left",
    "printf '%s%s' \"$1\" \"$2\" > /run/core",
    "mkdir -p /etc/a/b && ln -s \"$1$2\" /etc/a/b/left",
    ": > \"/run/$1$2\"",
    "printf '%s%s' \"$1\" \"$2\" > /run/nixos/activation-restart-list",
    "printf '%s%s' \"$1\" \"$2\" >> \"${0%/*}/systemctl\"",
    "systemctl \"$1$2\"",
    "KEY=$1$2 systemctl",
];

#[test]
fn each_test_of_the_program_fails_when_something_secret_is_where_it_must_not_be() {
    for leak in std::iter::once(&":").chain(LEAKS) {
        let Some(mut world) = World::system() else { return };
        let manifest = world.manifest();
        let bin = world.script("systemctl", "#!/bin/sh\n");
        world.script(
            "leaking",
            &format!("#!/bin/sh\nset -- 'correct horse ' 'battery staple'\n{leak}\n"),
        );
        world.pretend(bin.join("leaking"));
        let run = std::panic::AssertUnwindSafe(|| {
            let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
            let said = world.run_with(&manifest, |command| command.env("PATH", path));
            assert_eq!(said.code, Some(0), "{said:?}");
            drop(world);
        });
        assert_eq!(std::panic::catch_unwind(run).is_err(), *leak != ":", "{leak}");
    }
    say(&format!("leaks: {} ways of leaking, all found", LEAKS.len()));
}

/// Runs with a stand-in for the journal, which is connected to standard error. Returns the messages that the journal got, the text
/// on standard error, and the exit code.
fn run_under_systemd(world: &World, manifest: &Manifest) -> (Vec<String>, String, Option<i32>) {
    fs::create_dir_all(world.path("/run/systemd/journal")).unwrap();
    let path = world.path("/run/systemd/journal/socket");
    let _ = fs::remove_file(&path);
    let journal = UnixDatagram::bind(path).unwrap();
    journal.set_nonblocking(true).unwrap();
    let text = world.input("stderr");
    let stderr = File::create(&text).unwrap();
    let status = stderr.metadata().unwrap();
    let manifest = world.save(manifest);
    let mut command = world.program([manifest]);
    command
        .env("JOURNAL_STREAM", format!("{}:{}", status.dev(), status.ino()))
        .stdout(Stdio::null())
        .stderr(stderr);
    let code = command.status().unwrap().code();
    let mut messages = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    while let Ok(length) = journal.recv(&mut buffer) {
        // An empty message only tests whether there is a journal.
        if length > 0 {
            messages.push(world.shown(&fields(&buffer[..length])));
        }
    }
    (messages, fs::read_to_string(text).unwrap(), code)
}

/// A journal message as lines `NAME=value`. A value with line breaks arrives in another form: the name, the length in eight bytes,
/// and the value.
fn fields(message: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = message;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        if line.contains('=') {
            text.push_str(&line);
        } else {
            let (length, after) = rest.split_at(8);
            let (value, after) = after.split_at(usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap());
            text.extend([&line, "=", &*String::from_utf8_lossy(value)]);
            rest = after.strip_prefix(b"\n").unwrap();
        }
        text.push('\n');
    }
    text
}

/// The messages that have all these lines.
fn having<'m>(messages: &'m [String], lines: &[&str]) -> Vec<&'m String> {
    let has_all = |message: &&String| lines.iter().all(|line| message.lines().any(|found| found == *line));
    messages.iter().filter(has_all).collect()
}

#[test]
fn under_systemd_messages_go_to_the_journal_alone_with_their_fields() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let manifest = world
        .manifest()
        .with("ageSshKeyPaths", json!([world.fixture("keys/ssh_ed25519")]))
        .secret("good", &file, "database/host")
        .secret("bad", &file, "database/hosts");
    // Only a command that is there is named.
    let place = world.path("/run/current-system/sw/bin");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("sops-nix"), "").unwrap();
    let (messages, text, code) = run_under_systemd(&world, &manifest);
    assert_eq!(
        (text.as_str(), code),
        ("", Some(3)),
        "standard error is the journal itself, so what is there would be said twice"
    );
    assert_eq!(messages.len(), 4, "{messages:#?}");
    let failure = "MESSAGE=secret \"bad\" from $DIR/nesting.json: the key \"database/hosts\" does not exist; did you mean \"database/host\"?";
    assert_eq!(
        having(
            &messages,
            &[failure, "PRIORITY=3", "SECRET_NAME=bad", "SOPS_FILE=$DIR/nesting.json"]
        )
        .len(),
        1,
        "{messages:#?}"
    );
    let summary = "MESSAGE=published 1 of 2 in /run/secrets, without: bad; repair the faults named above, and run: /run/current-system/activate";
    assert_eq!(
        having(&messages, &[summary, "PRIORITY=3", "GENERATION=1"]).len(),
        1,
        "{messages:#?}"
    );
    let imported = "MESSAGE=sops-install-secrets: Imported $DIR/ssh_ed25519 as age key with fingerprint \
                    age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl";
    assert_eq!(having(&messages, &[imported]).len(), 1, "{messages:#?}");
    let last = "MESSAGE=to read more about this, run: sops-nix messages key-not-in-file";
    assert!(messages[3].lines().any(|line| line == last), "{messages:#?}");
    for message in messages {
        assert_eq!(secret_in(&message), None, "a message to the journal");
    }
}

#[test]
fn warnings_of_a_generation_carry_its_number_to_the_journal() {
    let Some(world) = World::system() else { return };
    world.shell("echo precious > /etc/key");
    let manifest = world
        .manifest()
        .secret_with("a", &world.fixture("text.bin"), "", json!({"path": "/etc/key"}));
    let (messages, text, code) = run_under_systemd(&world, &manifest);
    assert_eq!((text.as_str(), code), ("", Some(0)));
    let warning = "MESSAGE=/etc/key was moved to /etc/key.sops-backup, because a link belongs in its place";
    assert_eq!(
        having(&messages, &[warning, "PRIORITY=4", "GENERATION=1"]).len(),
        1,
        "{messages:#?}"
    );
    assert_eq!(messages.len(), 1);
}

#[test]
fn messages_of_all_lines_reach_the_journal_as_one() {
    let Some(world) = World::system() else { return };
    let manifest = world.manifest().secret("a", &world.fixture("to-other.yaml"), "database/host");
    let (messages, text, _) = run_under_systemd(&world, &manifest);
    assert_eq!(text, "");
    let report = messages.iter().find(|message| message.contains("sops updatekeys")).unwrap();
    assert!(
        report.contains("MESSAGE=cannot decrypt") && report.contains("this host has"),
        "{report}"
    );
    assert!(report.contains("SECRET_NAME=a\n"), "{report}");
}

#[test]
fn standard_error_that_is_not_the_journal_gets_the_text_alone() {
    let Some(world) = World::system() else { return };
    fs::create_dir_all(world.path("/run/systemd/journal")).unwrap();
    let journal = UnixDatagram::bind(world.path("/run/systemd/journal/socket")).unwrap();
    journal.set_nonblocking(true).unwrap();
    let manifest = world
        .manifest()
        .secret("bad", &world.fixture("nesting.json"), "database/hosts");
    let said = world.run_with(&manifest, |command| command.env("JOURNAL_STREAM", "1:2"));
    assert!(said.err.contains("error: secret \"bad\" from"), "{said:?}");
    assert!(journal.recv(&mut [0; 10]).is_err(), "the journal heard of it too");
}

/// A run of a plain user that waits for a lock. It stays in this state, with the keys in its memory.
fn standing_still(world: &World) -> (File, std::process::Child) {
    let manifest = world.manifest().secret("a", &world.fixture("text.bin"), "");
    assert_eq!(world.run(&manifest).code, Some(0));
    let lock = File::open(world.input("run/secrets.d/.lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let mut child = world.program([world.save(&manifest)]).stderr(Stdio::null()).spawn().unwrap();
    // The process waits for the lock as soon as two things hold: its limits show that it has forbidden core dumps, and it sleeps.
    let start = Instant::now();
    while !waits(child.id()) {
        assert!(child.try_wait().unwrap().is_none(), "the run did not wait for the lock");
        assert!(start.elapsed() < Duration::from_secs(20), "the run does not come to the lock");
        std::thread::sleep(Duration::from_millis(5));
    }
    (lock, child)
}

/// Whether the process has forbidden core dumps, and sleeps.
fn waits(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/limits")).is_ok_and(|limits| core_limit(&limits) == ["0", "0"])
        && fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| stat.contains(") S "))
}

/// The soft and the hard limit of core dumps.
fn core_limit(limits: &str) -> Vec<&str> {
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    line.split_whitespace().skip(4).take(2).collect()
}

#[test]
fn the_same_user_can_neither_read_nor_dump_the_memory_of_a_run() {
    if !has("strace") {
        return;
    }
    let world = World::user();
    let (lock, mut child) = standing_still(&world);
    let process = child.id();
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    assert_eq!(core_limit(&limits), ["0", "0"]);

    let attached = world.finish(
        world
            .command("timeout")
            .args(["5", "strace", "-o", "/dev/null", "-p"])
            .arg(process.to_string()),
    );
    assert!(attached.err.contains("Operation not permitted"), "{attached:?}");
    for file in ["mem", "environ", "maps"] {
        let read = world.finish(
            world
                .command("head")
                .args(["-c1"])
                .arg(Path::new("/proc").join(process.to_string()).join(file)),
        );
        assert!(read.err.contains("Permission denied"), "{file}: {read:?}");
    }
    if has("gcore") {
        let dump = world.input("home/dump");
        let dumped = world.finish(
            world
                .command("timeout")
                .args(["20", "gcore", "-o"])
                .arg(&dump)
                .arg(process.to_string()),
        );
        assert_ne!(dumped.code, Some(0), "{dumped:?}");
        assert!(!Path::new(&format!("{}.{process}", dump.display())).exists());
    }
    drop(lock);
    assert!(child.wait().unwrap().success());
}
