//! Explains why no key of this host opens a file: who could open the file, which keys this host has, and what to do.

use std::fmt;

use super::{
    closed_group::ClosedGroup,
    host_key::{HostKey, Preference},
    recipient::{RecipientRow, service_name},
};
use crate::{
    keys::{keyring::Keyring, problem::Problem, recovery::DataKeyRecovery, sources::ServiceReach},
    sops::remote::Service,
    text::diagnosis::Diagnosis,
};

/// The hint to show if this host has no key source at all.
const GIVE_A_KEY: &str =
    "give this host a key: set sops.age.sshKeyPaths to its SSH host key, or sops.age.keyFile to a file made by age-keygen";

/// The error that no key of this host opens a file.
///
/// `Display` gives the reason in one line. [`NoKey::report`] gives the whole report with a hint.
#[derive(Debug)]
pub struct NoKey {
    groups: Vec<ClosedGroup>,
    /// The number of key groups that must be open to get the data key.
    needed: usize,
    keys: Vec<HostKey>,
    /// The problems of key sources. Each has a flag that says whether somebody set the source.
    problems: Vec<(Problem, bool)>,
    /// The recipient of this host that the hint recommends to add to a `.sops.yaml`. `None` if there is nothing to recommend.
    recommended: Option<String>,
    /// Whether key services are not asked because the network is not there in this phase.
    is_too_early: bool,
}

impl NoKey {
    /// Copies all that the report needs from `recovery` and `keyring`, so that the report can be written after the keys are
    /// dropped.
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
            is_too_early: keyring.key_services.is_some() && keyring.reach != ServiceReach::Now,
        };
        if no_key.damaged().is_none() && !no_key.has_wrong_shares() {
            no_key.recommended = no_key.best().map(|key| key.to_copy(&keyring.has_shown_long));
        }
        no_key
    }

    /// The first damaged recipient entry of a closed group. Its message is known to be damaged, because this host has tried the key
    /// of the entry, and the group is closed nevertheless.
    fn damaged(&self) -> Option<&RecipientRow> {
        let closed = self.groups.iter().filter(|group| !group.is_open);
        closed.flat_map(|group| &group.entries).find(|entry| entry.is_damaged())
    }

    /// Whether enough groups are open, but their shares do not make the data key.
    fn has_wrong_shares(&self) -> bool {
        self.groups.iter().filter(|group| group.is_open).count() >= self.needed
    }

    /// The key to recommend for a `.sops.yaml`. If a message of the file has an unsupported form of OpenPGP, no OpenPGP key is
    /// recommended: a message for that key would have the same form.
    fn best(&self) -> Option<&HostKey> {
        let has_foreign = self.entries().any(RecipientRow::is_foreign);
        let is_of_use = |key: &&HostKey| key.is_of_use && !(has_foreign && key.kind == Preference::Pgp);
        self.keys.iter().filter(is_of_use).min_by_key(|key| key.kind)
    }

    /// The report: who can open the file, which keys this host has, and what to do. The lines are indented, to stand below a line
    /// that names the file. The report ends with a line break.
    ///
    /// `run` gets arguments of sops, such as `updatekeys`. `run` returns the words that tell a person to run sops with these
    /// arguments on this file.
    #[must_use]
    pub fn report(&self, run: &dyn Fn(&str) -> String) -> String {
        let mut lines = self.lines_of_file();
        lines.extend(self.lines_of_host());
        lines.push(format!("  hint: {}", self.hint(run)));
        lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// The lines of the report that say who can open the file.
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

    /// The lines of the report that list the keys of this host, and the key sources that gave no key.
    fn lines_of_host(&self) -> Vec<String> {
        if self.keys.is_empty() && self.problems.is_empty() {
            return vec!["  this host has no key: no source of keys is set".to_owned()];
        }
        let keys = self.keys.iter().map(|key| format!("    {}", key.line));
        let problems = self
            .problems
            .iter()
            .map(|(problem, _)| format!("    (no key)  {}", told(problem)));
        std::iter::once("  this host has:".to_owned())
            .chain(keys)
            .chain(problems)
            .collect()
    }

    /// The hint at the end of the report, which says what to do.
    fn hint(&self, run: &dyn Fn(&str) -> String) -> String {
        if self.has_wrong_shares() {
            return "the open key groups do not belong together, so they give no data key: restore the file from version control"
                .to_owned();
        }
        if let Some(entry) = self.damaged() {
            return format!(
                "this host has the key {}, but the entry for this key in the file is damaged: restore the file from version control; or instead, if you have another key that opens the file, {}",
                entry.shown(),
                run("rotate --in-place")
            );
        }
        let Some(recipient) = &self.recommended else {
            let advice = self.mend().or_else(|| self.turn_on()).or_else(|| self.make());
            return advice.unwrap_or_else(|| GIVE_A_KEY.to_owned());
        };
        let first = match (self.mend(), self.turn_on()) {
            (Some(_), _) => "repair the fault named above, or ".to_owned(),
            (None, Some(advice)) => format!("{advice}, or "),
            (None, None) => String::new(),
        };
        let addition = if self.groups.len() > 1 {
            format!("in .sops.yaml, add {recipient} to a key group that this host cannot open")
        } else {
            format!("add {recipient} to .sops.yaml")
        };
        format!("{first}{addition}, {}", run("updatekeys"))
    }

    /// The advice for a key source that somebody set but that gave no key, or for a program that failed. Returns `None` if there
    /// is neither.
    fn mend(&self) -> Option<String> {
        let of_set_sources = || self.problems.iter().filter(|(_, is_set)| *is_set);
        let is_said = of_set_sources().next().is_some() || self.entries().any(RecipientRow::has_program_failed);
        of_set_sources()
            .find_map(|(problem, _)| mend(problem))
            .or_else(|| is_said.then(|| "repair the fault named above".to_owned()))
    }

    /// The advice to ask a key service. Returns `None` if other keys could open the file, if key services are asked, or on a system for
    /// which there is no program that asks them.
    fn turn_on(&self) -> Option<String> {
        let services = self.unasked().filter(|_| cfg!(target_os = "linux") && !self.is_too_early)?;
        Some(format!(
            "set sops.keyServices.enable to true, so that this host asks {}",
            shown(&services)
        ))
    }

    /// The advice to make a host key that is missing. The Nix modules name host keys by default, so a missing host key may be
    /// normal. So the advice is given only if no other key can be recommended.
    fn make(&self) -> Option<String> {
        let missing = self
            .problems
            .iter()
            .filter_map(|(problem, _)| Some((problem.missing_host_key()?, problem)));
        missing.min_by_key(|(kind, _)| *kind).and_then(|(_, problem)| mend(problem))
    }

    /// The reason to give for a special file: a file that names no key, names only keys of services that are not asked, or has several
    /// key groups.
    /// Returns `None` for all other files.
    fn obstacle(&self) -> Option<String> {
        match self.groups.len() {
            1 if self.entries().next().is_none() => Some("this file names no key that could open it".to_owned()),
            1 => {
                let services = self.unasked()?;
                let why = if self.is_too_early {
                    "no key service is asked before the network is there"
                } else {
                    "this host is not set up to ask a key service"
                };
                Some(format!("only {} could open this file, but {why}", shown(&services)))
            }
            groups => Some(format!(
                "this file needs {} of {groups} key groups; this host opens {}",
                self.needed,
                self.open_groups()
            )),
        }
    }

    /// The number and the names of the groups that this host opens.
    fn open_groups(&self) -> String {
        let open = (1..).zip(&self.groups).filter(|(_, group)| group.is_open);
        let names: Vec<_> = open.map(|(number, _)| format!("group {number}")).collect();
        match names.len() {
            0 => "none".to_owned(),
            count => format!("{count}: {}", names.join(", ")),
        }
    }

    /// The key services that could open closed groups that nothing else opens, if this run asks none. Returns `None` if there is no such
    /// group.
    fn unasked(&self) -> Option<Vec<Service>> {
        let mut services = Vec::new();
        for group in self.groups.iter().filter(|group| !group.is_open) {
            let of_group = group.entries.iter().map(RecipientRow::unasked).collect::<Option<Vec<_>>>();
            for service in of_group.unwrap_or_default() {
                if !services.contains(&service) {
                    services.push(service);
                }
            }
        }
        (!services.is_empty()).then_some(services)
    }

    /// The recipient entries of all key groups.
    fn entries(&self) -> impl Iterator<Item = &RecipientRow> {
        self.groups.iter().flat_map(|group| &group.entries)
    }
}

/// The names of key services, as a choice.
fn shown(services: &[Service]) -> String {
    services.iter().copied().map(service_name).collect::<Vec<_>>().join(" or ")
}

/// The advice to repair a key source, if there is a remedy. `None` for a source that was only too slow: such a source may need no
/// repair, and its remedy must not displace the remedy for another source.
fn mend(problem: &Problem) -> Option<String> {
    let remedy = problem.remedy().filter(|_| !problem.is_delay())?;
    Some(format!("repair {}: {remedy}", problem.place))
}

/// What the list of key sources says about a problem. For a source that was only too slow, the list also has the remedy, because
/// the hint leaves this remedy out.
fn told(problem: &Problem) -> Diagnosis {
    Diagnosis {
        cause: problem.to_string(),
        remedy: problem.remedy().filter(|_| problem.is_delay()),
    }
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.obstacle().as_deref().unwrap_or("no key of this host opens this file"))
    }
}

impl std::error::Error for NoKey {}
