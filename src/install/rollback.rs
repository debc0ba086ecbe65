//! Makes an older generation live again.
//!
//! The order is that of a publication: the requests are recorded, the link is swapped, and then the requests are made. So a rollback
//! that is killed in between leaves the requests to the next run. That run publishes what its manifest says, whatever is live.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::{AsFd as _, OwnedFd},
};

use rustix::fs::FileType;

use super::{
    complete,
    declared_file::DeclaredFile,
    error::{InstallError, failed},
    failure::Failed,
    files, links,
    live::{self, Current, LiveGeneration, steady},
    lock, mount, pending, rollback_copies,
    rollback_effect::{Effect, effect},
    rollback_error, rollback_record,
    site::{Site, parse_number},
    units::{self, Channel, UnitError, UnitRequests},
    watch_file,
};
use crate::system::budget;

/// A rollback that is possible.
#[derive(Debug, PartialEq, Eq)]
pub struct Rollback {
    /// The number of the live generation.
    pub from: u64,
    /// The number of the generation that would be live.
    pub to: u64,
    /// The places of the declared files that the live generation has, and that one lacks.
    pub lacking: Vec<String>,
    /// The places of the files that that one has, and that neither the live generation has nor anybody declares: of secrets that were
    /// removed, because they were revoked perhaps.
    pub returning: Vec<String>,
}

/// What a rollback has done.
pub struct RolledBack {
    /// Warnings, such as a record that could not be removed.
    pub warnings: Vec<String>,
    /// What failed after the link was exchanged: the rest of the exchange, watch files and unit requests.
    pub failures: Vec<InstallError>,
}

/// The live generation and the one that a rollback would make live, compared.
struct Compared {
    live: LiveGeneration,
    from: u64,
    to: u64,
    effects: Vec<Effect>,
    returning: Vec<String>,
}

impl Compared {
    /// Finds the newest generation that is older than the live one, and compares the `declared` files of both. Writes nothing.
    fn look(site: &Site, root: &OwnedFd, declared: &[DeclaredFile<'_>]) -> Result<Self, InstallError> {
        let Current {
            number: from,
            live: Some(live),
        } = Current::read(site, root)?
        else {
            return Err(rollback_error::nothing_live(&site.link));
        };
        let to = older(site, root, from)?;
        if !complete::has(site, root, to)? {
            return Err(rollback_error::incomplete(&site.mount_point, to));
        }
        let at = site.generation(to);
        let dir = files::open_directory(root, to.to_string()).map_err(failed("open the generation", &at))?;
        let effect_on =
            |file: &DeclaredFile<'_>| effect(&live, &dir, &file.place).map_err(failed("compare", &at.join(&file.place)));
        let effects = declared.iter().map(effect_on).collect::<Result<_, _>>()?;
        let returning = returning(&live, &live::inventory(&dir, &at)?, declared)?;
        Ok(Self {
            live,
            from,
            to,
            effects,
            returning,
        })
    }

    /// The files of `declared` on which a rollback has the effect `wanted`.
    fn files<'d, 'a>(&self, declared: &'d [DeclaredFile<'a>], wanted: Effect) -> impl Iterator<Item = &'d DeclaredFile<'a>> {
        let effects = self.effects.iter().zip(declared);
        effects.filter(move |(effect, _)| **effect == wanted).map(|(_, file)| file)
    }

    fn rollback(&self, declared: &[DeclaredFile<'_>]) -> Rollback {
        let lacking = self.files(declared, Effect::Goes).map(|file| file.place.as_str().to_owned());
        Rollback {
            from: self.from,
            to: self.to,
            lacking: lacking.collect(),
            returning: self.returning.clone(),
        }
    }
}

/// The rollback that is possible now: to the newest generation that is older than the live one. `declared` is what the manifest
/// declares. Writes nothing, and takes no lock.
///
/// # Errors
///
/// If no generation is live, if there is no older one, or if that one may not be complete.
pub fn possible_rollback(site: &Site, declared: &[DeclaredFile<'_>]) -> Result<Rollback, InstallError> {
    steady(site, || match mount::open(site)? {
        Some(root) => Ok(Compared::look(site, &root, declared)?.rollback(declared)),
        None => Err(rollback_error::nothing_live(&site.link)),
    })
}

/// Carries out the rollback `agreed`, and makes the unit requests of all `declared` files that are others then. Symlinks at declared
/// paths stay: they lead through the link. Copies there become those of the older generation.
///
/// # Errors
///
/// If another run has changed something since the rollback was agreed, or any step fails before the link is swapped. Then the live
/// generation stays.
pub fn roll_back(site: &Site, declared: &[DeclaredFile<'_>], agreed: &Rollback, channel: &Channel) -> Result<RolledBack, Failed> {
    links::check(site)?;
    let entered = lock::enter(site, budget::LOCK)?;
    let root = &entered.root;
    let compared = Compared::look(site, root, declared)?;
    if compared.rollback(declared) != *agreed {
        return Err(rollback_error::changed_meanwhile(&site.link).into());
    }
    let to = compared.to;
    // Requests that an earlier run has left are still to be made.
    let mut requests = compared.live.pending().clone();
    for file in compared.files(declared, Effect::Changes) {
        requests.extend(file.restart_units, file.reload_units);
    }
    requests.deduplicate();
    // A record that a killed rollback has left would count as soon as the link names this generation.
    pending::remove(site, root, to)?;
    if requests != UnitRequests::default() {
        pending::write(site, root, to, &requests)?;
    }
    let mut warnings = entered.warnings;
    // If the swap failed after the link was exchanged, the older generation is live, and all has to be told of it.
    let mut failures = Vec::new();
    match links::swap(site, to, true) {
        Ok(further) => warnings.extend(further),
        Err(failed) if links::leads_to(site, to) => {
            warnings.extend(failed.warnings);
            failures.extend(failed.errors);
        }
        Err(failed) => {
            return Err(Failed {
                warnings: [warnings, failed.warnings].concat(),
                ..failed
            });
        }
    }
    warnings.extend(recorded(site, root, declared, &compared).err().map(|error| error.to_string()));
    let copied = rollback_copies::renew(site, root, declared);
    warnings.extend(copied.warnings);
    failures.extend(copied.failures);
    // Watchers and units are told as by a run: once everything is at its place.
    let there = [Effect::Stays, Effect::Changes].into_iter();
    let there = there.flat_map(|effect| compared.files(declared, effect));
    let watched = there.filter_map(|file| Some((file.place.as_str().to_owned(), file.watch_file.as_deref()?)));
    failures.extend(watch_file::write_all(site, root, to, watched));
    let errors = units::request(channel, &requests);
    if !errors.iter().any(UnitError::is_lost) {
        let kept = pending::replace(site, root, to, &copied.postponed);
        warnings.extend(kept.err().map(|error| error.to_string()));
    }
    failures.extend(errors.into_iter().map(InstallError::from));
    Ok(RolledBack { warnings, failures })
}

/// Tells the record of the last run what the rollback has done.
fn recorded(site: &Site, root: &OwnedFd, declared: &[DeclaredFile<'_>], compared: &Compared) -> Result<(), InstallError> {
    let place = |file: &DeclaredFile<'_>| file.place.as_str().to_owned();
    let changed = compared.files(declared, Effect::Changes).map(|file| {
        let units = [file.restart_units, file.reload_units].concat();
        (place(file), Some(units))
    });
    let gone = compared.files(declared, Effect::Goes).map(|file| (place(file), None));
    rollback_record::keep(site, root, [compared.from, compared.to], changed.chain(gone))
}

/// The newest generation that is older than the generation `live`.
fn older(site: &Site, root: &OwnedFd, live: u64) -> Result<u64, InstallError> {
    let names = files::list(root.as_fd()).map_err(failed("list", &site.mount_point))?;
    let numbers = names
        .iter()
        .filter(|(_, kind)| *kind == FileType::Directory)
        .filter_map(|(name, _)| parse_number(name.to_str().ok()?));
    let older = numbers.filter(|number| *number < live).max();
    older.ok_or_else(|| rollback_error::nothing_older(&site.mount_point, live))
}

/// The files of the older generation with this `inventory` that the live one lacks, and that are not `declared`.
fn returning(
    live: &LiveGeneration,
    inventory: &BTreeMap<String, FileType>,
    declared: &[DeclaredFile<'_>],
) -> Result<Vec<String>, InstallError> {
    let now = live.inventory()?;
    let declared: BTreeSet<_> = declared.iter().map(|file| file.place.as_str()).collect();
    let files = inventory.iter().filter(|(_, kind)| **kind == FileType::RegularFile);
    let returning = files.filter(|(place, _)| !now.contains_key(*place) && !declared.contains(place.as_str()));
    Ok(returning.map(|(place, _)| place.clone()).collect())
}
