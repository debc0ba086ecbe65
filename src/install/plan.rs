//! Where the links of a set of entries go, decided before anything is written.
//!
//! One place has many spellings: `/var/run` is `/run`, and a directory can be mounted twice. So places are compared as directories, not
//! as paths.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs;

use super::error::{InstallError, failed};
use super::files::{self, Identity};
use super::links;
use super::walk::{self, Lost, Step, Way};
use super::{Entry, Kind, Site, lock, parse_number, pending};

/// Where an entry wants to be seen, beside its own place.
pub(super) enum Wanted<'a> {
    /// Nowhere.
    Nothing,
    /// Inside the published tree, under this name.
    Inside(String),
    /// At this path.
    Outside(&'a Path),
}

/// Something at a declared path that keeps a link from being made.
pub(super) struct Obstacle {
    /// What it is.
    pub error: InstallError,
    /// Whether only root or the caller can have put it there. A plain user must not be able to stop updates of all secrets.
    pub is_ours: bool,
}

/// Where the links go.
pub(super) struct Plan<'a> {
    /// What each entry wants, as far as nothing stands in its way.
    pub wanted: Vec<Wanted<'a>>,
    /// What stands in the way.
    pub obstacles: Vec<Obstacle>,
    /// Declared paths where root's or our own link leads elsewhere than to the published tree: to an older generation, maybe.
    pub leading: Vec<&'a Path>,
}

/// What belongs to the generations.
pub(super) struct Grounds {
    /// The link.
    link: Step,
    /// The mount point.
    mount_point: Step,
    /// What is there now.
    root: Option<Identity>,
    /// All that lies above them.
    above: Vec<Step>,
}

impl Grounds {
    /// Those of `site`, whose mount point is open as `root` if it is there.
    pub(super) fn look(site: &Site, root: Option<&OwnedFd>) -> Result<Self, InstallError> {
        let find = |path| walk::find(path, None).map_err(|lost| lost.error);
        let (link, mount_point) = (find(&site.link)?, find(&site.mount_point)?);
        let lies_in = |way: &Way, end: &Step| way.end == *end || way.passed.contains(end);
        if lies_in(&link, &mount_point.end) || lies_in(&mount_point, &link.end) {
            return Err(InstallError::Nested {
                link: site.link.clone(),
                mount_point: site.mount_point.clone(),
            });
        }
        let status = root
            .map(fs::fstat)
            .transpose()
            .map_err(failed("examine", &site.mount_point))?;
        Ok(Self {
            link: link.end,
            mount_point: mount_point.end,
            root: status.as_ref().map(files::identity),
            above: [link.passed, mount_point.passed].concat(),
        })
    }

    /// Whether a link at this path leads by the live link, or to a generation.
    pub(super) fn are_target_of(&self, path: &Path) -> bool {
        // As if something were below it.
        let passed = match walk::find(&path.join("_"), Some(&self.link)) {
            Ok(way) => way.passed,
            Err(lost) => lost.passed,
        };
        passed
            .iter()
            .skip(1)
            .any(|step| *step == self.link || *step == self.mount_point || Some(step.dir) == self.root)
    }

    /// Whether a link on this way would be in the way of the generations, or among them.
    fn are_met_by(&self, way: &Way) -> bool {
        let end = &way.end;
        let is_reserved = |step: &Step| step.name.file_name().is_none_or(is_reserved);
        *end == self.link || *end == self.mount_point || self.above.contains(end) || self.entered(way).is_some_and(is_reserved)
    }

    /// The first name below the mount point on a way that leads there.
    fn entered<'w>(&self, way: &'w Way) -> Option<&'w Step> {
        let mut steps = way.passed.iter().chain([&way.end]).peekable();
        while let Some(step) = steps.next() {
            if Some(step.dir) == self.root {
                return Some(step);
            }
            if *step == self.mount_point {
                return steps.peek().copied();
            }
        }
        None
    }
}

/// Whether the generations use this name in the mount point, or will.
pub(crate) fn is_reserved(name: &OsStr) -> bool {
    let is_ours = |name: &str| parse_number(name).is_some() || pending::number(name).is_some() || name == lock::NAME;
    name.to_str().is_some_and(is_ours)
}

/// What one entry has declared, on its way.
struct Claim<'a> {
    entry: &'a Entry<'a>,
    path: &'a Path,
    way: Way,
}

/// Plans the links of `entries`. Changes nothing.
pub(super) fn plan<'a>(site: &Site, grounds: &Grounds, entries: &'a [Entry<'a>]) -> Plan<'a> {
    let mut plan = Plan {
        wanted: Vec::new(),
        obstacles: Vec::new(),
        leading: Vec::new(),
    };
    let mut claims = Vec::new();
    for entry in entries {
        let claim = entry.path.as_deref().map(|path| claim(grounds, entry, path));
        claims.push(claim.transpose().unwrap_or_else(|obstacle| {
            plan.obstacles.push(*obstacle);
            None
        }));
    }
    let refused = conflicts(grounds, entries, &claims, &mut plan.obstacles);
    for (claim, is_refused) in claims.iter().zip(refused) {
        let wanted = claim.as_ref().filter(|_| !is_refused).map_or(Ok(Wanted::Nothing), |claim| {
            look_ahead(site, claim, &mut plan.leading)?;
            Ok(wanted(grounds, claim))
        });
        plan.wanted.push(wanted.unwrap_or_else(|obstacle: Box<Obstacle>| {
            plan.obstacles.push(*obstacle);
            Wanted::Nothing
        }));
    }
    plan
}

/// Goes the way of a declared path.
fn claim<'a>(grounds: &Grounds, entry: &'a Entry<'a>, path: &'a Path) -> Result<Claim<'a>, Box<Obstacle>> {
    let found = walk::find(path, Some(&grounds.link));
    let way = found.map_err(|lost| {
        let Lost { error, is_safe, .. } = *lost;
        Box::new(Obstacle { error, is_ours: is_safe })
    })?;
    if grounds.are_met_by(&way) {
        return Err(Box::new(Obstacle {
            error: InstallError::OfGenerations {
                what: name(entry),
                path: path.to_owned(),
            },
            is_ours: way.is_safe,
        }));
    }
    Ok(Claim { entry, path, way })
}

/// Which claims exclude each other, with an obstacle for each pair. A claim to an entry's own place is none.
fn conflicts(grounds: &Grounds, entries: &[Entry<'_>], claims: &[Option<Claim<'_>>], obstacles: &mut Vec<Obstacle>) -> Vec<bool> {
    let mut refused = vec![false; claims.len()];
    if claims.iter().all(Option::is_none) {
        return refused;
    }
    let mut taken = Taken::default();
    for (position, entry) in entries.iter().enumerate() {
        taken.own(grounds, position, &entry.location());
    }
    for (position, claim) in claims.iter().enumerate() {
        let Some(claim) = claim else { continue };
        let Some((other, is_same)) = taken.meets(position, &claim.way) else {
            taken.add(position, &claim.way);
            continue;
        };
        let theirs = claims.get(other).and_then(Option::as_ref);
        let (what, path) = (name(claim.entry), claim.path.to_owned());
        let other_name = entries.get(other).map(name).unwrap_or_default();
        obstacles.push(Obstacle {
            error: if is_same {
                InstallError::SamePlace {
                    what,
                    path,
                    other: other_name,
                }
            } else {
                InstallError::InTheWay {
                    what,
                    path,
                    other: other_name,
                }
            },
            is_ours: claim.way.is_safe && theirs.is_none_or(|theirs| theirs.way.is_safe),
        });
        for one in [position, other] {
            refused.get_mut(one).into_iter().for_each(|refused| *refused = true);
        }
    }
    refused
}

/// Places by who has them: the positions of entries.
#[derive(Default)]
struct Taken {
    /// Where files and links are.
    ends: HashMap<Step, usize>,
    /// What they lie below.
    passed: HashMap<Step, usize>,
}

impl Taken {
    /// An entry's own place.
    fn own(&mut self, grounds: &Grounds, position: usize, location: &str) {
        for (slash, _) in location.match_indices('/') {
            let parent = location.get(..slash).unwrap_or_default();
            self.passed.entry(grounds.link.below(parent)).or_insert(position);
        }
        self.ends.insert(grounds.link.below(location), position);
    }

    /// A declared path.
    fn add(&mut self, position: usize, way: &Way) {
        self.ends.entry(way.end.clone()).or_insert(position);
        for step in &way.passed {
            self.passed.entry(step.clone()).or_insert(position);
        }
    }

    /// Another entry that this way meets, and whether at its very end.
    fn meets(&self, position: usize, way: &Way) -> Option<(usize, bool)> {
        let other = |found: Option<&usize>| found.copied().filter(|found| *found != position);
        if let Some(holder) = self.ends.get(&way.end) {
            return other(Some(holder)).map(|holder| (holder, true));
        }
        let below = way.passed.iter().find_map(|step| self.ends.get(step));
        below.or_else(|| self.passed.get(&way.end)).map(|holder| (*holder, false))
    }
}

/// What a claim without conflict comes to.
fn wanted<'a>(grounds: &Grounds, claim: &Claim<'a>) -> Wanted<'a> {
    let Step { dir, name } = &claim.way.end;
    let inside = name
        .strip_prefix(&grounds.link.name)
        .ok()
        .filter(|_| *dir == grounds.link.dir);
    match inside.map(Path::to_str) {
        None => Wanted::Outside(claim.path),
        Some(Some(name)) if name != claim.entry.location() => Wanted::Inside(name.to_owned()),
        Some(_) => Wanted::Nothing,
    }
}

/// Looks at what is at the end of a way now: a directory is an obstacle, a link may lead to a generation.
fn look_ahead<'a>(site: &Site, claim: &Claim<'a>, leading: &mut Vec<&'a Path>) -> Result<(), Box<Obstacle>> {
    let Some(place) = &claim.way.place else { return Ok(()) };
    let there = files::status(&place.dir, place.name.as_os_str()).ok().flatten();
    let is_ours = claim.way.is_safe && fs::fstat(&place.dir).is_ok_and(|dir| walk::is_safe(&dir, there.as_ref()));
    links::refuse_directory(place).map_err(|error| Box::new(Obstacle { error, is_ours }))?;
    let leads_elsewhere = |target: OsString| !Path::new(&target).starts_with(&site.link);
    if is_ours && links::target(place).is_some_and(leads_elsewhere) {
        leading.push(claim.path);
    }
    Ok(())
}

/// An entry, for messages.
fn name(entry: &Entry<'_>) -> String {
    let noun = match entry.kind {
        Kind::Secret => "secret",
        Kind::Template => "template",
    };
    format!("{noun} {}", entry.name)
}
