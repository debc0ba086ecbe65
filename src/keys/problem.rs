//! What is wrong with a key source: where, why, and what to do about it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::foreign::{Foreign, USABLE_SSH_KEY};
use crate::{
    system::{child::ChildError, read::ReadError, root::SSHD},
    text::{encoding::Encoding, shell},
};

/// A source, or a part of one, that gave no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// Why.
    pub cause: Cause,
}

/// Where a key comes from, or should have come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Variable(&'static str),
    /// A systemd credential.
    Credential(String),
    /// A line, counted from 1, of a source.
    Line(usize, Box<Place>),
}

/// Why a source gave no key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The file could not be read.
    File(ReadError),
    /// There is no such file. The kind is that of the key that it should hold.
    NoFile(KeyKind),
    /// There is a symlink in its place, which leads to no file.
    LeadsNowhere,
    /// There is no such directory. It should be a `GnuPG` home.
    NoHome,
    /// A source of age identities in which no line could be one.
    NoIdentity,
    /// A line that is no age identity.
    BadLine,
    /// A text that was written in another encoding or with other line ends.
    Encoding(Encoding),
    /// The number of further bad lines, after those that were reported one by one.
    MoreBadLines(usize),
    /// A line that is an age recipient.
    RecipientLine,
    /// An age identity file that is itself encrypted.
    EncryptedIdentities,
    /// An SSH key where an age identity file was expected.
    SshKey,
    /// A public SSH key where a private one was expected.
    PublicSshKey,
    /// An SSH private key that is encrypted with a passphrase.
    EncryptedSshKey,
    /// An SSH private key of a kind that age does not know.
    UnknownSshKind(String),
    /// An SSH private key that is encrypted with a passphrase, in the form PKCS#8, which other programs than OpenSSH write.
    EncryptedPkcs8,
    /// It looks like an SSH private key but cannot be read as one.
    DamagedSshKey(Damage),
    /// A key of another kind.
    Foreign(Foreign),
    /// It does not look like an SSH private key at all.
    NoSshKey,
    /// No unit gave us credentials.
    NoCredentials,
    /// A command line that is empty, or ends within quotes.
    NoCommand,
    /// A key command that did not run to its end: the name of its program, and the error.
    Command(String, ChildError),
    /// A key command that reported a failure: the name of its program, and its exit status in the system's words.
    CommandFailed(String, String),
    /// A plugin failed. The text is its own message or one of ours.
    Program(String),
}

/// The kind of key that a file should hold. The order is that in which making a missing key is recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyKind {
    /// age identities.
    Identities,
    /// An SSH private key of any kind; a new one would be ed25519.
    Ssh,
    /// An SSH private key that should be RSA.
    SshRsa,
}

/// What is wrong with an SSH private key. OpenSSH refuses all of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The last line of its text is not there.
    NoEnd,
    /// Its text is not base64.
    Base64,
    /// The data end within a field.
    CutOff,
    /// A field does not have the form that belongs there.
    Form,
    /// It does not hold exactly one key.
    SeveralKeys,
    /// Data follow the key, or its length is no whole number of blocks.
    Length,
    /// The two check numbers, which must be equal, differ.
    CheckNumbers,
    /// The padding is not 1, 2, 3 and so on.
    Padding,
    /// Its public half belongs to another key.
    PublicHalf,
}

impl Place {
    /// A line of this place.
    pub(crate) fn line(&self, number: usize) -> Self {
        Self::Line(number, Box::new(self.clone()))
    }

    /// The whole source: this place itself, or the source of which it is a line.
    pub(crate) fn source(&self) -> Self {
        match self {
            Self::Line(_, place) => place.source(),
            source => source.clone(),
        }
    }

    /// The path of the file, if this place is a file or a line of one.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Variable(_) | Self::Credential(_) => None,
            Self::Line(_, place) => place.path(),
        }
    }
}

impl Problem {
    /// The kind of a host key of sshd, if the problem is that its file is missing.
    pub(crate) fn missing_host_key(&self) -> Option<KeyKind> {
        match self.cause {
            Cause::NoFile(kind) if self.place.path()?.starts_with(SSHD) => Some(kind),
            _ => None,
        }
    }

    /// Whether the problem is that the program failed that has the key of `place`.
    pub(crate) fn is_of_program_for(&self, place: &Place) -> bool {
        matches!(self.cause, Cause::Program(_)) && (self.place == *place || self.place == place.source())
    }

    /// What to do about the problem, if something can be done on this host.
    pub(crate) fn remedy(&self) -> Option<String> {
        self.cause.remedy().map(str::to_owned).or_else(|| self.remedy_at(&self.place))
    }

    /// What to do at `place`, by its name.
    fn remedy_at(&self, place: &Place) -> Option<String> {
        match (&self.cause, place) {
            (_, Place::Line(_, source)) => self.remedy_at(source),
            (Cause::NoFile(_), Place::Credential(name)) => Some(format!(
                "let the unit load it: LoadCredential={name}:… or LoadCredentialEncrypted={name}:…"
            )),
            (cause, Place::File(path)) => cause.remedy_of_file(path),
            _ => None,
        }
    }
}

impl Cause {
    /// What to do about it, wherever it is.
    fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::File(ReadError::Refused(reason)) if reason == "permission denied" => {
                Some("ask its owner for the right to read it, or name a key of your own")
            }
            Self::File(ReadError::TooLarge(_) | ReadError::NotRegular(_)) => Some("name a key file"),
            Self::File(error) => error.remedy(),
            Self::LeadsNowhere => Some("restore the file that it leads to, or mount the file system that has it"),
            Self::NoHome => Some("restore it, or correct sops.gnupg.home or GNUPGHOME"),
            Self::BadLine => Some("correct or remove it"),
            Self::RecipientLine => Some("put the identity in its place, which begins with AGE-SECRET-KEY-1"),
            Self::SshKey => Some("name it in sops.age.sshKeyPaths"),
            Self::PublicSshKey => Some("name the private key that belongs to it"),
            Self::UnknownSshKind(_) => Some(USABLE_SSH_KEY),
            Self::DamagedSshKey(_) | Self::NoSshKey => Some("restore it, or name another key"),
            Self::NoCredentials => Some("start the unit that loads it, instead of this program by hand"),
            Self::NoCommand => Some("check its quotes"),
            Self::Foreign(foreign) => foreign.remedy(),
            _ => None,
        }
    }

    /// What to do about it in the file at `path`, with a command to type.
    fn remedy_of_file(&self, path: &Path) -> Option<String> {
        if let Self::NoFile(kind) = self {
            return Some(kind.remedy(path));
        }
        let text = shell::path(&path.with_added_extension("txt"));
        let plain = shell::path(&path.with_added_extension("plain"));
        let path = shell::path(path);
        match self {
            Self::NoIdentity => Some(format!(
                "restore it, or if there never was a key in it, run: age-keygen >> {path}"
            )),
            Self::EncryptedIdentities => Some(format!(
                "name a decrypted copy instead; to make one, run: (umask 077; age --decrypt --output {text} {path})"
            )),
            Self::EncryptedSshKey => Some(format!(
                "use a key without a passphrase; to remove the passphrase of this one, run: ssh-keygen -p -N '' -f {path}"
            )),
            Self::EncryptedPkcs8 => Some(format!(
                "name a decrypted copy instead; to make one, run: (umask 077; openssl pkey -in {path} -out {plain})"
            )),
            Self::Foreign(foreign) => Some(format!(
                "name a converted copy instead; to make one, run: {}",
                foreign.conversion(&path)?
            )),
            Self::Encoding(encoding) => Some(format!("run: {}", encoding.command(&path))),
            _ => None,
        }
    }
}

impl KeyKind {
    /// What to do if there is no file at `path`. The key may still exist, for example on a disk that is not mounted, and this program
    /// cannot tell. So restoring it comes first, and making a new one last.
    fn remedy(self, path: &Path) -> String {
        let directory = shell::path(path.parent().unwrap_or(path));
        let path = shell::path(path);
        let make = match self {
            Self::Identities => format!("age-keygen -o {path}"),
            Self::Ssh => format!("ssh-keygen -q -t ed25519 -N '' -f {path}"),
            Self::SshRsa => format!("ssh-keygen -q -t rsa -b 4096 -N '' -f {path}"),
        };
        format!("restore or mount it, or if there never was one, run: mkdir -p {directory} && {make}")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => f.write_str(name),
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::Line(number, place) => write!(f, "line {number} of {place}"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::NoFile(_) => ReadError::Missing.fmt(f),
            Self::LeadsNowhere => f.write_str("it is a symlink that leads to no file"),
            Self::NoHome => f.write_str("no such directory"),
            Self::NoIdentity => f.write_str("it holds no age identity"),
            Self::BadLine => f.write_str("it is not an age identity"),
            Self::MoreBadLines(1) => f.write_str("1 more line is not an age identity"),
            Self::MoreBadLines(count) => {
                write!(f, "{count} more lines are not age identities")
            }
            Self::RecipientLine => f.write_str("it is an age recipient, which is a public key and cannot decrypt"),
            Self::EncryptedIdentities => f.write_str("it is encrypted with a passphrase, which this program never asks for"),
            Self::SshKey => f.write_str("it is an SSH key, not an age identity"),
            Self::PublicSshKey => f.write_str("it is a public SSH key"),
            Self::EncryptedSshKey | Self::EncryptedPkcs8 => {
                f.write_str("it is protected by a passphrase, which this program never asks for")
            }
            Self::UnknownSshKind(kind) if kind.starts_with("sk-") => {
                write!(f, "it is an SSH key of kind {kind}, which can sign but not decrypt")
            }
            Self::UnknownSshKind(kind) => write!(f, "it is an SSH key of kind {kind}, which age cannot use"),
            Self::DamagedSshKey(damage) => write!(f, "it is a damaged SSH private key: {damage}"),
            Self::Foreign(foreign) => foreign.fmt(f),
            Self::Encoding(encoding) => encoding.fmt(f),
            Self::NoSshKey => f.write_str("it is not an SSH private key"),
            Self::NoCredentials => f.write_str("no systemd unit gave this process credentials"),
            Self::NoCommand => f.write_str("it is not a command"),
            Self::Command(program, error) => write!(f, "{program}: {error}"),
            Self::CommandFailed(program, status) => write!(f, "{program} failed with {status}"),
            Self::Program(words) => f.write_str(words),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEnd => "its last line, -----END …-----, is missing",
            Self::Base64 => "its text is not valid base64",
            Self::CutOff => "its end is missing",
            Self::Form => "its content is not that of a key",
            Self::SeveralKeys => "it does not hold exactly one key",
            Self::Length => "its length is wrong",
            Self::CheckNumbers => "its two check numbers differ",
            Self::Padding => "its padding is wrong",
            Self::PublicHalf => "its public half belongs to another key",
        })
    }
}
