//! Tests of the keyring as a whole, with real keys in real files, and with real age messages.
//!
//! Tests that need ssh-keygen or age are skipped if the program is missing. A line on standard error says so.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ::age::{
    Recipient,
    armor::{ArmoredReader, ArmoredWriter, Format},
    secrecy::ExposeSecret,
    x25519,
};
use tempfile::TempDir;

use super::{
    effort::{Effort, Tries},
    failure::EntryFailure,
    identity::Identity,
    place::Place,
    problem::{Cause, Problem},
    *,
};
use crate::{
    sops::{
        metadata::{KeyGroup, KeyGroups, MasterKey},
        proof::KeyProof,
        remote::{RemoteKey, Service},
    },
    system::{plaintext::Plaintext, read::ReadError},
};

mod groups;
mod recovery;
mod report;
mod sources;
mod vectors;

/// The key of test 1 in RFC 8032, 7.1, in the form in which ssh-keygen writes keys.
const SSH_KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGgAAAIgBAgMEAQID
BAAAAAtzc2gtZWQyNTUxOQAAACDXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg
AAAECdYbGd7/1aYLqESvSS7CzEREnFaXsyaRlwO6wDHK5/YNdamAGCsQq31Uv+08lkBzoO
4XLz2qYjJa8CGmj3B1EaAAAABHRlc3QB
-----END OPENSSH PRIVATE KEY-----
";
/// The age recipient that ssh-to-age gives for [`SSH_KEY`].
const CONVERTED: &str = "age1mp0q0mpzkzkcs9fhct6y6e3drg2re7psc4av5sc9mpw84y8kkchq6r9kjp";
/// The fingerprint that ssh-keygen gives for [`SSH_KEY`].
const SSH_FINGERPRINT: &str = "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8";
/// An SSH key of somebody else, and its fingerprint.
const OTHER_SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICFrs5OngYGD5FHUaYqr3gAk7NApAuFCL3cVaHLSWRXL";
const OTHER_FINGERPRINT: &str = "SHA256:8uOZfMi35CWwC9kgBAV5WownArYZ/ByRLKsz7nICPa4";

const DATA_KEY: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// The words that tell a person to run sops on the file of these tests.
fn run(arguments: &str) -> String {
    let directory = if arguments == "updatekeys" {
        "and in the directory of .sops.yaml "
    } else {
        ""
    };
    format!("{directory}run: sops {arguments} secrets/db.yaml")
}

/// A directory for the key files of one test.
struct Host(TempDir);

impl Host {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A key file with the mode that it should have.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Makes an SSH key. Returns `None`, and prints a line, if there is no ssh-keygen, or no age, which encrypts to the key.
    fn ssh_key(&self, name: &str, arguments: &[&str]) -> Option<PathBuf> {
        if let Err(error) = Command::new("age").arg("--version").output() {
            eprintln!("SKIPPED: age: {error}");
            return None;
        }
        let path = self.path(name);
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-C", "a comment", "-f"]).arg(&path).args(arguments);
        if !arguments.contains(&"-N") {
            command.args(["-N", ""]);
        }
        match command.stdin(Stdio::null()).status() {
            Ok(status) => {
                assert!(status.success(), "ssh-keygen {arguments:?}");
                Some(path)
            }
            Err(error) => {
                eprintln!("SKIPPED: ssh-keygen: {error}");
                None
            }
        }
    }

    /// The text of a report or of a notice, with `/keys` in place of the directory of this host.
    fn plain(&self, text: &str) -> String {
        text.replace(self.0.path().to_str().unwrap(), "/keys")
    }

    /// The notices of a keyring, as texts.
    fn notices(&self, keyring: &Keyring) -> Vec<String> {
        let notices = keyring.notices.iter();
        notices.map(|notice| self.plain(&notice.to_string())).collect()
    }
}

/// A key file that the configuration names.
fn named(path: impl Into<PathBuf>) -> KeyFile {
    KeyFile {
        path: path.into(),
        is_default: false,
    }
}

/// A file with an SSH key that the configuration names.
fn ssh_named(path: impl Into<PathBuf>) -> SshKeyFile {
    SshKeyFile {
        file: named(path),
        is_for_pgp: false,
    }
}

/// The data key of a file with these groups. Every key is accepted as the data key.
fn data_key(keyring: &Keyring, groups: &KeyGroups) -> Result<Plaintext, NoKey> {
    let mut recovery = DataKeyRecovery::new(groups, KeyProof::none());
    keyring.open(&mut recovery);
    keyring.finish(recovery)
}

/// The keyring of an age identity file.
fn of_age_file(path: impl Into<PathBuf>) -> Keyring {
    Keyring::load(&KeySources {
        age_key_files: vec![named(path)],
        ..KeySources::default()
    })
}

/// The keyring of an SSH key.
fn of_ssh_key(path: impl Into<PathBuf>) -> Keyring {
    Keyring::load(&KeySources {
        ssh_keys: vec![ssh_named(path)],
        ..KeySources::default()
    })
}

/// An age identity as text.
fn secret(identity: &x25519::Identity) -> String {
    identity.to_string().expose_secret().to_owned()
}

/// An armored message for `recipients`.
fn message(recipients: &[&dyn Recipient], content: &[u8]) -> String {
    let encryptor = ::age::Encryptor::with_recipients(recipients.iter().copied()).unwrap();
    let mut armored = Vec::new();
    let armor = ArmoredWriter::wrap_output(&mut armored, Format::AsciiArmor).unwrap();
    let mut writer = encryptor.wrap_output(armor).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap().finish().unwrap();
    String::from_utf8(armored).unwrap()
}

/// An armored message of the real age for `recipient`, which may be an SSH key.
fn message_of_age(recipient: &str) -> String {
    let mut command = Command::new("age");
    command.args(["--armor", "--recipient", recipient]);
    let mut age = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    age.stdin.take().unwrap().write_all(DATA_KEY).unwrap();
    let written = age.wait_with_output().unwrap();
    assert!(written.status.success(), "age for {recipient}");
    String::from_utf8(written.stdout).unwrap()
}

/// An age entry of a sops file.
fn entry(recipient: &str, encrypted: String) -> MasterKey {
    MasterKey::Age {
        recipient: recipient.to_owned(),
        encrypted,
    }
}

/// An entry for an age identity.
fn entry_for(recipient: &x25519::Recipient) -> MasterKey {
    entry(&recipient.to_string(), message(&[recipient], DATA_KEY))
}

/// The entry for the public key in the file beside an SSH private key.
fn entry_for_ssh(path: &Path) -> MasterKey {
    let public = fs::read_to_string(path.with_extension("pub")).unwrap();
    entry(public.trim(), message_of_age(public.trim()))
}

/// The key groups of a file with only one group.
fn groups(keys: Vec<MasterKey>) -> KeyGroups {
    KeyGroups {
        groups: vec![KeyGroup { keys }],
        threshold: 0,
    }
}

/// Whether the keyring gets the data key of a file with these keys.
fn opens(keyring: &Keyring, keys: Vec<MasterKey>) -> bool {
    data_key(keyring, &groups(keys)).is_ok_and(|key| key.expose() == DATA_KEY)
}

/// The bytes of an age message under their armor.
fn unarmored(message: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    ArmoredReader::new(message.as_bytes()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Bytes under armor.
fn armored(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    let mut armor = ArmoredWriter::wrap_output(&mut text, Format::AsciiArmor).unwrap();
    armor.write_all(bytes).unwrap();
    armor.finish().unwrap();
    String::from_utf8(text).unwrap()
}

/// A message whose bytes were changed.
fn changed(message: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = unarmored(message);
    change(&mut bytes);
    armored(&bytes)
}

/// A message with a piece of its header replaced.
fn replaced(message: &str, from: &str, to: &str) -> String {
    changed(message, |bytes| {
        let at = bytes
            .windows(from.len())
            .position(|window| window == from.as_bytes())
            .unwrap();
        bytes.splice(at..at + from.len(), to.bytes());
    })
}
