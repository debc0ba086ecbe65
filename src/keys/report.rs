//! Why no key of this host opens a file, told so that somebody can do something about it.

use std::fmt;

use super::age::Failure;
use super::identity::Identity;
use super::lock::Lock;
use super::notice::Problem;
use crate::sops::metadata::KeyGroups;

/// No key of this host opens a file.
///
/// `Display` gives the reason in a line; [`NoKey::report`] gives all that there is to know.
#[derive(Debug)]
pub struct NoKey {
    groups: Vec<Vec<Lock>>,
    /// How many groups are needed.
    threshold: usize,
    keys: Vec<Key>,
    problems: Vec<Problem>,
}

/// One key of this host.
#[derive(Debug)]
struct Key {
    /// The recipient to paste into a `.sops.yaml`.
    recipient: String,
    /// The recipient as people compare it, and where the key is.
    line: String,
    /// Whether it is an SSH key as itself, which is the second choice for a `.sops.yaml`.
    is_ssh: bool,
}

impl NoKey {
    /// Gathers what the report needs, so that it can be written when the keys are long gone. `failures` are those of the entries of
    /// the only group, in the order of the file.
    pub(super) fn new(groups: &KeyGroups, failures: &[Option<Failure>], identities: &[Identity], problems: &[Problem]) -> Self {
        let failures = failures.iter().copied().chain(std::iter::repeat(None));
        let locks = groups.groups.iter().map(|group| {
            let entries = group.keys.iter().zip(failures.clone());
            entries.map(|(key, failure)| Lock::new(key, failure, identities)).collect()
        });
        Self {
            groups: locks.collect(),
            threshold: if groups.threshold == 0 {
                groups.groups.len()
            } else {
                groups.threshold
            },
            keys: identities.iter().map(Key::new).collect(),
            problems: problems.to_vec(),
        }
    }

    /// What can open the file, what this host has, and what to do: indented lines to stand below one that names the file. `file` is
    /// its name as the person knows it who would type `sops updatekeys`. The text ends with a line break.
    #[must_use]
    pub fn report(&self, file: &str) -> String {
        let mut lines = self.lines_of_file();
        lines.extend(self.lines_of_host());
        lines.extend(self.hint(&quoted(file)).map(|hint| format!("  hint: {hint}")));
        lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Who can open the file.
    fn lines_of_file(&self) -> Vec<String> {
        let mut lines = vec![match self.obstacle() {
            Some(obstacle) => format!("  {obstacle}"),
            None => "  this file can be opened by".to_owned(),
        }];
        for (number, group) in (1..).zip(&self.groups) {
            let mut indent = "    ";
            if self.groups.len() > 1 {
                lines.push(format!("    group {number}"));
                indent = "      ";
            }
            lines.extend(group.iter().map(|lock| lock.line(indent)));
        }
        lines
    }

    /// Which keys there are, and which there are not.
    fn lines_of_host(&self) -> Vec<String> {
        if self.keys.is_empty() && self.problems.is_empty() {
            return vec!["  this host has no key: no source of keys is set".to_owned()];
        }
        let keys = self.keys.iter().map(|key| format!("    {}", key.line));
        let problems = self.problems.iter().map(|problem| format!("    (no key)  {problem}"));
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
        if let Some(lock) = self.locks().find(|lock| lock.is_ours()) {
            return Some(format!(
                "the part of {file} for {}, a key of this host, is damaged: restore the file, \
                 or where another key opens it, run: sops rotate --in-place {file}",
                lock.shown()
            ));
        }
        let best = self.keys.iter().find(|key| !key.is_ssh).or(self.keys.first());
        Some(best.map_or_else(
            || {
                "give this host a key: set sops.age.sshKeyPaths to its SSH host key, \
                 or sops.age.keyFile to a file made by age-keygen"
                    .to_owned()
            },
            |key| format!("add {} to .sops.yaml, run: sops updatekeys {file}", key.recipient),
        ))
    }

    /// What keeps the file closed whatever keys this host had.
    fn obstacle(&self) -> Option<String> {
        match self.groups.len() {
            1 if self.locks().next().is_none() => Some("this file names no key that could open it".to_owned()),
            1 => {
                let kinds = self.unsupported()?.join(" or ");
                Some(format!("only {kinds} can open this file, and that is not supported yet"))
            }
            groups => {
                let needed = self.threshold;
                Some(format!(
                    "this file needs {needed} of {groups} key groups; key groups are not supported yet"
                ))
            }
        }
    }

    /// The kinds of keys that could open the file, when none of them is supported.
    fn unsupported(&self) -> Option<Vec<&'static str>> {
        let mut kinds = Vec::new();
        for lock in self.locks() {
            let kind = lock.unsupported()?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Some(kinds)
    }

    /// All ways in.
    fn locks(&self) -> impl Iterator<Item = &Lock> {
        self.groups.iter().flatten()
    }
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.obstacle().as_deref().unwrap_or("no key of this host opens this file"))
    }
}

impl std::error::Error for NoKey {}

impl Key {
    fn new(identity: &Identity) -> Self {
        let converted = if identity.is_converted() { " (converted)" } else { "" };
        Self {
            recipient: identity.recipient().to_owned(),
            line: format!("{}  from {}{converted}", identity.shown(), identity.place()),
            is_ssh: identity.is_ssh(),
        }
    }
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
