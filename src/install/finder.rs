//! Finds again what was made outside the mount point, and takes it away if it is still that.

use std::path::Path;

use super::{
    declared::DeclaredPlaces,
    destination::Destination,
    error::{InstallError, failed},
    made::{MadeDirectory, MadeLink},
    unsynced::Unsynced,
    withdrawal::{self, Departure, Withdrawn},
};
use crate::system::{
    mounts::{Mount, Mounts},
    root::Root,
};

/// How far a look at what was made may go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only file systems that answer without a server: a run must not wait for one that no secret needs any more.
    Local,
    /// All file systems: whoever has typed the command can end it.
    All,
}

/// Finds again what was made.
pub(crate) struct Finder<'a> {
    root: &'a Root,
    mounts: Mounts,
    declared: DeclaredPlaces,
    pub(crate) reach: Reach,
}

impl<'a> Finder<'a> {
    /// A finder that touches nothing at the paths `declared`.
    pub(crate) fn new<'p>(root: &'a Root, declared: impl Iterator<Item = &'p Path>, reach: Reach) -> Self {
        let mounts = Mounts::now(root);
        Self {
            root,
            declared: DeclaredPlaces::now(root, &mounts, declared),
            mounts,
            reach,
        }
    }

    /// Takes the symlink or copy `link` away from `at`. `None` if the place is not there, as if its file system were not mounted.
    pub(crate) fn withdraw(
        &self,
        at: &Path,
        link: &MadeLink,
        unsynced: &mut Unsynced,
    ) -> Result<Option<Departure>, InstallError> {
        let place = self.find(at).map_err(|error| error.unseen(link.noun(), at))?;
        let untouched = |now| Departure { now, unwiped: None };
        let is_gone = link.is_gone_from(self.mounts.on_the_way(at).pop(), at);
        let may_be_there =
            |place: &Destination| !link.went_with_memory(&place.dir) && (is_gone || link.lies_in(&place.dir, &place.name));
        let Some(place) = place.filter(may_be_there) else {
            return Ok(is_gone.then(|| untouched(Withdrawn::NotThere)));
        };
        if self.declared.has(&place) {
            return Ok(Some(untouched(Withdrawn::Declared)));
        }
        let left = |cause| failed("remove", at)(cause).left(link.noun(), at);
        let taken = withdrawal::take(&place, link).map_err(left)?;
        unsynced.add(place);
        Ok(Some(taken))
    }

    /// Whether [`Self::withdraw`] would remove the symlink or copy `link`.
    pub(crate) fn is_there(&self, at: &Path, link: &MadeLink) -> bool {
        let place = self.find(at).ok().flatten();
        place.is_some_and(|place| {
            let is_it = link.lies_in(&place.dir, &place.name) && link.is_at(&place.dir, &place.name) == Ok(true);
            is_it && !link.went_with_memory(&place.dir) && !self.declared.has(&place)
        })
    }

    /// Removes the directory `made` at `at`, if nothing is in it.
    pub(crate) fn remove_directory(&self, at: &Path, made: &MadeDirectory, unsynced: &mut Unsynced) -> Result<(), InstallError> {
        let Some(place) = self.find(at)? else { return Ok(()) };
        withdrawal::remove_directory(&place, made).map_err(failed("remove", at))?;
        unsynced.add(place);
        Ok(())
    }

    /// The place `at`, if all file systems on the way may be looked at. `None` if its directory is missing.
    fn find(&self, at: &Path) -> Result<Option<Destination>, InstallError> {
        let way = self.mounts.on_the_way(at);
        let remote = way.iter().copied().find(|mount| !Mount::is_local(mount));
        if self.reach == Reach::Local && (way.is_empty() || remote.is_some()) {
            return Err(InstallError::not_local(remote));
        }
        Destination::without_symlinks(self.root, at).map_err(failed("reach", at))
    }
}
