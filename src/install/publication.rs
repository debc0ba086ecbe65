//! One publication, step by step.

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

/// A generation that is live now.
#[derive(Debug)]
pub struct Published {
    /// Its number.
    pub generation: u64,
    /// What it changed.
    pub changes: Changes,
    /// What somebody should know.
    pub warnings: Vec<String>,
    /// What failed after the swap: links at other paths, unit requests.
    pub failures: Vec<InstallError>,
}

/// How much of what was declared the entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// What did not fail. It is published only where nothing is live, also if that has changed since it was looked at.
    Rest,
}

/// Publishes `entries` as a new generation, and then tells the units of what has changed.
///
/// An obstacle at a declared path stops the run while a generation is live that it would leave half replaced. When nothing is live
/// yet, there is nothing to protect: what can be published is, and the rest is in [`Published::failures`]. So is always what another
/// user can have put in the way, who must not be able to stop an update.
///
/// # Errors
///
/// Everything that keeps the link from being swapped. The live generation is then as it was.
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
    if decided.is_live && stop::is_requested() {
        return Err(InstallError::Stopped { link: site.link.clone() }.into());
    }
    let is_telling = !changes.units.is_empty();
    if is_telling {
        pending::write(site, root, number, &changes.units)?;
    }
    let mut warnings = links::swap(site, number, decided.is_live)?;
    draft.publish();

    let spread = links::spread(site, &decided.grounds, entries, &decided.wanted);
    warnings.extend(spread.warnings);
    failures.extend(spread.failures);
    if is_telling {
        let errors = units::request(channel, &changes.units);
        if !errors.iter().any(UnitError::is_lost) {
            let removed = pending::remove(site, root, number);
            warnings.extend(removed.err().map(|error| error.to_string()));
        }
        failures.extend(errors.into_iter().map(InstallError::from));
    } else if !decided.is_live {
        let failed = units::start_failed(channel, &all_units(entries));
        failures.extend(failed.err().map(InstallError::from));
    }
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
    /// Whether one is live.
    is_live: bool,
    /// What the next one changes.
    changes: Changes,
    /// What belongs to the generations.
    grounds: Grounds,
    /// Where each entry is linked.
    wanted: Vec<Wanted<'a>>,
    /// Declared paths that may lead to an older generation.
    leading: Vec<&'a Path>,
    /// Links that cannot be made.
    failures: Vec<InstallError>,
}

/// Looks at all that stands, and refuses what must not be done.
fn decide<'a>(site: &Site, root: &OwnedFd, entries: &'a [Entry<'a>], extent: Extent) -> Result<Decided<'a>, InstallError> {
    let current = Current::read(site, root)?;
    let is_live = current.live.is_some();
    if is_live && extent == Extent::Rest {
        return Err(InstallError::AlreadyLive { link: site.link.clone() });
    }
    let grounds = Grounds::look(site, Some(root))?;
    let plan = plan::plan(site, &grounds, entries);
    let (mut failures, others) = sorted(plan.obstacles);
    if is_live {
        refuse(std::mem::take(&mut failures))?;
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

/// The number after `current` that no link leads to: what a killed run left under it can go.
fn next_number(site: &Site, current: u64, held: &BTreeSet<u64>) -> Result<u64, InstallError> {
    let exhausted = || InstallError::NumbersExhausted { link: site.link.clone() };
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
        if let Wanted::Inside(name) = wanted {
            draft.link(name, &site.link.join(&*entry.location()), entry.owner)?;
        }
    }
    Ok(draft)
}

/// Turns findings into an error, if there are any.
fn refuse(mut findings: Vec<InstallError>) -> Result<(), InstallError> {
    match findings.pop() {
        None => Ok(()),
        Some(only) if findings.is_empty() => Err(only),
        Some(last) => {
            findings.push(last);
            Err(InstallError::Several(findings))
        }
    }
}
