//! Compares the live generation with the entries to publish.

use zeroize::Zeroizing;

use super::{
    entry::{Entry, EntryKind},
    error::InstallError,
    live::{Difference, LiveGeneration},
    name,
    units::UnitRequests,
};

/// Bytes of an old file held in memory at a time.
const CHUNK: usize = 64 * 1024;

/// What a run changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Secrets.
    pub secrets: Names,
    /// Rendered templates.
    pub templates: Names,
    /// Requests for the units of entries that were added or modified, and requests that an earlier run recorded, but did not make.
    pub units: UnitRequests,
}

/// Names of what changes, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Not in the live generation.
    pub added: Vec<String>,
    /// With another content, owner, group or mode.
    pub modified: Vec<String>,
    /// Only in the live generation.
    pub removed: Vec<String>,
}

/// Compares the live generation with `entries`. If nothing is live, nothing counts as changed: at a first publication no unit has
/// an older secret.
///
/// # Errors
///
/// When the live generation cannot be read.
pub fn compare(live: Option<&LiveGeneration>, entries: &[Entry<'_>]) -> Result<Changes, InstallError> {
    let mut changes = Changes::default();
    let Some(live) = live else {
        return Ok(changes);
    };
    let mut scratch = Zeroizing::new(vec![0; CHUNK]);
    let mut gone = live.names()?;
    changes.units = live.pending().clone();
    for entry in entries {
        gone.remove(entry.place().as_str());
        let difference = live.difference(entry, &mut scratch)?;
        changes.note(entry, difference);
    }
    for name in gone {
        match name::template_at(&name) {
            Some(template) => changes.templates.removed.push(template.to_owned()),
            None => changes.secrets.removed.push(name),
        }
    }
    changes.settle();
    Ok(changes)
}

impl Changes {
    /// Notes one comparison.
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

    /// Sorts the names, and leaves each unit once.
    fn settle(&mut self) {
        for names in [&mut self.secrets, &mut self.templates] {
            names.added.sort();
            names.modified.sort();
            names.removed.sort();
        }
        self.units.deduplicate();
    }

    /// The lines for standard output. Their wording must not change, because other programs compare them.
    #[must_use]
    pub fn lines(&self, dry: bool) -> Vec<String> {
        let verbs = if dry {
            ["would add", "would modify", "would remove"]
        } else {
            ["adding", "modifying", "removing"]
        };
        [(&self.secrets, "secret"), (&self.templates, "rendered secret")]
            .into_iter()
            .flat_map(|(names, noun)| {
                let lists = [&names.added, &names.modified, &names.removed];
                verbs
                    .into_iter()
                    .zip(lists)
                    .filter_map(move |(verb, names)| line(verb, noun, names))
            })
            .collect()
    }
}

/// One line, or none when there are no names.
fn line(verb: &str, noun: &str, names: &[String]) -> Option<String> {
    let plural = if names.len() > 1 { "s" } else { "" };
    (!names.is_empty()).then(|| format!("{verb} {noun}{plural}: {}", names.join(", ")))
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

    /// Expected lines from the table in the contract.
    #[test]
    fn lines_are_to_the_letter() {
        let changes = Changes {
            secrets: names(&["a"], &["a", "b"], &["a"]),
            templates: names(&["t"], &["t"], &["t", "u"]),
            units: UnitRequests::default(),
        };
        let real = [
            "adding secret: a",
            "modifying secrets: a, b",
            "removing secret: a",
            "adding rendered secret: t",
            "modifying rendered secret: t",
            "removing rendered secrets: t, u",
        ];
        let dry = [
            "would add secret: a",
            "would modify secrets: a, b",
            "would remove secret: a",
            "would add rendered secret: t",
            "would modify rendered secret: t",
            "would remove rendered secrets: t, u",
        ];
        assert_eq!(changes.lines(false), real);
        assert_eq!(changes.lines(true), dry);
        assert!(Changes::default().lines(false).is_empty());
    }
}
