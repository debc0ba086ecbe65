//! Tests with age messages of sops and age, which are opened with the file key that a real plugin gives.

use ::age::{Decryptor, Identity, armor::ArmoredReader};

use super::*;
use crate::keys::age::ends::{Known, stanzas};

/// The variable with the passphrase for `age-plugin-batchpass`.
const PASSPHRASE: &str = "AGE_PASSPHRASE";

/// The content of a message without armor, decrypted with its file key.
fn content(message: &[u8], key: FileKey) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let decryptor = Decryptor::new_buffered(message).ok()?;
    let mut reader = decryptor.decrypt(std::iter::once(&Known(key) as &dyn Identity)).ok()?;
    reader.read_to_end(&mut content).ok()?;
    Some(content)
}

/// The message that holds the data key of a fixture, without armor.
fn message_of(fixture: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
    let document: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut message = Vec::new();
    let armored = document["sops"]["age"][0]["enc"].as_str().unwrap();
    ArmoredReader::new(armored.as_bytes()).read_to_end(&mut message).unwrap();
    message
}

#[test]
fn the_data_key_of_a_file_by_sops_opens() {
    let keys = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys/plugin.txt")).unwrap();
    let identity = PluginIdentity::parse(keys.lines().last().unwrap()).unwrap();
    let all = ["json", "bin"].map(|format| message_of(&format!("3.13.2/to-plugin.{format}")));
    let shown: Vec<_> = all.iter().map(|message| stanzas(message).unwrap()).collect();
    let program = Program::find(identity.plugin(), &plugins());
    let keys = program.unwrap(&[&identity], &shown, &Asking::Nobody, TIMEOUT, Progress::silent());
    for (message, key) in all.iter().zip(keys) {
        assert_eq!(content(message, key.unwrap()).unwrap().len(), 32);
    }
}

#[test]
fn a_key_that_is_another_messages_opens_nothing() {
    let message = message_of("3.13.2/to-plugin.json");
    assert_eq!(content(&message, FileKey::new(Box::new([1; 16]))), None);
}

#[test]
fn the_stanzas_of_a_message_are_those_of_its_header() {
    let header = "age-encryption.org/v1\n-> a b c\nQUJD\n-> d\n\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    let message = [header.as_bytes(), &[0; 64]].concat();
    let expected = [("a", vec!["b", "c"], b"ABC".to_vec()), ("d", vec![], vec![])];
    let shown = stanzas(&message).unwrap();
    assert_eq!(shown.len(), 2);
    for (stanza, (tag, args, body)) in shown.into_iter().zip(expected) {
        assert_eq!((stanza.tag.as_str(), stanza.body), (tag, body));
        assert_eq!(stanza.args, args);
    }
    assert!(stanzas(b"").is_none());
    assert!(stanzas(b"age-encryption.org/v1\n-> a\n").is_none());
}

/// Whether all these programs are installed. Prints a line if a program is missing.
fn are_there(programs: &[&str]) -> bool {
    let missing = programs
        .iter()
        .find(|program| Command::new(program).arg("--version").output().is_err());
    if let Some(program) = missing {
        eprintln!("skipped: no {program}");
    }
    missing.is_none()
}

/// The output of the program `age` with the input `plain`.
fn by_age(arguments: &[&str], plain: &str) -> Vec<u8> {
    let mut age = Command::new("age");
    age.args(arguments)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut age = age.spawn().unwrap();
    age.stdin.take().unwrap().write_all(plain.as_bytes()).unwrap();
    let output = age.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn the_post_quantum_plugin_of_age_opens_several_files_at_once() {
    if !are_there(&["age", "age-plugin-pq"]) {
        return;
    }
    let [ours, other] = [7, 8].map(|byte| bech32_encode(Hrp::parse("age-plugin-pq-").unwrap(), &[byte; 32]).to_uppercase());
    let directory = tempfile::tempdir().unwrap();
    let encrypted = [(&ours, "one"), (&other, "two"), (&ours, "three")].map(|(identity, plain)| {
        let file = directory.path().join("identity");
        fs::write(&file, identity).unwrap();
        by_age(&["--encrypt", "--identity", file.to_str().unwrap()], plain)
    });
    let shown: Vec<_> = encrypted.iter().map(|message| stanzas(message).unwrap()).collect();
    let identity = PluginIdentity::parse(&ours).unwrap();
    let results = crate::keys::programs::plugin::unwrap(
        identity.plugin(),
        String::new(),
        &[&identity],
        &shown,
        &Asking::Nobody,
        TIMEOUT,
        false,
    );
    let opened: Vec<_> = results
        .into_iter()
        .zip(&encrypted)
        .map(|(key, message)| key.map(|key| content(message, key)).map_err(|failure| failure.to_string()))
        .collect();
    assert_eq!(opened[0], Ok(Some(b"one".to_vec())));
    assert_eq!(opened[1], Err("no identity of age-plugin-pq fits".to_owned()));
    assert_eq!(opened[2], Ok(Some(b"three".to_vec())));
}

#[test]
fn the_passphrase_plugin_of_age_opens_and_says_what_is_wrong() {
    if !are_there(&["age", "age-plugin-batchpass"]) {
        return;
    }
    let identity = bech32_encode(Hrp::parse("age-plugin-batchpass-").unwrap(), b"").to_uppercase();
    let identity = PluginIdentity::parse(&identity).unwrap();
    let Some(directory) = std::env::var_os("TEST_DIRECTORY").map(PathBuf::from) else {
        let directory = tempfile::tempdir().unwrap();
        let again = |passphrase: Option<&str>| {
            let mut again = this_test("decrypting::the_passphrase_plugin_of_age_opens_and_says_what_is_wrong");
            again
                .env("TEST_DIRECTORY", directory.path())
                .env("AGE_PASSPHRASE_WORK_FACTOR", "10");
            again
                .env_remove(PASSPHRASE)
                .envs(passphrase.map(|passphrase| (PASSPHRASE, passphrase)));
            let output = again.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            fs::read_to_string(directory.path().join("outcome")).unwrap()
        };
        assert_eq!(again(Some("right")), "plain");
        assert_eq!(again(Some("wrong")), "age-plugin-batchpass: incorrect passphrase");
        let unset = "age-plugin-batchpass: either AGE_PASSPHRASE or AGE_PASSPHRASE_FD must be set";
        assert_eq!(again(None), unset);
        return;
    };
    let file = directory.join("message");
    if !file.exists() {
        fs::write(&file, by_age(&["--encrypt", "-j", "batchpass"], "plain")).unwrap();
    }
    let message = fs::read(file).unwrap();
    let mut results = crate::keys::programs::plugin::unwrap(
        "batchpass",
        String::new(),
        &[&identity],
        &[stanzas(&message).unwrap()],
        &Asking::Nobody,
        TIMEOUT,
        false,
    );
    let outcome = match results.remove(0) {
        Ok(key) => String::from_utf8(content(&message, key).unwrap()).unwrap(),
        Err(failure) => failure.to_string(),
    };
    fs::write(directory.join("outcome"), outcome).unwrap();
}
