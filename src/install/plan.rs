//! Decides at which paths the symlinks and copies of all entries are made, before anything is written.
//!
//! A file has many paths: `/var/run` is `/run`, and a directory can be mounted twice. So places are compared by directory, not by
//! path.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use rustix::fs;

use super::{
    at_path::AtPath,
    copies,
    entry::Entry,
    error::InstallError,
    files,
    grounds::Grounds,
    name::PlaceInGeneration,
    site::Site,
    step::Step,
    walk,
    way::{Lost, Way},
    writers,
};
use crate::system::mounts::{Mount, Mounts};

/// The symlink that an entry gets, in addition to the file at its own place in the generation.
pub(crate) enum Wanted<'a> {
    /// The entry gets no symlink.
    Nothing,
    /// The symlink lies inside the published tree, at this place. The symlink is made while the generation is written.
    Inside(PlaceInGeneration<'a>),
    /// The symlink or copy lies outside the published tree, at this path. It is made after the swap.
    Outside(&'a Path),
}

/// An obstacle: something at or on the way to a declared path that keeps the symlink from being made.
pub(crate) struct Obstacle {
    /// The error that describes the obstacle.
    pub error: InstallError,
    /// Whether only root or the caller can have made the obstacle. If another user can have made it, it must not stop the run:
    /// otherwise, that user could stop every update.
    pub is_ours: bool,
}

/// The symlinks of all entries, and the obstacles that were found.
pub(crate) struct Plan<'a> {
    /// The symlink that each entry gets, in the order of the entries. An entry with an obstacle gets no symlink.
    pub wanted: Vec<Wanted<'a>>,
    /// The obstacles at declared paths.
    pub obstacles: Vec<Obstacle>,
    /// Declared paths at which there is a symlink that belongs to root or the caller, and that does not lead to the published tree.
    /// Such a symlink may lead to an older generation, which must then be kept.
    pub leading: Vec<&'a Path>,
}

/// The declared path of one entry, and the way to that path.
struct Claim<'a> {
    path: &'a Path,
    passed: Vec<Step>,
    end: Step,
    is_safe: bool,
}

/// Plans the symlinks of `entries`. Changes nothing.
pub(crate) fn plan<'a>(site: &Site, grounds: &Grounds, entries: &'a [Entry<'a>]) -> Plan<'a> {
    let mut plan = Plan {
        wanted: Vec::new(),
        obstacles: Vec::new(),
        leading: Vec::new(),
    };
    let has_copies = entries.iter().any(|entry| entry.at_path.is_copy());
    let mounts = has_copies.then(|| Mounts::now(&site.root));
    let claim = |entry| plan.claim(site, grounds, mounts.as_ref(), entry);
    let claims: Vec<_> = entries.iter().map(claim).collect();
    let refused = plan.conflicts(grounds, entries, &claims);
    let wanted = entries
        .iter()
        .zip(&claims)
        .enumerate()
        .map(|(position, (entry, claim))| match claim {
            Some(claim) if !refused.contains(&position) => wanted(grounds, entry, claim),
            _ => Wanted::Nothing,
        });
    plan.wanted = wanted.collect();
    plan
}

/// Divides obstacles into two lists of errors. The first list has obstacles that only root or the caller can have made: they stop
/// the run if a generation is live. The second list has obstacles that another user can have made: they never stop a run.
/// Otherwise, that user could stop every update.
pub(crate) fn sorted(obstacles: Vec<Obstacle>) -> (Vec<InstallError>, Vec<InstallError>) {
    let (ours, others): (Vec<_>, Vec<_>) = obstacles.into_iter().partition(|obstacle| obstacle.is_ours);
    let errors = |obstacles: Vec<Obstacle>| obstacles.into_iter().map(|obstacle| obstacle.error).collect();
    (errors(ours), errors(others))
}

impl<'a> Plan<'a> {
    /// The claim of `entry` on its declared path. Returns `None` if the entry declares no path, or if there is an obstacle, which is
    /// added to the plan. No descriptor is kept open, because there may be thousands of entries.
    fn claim(&mut self, site: &Site, grounds: &Grounds, mounts: Option<&Mounts>, entry: &'a Entry<'a>) -> Option<Claim<'a>> {
        let path = entry.path.as_deref()?;
        let examined = match mounts.filter(|_| entry.at_path == AtPath::Copy { to_disk: false }) {
            Some(mounts) => check_local(mounts, entry, path),
            None => Ok(()),
        };
        let examined = examined.and_then(|()| examine(site, grounds, entry, path));
        let (way, leads_elsewhere) = examined.map_err(|obstacle| self.obstacles.push(*obstacle)).ok()?;
        if leads_elsewhere {
            self.leading.push(path);
        }
        Some(Claim {
            path,
            passed: way.passed,
            end: way.end,
            is_safe: way.is_safe,
        })
    }

    /// The positions of the entries whose claims are refused. A claim is refused if it conflicts with another claim, or with the
    /// place of another entry in the generation. Adds an obstacle to the plan for each conflict.
    fn conflicts(&mut self, grounds: &Grounds, entries: &[Entry<'_>], claims: &[Option<Claim<'_>>]) -> HashSet<usize> {
        let mut refused = HashSet::new();
        if claims.iter().all(Option::is_none) {
            return refused;
        }
        let mut taken = Taken::default();
        for entry in entries {
            taken.own(grounds, entry);
        }
        for (position, (entry, claim)) in entries.iter().zip(claims).enumerate() {
            let Some(claim) = claim else { continue };
            let Some((holder, is_same)) = taken.meets(entry, claim) else {
                taken.claim(position, entry, claim);
                continue;
            };
            self.obstacles.push(Obstacle {
                error: conflict(entry, claim, holder.entry, is_same),
                is_ours: claim.is_safe && holder.is_safe,
            });
            refused.extend([Some(position), holder.claim].into_iter().flatten());
        }
        refused
    }
}

/// Examines a declared path. Returns the way to the path. Also returns whether the path is a symlink that belongs to root or the
/// caller, and that does not lead to the published tree. An obstacle is returned as the error.
fn examine(site: &Site, grounds: &Grounds, entry: &Entry<'_>, path: &Path) -> Result<(Way, bool), Box<Obstacle>> {
    let obstacle = |error, is_ours| Box::new(Obstacle { error, is_ours });
    let is_copy = entry.at_path.is_copy();
    if let Some(way) = grounds.way_below(&site.link, path) {
        return if is_copy {
            Err(obstacle(InstallError::copy_among_secrets(path).of(entry), true))
        } else {
            Ok((way, false))
        };
    }
    let mut way = walk::find(&site.root, path, Some(&grounds.link)).map_err(|lost| {
        let Lost { error, is_safe, .. } = *lost;
        obstacle(error.of(entry), is_safe)
    })?;
    if grounds.are_met_by(&way) {
        return Err(obstacle(InstallError::of_generations(&entry.shown(), path), way.is_safe));
    }
    if is_copy {
        check_copy(grounds, entry, path, &way).map_err(|error| obstacle(error.of(entry), way.is_safe))?;
    }
    let Some(place) = way.place.take() else {
        return Ok((way, false));
    };
    let there = files::status(&place.dir, place.name.as_os_str()).ok().flatten();
    let is_ours = way.is_safe && fs::fstat(&place.dir).is_ok_and(|dir| writers::of(&dir, there.as_ref()).is_empty());
    place.refuse_directory().map_err(|error| obstacle(error.of(entry), is_ours))?;
    let target = place.target().filter(|_| is_ours);
    Ok((way, target.is_some_and(|target| !Path::new(&target).starts_with(&site.link))))
}

/// Fails if a copy must not be made at the end of `way`.
fn check_copy(grounds: &Grounds, entry: &Entry<'_>, path: &Path, way: &Way) -> Result<(), InstallError> {
    if grounds.hold(way) {
        return Err(InstallError::copy_among_secrets(path));
    }
    let dir = way.place.as_ref().map(|place| &place.dir).or(way.nearest.as_ref());
    dir.map_or(Ok(()), |dir| copies::check_store(entry, path, dir))
}

/// Fails if `path`, where a copy may lie only in memory, lies on a file system that may never answer. Such a one is not touched. The
/// root is: everything else is on it.
fn check_local(mounts: &Mounts, entry: &Entry<'_>, path: &Path) -> Result<(), Box<Obstacle>> {
    let is_remote = |mount: &&Mount| mount.place != Path::new("/") && !mount.is_local();
    let remote = mounts.on_the_way(path).into_iter().find(is_remote);
    remote.map_or(Ok(()), |mount| {
        Err(Box::new(Obstacle {
            error: InstallError::copy_on_remote(path, mount).of(entry),
            // Whoever can mount there, as a user can by FUSE, must not stop the run.
            is_ours: false,
        }))
    })
}

/// The symlink that `entry` gets for a claim that has no conflict.
fn wanted<'a>(grounds: &Grounds, entry: &Entry<'_>, claim: &Claim<'a>) -> Wanted<'a> {
    match grounds.below_link(&claim.end).and_then(PlaceInGeneration::of_symlink) {
        None => Wanted::Outside(claim.path),
        Some(place) if place == entry.place() => Wanted::Nothing,
        Some(place) => Wanted::Inside(place),
    }
}

/// The entry that has a place.
#[derive(Clone, Copy)]
struct PlaceOwner<'e> {
    entry: &'e Entry<'e>,
    /// The position of the entry, if the entry has the place by its declared path. `None` if the place is the entry's own place in
    /// the generation.
    claim: Option<usize>,
    /// Whether only root and the caller could have changed the way to the place.
    is_safe: bool,
}

/// Which entry has which place.
#[derive(Default)]
struct Taken<'e> {
    /// The places of files and symlinks, each with the entry that has it.
    ends: HashMap<Step, PlaceOwner<'e>>,
    /// The steps on the way to these places, each with an entry whose file or symlink lies below the step.
    passed: HashMap<Step, PlaceOwner<'e>>,
}

impl<'e> Taken<'e> {
    /// Adds the place that `entry` has in the generation, and the directories above that place.
    fn own(&mut self, grounds: &Grounds, entry: &'e Entry<'e>) {
        let holder = PlaceOwner {
            entry,
            claim: None,
            is_safe: true,
        };
        let place = entry.place();
        for parent in place.parents() {
            self.passed.entry(grounds.link.below(parent)).or_insert(holder);
        }
        self.ends.insert(grounds.link.below(place.as_str()), holder);
    }

    /// Notes that `entry` has taken the place at the end of its declared path, and which steps are on the way to it. Later claims
    /// are compared with this. What another entry has noted stays.
    fn claim(&mut self, position: usize, entry: &'e Entry<'e>, claim: &Claim<'_>) {
        let holder = PlaceOwner {
            entry,
            claim: Some(position),
            is_safe: claim.is_safe,
        };
        self.ends.entry(claim.end.clone()).or_insert(holder);
        for step in &claim.passed {
            self.passed.entry(step.clone()).or_insert(holder);
        }
    }

    /// The [`PlaceOwner`] with which the claim of `entry` conflicts, and where the claim lies, seen from that owner. An entry has
    /// no conflict with its own place.
    fn meets(&self, entry: &Entry<'_>, claim: &Claim<'_>) -> Option<(PlaceOwner<'e>, Side)> {
        if let Some(holder) = self.ends.get(&claim.end) {
            return (!std::ptr::eq(holder.entry, entry)).then_some((*holder, Side::Same));
        }
        if let Some(holder) = claim.passed.iter().find_map(|step| self.ends.get(step)) {
            return Some((*holder, Side::Below));
        }
        let holder = self.passed.get(&claim.end)?;
        Some((*holder, Side::Above))
    }
}

/// The error for a claim that conflicts with the entry `other`.
fn conflict(entry: &Entry<'_>, claim: &Claim<'_>, other: &Entry<'_>, side: Side) -> InstallError {
    let (what, other) = (entry.shown(), other.shown());
    match side {
        Side::Same => InstallError::same_place(&what, claim.path, &other),
        Side::Above => InstallError::in_the_way(&what, claim.path, "above", &other),
        Side::Below => InstallError::in_the_way(&what, claim.path, "below", &other),
    }
}

/// Where a declared path lies, seen from the place of another entry.
#[derive(Clone, Copy)]
enum Side {
    Same,
    Above,
    Below,
}
