//! The keyring as a whole: real keys in real files against real age messages.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ::age::Recipient;
use ::age::armor::{ArmoredWriter, Format};
use ::age::secrecy::ExposeSecret;
use ::age::x25519;
use tempfile::TempDir;

use super::*;

const DATA_KEY: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

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

    /// A new SSH key, or nothing, said aloud, without ssh-keygen.
    fn ssh_key(&self, name: &str, arguments: &[&str]) -> Option<PathBuf> {
        let path = self.path(name);
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-C", "a comment", "-f"])
            .arg(&path)
            .args(arguments);
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

    /// A text of the report or of a notice with this host's directory taken out.
    fn plain(&self, text: &str) -> String {
        text.replace(self.0.path().to_str().unwrap(), "/keys")
    }

    /// The notices of a keyring, one a line.
    fn notices(&self, keyring: &Keyring) -> Vec<String> {
        let notices = keyring.notices().iter();
        notices
            .map(|notice| self.plain(&notice.to_string()))
            .collect()
    }
}

/// A named file, asked for by name.
fn named(path: impl Into<PathBuf>) -> KeyFile {
    KeyFile {
        path: path.into(),
        is_default: false,
    }
}

/// The keyring of an age identity file.
fn of_age_file(path: impl Into<PathBuf>) -> Keyring {
    Keyring::load(&KeySources {
        age_key_file: Some(named(path)),
        ..KeySources::default()
    })
}

/// The keyring of an SSH key.
fn of_ssh_key(path: impl Into<PathBuf>) -> Keyring {
    Keyring::load(&KeySources {
        age_ssh_keys: vec![named(path)],
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

/// The entry for the public key beside an SSH private key.
fn entry_for_ssh(path: &Path) -> MasterKey {
    let public = fs::read_to_string(path.with_extension("pub")).unwrap();
    let recipient: ::age::ssh::Recipient = public.trim().parse().unwrap();
    entry(public.trim(), message(&[&recipient], DATA_KEY))
}

/// A file with one group of keys.
fn groups(keys: Vec<MasterKey>) -> KeyGroups {
    KeyGroups {
        groups: vec![KeyGroup { keys }],
        threshold: 0,
    }
}

/// Whether the keyring gets the data key of a file with these keys.
fn opens(keyring: &Keyring, keys: Vec<MasterKey>) -> bool {
    keyring
        .data_key(&groups(keys))
        .is_ok_and(|key| key.expose() == DATA_KEY)
}

#[test]
fn an_age_identity_opens_what_is_encrypted_to_it() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    assert!(opens(&keyring, vec![entry_for(&identity.to_public())]));
    assert_eq!(host.notices(&keyring), [""; 0]);
}

#[test]
fn an_ed25519_key_opens_the_converted_and_the_native_recipient() {
    let host = Host::new();
    let Some(path) = host.ssh_key("id", &["-t", "ed25519"]) else {
        return;
    };
    let keyring = of_ssh_key(&path);
    let [Notice::Imported { recipient, .. }] = keyring.notices() else {
        panic!("{:?}", keyring.notices())
    };
    assert!(opens(
        &keyring,
        vec![entry_for(&recipient.parse().unwrap())]
    ));
    assert!(opens(&keyring, vec![entry_for_ssh(&path)]));
}

#[test]
fn an_rsa_key_opens_the_native_recipient_in_both_of_its_forms() {
    let host = Host::new();
    for form in ["RFC4716", "PEM"] {
        let Some(path) = host.ssh_key(form, &["-t", "rsa", "-b", "2048", "-m", form]) else {
            return;
        };
        let keyring = of_ssh_key(&path);
        assert_eq!(host.notices(&keyring), [""; 0]);
        assert!(opens(&keyring, vec![entry_for_ssh(&path)]), "{form}");
    }
}
