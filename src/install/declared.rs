//! What is at the declared paths now. One place has several paths if a directory is mounted twice, so paths alone do not tell whether a
//! secret needs a symlink.

use std::{collections::HashSet, path::Path};

use rustix::fs;

use super::{
    destination::Destination,
    files::{self, FileId},
    step::Step,
    walk,
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
}

impl DeclaredPlaces {
    /// Looks at the declared `paths`. A path that cannot be reached has no symlink. One on a file system that may never answer is not
    /// looked at: nothing is removed there, and so nothing that it has.
    pub(crate) fn now<'p>(root: &Root, mounts: &Mounts, paths: impl Iterator<Item = &'p Path>) -> Self {
        let mut declared = Self::default();
        let local = paths.filter(|path| mounts.on_the_way(path).into_iter().all(Mount::is_local));
        for way in local.filter_map(|path| walk::find(root, path, None).ok()) {
            let there = way
                .place
                .and_then(|place| files::status(&place.dir, place.name.as_os_str()).ok());
            declared.files.extend(there.flatten().as_ref().map(files::identity));
            declared.places.insert(way.end);
        }
        declared
    }

    /// Whether `place`, or the file that is there, is that of a declared path. In doubt, it is.
    pub(crate) fn has(&self, place: &Destination) -> bool {
        let (Ok(dir), Ok(there)) = (fs::fstat(&place.dir), files::status(&place.dir, place.name.as_os_str())) else {
            return true;
        };
        let is_declared = |there| self.files.contains(&files::identity(there));
        self.places.contains(&Step::of(&dir, &place.name)) || there.as_ref().is_some_and(is_declared)
    }
}
