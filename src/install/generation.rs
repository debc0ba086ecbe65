//! Writes a new generation, and prunes old ones.

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
    complete,
    entry::Entry,
    error::{InstallError, errno, failed},
    files::{self, MAX_DEPTH},
    live::LiveGeneration,
    mount,
    name::PlaceInGeneration,
    owner::Owner,
    pending, record,
    site::{Site, parse_number},
};

/// The set-user-ID and set-group-ID bits of a mode. A write by an unprivileged process clears both (chmod(2)).
const CLEARED_BY_WRITING: u32 = 0o6000;

/// The rights of the group and of all others to write a file.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A generation that is being written, and that the link does not name yet. If a draft is dropped before its generation is published,
/// the whole generation is removed.
pub(crate) struct Draft<'a> {
    /// The paths and settings of the installation.
    site: &'a Site,
    /// The mount point, opened as a directory.
    root: &'a OwnedFd,
    /// The number of the generation.
    pub number: u64,
    /// The open directory of the generation.
    dir: OwnedFd,
    /// The relative path and descriptor of the nested directory that was used last. Names are nearly sorted, so the next file often
    /// lies in the same directory.
    last: Option<(String, OwnedFd)>,
    /// Whether the link names this generation. If so, dropping the draft removes nothing.
    published: bool,
}

impl<'a> Draft<'a> {
    /// Makes an empty directory for generation `number`. First removes a directory and a record that a killed run may have left under
    /// this number.
    pub(crate) fn begin(site: &'a Site, root: &'a OwnedFd, number: u64) -> Result<Self, InstallError> {
        let at = site.generation(number);
        let name = number.to_string();
        // A generation of this number may be complete after a rollback. It is not from now on.
        if site.keep_generations != 1 {
            complete::remove(site, root, number)?;
        }
        files::remove_tree(root.as_fd(), &name).map_err(failed("remove the left-over", &at))?;
        // A record left by a killed run would count as soon as the link names this number.
        pending::remove(site, root, number)?;
        let dir = files::create_directory(root, &name, site.directory_owner()).map_err(failed("make", &at));
        // If the directory was made, but could not be given its owner, there is no draft that would remove the directory. So the
        // directory is removed below.
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

    /// Writes the file of one entry. Owner and mode are set before the content is written. If the caller is not privileged, writing
    /// clears the set-user-ID and set-group-ID bits (chmod(2)), so the mode is then set again.
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

    /// Gives the entry the file that it has in the generation `live`, as a hard link, so that whoever holds that file sees the same
    /// file further on. Returns `false` if no link can be made: a kernel may refuse it (`fs.protected_hardlinks`), and a file system
    /// may have no room for it.
    ///
    /// Also returns `false` if others than the owner may write the file. Whoever has it open for writing, and has lost that right
    /// since, could otherwise write into the new generation.
    pub(crate) fn keep(&mut self, entry: &Entry<'_>, live: &LiveGeneration) -> Result<bool, InstallError> {
        if entry.mode.bits() & WRITABLE_BY_OTHERS != 0 {
            return Ok(false);
        }
        let place = entry.place();
        let (dir, leaf) = self.parent(&place)?;
        Ok(fs::linkat(live.dir(), place.as_str(), dir, leaf, AtFlags::empty()).is_ok())
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

    /// Gives the directories with rights of their own these rights, once everything is written, and opens the mount point. Until then only
    /// the caller can open them, so nobody sees or disturbs what is written there. An inner directory comes first: nobody can move it
    /// meanwhile.
    pub(crate) fn open_directories(&self) -> Result<(), InstallError> {
        for (path, rights) in self.site.directories.inner_first() {
            let opened = match files::open_directory(&self.dir, path) {
                // Nothing was published in it.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                opened => opened.and_then(|dir| files::secure(&dir, rights.owner, rights.mode)),
            };
            opened.map_err(failed("set the mode of", &self.path(path)))?;
        }
        mount::open_up(self.site, self.root)
    }

    /// Marks this generation as published: the link names it. From now on, dropping the draft removes nothing.
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
    /// the part before. A symlink is an error, so nothing is written outside the generation.
    fn descend(&self, parents: &str) -> Result<OwnedFd, InstallError> {
        if parents.split('/').count() >= MAX_DEPTH {
            return Err(InstallError::too_deep(parents, MAX_DEPTH));
        }
        let mut inner: Option<OwnedFd> = None;
        let mut length = 0_usize;
        for part in parents.split('/') {
            let dir = inner.as_ref().unwrap_or(&self.dir);
            length = length.saturating_add(part.len());
            let path = parents.get(..length).unwrap_or(parents);
            length = length.saturating_add(1);
            let made = if self.site.directories.at(path).is_some() {
                files::create_closed_directory(dir, part)
            } else {
                files::create_directory(dir, part, self.site.directory_owner())
            };
            let next = match made {
                Err(Errno::EXIST) => files::open_directory(dir, part),
                outcome => outcome,
            };
            inner = Some(next.map_err(failed("make the directory", &self.path(parents)))?);
        }
        inner.ok_or_else(|| failed("make the directory", &self.path(parents))(Errno::INVAL))
    }

    /// The whole path of `place`, for messages.
    fn path(&self, place: impl AsRef<Path>) -> PathBuf {
        self.site.generation(self.number).join(place)
    }
}

impl Drop for Draft<'_> {
    /// Removes the draft, unless its generation was published. Errors are ignored: the next run removes what is left.
    fn drop(&mut self) {
        if !self.published {
            let _ = files::remove_tree(self.root.as_fd(), &self.number.to_string());
            let _ = pending::remove(self.site, self.root, self.number);
        }
    }
}

/// Prunes: removes old generations and records that no longer count. Returns one warning for each removal that failed.
///
/// A generation is old if its number is `current` minus `keep_generations`, or lower. A generation with a number above `current`
/// is left from a killed run or from an earlier numbering, and is removed too. If `keep_generations` is 0, every generation up to
/// `current` is kept. A generation in `held` always stays, because a symlink leads to it. All records but the record of `current` are
/// removed, because they no longer count. A failure is only a warning: nothing depends on it, and the next run tries again.
pub(crate) fn prune(site: &Site, root: &OwnedFd, current: u64, held: &BTreeSet<u64>) -> Vec<String> {
    let entries = match files::list(root.as_fd()) {
        Ok(entries) => entries,
        Err(cause) => return vec![failed("list", &site.mount_point)(cause).to_string()],
    };
    let names: BTreeSet<_> = entries.iter().filter_map(|(name, _)| name.to_str().ok()).collect();
    let is_held = |name: &str| number_of(name).is_some_and(|number| held.contains(&number));
    let stale = names
        .iter()
        .filter(|name| !is_held(name) && is_stale(name, current, site.keep_generations));
    // The mark of a generation goes first: what is removed in part must have none.
    let remove = |name: &str| {
        if let Some(number) = parse_number(name).filter(|number| names.contains(complete::name(*number).as_str())) {
            complete::remove(site, root, number)?;
        }
        files::remove_tree(root.as_fd(), name).map_err(failed("remove", &site.mount_point.join(name)))
    };
    let failures = stale.filter_map(|name| remove(name).err());
    failures.map(|failure| failure.to_string()).collect()
}

/// The number of the generation of which `name` is the directory or the mark.
fn number_of(name: &str) -> Option<u64> {
    parse_number(name).or_else(|| complete::number(name))
}

/// Whether `name` is a generation, its mark or a record that can be removed. The unfinished record of a killed run always can be.
/// `current` is the number of the live generation. `keep` says how many generations are kept (0: all).
fn is_stale(name: &str, current: u64, keep: u64) -> bool {
    if let Some(number) = pending::number(name) {
        return number != current;
    }
    if name == record::UNFINISHED {
        return true;
    }
    let last = current.saturating_sub(keep);
    number_of(name).is_some_and(|number| number > current || keep != 0 && number <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_are_not_kept_are_pruned() {
        let stale = |keep| {
            [
                "1",
                "2",
                "3",
                "4",
                "5",
                "03",
                "x",
                "3.pending",
                "4.pending",
                "5.pending",
                ".1.complete",
                ".4.complete",
                ".5.complete",
            ]
            .into_iter()
            .filter(|name| is_stale(name, 4, keep))
            .collect::<Vec<_>>()
        };
        assert_eq!(
            stale(1),
            ["1", "2", "3", "5", "3.pending", "5.pending", ".1.complete", ".5.complete"]
        );
        assert_eq!(stale(3), ["1", "5", "3.pending", "5.pending", ".1.complete", ".5.complete"]);
        assert_eq!(stale(0), ["5", "3.pending", "5.pending", ".5.complete"]);
        assert_eq!(stale(u64::MAX), ["5", "3.pending", "5.pending", ".5.complete"]);
    }
}
