//! One publication, step by step.
//!
//! The process may be killed between any two steps, so their order matters:
//!
//! 1. Refuse what must not be done, before the first write. Decide whether the live generation stays, because it already is what this
//!    run would write. If it stays, this run makes no generation, and the other steps only make good what an earlier run has left.
//! 2. Write the whole generation. The link does not name it yet. If the run is killed here, the next run removes it.
//! 3. Record the unit requests. A record counts only while the link names its generation, so it has no effect yet.
//! 4. Swap the link, in one atomic step. From now on, services read the new secrets.
//!    If older generations are kept, the generation is marked as complete, so that a rollback can lead back to it.
//! 5. Note the symlinks and copies at declared paths in the ledger, and make them. Symlinks lead through the link, so they lead to the new
//!    generation. Copies are made of it. If the run is killed in between, the next run makes what is missing, also if nothing else changes.
//!    Then write the watch files.
//! 6. Make the unit requests, and then remove their record. If the run is killed in between, the next run makes the requests.
//! 7. Prune old generations. Nothing depends on pruning, so a failure is only a warning, and the next run tries again.
//! 8. Remove the symlinks and copies of former secrets.

use std::{
    collections::{BTreeSet, HashSet},
    os::fd::OwnedFd,
    path::Path,
    time::Duration,
};

use super::{
    changes::{self, Changes},
    complete,
    entry::Entry,
    error::InstallError,
    failure::Failed,
    former::{self, FormerPlace},
    generation::{self, Draft},
    grounds::Grounds,
    held,
    layout::Outlook,
    links,
    live::{Current, Difference, LiveGeneration},
    lock, pending,
    plan::{self, Wanted, sorted},
    site::Site,
    spread,
    units::{self, Channel, UnitError},
    watch_file,
};
use crate::system::{budget, stop};

/// The result of a successful publication: the live generation has what the entries say.
#[derive(Debug)]
pub struct Published {
    /// The number of the live generation: of a new one, or of the one that was live before, if nothing in it changes.
    pub generation: u64,
    /// Whether the live generation is a new one.
    pub is_new: bool,
    /// Whether no generation was live before.
    pub is_first: bool,
    /// The differences between the live generation and the generation that was live before. No names if that one stays.
    pub changes: Changes,
    /// The symlinks and copies of former secrets that are gone now.
    pub former_links: Vec<FormerPlace>,
    /// Warnings, such as a file that was moved aside for a symlink.
    pub warnings: Vec<String>,
    /// What failed although the secrets are live: symlinks at declared paths that were not made, and unit requests.
    pub failures: Vec<InstallError>,
}

/// Whether the entries to publish are all entries of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The entries are all that the manifest declares: no entry failed.
    Whole,
    /// Some entries failed, and only the others are published. This is allowed only if no generation is live. [`publish`] checks
    /// this again under the lock, because another run may have published meanwhile.
    Rest,
    /// Some entries failed, and the manifest says that the others are published all the same.
    Tolerated,
}

/// Publishes `entries` as a new generation, and then makes the unit requests of all secrets and templates that changed. `channel`
/// says how unit requests are made.
///
/// An obstacle at a declared path stops the run. Otherwise, only some of the declared paths would get the new content. There are
/// two exceptions. If no generation is live, there is nothing to protect. If another user can have made the obstacle, that user
/// could otherwise stop every update. In both cases, the run goes on, and the obstacle is listed in [`Published::failures`].
///
/// # Errors
///
/// If any step fails before the link is swapped. In that case, the live generation stays unchanged.
pub fn publish(site: &Site, entries: &[Entry<'_>], extent: Extent, channel: &Channel) -> Result<Published, Failed> {
    publish_within(budget::LOCK, site, entries, extent, channel)
}

/// Does what [`publish`] does, but waits for other runs only for the time `timeout`.
pub(crate) fn publish_within(
    timeout: Duration,
    site: &Site,
    entries: &[Entry<'_>],
    extent: Extent,
    channel: &Channel,
) -> Result<Published, Failed> {
    links::check(site)?;
    // Neither the link nor the mount point may lie inside the other. The check comes before anything is made or mounted.
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

/// Carries out one publication into the mount point `root`, which this run has locked.
fn attempt(site: &Site, root: &OwnedFd, entries: &[Entry<'_>], extent: Extent, channel: &Channel) -> Result<Published, Failed> {
    let decided = decide(site, root, entries, extent)?;
    // The link names the live generation, so it is complete. It may lack its mark, if only one generation was kept until now.
    let former = decided.live.as_ref().filter(|_| !decided.stays);
    let former = former.and_then(|(live, _)| site.number(live.at()));
    let marked = former.map_or(Ok(()), |former| complete::mark(site, root, former));
    // The whole generation is written before the link names it, so a run that is killed here leaves the live generation unchanged.
    let mut draft = if decided.stays {
        None
    } else {
        Some(write(site, root, entries, &decided)?)
    };
    let (number, changes, mut failures) = (decided.number, decided.changes, decided.failures);
    // This is the last moment at which the run can end without a change. But if no generation is live, as at boot, the run goes on
    // and publishes what is ready.
    if decided.live.is_some() && stop::is_requested() {
        return Err(InstallError::stopped(&site.link).into());
    }
    // The requests are recorded before the swap. Otherwise, a run that is killed right after the swap would lose them.
    let is_telling = !changes.units.is_empty();
    // A generation that stays has a record already, if an earlier run has left requests.
    if is_telling && draft.is_some() {
        pending::write(site, root, number, &changes.units)?;
    }
    // The swap is one rename(2). So no service finds the link missing, or a generation that is not complete.
    let swapped = links::swap(site, number, decided.live.is_some());
    // If the swap failed after the link was exchanged, the link may name the new generation. In that case, the new generation is
    // live, and must not be removed.
    if swapped.is_ok() || links::leads_to(site, number) {
        draft.iter_mut().for_each(Draft::publish);
    }
    let mut warnings = swapped?;
    let marks = [marked, complete::mark(site, root, number)];
    warnings.extend(marks.into_iter().filter_map(Result::err).map(|error| error.to_string()));

    // The symlinks come after the swap: they lead through the link, which must name the new generation first. So do copies, which belong to
    // the generation that is live.
    let mut spread = spread::spread(site, &decided.grounds, entries, &decided.wanted);
    warnings.append(&mut spread.warnings);
    failures.append(&mut spread.failures);
    // Watchers are told like units: once everything is at its place.
    let watched = entries
        .iter()
        .filter_map(|entry| Some((entry.place().as_str().to_owned(), entry.watch_file.as_deref()?)));
    failures.extend(watch_file::write_all(site, root, number, watched));
    let postponed = spread.postponed(entries);
    if is_telling {
        // The unit requests come after the symlinks and copies: a unit that restarts must find the new content at every declared path. If a
        // copy could not be written, its units wait for the run that writes it.
        let errors = units::request(channel, &spread.ready(entries, &changes));
        // If systemd has refused a request, it would refuse the same request again, so such a request is not repeated. The record
        // is kept for the next run only if systemd may not have received a request.
        if !errors.iter().any(UnitError::is_lost) {
            let kept = pending::replace(site, root, number, &postponed);
            warnings.extend(kept.err().map(|error| error.to_string()));
        }
        failures.extend(errors.into_iter().map(InstallError::from));
    } else {
        if !postponed.is_empty() {
            let kept = pending::replace(site, root, number, &postponed);
            warnings.extend(kept.err().map(|error| error.to_string()));
        }
        if decided.live.is_some() {
            units::take_up(channel);
        } else {
            // At a first publication, no unit has an old secret. But units may have failed because their secret was missing, so failed
            // units are started.
            let failed = units::start_failed(channel, &spread::units_of(entries));
            failures.extend(failed.err().map(InstallError::from));
        }
    }
    // The held generations are looked up again, because a symlink to an older generation may have been replaced above. Pruning
    // comes last, because no other step depends on it.
    match held::by(site, root, &decided.leading) {
        Ok(held) => warnings.extend(generation::prune(site, root, number, &held)),
        Err(error) => warnings.push(error.to_string()),
    }
    // At a first publication, a copy of a secret that failed stays, as everything stays if a run fails.
    let vacated = match extent {
        Extent::Rest => HashSet::new(),
        Extent::Whole | Extent::Tolerated => spread::vacated(site, entries),
    };
    let removed = former::remove_after(site, spread.places.as_ref(), vacated);
    warnings.extend(removed.warnings);
    Ok(Published {
        generation: number,
        is_new: draft.is_some(),
        is_first: decided.live.is_none(),
        changes,
        former_links: removed.links,
        warnings,
        failures,
    })
}

/// The decisions that are made before the first write.
struct Decided<'a> {
    /// The number of the generation that is live after this run.
    number: u64,
    /// The generation that is live now, and the difference of each entry from it. `None` if no generation is live.
    live: Option<(LiveGeneration, Vec<Difference>)>,
    /// Whether the live generation stays, because nothing in it changes.
    stays: bool,
    /// The differences between the entries and the live generation.
    changes: Changes,
    /// The places of the link and the mount point.
    grounds: Grounds,
    /// The symlink that each entry gets, in the order of the entries.
    wanted: Vec<Wanted<'a>>,
    /// Declared paths whose symlink may lead to an older generation. Such a generation must be kept.
    leading: Vec<&'a Path>,
    /// Why some symlinks cannot be made, although the run goes on.
    failures: Vec<InstallError>,
}

/// Examines the live generation and the declared paths, and refuses what must not be done. Writes nothing.
fn decide<'a>(site: &Site, root: &OwnedFd, entries: &'a [Entry<'a>], extent: Extent) -> Result<Decided<'a>, Failed> {
    let Current { number, live } = Current::read(site, root)?;
    let is_live = live.is_some();
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
    let mut compared = changes::compare(live.as_ref(), entries)?;
    let outlook = Outlook::of(site, live.as_ref(), &compared, entries, &plan.wanted)?;
    let stays = outlook.stays;
    compared.changes.directories = outlook.directories;
    Ok(Decided {
        number: if stays { number } else { next_number(site, number, &held)? },
        live: live.map(|live| (live, compared.differences)),
        stays,
        changes: compared.changes,
        grounds,
        wanted: plan.wanted,
        leading: plan.leading,
        failures,
    })
}

/// The first number after `current` that is not in `held`. No symlink leads to a generation with such a number, so whatever a
/// killed run left under the number can be removed.
fn next_number(site: &Site, current: u64, held: &BTreeSet<u64>) -> Result<u64, InstallError> {
    let exhausted = || InstallError::numbers_exhausted(&site.link);
    let mut number = current.checked_add(1).ok_or_else(exhausted)?;
    while held.contains(&number) {
        number = number.checked_add(1).ok_or_else(exhausted)?;
    }
    Ok(number)
}

/// Writes a whole generation: the files of all entries, and the symlinks inside the published tree. If the site keeps what is
/// unchanged, the file of an unchanged entry is a hard link to the file in the live generation.
fn write<'a>(site: &'a Site, root: &'a OwnedFd, entries: &[Entry<'_>], decided: &Decided<'_>) -> Result<Draft<'a>, InstallError> {
    let mut draft = Draft::begin(site, root, decided.number)?;
    let unchanged = |position| {
        let (live, differences) = decided.live.as_ref().filter(|_| site.keeps_unchanged)?;
        (differences.get(position) == Some(&Difference::Same)).then_some(live)
    };
    for (position, entry) in entries.iter().enumerate() {
        let is_kept = match unchanged(position) {
            Some(live) => draft.keep(entry, live)?,
            None => false,
        };
        if !is_kept {
            draft.write(entry)?;
        }
    }
    for (entry, wanted) in entries.iter().zip(&decided.wanted) {
        if let Wanted::Inside(place) = wanted {
            draft.link(place, &site.link.join(entry.place()), entry.owner)?;
        }
    }
    draft.open_directories()?;
    Ok(draft)
}
