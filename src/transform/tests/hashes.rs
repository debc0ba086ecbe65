//! Hashes are judged by crypt(3) of libxcrypt, which perl calls, and by openssl.

use std::{
    collections::BTreeSet,
    env,
    io::Write as _,
    process::{Command, Stdio},
};

use proptest::{
    collection::vec,
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};

use super::{Transform, hashes, made};

const HERE: (u8, &str, &str) = (7, "web1", "users/alice");

/// Whether `program` is installed. If not, prints that the test is skipped; if `REQUIRE_SOPS` is set, as where no test may be left out, that is
/// a failure.
fn has(program: &str) -> bool {
    let found = env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(program).is_file());
    if !found {
        assert!(
            env::var_os("REQUIRE_SOPS").is_none(),
            "{program} is not on PATH, and REQUIRE_SOPS is set"
        );
        // The test harness swallows what `println!` prints.
        writeln!(std::io::stderr(), "skipped: needs {program}").unwrap();
    }
    found
}

/// The output of a program with this input.
fn output(program: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new(program);
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}");
    String::from_utf8(output.stdout).unwrap()
}

/// What crypt(3) makes of these passwords with the settings of these hashes.
fn crypted(hashed: &[(Vec<u8>, String)]) -> Vec<String> {
    const SCRIPT: &str = r#"while (<STDIN>) { chomp; my ($p, $h) = split / /; print crypt(pack("H*", $p), $h), "\n" }"#;
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap());
    let hex = |bytes: &[u8]| bytes.iter().flat_map(digits).collect::<String>();
    let lines: Vec<_> = hashed
        .iter()
        .map(|(password, hash)| format!("{} {hash}\n", hex(password)))
        .collect();
    let printed = output("perl", &["-e", SCRIPT], lines.concat().as_bytes());
    printed.lines().map(str::to_owned).collect()
}

/// The hash alone: without the user in front of it.
fn hash(transform: &Transform, password: &[u8]) -> String {
    let text = String::from_utf8(made(transform, password, HERE).unwrap()).unwrap();
    match transform {
        Transform::Htpasswd(user) => {
            let line = text.strip_suffix('\n').unwrap();
            line.strip_prefix(&format!("{user}:")).unwrap().to_owned()
        }
        _ => text,
    }
}

/// Of the longest passwords that count, too.
#[test]
fn crypt_verifies_each_hash_of_a_random_password() {
    if !has("perl") {
        return;
    }
    let mut runner = TestRunner::default();
    for (transform, most) in hashes() {
        let bytes = (1_u8..=255).prop_filter("no line end", |byte| !b"\r\n".contains(byte));
        let passwords = vec(vec(bytes, 1..=most), 4);
        let mut passwords = passwords.new_tree(&mut runner).unwrap().current();
        passwords.extend([vec![b'x'; most], vec![255; most - 1]]);
        let hashed: Vec<_> = passwords
            .into_iter()
            .map(|password| (password.clone(), hash(&transform, &password)))
            .collect();
        let judged = crypted(&hashed);
        let ours: Vec<_> = hashed.iter().map(|(_, hash)| hash.clone()).collect();
        assert_eq!(ours, judged, "{transform:?} of {hashed:?}");
    }
}

#[test]
fn openssl_makes_the_same_hash_by_sha_512() {
    if !has("openssl") {
        return;
    }
    let ours = hash(&Transform::Sha512Crypt, b"correct horse");
    let salt = ours.split('$').nth(2).unwrap();
    assert_eq!(salt.len(), 16);
    let theirs = output("openssl", &["passwd", "-6", "-salt", salt, "-stdin"], b"correct horse\n");
    assert_eq!(theirs.trim_end(), ours);
}

/// The salts were computed with the HMAC of Python, and the hashes with its `crypt`. Hosts that are updated would change their
/// password files if one of them became another.
#[test]
fn a_hash_stays_the_same_from_version_to_version() {
    let expected = [
        "$6$zXg382uT8ynqPhd7$tQnmbL598DdgJbylWsiNspZp4R6wMvZWJpBYWoD9ISgdZeOi1lHqFGLKUg6VtDIhNo1SlJv5hTiyNsDO3WCeW0",
        "$y$j9T$ECE4Gh505nUFr0X6K6NIx0$FP4w43fIFOconSqNE6NSZxo7gmgD0XZI76zeQkss/f0",
        "alice:$2y$05$orILna2WCin10HB2S9M4.OGuZQjLsdCzdOK0fGC8W5I9IcO86B5r2\n",
    ];
    for ((transform, _), expected) in hashes().into_iter().zip(expected) {
        let made = made(&transform, b"correct horse battery staple", HERE).unwrap();
        assert_eq!(String::from_utf8(made).unwrap(), expected);
    }
}

#[test]
fn no_two_secrets_hosts_files_users_or_passwords_have_the_same_salt() {
    let mut salts = BTreeSet::new();
    let mut count = 0;
    for (key, host, secret) in [
        (7, "a", "b"),
        (8, "a", "b"),
        (7, "c", "b"),
        (7, "a", "d"),
        (7, "ab", ""),
        (7, "", "ab"),
    ] {
        for user in ["x", "y"] {
            for password in [&b"p"[..], b"q"] {
                let made = made(&Transform::Htpasswd(user.to_owned()), password, (key, host, secret)).unwrap();
                let line = String::from_utf8(made).unwrap();
                let salt = line.rsplit('$').next().unwrap()[..22].to_owned();
                assert!(salts.insert(salt), "{key} {host} {secret} {user}");
                count += 1;
            }
        }
    }
    assert_eq!(salts.len(), count);
}
