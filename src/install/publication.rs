//! One publication, step by step.
//!
//! The process may be killed between any two steps, so their order matters:
//!
//! 1. Refuse what must not be done, before the first write.
//! 2. Write the whole generation. The link does not name it yet. If the run is killed here, the next run removes it.
//! 3. Record the unit requests. A record counts only while the link names its generation, so it has no effect yet.
//! 4. Swap the link, in one atomic step. Services read the new secrets from now on.
//! 5. Make the symlinks at declared paths. They lead through the link, so they lead to the new generation.
//! 6. Make the unit requests, and then remove their record. If the run is killed in between, the next run makes them.
//! 7. Prune old generations. Nothing depends on this, so a failure is only a warning, and the next run tries again.

use std::{collections::BTreeSet, os::fd::OwnedFd, path::Path, time::Duration};

use super::{
    changes::{self, Changes},
    entry::Entry,
    error::InstallError,
    failure::Failed,
    generation::{self, Draft},
    grounds::Grounds,
    held, links,
    live::Current,
    lock, pending,
    plan::{self, Wanted, sorted},
    site::Site,
    units::{self, Channel, UnitError, UnitRequests},
};
use crate::system::{budget, stop};

/// The result of a publication that was made: the new generation is live.
#[derive(Debug)]
pub struct Published {
    /// Its number.
    pub generation: u64,
    /// How it differs from the generation that was live before.
    pub changes: Changes,
    /// What somebody should know.
    pub warnings: Vec<String>,
    /// What failed although the generation was published: symlinks at declared paths, and unit requests.
    pub failures: Vec<InstallError>,
}

/// Whether the entries are all that the manifest declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// They are: nothing failed.
    Whole,
    /// Some failed, and the entries are the others. They are published only if nothing is live. This is checked again under the
    /// lock, because another run may have published meanwhile.
    Rest,
}

/// Publishes `entries` as a new generation, and then makes the requests to restart or reload units whose secrets or templates have
/// changed.
///
/// If a generation is live, an obstacle at a declared path stops the run, because only a part of the declared paths could be
/// replaced. If nothing is live, there is nothing to protect: everything that can be published is, and obstacles are in
/// [`Published::failures`]. An obstacle that another user can have made never stops a run, because that user could stop every
/// update; it is in `failures` too.
///
/// # Errors
///
/// When anything fails before the link is swapped. The live generation is then as it was.
pub fn publish(site: &Site, entries: &[Entry<'_>], extent: Extent, channel: &Channel) -> Result<Published, Failed> {
    publish_within(budget::LOCK, site, entries, extent, channel)
}

/// [`publish`], waiting for another run no longer than `timeout`.
pub(crate) fn publish_within(
    timeout: Duration,
    site: &Site,
    entries: &[Entry<'_>],
    extent: Extent,
    channel: &Channel,
) -> Result<Published, Failed> {
    links::check(site)?;
    // Before anything is made or mounted: the link must not lie in the mount point, nor the mount point below the link.
    Grounds::look(site, None)?;
    let entered = lock::enter(site, timeout)?;
    match attempt(site, &entered.root, entries, extent, channel) {
        Ok(published) => Ok(Published {
            warnings: [entered.warnings, published.warnings].concat(),
            ..published
        }),
        Err(failed) => Err(Failed {
            warnings: [entered.warnings, failed.warnings].concat(),
            ..failed
        }),
    }
}

/// One publication into `root`, which is locked.
fn attempt(site: &Site, root: &OwnedFd, entries: &[Entry<'_>], extent: Extent, channel: &Channel) -> Result<Published, Failed> {
    let decided = decide(site, root, entries, extent)?;
    let (number, changes, mut failures) = (decided.number, decided.changes, decided.failures);

    let mut draft = write(site, root, number, entries, &decided.wanted)?;
    // The last moment to end without a change. If nothing is live, as at boot, the run goes on: what is ready is published.
    if decided.is_live && stop::is_requested() {
        return Err(InstallError::stopped(&site.link).into());
    }
    // Recorded before the swap: otherwise a run that is killed right after the swap would lose the requests.
    let is_telling = !changes.units.is_empty();
    if is_telling {
        pending::write(site, root, number, &changes.units)?;
    }
    let swapped = links::swap(site, number, decided.is_live);
    // A swap may fail after the link was exchanged. What the link leads to is live, and is never removed.
    if swapped.is_ok() || links::leads_to(site, number) {
        draft.publish();
    }
    let mut warnings = swapped?;

    let spread = links::spread(site, &decided.grounds, entries, &decided.wanted);
    warnings.extend(spread.warnings);
    failures.extend(spread.failures);
    if is_telling {
        // After the symlinks: a unit that restarts must find the new content at every path.
        let errors = units::request(channel, &changes.units);
        // A request that was refused would be refused again. Only one that may not have arrived is kept for the next run.
        if !errors.iter().any(UnitError::is_lost) {
            let removed = pending::remove(site, root, number);
            warnings.extend(removed.err().map(|error| error.to_string()));
        }
        failures.extend(errors.into_iter().map(InstallError::from));
    } else if decided.is_live {
        units::take_up(channel);
    } else {
        // At a first publication no unit has an old secret. But units may have failed because their secret was missing.
        let failed = units::start_failed(channel, &all_units(entries));
        failures.extend(failed.err().map(InstallError::from));
    }
    // Looked up again, because symlinks that led to an older generation may have been replaced above.
    match held::by(site, root, &decided.leading) {
        Ok(held) => warnings.extend(generation::prune(site, root, number, &held)),
        Err(error) => warnings.push(error.to_string()),
    }
    Ok(Published {
        generation: number,
        changes,
        warnings,
        failures,
    })
}

/// The units of all entries.
fn all_units(entries: &[Entry<'_>]) -> UnitRequests {
    let mut units = UnitRequests::default();
    for entry in entries {
        units.extend(entry.restart_units, entry.reload_units);
    }
    units
}

/// What is known before the first write.
struct Decided<'a> {
    /// The number of the next generation.
    number: u64,
    /// Whether a generation is live.
    is_live: bool,
    /// How the entries differ from the live generation.
    changes: Changes,
    /// What belongs to the generations.
    grounds: Grounds,
    /// Where each entry is linked.
    wanted: Vec<Wanted<'a>>,
    /// Declared paths whose symlink may lead to an older generation. Such a generation must be kept.
    leading: Vec<&'a Path>,
    /// Why some symlinks cannot be made, although the run goes on.
    failures: Vec<InstallError>,
}

/// Examines what is there, and refuses what must not be done. Writes nothing.
fn decide<'a>(site: &Site, root: &OwnedFd, entries: &'a [Entry<'a>], extent: Extent) -> Result<Decided<'a>, Failed> {
    let current = Current::read(site, root)?;
    let is_live = current.live.is_some();
    if is_live && extent == Extent::Rest {
        return Err(InstallError::already_live(&site.link).into());
    }
    let grounds = Grounds::look(site, Some(root))?;
    let plan = plan::plan(site, &grounds, entries);
    let (mut failures, others) = sorted(plan.obstacles);
    if is_live {
        Failed::if_any(std::mem::take(&mut failures))?;
    }
    failures.extend(others);
    let held = held::by(site, root, &plan.leading)?;
    Ok(Decided {
        number: next_number(site, current.number, &held)?,
        is_live,
        changes: changes::compare(current.live.as_ref(), entries)?,
        grounds,
        wanted: plan.wanted,
        leading: plan.leading,
        failures,
    })
}

/// The first number after `current` to which no symlink leads. What a killed run left under that number can be removed.
fn next_number(site: &Site, current: u64, held: &BTreeSet<u64>) -> Result<u64, InstallError> {
    let exhausted = || InstallError::numbers_exhausted(&site.link);
    let mut number = current.checked_add(1).ok_or_else(exhausted)?;
    while held.contains(&number) {
        number = number.checked_add(1).ok_or_else(exhausted)?;
    }
    Ok(number)
}

/// Writes a whole generation.
fn write<'a>(
    site: &'a Site,
    root: &'a OwnedFd,
    number: u64,
    entries: &[Entry<'_>],
    wanted: &[Wanted<'_>],
) -> Result<Draft<'a>, InstallError> {
    let mut draft = Draft::begin(site, root, number)?;
    for entry in entries {
        draft.write(entry)?;
    }
    for (entry, wanted) in entries.iter().zip(wanted) {
        if let Wanted::Inside(place) = wanted {
            draft.link(place, &site.link.join(entry.place()), entry.owner)?;
        }
    }
    Ok(draft)
}
