//! Where the link and the mount point are, by device and inode, so that no symlink at a declared path can replace them.

use std::{ffi::OsStr, os::fd::OwnedFd, path::Path};

use rustix::fs;

use super::{
    check_output, complete,
    error::{InstallError, failed},
    files::{self, FileId},
    lock,
    name::PlaceInGeneration,
    pending,
    site::{Site, is_checking, parse_number},
    step::Step,
    walk,
    way::Way,
};
use crate::system::root::Root;

/// The places of the link and the mount point, and all names on the way to both.
pub(crate) struct Grounds {
    /// The place of the link.
    pub link: Step,
    /// The place of the mount point.
    mount_point: Step,
    /// The identity of the directory at the mount point; `None` if the mount point does not exist.
    root: Option<FileId>,
    /// All steps on the way to the link and to the mount point.
    above: Vec<Step>,
}

impl Grounds {
    /// Finds the places of the link and the mount point of `site`. `root` is the open mount point, if the mount point exists.
    /// Fails if both are at the same place, or if one lies inside the other.
    pub(crate) fn look(site: &Site, root: Option<&OwnedFd>) -> Result<Self, InstallError> {
        let find = |path| walk::find(&site.root, path, None).map_err(|lost| lost.error);
        let (link, mount_point) = (find(&site.link)?, find(&site.mount_point)?);
        let lies_in = |way: &Way, end: &Step| way.end == *end || way.passed.contains(end);
        if lies_in(&link, &mount_point.end) {
            return Err(InstallError::link_in_mount_point(&site.link, &site.mount_point));
        }
        if lies_in(&mount_point, &link.end) {
            return Err(InstallError::mount_point_below_link(&site.link, &site.mount_point));
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

    /// The way to `path`, if `path` is spelled as a path below `link`; `None` otherwise. The way is made from the spelling alone, so
    /// no file on this machine can make the function fail.
    pub(crate) fn way_below(&self, link: &Path, path: &Path) -> Option<Way> {
        let place = PlaceInGeneration::of_symlink(path.strip_prefix(link).ok()?)?;
        Some(Way {
            passed: [self.link.clone()]
                .into_iter()
                .chain(place.parents().map(|parent| self.link.below(parent)))
                .collect(),
            end: self.link.below(place.as_str()),
            place: None,
            nearest: None,
            is_safe: true,
        })
    }

    /// Whether a symlink at `path` leads through the link, to the mount point, or into the mount point.
    pub(crate) fn are_target_of(&self, root: &Root, path: &Path) -> bool {
        // One more part is added to the path, so that the walk also follows a symlink at `path` itself.
        let passed = match walk::find(root, &path.join("_"), Some(&self.link)) {
            Ok(way) => way.passed,
            Err(lost) => lost.passed,
        };
        passed
            .iter()
            .any(|step| *step == self.link || *step == self.mount_point || Some(step.dir) == self.root)
    }

    /// The part of the path of `end` that lies below the link. `None` if `end` does not begin at the link. A symlink on the way can
    /// put `..` into this part. The part then leads out of the published tree again.
    pub(crate) fn below_link<'e>(&self, end: &'e Step) -> Option<&'e Path> {
        let below = end.name.strip_prefix(&self.link.name).ok();
        below.filter(|_| end.dir == self.link.dir)
    }

    /// Whether a symlink at the end of `way` would get in the way of the generations. There are three cases:
    ///
    /// - The symlink would replace the link, the mount point, or a directory on the way to one of them.
    /// - The symlink would have a reserved name in the mount point, or lie below such a name.
    /// - `way` leads through the link, and out of the published tree again.
    pub(crate) fn are_met_by(&self, way: &Way) -> bool {
        let end = &way.end;
        let is_reserved = |step: &Step| step.name.file_name().is_none_or(is_reserved);
        let is_outside = |below| PlaceInGeneration::of_symlink(below).is_none();
        *end == self.mount_point
            || self.above.contains(end)
            || self.below_link(end).is_some_and(is_outside)
            || self.entered(way).is_some_and(is_reserved)
    }

    /// Whether `way` leads to a place behind the link, or in the mount point.
    pub(crate) fn hold(&self, way: &Way) -> bool {
        self.below_link(&way.end).is_some() || self.entered(way).is_some()
    }

    /// The step with which `way` enters the mount point; `None` if `way` does not lead into the mount point.
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

/// Whether `name` is reserved in the mount point. Reserved are the names of generations, of their marks, of records of unit requests, of
/// the lock, and of the directories of checks.
pub(crate) fn is_reserved(name: &OsStr) -> bool {
    let is_ours = |name: &str| {
        let numbers = [parse_number(name), complete::number(name), pending::number(name)];
        numbers.iter().any(Option::is_some) || is_checking(name) || [lock::NAME, check_output::NAME].contains(&name)
    };
    name.to_str().is_some_and(is_ours)
}
