//! Describes a problem with a key source: the place, the cause, and the remedy.

use std::{fmt, path::Path};

use super::{
    damage::Damage,
    foreign::{Foreign, USABLE_SSH_KEY},
    place::Place,
};
use crate::{
    system::{child_error::ChildError, read::ReadError, root::SSHD},
    text::{encoding::Encoding, shell},
};

/// A key source, or a part of one, that gave no key, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key source, or the line of one, that gave no key.
    pub place: Place,
    /// The reason why the source gave no key.
    pub cause: Cause,
}

/// The reason why a key source gave no key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The file exists but could not be read.
    File(ReadError),
    /// The file is missing. The value is the kind of key that the file should hold.
    NoFile(KeyKind),
    /// The path is a symlink that leads to no file.
    LeadsNowhere,
    /// The directory that should be a `GnuPG` home is missing.
    NoHome,
    /// The source should hold age identities, but is empty or has only comments.
    NoIdentity,
    /// The line is not an age identity.
    BadLine,
    /// The line has other text beside an age identity, such as a comment or quotes.
    OtherText,
    /// The text of the source has another encoding than UTF-8, or wrong line ends.
    Encoding(Encoding),
    /// Further lines are no age identities. The value is their number, without the lines that were reported one by one.
    MoreBadLines(usize),
    /// The line is an age recipient, the public half of a key, instead of an identity.
    RecipientLine,
    /// The file of age identities is itself encrypted.
    EncryptedIdentities,
    /// The source holds an SSH key, but age identities were expected.
    SshKey,
    /// The source holds a public SSH key, but a private one was expected.
    PublicSshKey,
    /// The SSH private key is encrypted with a passphrase.
    EncryptedSshKey,
    /// The SSH private key is of a kind that age does not know. The text is the name of the kind.
    UnknownSshKind(String),
    /// The SSH private key is encrypted with a passphrase, in the form PKCS#8. Other programs than OpenSSH write this form.
    EncryptedPkcs8,
    /// The text looks like an SSH private key, but is damaged.
    DamagedSshKey(Damage),
    /// The source holds a key of another kind or form than expected.
    Foreign(Foreign),
    /// The text does not look like an SSH private key at all.
    NoSshKey,
    /// The manifest names a systemd credential, but no unit gave credentials to this process.
    NoCredentials,
    /// The command line of a key command is empty, or ends within quotes.
    NoCommand,
    /// A key command could not be started, or did not run to its end. The values are the name of its program, and the error.
    Command(String, ChildError),
    /// A key command reported a failure. The values are the name of its program, and its exit status as text.
    CommandFailed(String, String),
    /// A plugin failed. The text is a sentence of ours, which may quote the plugin's own message.
    Program(String),
}

/// The kind of key that a file should hold. The variants are in order of preference: if several keys are missing, a hint
/// recommends to make the first kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyKind {
    /// A file with age identities.
    Identities,
    /// A file with an SSH private key of any kind. If the key is missing, a hint recommends to make an ed25519 key.
    Ssh,
    /// A file with an SSH private key that should be RSA: the configuration names the key for OpenPGP, or the name of the file
    /// contains `rsa`.
    SshRsa,
}

impl Problem {
    /// The kind of key that is missing below `/etc/ssh`. Returns `None` if the problem is not a missing host key of sshd.
    pub(crate) fn missing_host_key(&self) -> Option<KeyKind> {
        match self.cause {
            Cause::NoFile(kind) if self.place.path()?.starts_with(SSHD) => Some(kind),
            _ => None,
        }
    }

    /// Whether the problem is a failure of the plugin that has the key of `place`.
    pub(crate) fn is_of_program_for(&self, place: &Place) -> bool {
        matches!(self.cause, Cause::Program(_)) && (self.place == *place || self.place == place.source())
    }

    /// Whether the file could not be read in time, or this run was told to end before the file was read. In both cases, the source
    /// may have no defect.
    pub(crate) fn is_delay(&self) -> bool {
        matches!(self.cause, Cause::File(ReadError::Late | ReadError::Stopped))
    }

    /// The remedy for the problem, as text for a message. Returns `None` if nothing can be done on this host.
    pub(crate) fn remedy(&self) -> Option<String> {
        self.cause.remedy().map(str::to_owned).or_else(|| self.remedy_at(&self.place))
    }

    /// The remedy that depends on `place`: it names the credential or the file.
    fn remedy_at(&self, place: &Place) -> Option<String> {
        match (&self.cause, place) {
            (_, Place::Line(_, source)) => self.remedy_at(source),
            (Cause::NoFile(_), Place::Credential(name)) => Some(format!(
                "add LoadCredential={name}:… or LoadCredentialEncrypted={name}:… to the unit"
            )),
            (cause, Place::File(path)) => cause.remedy_of_file(path),
            _ => None,
        }
    }
}

impl Cause {
    /// The remedy that does not depend on the place of the key.
    fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::File(ReadError::Denied) => Some("ask the owner of the file for the right to read it, or use a key of your own"),
            Self::File(ReadError::TooLarge(_) | ReadError::NotRegular(_)) => Some("give the path of a key file"),
            Self::File(ReadError::BadPath(_)) => Some("correct the path"),
            Self::File(error) => error.remedy(),
            Self::LeadsNowhere => Some("restore that file, or mount its file system"),
            Self::NoHome => Some("restore the directory, or correct sops.gnupg.home or GNUPGHOME"),
            Self::BadLine => Some("correct or remove the line"),
            Self::OtherText => Some("leave only the identity in the line; a comment has a line of its own, which begins with #"),
            Self::RecipientLine => Some("write the private key instead, which begins with AGE-SECRET-KEY-1"),
            Self::SshKey => Some("add this path to sops.age.sshKeyPaths instead"),
            Self::PublicSshKey => Some("give the path of the private key"),
            Self::UnknownSshKind(_) => Some(USABLE_SSH_KEY),
            Self::DamagedSshKey(_) | Self::NoSshKey => Some("restore the key, or give the path of another one"),
            Self::NoCredentials => Some("start the systemd unit that loads the credential, not this program by hand"),
            Self::NoCommand => Some("check the quotes in it"),
            Self::Foreign(foreign) => foreign.remedy(),
            _ => None,
        }
    }

    /// The remedy if the key source is the file at `path`. Such a remedy contains a command to type.
    fn remedy_of_file(&self, path: &Path) -> Option<String> {
        if let Self::NoFile(kind) = self {
            return Some(kind.remedy(path));
        }
        let text = shell::path(&path.with_added_extension("txt"));
        let plain = shell::path(&path.with_added_extension("plain"));
        let path = shell::path(path);
        match self {
            Self::NoIdentity => Some(format!(
                "restore the key; if the file never had one, make a key, and add its public key to .sops.yaml; to make the key, run: age-keygen >> {path}"
            )),
            Self::EncryptedIdentities => Some(format!(
                "give the path of a decrypted copy; to make one, run: (umask 077; age --decrypt --output {text} {path})"
            )),
            Self::EncryptedSshKey => Some(format!(
                "use a key without a passphrase; to remove the passphrase of this key, run: ssh-keygen -p -N '' -f {path}"
            )),
            Self::EncryptedPkcs8 => Some(format!(
                "give the path of a decrypted copy; to make one, run: (umask 077; openssl pkey -in {path} -out {plain})"
            )),
            Self::Foreign(foreign) => Some(format!(
                "give the path of a converted copy; to make one, run: {}",
                foreign.conversion(&path)?
            )),
            Self::Encoding(encoding) => Some(format!("run: {}", encoding.command(&path))),
            _ => None,
        }
    }
}

impl KeyKind {
    /// The remedy if there is no file at `path`. The key may still exist, for example on a disk that is not mounted. So the
    /// remedy first says how to get the old key back, and last how to make a new key.
    fn remedy(self, path: &Path) -> String {
        let directory = shell::path(path.parent().unwrap_or(path));
        let path = shell::path(path);
        let make = match self {
            Self::Identities => format!("age-keygen -o {path}"),
            Self::Ssh => format!("ssh-keygen -q -t ed25519 -N '' -f {path}"),
            Self::SshRsa => format!("ssh-keygen -q -t rsa -b 4096 -N '' -f {path}"),
        };
        format!(
            "restore the file; if it never existed, make a key, and add its public key to .sops.yaml; to make the key, run: mkdir -p {directory} && {make}"
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::NoFile(_) => ReadError::Missing.fmt(f),
            Self::LeadsNowhere => f.write_str("it is a symlink to a file that does not exist"),
            Self::NoHome => f.write_str("no such directory"),
            Self::NoIdentity => f.write_str("it contains no age identity"),
            Self::BadLine => f.write_str("it is not an age identity"),
            Self::OtherText => f.write_str("it has other text beside the age identity"),
            Self::MoreBadLines(1) => f.write_str("1 more line is not an age identity"),
            Self::MoreBadLines(count) => {
                write!(f, "{count} more lines are not age identities")
            }
            Self::RecipientLine => f.write_str("it is a public age key, which cannot decrypt"),
            Self::EncryptedIdentities => f.write_str("it is encrypted with a passphrase, and this program never asks for one"),
            Self::SshKey => f.write_str("it is an SSH key, not an age identity"),
            Self::PublicSshKey => f.write_str("it is a public SSH key"),
            Self::EncryptedSshKey | Self::EncryptedPkcs8 => {
                f.write_str("it is protected by a passphrase, and this program never asks for one")
            }
            Self::UnknownSshKind(kind) if kind.starts_with("sk-") => {
                write!(f, "it is an SSH key of kind {kind}, which can sign but not decrypt")
            }
            Self::UnknownSshKind(kind) => write!(f, "it is an SSH key of kind {kind}, which age cannot use"),
            Self::DamagedSshKey(damage) => write!(f, "it is a damaged SSH private key: {damage}"),
            Self::Foreign(foreign) => foreign.fmt(f),
            Self::Encoding(encoding) => encoding.fmt(f),
            Self::NoSshKey => f.write_str("it is not an SSH private key"),
            Self::NoCredentials => f.write_str("systemd gave this process no credentials"),
            Self::NoCommand => f.write_str("its value is not a command"),
            Self::Command(program, error) => write!(f, "{program}: {error}"),
            Self::CommandFailed(program, status) => write!(f, "{program} failed with {status}"),
            Self::Program(words) => f.write_str(words),
        }
    }
}
