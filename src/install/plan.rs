//! Where the links of a set of entries go, decided before anything is written.
//!
//! One place has many spellings: `/var/run` is `/run`, and a directory can be mounted twice. So places are compared as directories, not
//! as paths.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use rustix::fs;

use super::{
    entry::{Entry, EntryKind},
    error::InstallError,
    files,
    grounds::Grounds,
    site::Site,
    walk::{self, Lost, Step, Way},
    writers,
};

/// Where an entry wants to be seen, beside its own place.
pub(crate) enum Wanted<'a> {
    /// Nowhere.
    Nothing,
    /// Inside the published tree, under this name.
    Inside(String),
    /// At this path.
    Outside(&'a Path),
}

/// Something at a declared path that keeps a link from being made.
pub(crate) struct Obstacle {
    /// What it is.
    pub error: InstallError,
    /// Whether only root or the caller can have put it there. A plain user must not be able to stop updates of all secrets.
    pub is_ours: bool,
}

/// Where the links go.
pub(crate) struct Plan<'a> {
    /// What each entry wants, as far as nothing stands in its way.
    pub wanted: Vec<Wanted<'a>>,
    /// What stands in the way.
    pub obstacles: Vec<Obstacle>,
    /// Declared paths where root's or our own link leads elsewhere than to the published tree: to an older generation, maybe.
    pub leading: Vec<&'a Path>,
}

/// What one entry has declared, on its way.
struct Claim<'a> {
    path: &'a Path,
    passed: Vec<Step>,
    end: Step,
    is_safe: bool,
}

/// Plans the links of `entries`. Changes nothing.
pub(crate) fn plan<'a>(site: &Site, grounds: &Grounds, entries: &'a [Entry<'a>]) -> Plan<'a> {
    let mut plan = Plan {
        wanted: Vec::new(),
        obstacles: Vec::new(),
        leading: Vec::new(),
    };
    let claims: Vec<_> = entries.iter().map(|entry| plan.claim(site, grounds, entry)).collect();
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

/// Obstacles that stop a run over a live generation, and those that other users can make, which must not.
pub(crate) fn sorted(obstacles: Vec<Obstacle>) -> (Vec<InstallError>, Vec<InstallError>) {
    let (ours, others): (Vec<_>, Vec<_>) = obstacles.into_iter().partition(|obstacle| obstacle.is_ours);
    let errors = |obstacles: Vec<Obstacle>| obstacles.into_iter().map(|obstacle| obstacle.error).collect();
    (errors(ours), errors(others))
}

impl<'a> Plan<'a> {
    /// What an entry has declared, if nothing that is there now stands in its way. No descriptor is kept: there may be thousands.
    fn claim(&mut self, site: &Site, grounds: &Grounds, entry: &'a Entry<'a>) -> Option<Claim<'a>> {
        let path = entry.path.as_deref()?;
        let examined = examine(site, grounds, entry, path);
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

    /// The positions of claims that exclude each other, or an entry's own place; an obstacle for each pair.
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

/// The way to a declared path, and whether a link of root's or ours there leads elsewhere than to the published tree. What is there now
/// may be an obstacle.
fn examine(site: &Site, grounds: &Grounds, entry: &Entry<'_>, path: &Path) -> Result<(Way, bool), Box<Obstacle>> {
    let obstacle = |error, is_ours| Box::new(Obstacle { error, is_ours });
    if let Some(way) = grounds.way_below(&site.link, path) {
        return Ok((way, false));
    }
    let mut way = walk::find(path, Some(&grounds.link)).map_err(|lost| {
        let Lost { error, is_safe, .. } = *lost;
        obstacle(error, is_safe)
    })?;
    if grounds.are_met_by(&way) {
        let (what, path) = (name(entry), path.to_owned());
        return Err(obstacle(InstallError::OfGenerations { what, path }, way.is_safe));
    }
    let Some(place) = way.place.take() else {
        return Ok((way, false));
    };
    let there = files::status(&place.dir, place.name.as_os_str()).ok().flatten();
    let is_ours = way.is_safe && fs::fstat(&place.dir).is_ok_and(|dir| writers::of(&dir, there.as_ref()).is_empty());
    place.refuse_directory().map_err(|error| obstacle(error, is_ours))?;
    let target = place.target().filter(|_| is_ours);
    Ok((way, target.is_some_and(|target| !Path::new(&target).starts_with(&site.link))))
}

/// What a claim without conflict comes to.
fn wanted<'a>(grounds: &Grounds, entry: &Entry<'_>, claim: &Claim<'a>) -> Wanted<'a> {
    let Step { dir, name } = &claim.end;
    let inside = name.strip_prefix(&grounds.link.name).ok();
    match inside.filter(|_| *dir == grounds.link.dir).map(Path::to_str) {
        None => Wanted::Outside(claim.path),
        Some(Some(name)) if name != entry.location() => Wanted::Inside(name.to_owned()),
        Some(_) => Wanted::Nothing,
    }
}

/// Who has a place.
#[derive(Clone, Copy)]
struct Holder<'e> {
    entry: &'e Entry<'e>,
    /// The position of the claim; none for an entry's own place.
    claim: Option<usize>,
    /// Whether no other user can have led the way there.
    is_safe: bool,
}

/// Places by who has them.
#[derive(Default)]
struct Taken<'e> {
    /// Where files and links are.
    ends: HashMap<Step, Holder<'e>>,
    /// What they lie below.
    passed: HashMap<Step, Holder<'e>>,
}

impl<'e> Taken<'e> {
    /// Notes an entry's own place.
    fn own(&mut self, grounds: &Grounds, entry: &'e Entry<'e>) {
        let holder = Holder {
            entry,
            claim: None,
            is_safe: true,
        };
        let location = entry.location();
        for (slash, _) in location.match_indices('/') {
            let parent = location.get(..slash).unwrap_or_default();
            self.passed.entry(grounds.link.below(parent)).or_insert(holder);
        }
        self.ends.insert(grounds.link.below(&location), holder);
    }

    /// Notes a declared path.
    fn claim(&mut self, position: usize, entry: &'e Entry<'e>, claim: &Claim<'_>) {
        let holder = Holder {
            entry,
            claim: Some(position),
            is_safe: claim.is_safe,
        };
        self.ends.entry(claim.end.clone()).or_insert(holder);
        for step in &claim.passed {
            self.passed.entry(step.clone()).or_insert(holder);
        }
    }

    /// Whom the claim of `entry` meets, and whether at its very end. At its own place it meets nobody.
    fn meets(&self, entry: &Entry<'_>, claim: &Claim<'_>) -> Option<(Holder<'e>, bool)> {
        if let Some(holder) = self.ends.get(&claim.end) {
            return (!std::ptr::eq(holder.entry, entry)).then_some((*holder, true));
        }
        let below = claim.passed.iter().find_map(|step| self.ends.get(step));
        let holder = below.or_else(|| self.passed.get(&claim.end))?;
        Some((*holder, false))
    }
}

/// The refusal of a claim.
fn conflict(entry: &Entry<'_>, claim: &Claim<'_>, other: &Entry<'_>, is_same: bool) -> InstallError {
    let (what, path, other) = (name(entry), claim.path.to_owned(), name(other));
    if is_same {
        InstallError::SamePlace { what, path, other }
    } else {
        InstallError::InTheWay { what, path, other }
    }
}

/// An entry, for messages.
fn name(entry: &Entry<'_>) -> String {
    let noun = match entry.kind {
        EntryKind::Secret => "secret",
        EntryKind::Template => "template",
    };
    format!("{noun} {}", entry.name)
}
