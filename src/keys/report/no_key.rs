//! Why no key of this host opens a file: who could open it, which keys there are, and what to do.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use super::recipient::RecipientRow;
use crate::keys::{
    hybrid::by_its_ends,
    identity::Identity,
    keyring::Keyring,
    problem::Problem,
    recovery::{DataKeyRecovery, Group},
};

/// How many entries of a group are always shown. Later ones are shown only if there is a note on them.
const MOST_ENTRIES: usize = 30;
/// How many entries of a group are shown at most.
const MOST_LINES: usize = 100;

/// What to do where no source of keys is set.
const GIVE_A_KEY: &str =
    "give this host a key: set sops.age.sshKeyPaths to its SSH host key, or sops.age.keyFile to a file made by age-keygen";

/// No key of this host opens a file.
///
/// `Display` gives the reason in one line. [`NoKey::report`] gives the whole table and a hint.
#[derive(Debug)]
pub struct NoKey {
    groups: Vec<ClosedGroup>,
    /// How many groups are needed.
    needed: usize,
    keys: Vec<HostKey>,
    /// The problems of key sources, each with whether somebody set the source.
    problems: Vec<(Problem, bool)>,
    /// The recipient of this host that should be added to a `.sops.yaml`, if there is one.
    recommended: Option<String>,
}

/// A key group in the report. It may be open if others that are needed are not.
#[derive(Debug)]
struct ClosedGroup {
    entries: Vec<RecipientRow>,
    is_open: bool,
}

/// One key of this host.
#[derive(Debug)]
struct HostKey {
    /// The recipient to add to a `.sops.yaml`, or words that say where to find it.
    recipient: String,
    /// The line of the report for this key: its name and its source.
    line: String,
    kind: Preference,
    /// Whether a file that has its recipient would open. False if the program that has the key failed.
    is_of_use: bool,
}

/// Keys in the order in which they are recommended for a `.sops.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Preference {
    Age,
    Ssh,
    Pgp,
    /// A key that only another program has: a plugin or gpg.
    Elsewhere,
}

impl NoKey {
    /// Copies what the report needs, so that the report can be written after the keys are dropped.
    pub(crate) fn new(recovery: &DataKeyRecovery, keyring: &Keyring) -> Self {
        let groups: Vec<_> = recovery
            .groups()
            .iter()
            .map(|group| ClosedGroup::new(group, keyring))
            .collect();
        let entries = || groups.iter().flat_map(|group| &group.entries);
        let has_pgp = entries().any(RecipientRow::is_pgp);
        let gpg_works = !entries().any(|entry| entry.is_pgp() && entry.has_program_failed());
        let keys = HostKey::all(keyring, gpg_works).into_iter();
        let mut no_key = Self {
            needed: recovery.needed(),
            keys: keys.filter(|key| has_pgp || key.kind != Preference::Pgp).collect(),
            groups,
            problems: keyring
                .problems
                .iter()
                .map(|problem| (problem.clone(), keyring.is_set(problem)))
                .collect(),
            recommended: None,
        };
        if no_key.damaged().is_none() && !no_key.has_wrong_shares() {
            no_key.recommended = no_key.best().map(|key| key.to_copy(&keyring.has_shown_long));
        }
        no_key
    }

    /// An entry for a key of this host that cannot be used because it is damaged, in a group that stayed closed.
    fn damaged(&self) -> Option<&RecipientRow> {
        let closed = self.groups.iter().filter(|group| !group.is_open);
        closed.flat_map(|group| &group.entries).find(|entry| entry.is_damaged())
    }

    /// Whether enough groups are open, and their shares still do not make the data key.
    fn has_wrong_shares(&self) -> bool {
        self.groups.iter().filter(|group| group.is_open).count() >= self.needed
    }

    /// The key to recommend. If the file has an OpenPGP message of an unsupported kind, no OpenPGP key is recommended: the message for it
    /// would be of that kind too.
    fn best(&self) -> Option<&HostKey> {
        let has_foreign = self.entries().any(RecipientRow::is_foreign);
        let is_of_use = |key: &&HostKey| key.is_of_use && !(has_foreign && key.kind == Preference::Pgp);
        self.keys.iter().filter(is_of_use).min_by_key(|key| key.kind)
    }

    /// The report: who can open the file, which keys this host has, and what to do. Its lines are indented, to stand below a line that
    /// names the file, and it ends with a line break. `run` makes, from arguments of sops such as `updatekeys`, the words that tell to run
    /// sops with them on this file.
    #[must_use]
    pub fn report(&self, run: &dyn Fn(&str) -> String) -> String {
        let mut lines = self.lines_of_file();
        lines.extend(self.lines_of_host());
        lines.push(format!("  hint: {}", self.hint(run)));
        lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Who can open the file.
    fn lines_of_file(&self) -> Vec<String> {
        let mut lines = vec![match self.obstacle() {
            Some(obstacle) => format!("  {obstacle}"),
            None => "  this file can be opened by:".to_owned(),
        }];
        for (number, group) in (1..).zip(&self.groups) {
            let mut indent = "    ";
            if self.groups.len() > 1 {
                let state = if group.is_open { "  (open)" } else { "" };
                lines.push(format!("    group {number}{state}"));
                indent = "      ";
            }
            lines.extend(group.lines(indent));
        }
        lines
    }

    /// Which keys there are, and which there are not.
    fn lines_of_host(&self) -> Vec<String> {
        if self.keys.is_empty() && self.problems.is_empty() {
            return vec!["  this host has no key: no source of keys is set".to_owned()];
        }
        let keys = self.keys.iter().map(|key| format!("    {}", key.line));
        let problems = self.problems.iter().map(|(problem, _)| format!("    (no key)  {problem}"));
        std::iter::once("  this host has:".to_owned())
            .chain(keys)
            .chain(problems)
            .collect()
    }

    /// What to do.
    fn hint(&self, run: &dyn Fn(&str) -> String) -> String {
        if self.has_wrong_shares() {
            return "the shares of the open groups do not make a data key: restore the file from version control".to_owned();
        }
        if let Some(entry) = self.damaged() {
            return format!(
                "the recipient entry of {}, a key of this host, is damaged: restore the file from version control, or where another key opens it, {}",
                entry.shown(),
                run("rotate --in-place")
            );
        }
        let Some(recipient) = &self.recommended else {
            return self.mend().or_else(|| self.make()).unwrap_or_else(|| GIVE_A_KEY.to_owned());
        };
        let first = match self.mend() {
            Some(_) => "repair what is named above, or ",
            None => "",
        };
        let place = if self.groups.len() > 1 {
            "a key group that is not open, in .sops.yaml"
        } else {
            ".sops.yaml"
        };
        format!("{first}add {recipient} to {place}, {}", run("updatekeys"))
    }

    /// What to do about a key source that somebody set and that gave no key, or about a program that failed.
    fn mend(&self) -> Option<String> {
        let of_set_sources = || self.problems.iter().filter(|(_, is_set)| *is_set);
        let is_said = of_set_sources().next().is_some() || self.entries().any(RecipientRow::has_program_failed);
        of_set_sources()
            .find_map(|(problem, _)| mend(problem))
            .or_else(|| is_said.then(|| "repair what is named above".to_owned()))
    }

    /// How to make a host key that is missing. The Nix modules name host keys by default, so a missing one is worth a hint only if no other
    /// key can be recommended.
    fn make(&self) -> Option<String> {
        let missing = self
            .problems
            .iter()
            .filter_map(|(problem, _)| Some((problem.missing_host_key()?, problem)));
        missing.min_by_key(|(kind, _)| *kind).and_then(|(_, problem)| mend(problem))
    }

    /// What keeps the file closed besides missing keys: it names no key, it names only unsupported ones, or too few of its groups are open.
    fn obstacle(&self) -> Option<String> {
        match self.groups.len() {
            1 if self.entries().next().is_none() => Some("this file names no key that could open it".to_owned()),
            1 => {
                let kinds = self.unsupported()?.join(" or ");
                Some(format!("only {kinds} can open this file, and that is not supported yet"))
            }
            groups => Some(format!(
                "this file needs {} of {groups} key groups, this host opens {}",
                self.needed,
                self.open_groups()
            )),
        }
    }

    /// How many groups this host opens, and which.
    fn open_groups(&self) -> String {
        let open = (1..).zip(&self.groups).filter(|(_, group)| group.is_open);
        let names: Vec<_> = open.map(|(number, _)| format!("group {number}")).collect();
        match names.len() {
            0 => "none".to_owned(),
            count => format!("{count}: {}", names.join(", ")),
        }
    }

    /// The kinds of keys that could open the file, when none of them is supported.
    fn unsupported(&self) -> Option<Vec<&'static str>> {
        let mut kinds = Vec::new();
        for entry in self.entries() {
            let kind = entry.unsupported()?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Some(kinds)
    }

    /// The recipient entries of all groups.
    fn entries(&self) -> impl Iterator<Item = &RecipientRow> {
        self.groups.iter().flat_map(|group| &group.entries)
    }
}

/// The words that tell how to repair a source, if there is a remedy.
fn mend(problem: &Problem) -> Option<String> {
    Some(format!("repair {}: {}", problem.place, problem.remedy()?))
}

impl ClosedGroup {
    fn new(group: &Group, keyring: &Keyring) -> Self {
        Self {
            entries: group.entries.iter().map(|entry| RecipientRow::new(entry, keyring)).collect(),
            is_open: group.is_open(),
        }
    }

    /// A line for each entry. If there are very many, only for the first `MOST_ENTRIES` and for later ones with a note, at most
    /// `MOST_LINES` in all.
    fn lines(&self, indent: &str) -> Vec<String> {
        let entries = self.entries.iter().enumerate();
        let shown = entries
            .filter(|(index, entry)| *index < MOST_ENTRIES || entry.has_notes())
            .take(MOST_LINES);
        let mut lines: Vec<_> = shown.map(|(_, entry)| entry.line(indent)).collect();
        match self.entries.len() - lines.len() {
            0 => {}
            more => lines.push(format!("{indent}and {more} more")),
        }
        lines
    }
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.obstacle().as_deref().unwrap_or("no key of this host opens this file"))
    }
}

impl std::error::Error for NoKey {}

impl HostKey {
    /// The recipient to copy. A very long one is given in full only the first time in a run, and shortened after that.
    fn to_copy(&self, has_shown_long: &AtomicBool) -> String {
        let short = by_its_ends(&self.recipient);
        if short != self.recipient && has_shown_long.swap(true, Ordering::Relaxed) {
            format!("{short} (in full above)")
        } else {
            self.recipient.clone()
        }
    }

    /// All keys of this host: those at hand, those of plugins, and those of gpg.
    fn all(keyring: &Keyring, gpg_works: bool) -> Vec<Self> {
        let pgp = keyring.hand.pgp_keys.iter().map(|key| Self {
            recipient: key.0.fingerprint().to_owned(),
            line: format!("pgp {}  from {} (converted)", key.0.fingerprint(), key.1),
            kind: Preference::Pgp,
            is_of_use: true,
        });
        let plugins = keyring.plugins.iter().map(|(identity, place)| Self {
            recipient: format!("the recipient of {place}"),
            line: format!("age-plugin-{}  for {place}", identity.plugin()),
            kind: Preference::Elsewhere,
            is_of_use: !keyring.problems.iter().any(|problem| problem.is_of_program_for(place)),
        });
        let gpg = keyring.gpg.iter().map(|gpg| Self {
            recipient: format!("a fingerprint that {} shows", gpg.listing()),
            line: gpg.to_string(),
            kind: Preference::Elsewhere,
            is_of_use: gpg_works,
        });
        let identities = keyring.hand.identities.iter().map(|identity| Self::of_identity(identity));
        identities.chain(pgp).chain(plugins).chain(gpg).collect()
    }

    fn of_identity(identity: &Identity) -> Self {
        let converted = if identity.is_converted() { " (converted)" } else { "" };
        Self {
            recipient: identity.recipient().to_owned(),
            line: format!("{}  from {}{converted}", identity.shown(), identity.place()),
            kind: if identity.is_ssh() { Preference::Ssh } else { Preference::Age },
            is_of_use: true,
        }
    }
}
