//! Compares the live generation with the entries to publish.

use std::collections::{BTreeMap, BTreeSet};

use rustix::fs::FileType;
use zeroize::Zeroizing;

use super::{
    entry::{Entry, EntryKind},
    error::InstallError,
    live::{Difference, LiveGeneration},
    name,
    units::UnitRequests,
};

/// How many bytes of a published file are held in memory at a time while the file is compared: 64 KiB, or less if all are shorter.
const CHUNK: usize = 64 * 1024;

/// The names of the secrets and templates that a run adds, modifies and removes, and the unit requests for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The names of the secrets that change.
    pub secrets: Names,
    /// The names of the rendered templates that change.
    pub templates: Names,
    /// The paths, below a generation, of directories whose owner, group or mode changes.
    pub directories: Vec<String>,
    /// Requests for the units of entries that were added or modified. Requests that an earlier run recorded but did not make are
    /// included.
    pub units: UnitRequests,
}

/// Names of entries that change, in three sorted lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Entries that the live generation does not have.
    pub added: Vec<String>,
    /// Entries whose content, owner, group or mode differs from the live generation, or whose file has an access control list.
    pub modified: Vec<String>,
    /// Entries that only the live generation has.
    pub removed: Vec<String>,
}

/// The live generation, compared with the entries to publish.
pub struct Comparison {
    /// What a run changes.
    pub changes: Changes,
    /// The difference of each entry, in the order of the entries. Empty if no generation is live.
    pub differences: Vec<Difference>,
    /// What the live generation contains: each path, with the kind of file that is there.
    pub inventory: BTreeMap<String, FileType>,
}

/// Compares the live generation with `entries`. If no generation is live, nothing counts as changed: at a first publication, no unit
/// can hold an older secret.
///
/// # Errors
///
/// If the live generation cannot be read.
pub fn compare(live: Option<&LiveGeneration>, entries: &[Entry<'_>]) -> Result<Comparison, InstallError> {
    let mut compared = Comparison {
        changes: Changes::default(),
        differences: Vec::new(),
        inventory: BTreeMap::new(),
    };
    let Some(live) = live else {
        return Ok(compared);
    };
    let longest = entries.iter().map(|entry| entry.content.len()).max().unwrap_or_default();
    let mut scratch = Zeroizing::new(vec![0; longest.clamp(1, CHUNK)]);
    compared.inventory = live.inventory()?;
    compared.changes.units = live.pending().clone();
    for entry in entries {
        let difference = match compared.inventory.get(entry.place().as_str()) {
            // The inventory follows no symlink: a path that leads through one is not in it.
            None | Some(FileType::Symlink) => Difference::Absent,
            Some(FileType::RegularFile) => live.difference(entry, &mut scratch)?,
            Some(_) => Difference::Differs,
        };
        compared.changes.note(entry, difference);
        compared.differences.push(difference);
    }
    compared.changes.note_gone(&compared.inventory, entries);
    compared.changes.settle();
    Ok(compared)
}

impl Changes {
    /// Whether no secret and no template changes. Unit requests of an earlier run may still be there.
    #[must_use]
    pub fn have_no_names(&self) -> bool {
        self.secrets == Names::default() && self.templates == Names::default()
    }

    /// Adds the files in `inventory` that belong to none of the `entries` to the lists of what is removed. Symlinks are left out,
    /// because they belong to declared paths.
    fn note_gone(&mut self, inventory: &BTreeMap<String, FileType>, entries: &[Entry<'_>]) {
        let files = inventory.iter().filter(|(_, kind)| **kind == FileType::RegularFile);
        let mut gone: BTreeSet<_> = files.map(|(name, _)| name.as_str()).collect();
        for entry in entries {
            gone.remove(entry.place().as_str());
        }
        for name in gone {
            match name::template_at(name) {
                Some(template) => self.templates.removed.push(template.to_owned()),
                None => self.secrets.removed.push(name.to_owned()),
            }
        }
    }

    /// Whether nothing changes, and no request is to be made.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `entry` is added or modified.
    pub(crate) fn has(&self, entry: &Entry<'_>) -> bool {
        self.are_at(entry.place().as_str())
    }

    /// Whether what is at this place of a generation is added or modified.
    pub(crate) fn are_at(&self, place: &str) -> bool {
        let (names, name) = match name::template_at(place) {
            Some(template) => (&self.templates, template),
            None => (&self.secrets, place),
        };
        [&names.added, &names.modified]
            .iter()
            .any(|names| names.binary_search_by(|known| known.as_str().cmp(name)).is_ok())
    }

    /// Adds the name of `entry` to the list for `difference`, and adds the unit requests of the entry. Does nothing if the entry
    /// has not changed.
    fn note(&mut self, entry: &Entry<'_>, difference: Difference) {
        let names = match entry.kind {
            EntryKind::Secret => &mut self.secrets,
            EntryKind::Template => &mut self.templates,
        };
        match difference {
            Difference::Same => return,
            Difference::Absent => names.added.push(entry.name.to_string()),
            Difference::Differs => names.modified.push(entry.name.to_string()),
        }
        self.units.extend(entry.restart_units, entry.reload_units);
    }

    /// Sorts all names, and removes repeated units from the requests.
    fn settle(&mut self) {
        for names in [&mut self.secrets, &mut self.templates] {
            names.added.sort();
            names.modified.sort();
            names.removed.sort();
        }
        self.units.deduplicate();
    }

    /// The lines about changes for standard output, one for each kind of change. `dry` chooses the wording of a dry run. The wording
    /// must not change, because other programs compare the lines.
    #[must_use]
    pub fn lines(&self, dry: bool) -> Vec<String> {
        let verbs = if dry {
            ["would add", "would modify", "would remove"]
        } else {
            ["adding", "modifying", "removing"]
        };
        let directories = if dry { "would modify" } else { "modifying" };
        let directories = line(directories, "directory", "directories", &self.directories);
        [(&self.secrets, "secret"), (&self.templates, "rendered secret")]
            .into_iter()
            .flat_map(|(names, noun)| {
                let lists = [&names.added, &names.modified, &names.removed];
                verbs
                    .into_iter()
                    .zip(lists)
                    .filter_map(move |(verb, names)| line(verb, noun, &format!("{noun}s"), names))
            })
            .chain(directories)
            .collect()
    }
}

/// The line for one list of names; `None` if the list is empty.
fn line(verb: &str, noun: &str, plural: &str, names: &[String]) -> Option<String> {
    let noun = if names.len() > 1 { plural } else { noun };
    (!names.is_empty()).then(|| format!("{verb} {noun}: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(added: &[&str], modified: &[&str], removed: &[&str]) -> Names {
        let own = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Names {
            added: own(added),
            modified: own(modified),
            removed: own(removed),
        }
    }

    /// The expected lines are those that `docs/messages.md` documents.
    #[test]
    fn lines_are_to_the_letter() {
        let changes = Changes {
            secrets: names(&["a"], &["a", "b"], &["a"]),
            templates: names(&["t"], &["t"], &["t", "u"]),
            directories: vec!["d".to_owned(), "d/e".to_owned()],
            units: UnitRequests::default(),
        };
        let real = [
            "adding secret: a",
            "modifying secrets: a, b",
            "removing secret: a",
            "adding rendered secret: t",
            "modifying rendered secret: t",
            "removing rendered secrets: t, u",
            "modifying directories: d, d/e",
        ];
        let dry = [
            "would add secret: a",
            "would modify secrets: a, b",
            "would remove secret: a",
            "would add rendered secret: t",
            "would modify rendered secret: t",
            "would remove rendered secrets: t, u",
            "would modify directories: d, d/e",
        ];
        assert_eq!(changes.lines(false), real);
        assert_eq!(changes.lines(true), dry);
        assert!(Changes::default().lines(false).is_empty());
    }
}
