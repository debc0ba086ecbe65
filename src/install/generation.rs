//! Writing a new generation, and pruning old ones.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Write,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags},
    io::Errno,
};

use super::{
    entry::Entry,
    error::{InstallError, errno, failed},
    files::{self, MAX_DEPTH},
    name::PlaceInGeneration,
    owner::Owner,
    pending,
    site::{Site, parse_number},
};

/// Set-user-ID and set-group-ID.
const CLEARED_BY_WRITING: u32 = 0o6000;

/// A generation that the link does not name yet. If it is dropped before it is published, everything that it wrote is removed.
pub(crate) struct Draft<'a> {
    /// Where generations are published.
    site: &'a Site,
    /// The open mount point.
    root: &'a OwnedFd,
    /// Its number.
    pub number: u64,
    /// Its directory.
    dir: OwnedFd,
    /// The relative path of the nested directory that was used last, and its descriptor. Names are nearly sorted, so the next file
    /// is often in it too.
    last: Option<(String, OwnedFd)>,
    /// Whether the link names this generation. Then dropping the draft removes nothing.
    published: bool,
}

impl<'a> Draft<'a> {
    /// Makes an empty generation, in place of what a killed run may have left under its number.
    pub(crate) fn begin(site: &'a Site, root: &'a OwnedFd, number: u64) -> Result<Self, InstallError> {
        let at = site.generation(number);
        let name = number.to_string();
        files::remove_tree(root.as_fd(), &name).map_err(failed("remove the left-over", &at))?;
        // A record that a killed run left would count as soon as the link names this number.
        pending::remove(site, root, number)?;
        let dir = files::create_directory(root, &name, site.directory_owner()).map_err(failed("make", &at));
        // From here on, dropping the draft cleans up. If the directory was made, but its owner could not be set, it is removed
        // below.
        dir.map(|dir| Self {
            site,
            root,
            number,
            dir,
            last: None,
            published: false,
        })
        .inspect_err(|_| {
            let _ = files::remove_tree(root.as_fd(), &name);
        })
    }

    /// Writes one file: owner and mode first, content last. If the caller is not privileged, the write clears the set-user-ID and
    /// set-group-ID bits (chmod(2)), so they are set again.
    pub(crate) fn write(&mut self, entry: &Entry<'_>) -> Result<(), InstallError> {
        let place = entry.place();
        let at = self.path(&place);
        let (dir, leaf) = self.parent(&place)?;
        let file = files::create_file(dir, leaf, entry.owner, entry.mode).map_err(failed("create", &at))?;
        let mut file = File::from(file);
        file.write_all(entry.content)
            .map_err(|error| failed("write", &at)(errno(&error)))?;
        if entry.mode.bits() & CLEARED_BY_WRITING != 0 {
            fs::fchmod(&file, entry.mode.into()).map_err(failed("set the mode of", &at))?;
        }
        Ok(())
    }

    /// Makes a symlink at `place`, for a declared path that lies inside the published tree.
    pub(crate) fn link(&mut self, place: &PlaceInGeneration<'_>, target: &Path, owner: Owner) -> Result<(), InstallError> {
        let at = self.path(place);
        let (dir, leaf) = self.parent(place)?;
        fs::symlinkat(target, dir, leaf).map_err(failed("create the link", &at))?;
        let Some(ids) = owner.to_set().map_err(failed("set the owner of", &at))? else {
            return Ok(());
        };
        fs::chownat(dir, leaf, Some(ids.user), Some(ids.group), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(failed("set the owner of", &at))
    }

    /// Notes that the link names this generation. From now on, dropping the draft removes nothing.
    pub(crate) fn publish(&mut self) {
        self.published = true;
    }

    /// Opens the directory that `place` lies in, and makes it if it is missing. Returns its descriptor, and the last part of `place`.
    fn parent<'p>(&mut self, place: &'p PlaceInGeneration<'_>) -> Result<(&OwnedFd, &'p str), InstallError> {
        let Some((parents, leaf)) = place.as_str().rsplit_once('/') else {
            return Ok((&self.dir, place.as_str()));
        };
        if self.last.as_ref().is_none_or(|(path, _)| path != parents) {
            self.last = Some((parents.to_owned(), self.descend(parents)?));
        }
        let dir = self.last.as_ref().map_or(&self.dir, |(_, dir)| dir);
        Ok((dir, leaf))
    }

    /// Opens the nested directory `parents`, and makes each part that is missing. Each part is opened relative to the descriptor of
    /// the one before, and a symlink is an error.
    fn descend(&self, parents: &str) -> Result<OwnedFd, InstallError> {
        if parents.split('/').count() >= MAX_DEPTH {
            return Err(InstallError::too_deep(parents, MAX_DEPTH));
        }
        let mut inner: Option<OwnedFd> = None;
        for part in parents.split('/') {
            let dir = inner.as_ref().unwrap_or(&self.dir);
            let next = match files::create_directory(dir, part, self.site.directory_owner()) {
                Err(Errno::EXIST) => files::open_directory(dir, part),
                outcome => outcome,
            };
            inner = Some(next.map_err(failed("make the directory", &self.path(parents)))?);
        }
        inner.ok_or_else(|| failed("make the directory", &self.path(parents))(Errno::INVAL))
    }

    /// Where `place` is, for messages.
    fn path(&self, place: impl AsRef<Path>) -> PathBuf {
        self.site.generation(self.number).join(place)
    }
}

impl Drop for Draft<'_> {
    /// There is nobody left to tell of a failure: the next run removes what this one could not.
    fn drop(&mut self) {
        if !self.published {
            let _ = files::remove_tree(self.root.as_fd(), &self.number.to_string());
            let _ = pending::remove(self.site, self.root, self.number);
        }
    }
}

/// Removes generations that are `keep_generations` or more older than `current`, those of an earlier count, whose numbers are
/// higher, and records that no longer count; but none that is in `held`. Gives a warning for each that could not be removed: the new
/// generation is live, and the next run tries again.
pub(crate) fn prune(site: &Site, root: &OwnedFd, current: u64, held: &BTreeSet<u64>) -> Vec<String> {
    let entries = match files::list(root.as_fd()) {
        Ok(entries) => entries,
        Err(cause) => return vec![failed("list", &site.mount_point)(cause).to_string()],
    };
    let mut warnings = Vec::new();
    for (name, _) in &entries {
        let Ok(name) = name.to_str() else { continue };
        let is_held = parse_number(name).is_some_and(|number| held.contains(&number));
        if !is_held
            && is_stale(name, current, site.keep_generations)
            && let Err(cause) = files::remove_tree(root.as_fd(), name)
        {
            warnings.push(failed("remove", &site.mount_point.join(name))(cause).to_string());
        }
    }
    warnings
}

/// Whether `name` is a generation or a record that can be removed, if `current` is live and `keep` generations are kept (0: all).
fn is_stale(name: &str, current: u64, keep: u64) -> bool {
    if let Some(number) = pending::number(name) {
        return number != current;
    }
    let last = current.saturating_sub(keep);
    keep != 0 && parse_number(name).is_some_and(|number| number <= last || number > current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_are_not_kept_are_pruned() {
        let stale = |keep| {
            ["1", "2", "3", "4", "5", "03", "x", "3.pending", "4.pending", "5.pending"]
                .into_iter()
                .filter(|name| is_stale(name, 4, keep))
                .collect::<Vec<_>>()
        };
        assert_eq!(stale(1), ["1", "2", "3", "5", "3.pending", "5.pending"]);
        assert_eq!(stale(3), ["1", "5", "3.pending", "5.pending"]);
        assert_eq!(stale(0), ["3.pending", "5.pending"]);
        assert_eq!(stale(u64::MAX), ["5", "3.pending", "5.pending"]);
    }
}
