//! Tests with real plugin processes: our own `age-plugin-test`, which does what its identity says, and the plugins of age itself.

use std::{
    ffi::OsString,
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use ::age::secrecy::ExposeSecret as _;
use age_core::{
    format::{FileKey, Stanza},
    primitives::bech32_encode,
};
use bech32::Hrp;
use tempfile::TempDir;

use super::{asking::Asking, failure::PluginFailure, program::Program};
use crate::{keys::age::PluginIdentity, system::progress::Progress};

mod decrypting;
mod failing;
mod opening;
mod terminal;

/// A longer time than any conversation takes in these tests, unless the plugin misbehaves.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The directory of `age-plugin-test`, as a search path.
fn plugins() -> OsString {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugin").into()
}

/// An identity of `age-plugin-test` for the key `name`. The identity tells the plugin to do `actions`.
fn identity(name: &str, actions: &[&str]) -> PluginIdentity {
    let payload = [&[name], actions].concat().join("\n");
    let text = bech32_encode(Hrp::parse("age-plugin-test-").unwrap(), payload.as_bytes()).to_uppercase();
    PluginIdentity::parse(&text).unwrap()
}

/// The file key of the message with this number.
fn key_of(number: u8) -> [u8; 16] {
    [number + 1; 16]
}

/// One message for each of `numbers`. Each message has a stanza of a kind that `age-plugin-test` does not know, and then a stanza
/// for the key `name` of that plugin.
fn messages(name: &str, numbers: impl IntoIterator<Item = u8>) -> Vec<Vec<Stanza>> {
    let wrapped = numbers.into_iter().map(|number| wrap(name, &key_of(number)));
    wrapped
        .map(|stanza| {
            let unknown = Stanza {
                tag: "unknown".to_owned(),
                args: vec![],
                body: vec![0; 48],
            };
            vec![unknown, stanza]
        })
        .collect()
}

/// The stanza in which `age-plugin-test` wraps a file key. The program itself defines the form of this stanza.
fn wrap(name: &str, key: &[u8]) -> Stanza {
    use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
    use sha2::{Digest as _, Sha256};
    let number = [7; 8];
    let pad = Sha256::digest([b"age-plugin-test\0", name.as_bytes(), b"\0", &number].concat());
    Stanza {
        tag: "test".to_owned(),
        args: vec![BASE64_STANDARD_NO_PAD.encode(name), BASE64_STANDARD_NO_PAD.encode(number)],
        body: key.iter().zip(pad).map(|(a, b)| a ^ b).collect(),
    }
}

/// The file key, or the failure as text.
type KeyOrReason = Result<[u8; 16], String>;

fn told(result: Result<FileKey, PluginFailure>) -> KeyOrReason {
    result.map(|key| *key.expose_secret()).map_err(|failure| failure.to_string())
}

/// The results that `age-plugin-test` gives for `messages`.
fn ask(identities: &[&PluginIdentity], messages: &[Vec<Stanza>], asking: &Asking, timeout: Duration) -> Vec<KeyOrReason> {
    let results = Program::find("test", &plugins()).unwrap(identities, messages, asking, timeout, Progress::silent());
    results.into_iter().map(told).collect()
}

/// The result of one identity for one message to its key, if nobody can be asked.
fn alone(actions: &[&str]) -> KeyOrReason {
    several(actions, 1).remove(0)
}

/// The results of one identity for several messages to its key, if nobody can be asked.
fn several(actions: &[&str], count: u8) -> Vec<KeyOrReason> {
    ask(&[&identity("a", actions)], &messages("a", 0..count), &Asking::Nobody, TIMEOUT)
}

/// A file to which the plugin writes what it sees.
struct Log(TempDir);

impl Log {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("log")
    }

    fn action(&self) -> String {
        format!("log {}", self.path().display())
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.path()).unwrap().lines().map(str::to_owned).collect()
    }
}

const START: &str = "start --age-plugin=identity-v1";

/// The command that runs the test `name` again, in a process of its own.
fn this_test(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("keys::programs::plugin::tests::{name}")]);
    command
}
