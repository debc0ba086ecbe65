//! What is at the declared paths now. One place has several paths if a directory is mounted twice, so paths alone do not tell whether a
//! secret needs a symlink.

use std::{collections::HashSet, ffi::OsString, path::Path};

use rustix::fs;

use super::{
    destination::Destination,
    files::{self, FileId},
    step::Step,
    walk,
    way::Way,
};
use crate::system::{
    mounts::{Mount, Mounts},
    root::Root,
};

/// The places of declared paths, and the files that are there.
#[derive(Default)]
pub(crate) struct DeclaredPlaces {
    places: HashSet<Step>,
    files: HashSet<FileId>,
    /// The names of those that were not looked at.
    unseen: HashSet<OsString>,
}

impl DeclaredPlaces {
    /// Looks at the declared `paths`, but not where a file system may never answer. On a way that another user has blocked, no run
    /// has made a symlink.
    pub(crate) fn now<'p>(root: &Root, mounts: &Mounts, paths: impl Iterator<Item = &'p Path>) -> Self {
        let mut declared = Self::default();
        for path in paths {
            let is_local = mounts.on_the_way(path).into_iter().all(Mount::is_local);
            match is_local.then(|| walk::find(root, path, None)) {
                Some(Ok(way)) => declared.add(way),
                Some(Err(lost)) if !lost.is_safe => {}
                Some(Err(_)) | None => declared.unseen.extend(path.file_name().map(OsString::from)),
            }
        }
        declared
    }

    /// Adds the end of the way to a declared path.
    fn add(&mut self, way: Way) {
        let there = way
            .place
            .and_then(|place| files::status(&place.dir, place.name.as_os_str()).ok());
        self.files.extend(there.flatten().as_ref().map(files::identity));
        self.places.insert(way.end);
    }

    /// Whether `place`, or the file that is there, is that of a declared path. In doubt, it is: if it has the name of one that was not
    /// looked at.
    pub(crate) fn has(&self, place: &Destination) -> bool {
        let (Ok(dir), Ok(there)) = (fs::fstat(&place.dir), files::status(&place.dir, place.name.as_os_str())) else {
            return true;
        };
        let is_declared = |there| self.files.contains(&files::identity(there));
        self.unseen.contains(&place.name)
            || self.places.contains(&Step::of(&dir, &place.name))
            || there.as_ref().is_some_and(is_declared)
    }
}
