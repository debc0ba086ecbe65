//! Makes the symlinks and copies at declared paths, and notes them in the ledger.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{
    changes::Changes,
    copies::{self, BegunCopy},
    entry::Entry,
    error::InstallError,
    failure::{self, Failed},
    grounds::Grounds,
    links,
    noted::{LinkPlaces, Noted},
    parents,
    plan::Wanted,
    site::Site,
    units::UnitRequests,
};

/// The result of making the symlinks and copies at declared paths.
#[derive(Default)]
pub(crate) struct Spread {
    /// One warning for each file or symlink that was replaced or moved aside, and one for what the ledger may not have.
    pub warnings: Vec<String>,
    /// One error for each symlink or copy that was not made.
    pub failures: Vec<InstallError>,
    /// The positions of the entries whose copies were not written.
    pub uncopied: HashSet<usize>,
    /// The places of the symlinks and copies; `None` if the ledger could not be used.
    pub places: Option<LinkPlaces>,
}

impl Spread {
    /// The units of entries whose copies were not written. They are told once a later run has written them.
    pub(crate) fn postponed(&self, entries: &[Entry<'_>]) -> UnitRequests {
        units_of(self.uncopied.iter().filter_map(|position| entries.get(*position)))
    }

    /// Those of the requests `all` that can be made now: a unit whose copy was not written waits, unless another of its secrets is in `changes`.
    pub(crate) fn ready(&self, entries: &[Entry<'_>], changes: &Changes) -> UnitRequests {
        let copied = entries
            .iter()
            .enumerate()
            .filter(|(position, _)| !self.uncopied.contains(position));
        let others = units_of(copied.map(|(_, entry)| entry).filter(|entry| changes.has(entry)));
        changes.units.without(&self.postponed(entries).without(&others))
    }
}

/// The units to restart and the units to reload, collected from these entries.
pub(crate) fn units_of<'e>(entries: impl IntoIterator<Item = &'e Entry<'e>>) -> UnitRequests {
    let mut units = UnitRequests::default();
    for entry in entries {
        units.extend(entry.restart_units, entry.reload_units);
    }
    units
}

/// Makes the symlinks and copies of `entries` that lie outside the published tree. They are independent: if one cannot be made, the others
/// are still made.
pub(crate) fn spread(site: &Site, grounds: &Grounds, entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> Spread {
    let mut spread = Spread::default();
    let mut noted = Noted::before(site, entries, wanted);
    for (position, (entry, wanted)) in entries.iter().zip(wanted).enumerate() {
        let Wanted::Outside(path) = wanted else {
            // An obstacle keeps a copy from being written, as a failure does.
            if entry.at_path.is_copy() {
                spread.uncopied.insert(position);
            }
            continue;
        };
        let made = if entry.at_path.is_copy() {
            copy(site, &mut noted, entry, path)
        } else {
            link(site, grounds, &mut noted, entry, path)
        };
        match made {
            Ok(warnings) => spread.warnings.extend(warnings),
            Err(failed) => {
                if entry.at_path.is_copy() {
                    spread.uncopied.insert(position);
                }
                spread.warnings.extend(failed.warnings);
                let errors = failed.errors.into_iter().map(|error| error.of(entry));
                spread.failures.extend(errors);
            }
        }
    }
    let (places, unrecorded) = noted.after(&site.root);
    spread.warnings.extend(unrecorded.map(|error| error.to_string()));
    spread.places = places;
    spread
}

/// The declared paths of copies that none of `entries` has: their secrets or templates are not installed, and not still to come.
pub(crate) fn vacated(site: &Site, entries: &[Entry<'_>]) -> HashSet<PathBuf> {
    let installed: HashSet<_> = entries.iter().filter_map(|entry| entry.path.as_ref()).collect();
    site.declared
        .iter()
        .filter(|path| !installed.contains(path) && !site.awaited.contains(*path))
        .cloned()
        .collect()
}

/// Makes the symlink of one entry at its declared path, outside the published tree.
fn link(site: &Site, grounds: &Grounds, noted: &mut Noted, entry: &Entry<'_>, path: &Path) -> Result<Vec<String>, Failed> {
    let place = parents::reach(&site.root, path, site.homes)?;
    // The check for a directory is repeated here, because somebody may have made a directory since the plan was made.
    place.refuse_directory()?;
    // A symlink that an earlier run made is replaced without a warning, even if the symlink leads to the secrets by another path.
    let is_ours = |target: &Path| target.starts_with(&site.link) || grounds.are_target_of(&site.root, path);
    let known = noted.take_known(path);
    links::replace(&place, &site.link.join(entry.place()), entry.owner, is_ours, known.as_ref())
}

/// Writes the copy of one entry at its declared path, unless it is there already.
fn copy(site: &Site, noted: &mut Noted, entry: &Entry<'_>, path: &Path) -> Result<Vec<String>, Failed> {
    let Some(begun) = noted.take_begun(path) else {
        let place = parents::find(&site.root, path)?;
        return match place {
            Some(place) if copies::is_there(&place, entry) => Ok(noted.clear_rest(&place)?),
            _ => Err(noted.unrecorded(path).into()),
        };
    };
    let BegunCopy {
        status: begun,
        warnings: earlier,
        ..
    } = begun?;
    let place = parents::reach(&site.root, path, site.homes)?;
    place.refuse_directory().inspect_err(|_| copies::abandon(&place, &begun))?;
    let known = noted.take_known(path);
    let replaced = links::replaced(&place, |target| target.starts_with(&site.link));
    let finished = copies::finish(&place, entry, &begun, known.as_ref());
    let finished = finished.map(|(written, warnings)| {
        noted.wrote(path, &written, place);
        warnings
    });
    let mut warnings = failure::behind(earlier, finished)?;
    warnings.extend(replaced);
    Ok(warnings)
}
