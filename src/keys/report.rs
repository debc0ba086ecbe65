//! Why no key of this host opens a file, told so that somebody can do something about it.

use std::fmt;

use super::age::Failure;
use super::identity::Identity;
use super::notice::Problem;
use super::ssh;
use crate::sops::metadata::{KeyGroups, MasterKey, Service};

/// The most characters shown of a name that a file chose. The longest real one is a post-quantum recipient of nearly 2,000.
const MAX_NAME: usize = 200;

/// How opening one age entry of a file failed.
pub(super) struct Attempt {
    /// The recipient as the file names it.
    pub recipient: String,
    /// What went wrong.
    pub failure: Failure,
}

/// No key of this host opens a file.
///
/// `Display` gives the reason in a line; [`NoKey::report`] gives all that was tried.
#[derive(Debug)]
pub struct NoKey {
    groups: Vec<Vec<Lock>>,
    threshold: usize,
    keys: Vec<Key>,
    problems: Vec<Problem>,
}

/// One way into a file.
#[derive(Debug)]
struct Lock {
    kind: &'static str,
    /// What makes this way closed to every host for now.
    unsupported: Option<&'static str>,
    /// The name as people compare it.
    shown: String,
    /// What is wrong with this entry, for whoever holds the key.
    fault: Option<String>,
    /// Whether this host holds the key.
    ours: bool,
}

/// One key of this host.
#[derive(Debug)]
struct Key {
    /// The recipient to paste into a `.sops.yaml`.
    recipient: String,
    /// The recipient as people compare it.
    shown: String,
    /// Where it comes from.
    source: String,
    /// Whether it is an SSH key as itself, which is the second choice for a `.sops.yaml`.
    is_ssh: bool,
}

impl NoKey {
    /// Gathers what the report needs, so that it can be written when the keys are long gone.
    pub(super) fn new(
        groups: &KeyGroups,
        attempts: &[Attempt],
        identities: &[Identity],
        problems: &[Problem],
    ) -> Self {
        let lock = |key| Lock::new(key, attempts, identities);
        Self {
            groups: groups
                .groups
                .iter()
                .map(|group| group.keys.iter().map(lock).collect())
                .collect(),
            threshold: if groups.threshold == 0 {
                groups.groups.len()
            } else {
                groups.threshold
            },
            keys: identities.iter().map(Key::new).collect(),
            problems: problems.to_vec(),
        }
    }

    /// What can open the file, what this host has, and what to do: lines to stand below one that names the file. `file` is its name
    /// as the person who would type `sops updatekeys` knows it. The text ends with a line break.
    #[must_use]
    pub fn report(&self, file: &str) -> String {
        let mut lines = self.lines_of_file();
        lines.extend(self.lines_of_host());
        lines.extend(
            self.hint(&quoted(file))
                .map(|hint| format!("  hint: {hint}")),
        );
        lines
            .iter()
            .flat_map(|line| [line.as_str(), "\n"])
            .collect()
    }

    /// Who can open the file.
    fn lines_of_file(&self) -> Vec<String> {
        if let [group] = self.groups.as_slice() {
            let heading = if group.is_empty() {
                "  this file names no key"
            } else {
                "  this file can be opened by"
            };
            return std::iter::once(heading.to_owned())
                .chain(group.iter().map(|lock| lock.line("    ")))
                .collect();
        }
        let mut lines = vec![format!("  {self}")];
        for (number, group) in (1..).zip(&self.groups) {
            lines.push(format!("    group {number}"));
            lines.extend(group.iter().map(|lock| lock.line("      ")));
        }
        lines
    }

    /// Which keys there are, and which there are not.
    fn lines_of_host(&self) -> Vec<String> {
        if self.keys.is_empty() && self.problems.is_empty() {
            return vec!["  this host has no key: none is named".to_owned()];
        }
        let keys = self
            .keys
            .iter()
            .map(|key| format!("    {}  from {}", key.shown, key.source));
        let problems = self
            .problems
            .iter()
            .map(|problem| format!("    (no key)  {problem}"));
        std::iter::once("  this host has".to_owned())
            .chain(keys)
            .chain(problems)
            .collect()
    }

    /// What to do.
    fn hint(&self, file: &str) -> Option<String> {
        if self.groups.len() > 1 {
            return None;
        }
        if let Some(lock) = self.locks().find(|lock| lock.ours) {
            let shown = &lock.shown;
            return Some(format!(
                "this host has the key {shown}, but the part of {file} that is meant for it is damaged; \
                 restore the file, or where another key opens it run: sops rotate --in-place {file}"
            ));
        }
        let best = self
            .keys
            .iter()
            .find(|key| !key.is_ssh)
            .or(self.keys.first());
        Some(match best {
            Some(key) => format!(
                "add {} to .sops.yaml, run: sops updatekeys {file}",
                key.recipient
            ),
            None => "give this host a key: set sops.age.sshKeyPaths to its SSH host key, \
                     or sops.age.keyFile to a file made with age-keygen"
                .to_owned(),
        })
    }

    /// All ways in.
    fn locks(&self) -> impl Iterator<Item = &Lock> {
        self.groups.iter().flatten()
    }

    /// The kinds of keys that could open the file, when none of them is supported.
    fn unsupported(&self) -> Option<String> {
        let mut kinds = Vec::new();
        for lock in self.locks() {
            let kind = lock.unsupported?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        (!kinds.is_empty()).then(|| kinds.join(" or "))
    }
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.groups.len();
        if groups > 1 {
            return write!(
                f,
                "needs {} of {groups} key groups; key groups are not supported yet",
                self.threshold
            );
        }
        match self.unsupported() {
            Some(kinds) => write!(
                f,
                "can be opened only by {kinds}, which is not supported yet"
            ),
            None => f.write_str("no key of this host opens it"),
        }
    }
}

impl std::error::Error for NoKey {}

impl Lock {
    fn new(key: &MasterKey, attempts: &[Attempt], identities: &[Identity]) -> Self {
        match key {
            MasterKey::Age { recipient, .. } => Self::age(recipient, attempts, identities),
            MasterKey::Pgp { fingerprint, .. } => Self::unsupported("pgp", "OpenPGP", fingerprint),
            MasterKey::Remote { service, name } => {
                let kind = service_name(*service);
                Self::unsupported(kind, kind, name)
            }
        }
    }

    fn age(recipient: &str, attempts: &[Attempt], identities: &[Identity]) -> Self {
        let failure = attempts
            .iter()
            .find(|attempt| attempt.recipient == recipient)
            .map(|attempt| attempt.failure);
        let ours = identities
            .iter()
            .any(|identity| identity.is_named(recipient));
        Self {
            kind: "age",
            unsupported: unsupported_age(recipient),
            shown: ssh::shown_recipient(recipient).unwrap_or_else(|| printable(recipient)),
            fault: failure.and_then(|failure| fault(failure, ours)),
            ours,
        }
    }

    fn unsupported(kind: &'static str, what: &'static str, name: &str) -> Self {
        Self {
            kind,
            unsupported: Some(what),
            shown: printable(name),
            fault: None,
            ours: false,
        }
    }

    fn line(&self, indent: &str) -> String {
        let note = match (&self.fault, self.unsupported) {
            (Some(fault), _) => format!(" ({fault})"),
            (None, Some(_)) => " (not supported yet)".to_owned(),
            (None, None) => String::new(),
        };
        format!("{indent}{}  {}{note}", self.kind, self.shown)
    }
}

impl Key {
    fn new(identity: &Identity) -> Self {
        let converted = if identity.is_converted() {
            " (converted)"
        } else {
            ""
        };
        Self {
            recipient: identity.recipient().to_owned(),
            shown: identity.shown(),
            source: format!("{}{converted}", identity.place()),
            is_ssh: identity.is_ssh(),
        }
    }
}

/// What keeps an age recipient of this kind from being of use, whoever holds its key. The name is a hint only, but all that there is.
fn unsupported_age(recipient: &str) -> Option<&'static str> {
    let prefix = recipient.rsplit_once('1').map_or("", |(prefix, _)| prefix);
    match prefix {
        "age" | "" => None,
        "age1pq" => Some("a post-quantum age key"),
        _ if recipient.starts_with("age1") => Some("an age plugin"),
        _ => None,
    }
}

/// What is wrong with an age entry.
fn fault(failure: Failure, ours: bool) -> Option<String> {
    Some(match failure {
        Failure::NotOurs if ours => "damaged: not encrypted to this recipient".to_owned(),
        Failure::NotOurs => return None,
        Failure::TooLarge => "damaged: too large for an age message with a data key".to_owned(),
        Failure::BadArmor => "damaged: not an armored age message".to_owned(),
        Failure::BadHeader => "damaged: the header of the age message cannot be read".to_owned(),
        Failure::Damaged => {
            "damaged: this host has the key, but the content was altered".to_owned()
        }
        Failure::BadLength(length) => {
            format!("damaged: holds {length} bytes, which is no data key")
        }
    })
}

/// The name of a key service as its users know it.
fn service_name(service: Service) -> &'static str {
    match service {
        Service::AwsKms => "AWS KMS",
        Service::GcpKms => "Google Cloud KMS",
        Service::AzureKeyVault => "Azure Key Vault",
        Service::HashicorpVault => "HashiCorp Vault",
        Service::HuaweiKms => "Huawei Cloud KMS",
    }
}

/// A name that a file chose, safe to print: one line, no control characters, not endless.
fn printable(name: &str) -> String {
    let mut text: String = name
        .trim()
        .chars()
        .take(MAX_NAME)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if name.trim().chars().nth(MAX_NAME).is_some() {
        text.push('…');
    }
    text
}

/// A file name as a shell takes it.
fn quoted(file: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%=".contains(c);
    if !file.is_empty() && file.chars().all(is_plain) {
        file.to_owned()
    } else {
        format!("'{}'", file.replace('\'', r"'\''"))
    }
}
