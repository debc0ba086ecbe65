//! What was made outside the mount points, and how each thing is known again, also after a restart.
//!
//! Paths alone do not tell: a path may get another file. Numbers of devices do not either, because they may change at a restart.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::{fd::AsFd, unix::ffi::OsStrExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, FileType, Stat},
    io::Errno,
    process::geteuid,
};
use serde::{Deserialize, Serialize};

use super::files;
use crate::system::{handle, ids::Ids, memory, mode::FileMode, mounts::Mount, status};

/// What was made outside the mount points, by paths without symlinks, so that one place has one path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Made {
    /// The symlinks and copies at declared paths.
    pub(crate) links: BTreeMap<PathBuf, MadeLink>,
    /// The directories that were made for symlinks.
    pub(crate) directories: BTreeMap<PathBuf, MadeDirectory>,
}

/// A symlink or a copy that a run has made, or was about to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MadeLink {
    /// The path that the manifest declares.
    pub(crate) declared: PathBuf,
    /// The link to the live generation of the installation that made it. Each phase has a link of its own.
    pub(crate) installation: PathBuf,
    /// Where it leads, or of which file it is a copy.
    pub(crate) target: PathBuf,
    /// The inode number of the directory in which it lies. With another one, its file system may not be mounted.
    pub(crate) directory: u64,
    /// The file system on which it lies: the one in memory ([`memory::instance`]), or which and where ([`Mount::location`]). `None` if the
    /// system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file_system: Option<String>,
    /// The mark of the symlink. `None` until the run that made it has looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<String>,
    /// Whether a copy is to be there, and no symlink.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_copy: bool,
    /// The mark of the copy that is there, as long as nothing has taken its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) copy: Option<String>,
    /// The inode number of the file that becomes the copy; 0 until it is made. `None` if none is being written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) new: Option<u64>,
    /// The mark of that file when it was made, which it gets again once it is complete: another file may have its number by then. `None` if an
    /// earlier version of this program has made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) begun: Option<String>,
    /// The birth of that file ([`status::birth`]), by which it is known also when somebody has touched or changed it. `None` if its file
    /// system does not keep births.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) born: Option<String>,
    /// The mark of the file that was moved aside for the symlink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) backup: Option<String>,
    /// Whether a run has said that the symlink cannot be removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_told: bool,
}

/// A directory that a run has made, or was about to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MadeDirectory {
    /// The number of the owner that it was given.
    pub(crate) owner: u32,
    /// The number of the group that it was given. `None` if the kernel chooses the group, until the run that made it has looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<u32>,
    /// The permission bits that it was given.
    pub(crate) mode: u32,
    /// Its inode number. `None` until the run that made it has looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) inode: Option<u64>,
    /// Whether a run has said that the directory cannot be removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_told: bool,
}

impl Made {
    /// Whether nothing is there to be remembered.
    pub(crate) fn is_empty(&self) -> bool {
        self.links.is_empty() && self.directories.is_empty()
    }

    /// The directories in which no symlink lies any more, the deepest first.
    pub(crate) fn needless_directories(&self) -> Vec<PathBuf> {
        let is_needed = |directory: &Path| self.links.keys().any(|link| link.starts_with(directory));
        let directories = self.directories.keys().rev();
        directories.filter(|directory| !is_needed(directory)).cloned().collect()
    }
}

impl MadeLink {
    /// Whether `dir` is the directory in which this symlink was made as `name`. The symlink itself proves it, too: on an overlay, a directory
    /// may get another inode number when the overlay is mounted again.
    pub(crate) fn lies_in(&self, dir: impl AsFd + Copy, name: &OsStr) -> bool {
        let is_marked = self.mark.is_some() || self.copy.is_some();
        fs::fstat(dir).is_ok_and(|dir| dir.st_ino == self.directory) || (is_marked && self.is_at(dir, name) == Ok(true))
    }

    /// Whether this symlink is gone if it is not found at `at`, which lies on `mount`: that is its file system, or it was in memory.
    pub(crate) fn is_gone_from(&self, mount: Option<&Mount>, at: &Path) -> bool {
        // An earlier version of this program has noted what is mounted, and not where in it the symlink was.
        let is_of_mount = |known: &str| mount.is_some_and(|mount| mount.location(at) == known || mount.mounted() == known);
        self.was_in_memory() || self.file_system.as_deref().is_some_and(is_of_mount)
    }

    /// Whether it was on a file system in memory, which a restart empties.
    pub(crate) fn was_in_memory(&self) -> bool {
        let is_memory = |known: &str| ["tmpfs ", "ramfs "].iter().any(|kind| known.starts_with(kind));
        self.file_system.as_deref().is_some_and(is_memory)
    }

    /// Whether it went with a file system in memory: that of `dir`, where it was, is another one. An earlier version of this program has
    /// noted a path, which does not tell.
    pub(crate) fn went_with_memory(&self, dir: impl AsFd) -> bool {
        let known = self.file_system.as_deref().filter(|known| !known.contains('/'));
        self.was_in_memory() && known.is_some_and(|known| memory::instance(dir).ok().flatten().as_deref() != Some(known))
    }

    /// Whether `name` in `dir` is this symlink or copy. A symlink leads where this one was to lead, and has its mark; one at which no run has
    /// looked yet is known by where it leads.
    pub(crate) fn is_at(&self, dir: impl AsFd + Copy, name: &OsStr) -> Result<bool, Errno> {
        let opened = match handle::open(dir, name) {
            Err(Errno::NOENT) => return Ok(false),
            opened => opened?,
        };
        let status = fs::fstat(&opened)?;
        match files::kind(&status) {
            FileType::RegularFile => Ok(self.is_copy_with(&status)),
            FileType::Symlink => {
                let is_marked = self.mark.as_ref().map_or(!self.is_copy, |known| *known == mark(&status));
                Ok(is_marked && handle::target(dir, name, &opened)?.as_bytes() == self.target.as_os_str().as_bytes())
            }
            _ => Ok(false),
        }
    }

    /// Whether a file with this status is this copy: nobody has changed it. One at which no run has looked yet is known by the mark that it
    /// had from the start.
    pub(crate) fn is_copy_with(&self, status: &Stat) -> bool {
        let is_new = self.is_begun_with(status) && self.begun.as_ref().is_none_or(|begun| *begun == mark(status));
        files::kind(status) == FileType::RegularFile && (is_new || self.copy.as_ref() == Some(&mark(status)))
    }

    /// Whether a file with this status has the number of the one that becomes the copy. Another file may have got that number since.
    fn is_begun_with(&self, status: &Stat) -> bool {
        let is_new = self.new.is_some_and(|new| new == status.st_ino && new != 0);
        files::kind(status) == FileType::RegularFile && is_new
    }

    /// Whether `name` in `dir` is the file that becomes the copy, whatever somebody has done to it. `None` if its file system does not tell.
    pub(crate) fn is_begun_at(&self, dir: impl AsFd, name: &OsStr) -> Option<bool> {
        let born = self.born.as_ref()?;
        Some(*born == status::birth(dir, name)?)
    }

    /// Whether `name` in `dir`, a file with this status, may be the one that becomes the copy: nothing tells that it is another.
    pub(crate) fn may_be_begun_at(&self, dir: impl AsFd, name: &OsStr, status: &Stat) -> bool {
        self.is_begun_with(status) && self.is_begun_at(dir, name) != Some(false)
    }

    /// Whether a file with this status was this copy once. Somebody may have changed it since.
    pub(crate) fn was_copy_with(&self, status: &Stat) -> bool {
        let is_same = |copy: &String| copy.starts_with(&format!("file {} ", status.st_ino));
        self.is_copy_with(status) || (files::kind(status) == FileType::RegularFile && self.copy.as_ref().is_some_and(is_same))
    }

    /// Whether `name` in `dir`, a temporary name, is what a killed run has left there: this symlink or copy, also if the run had begun to
    /// overwrite it, or an empty file.
    pub(crate) fn is_left_at(&self, dir: impl AsFd + Copy, name: &OsStr) -> Result<bool, Errno> {
        let there = files::status(dir, name)?;
        let is_left =
            |there: Stat| self.was_copy_with(&there) || self.is_empty_with(&there) || self.may_be_begun_at(dir, name, &there);
        Ok(there.is_some_and(is_left) || self.is_at(dir, name)?)
    }

    /// Whether a file with this status, under the temporary name, is what a killed run has left of a copy.
    pub(crate) fn was_left_with(&self, status: &Stat) -> bool {
        self.was_copy_with(status) || self.is_begun_with(status) || self.is_empty_with(status)
    }

    /// Whether a file with this status is the empty one that becomes the copy, and whose number is not noted yet.
    pub(crate) fn is_empty_with(&self, status: &Stat) -> bool {
        let is_ours = (status.st_uid, status.st_size, status.st_nlink) == (geteuid().as_raw(), 0, 1);
        files::kind(status) == FileType::RegularFile && self.new == Some(0) && is_ours
    }

    /// What messages call it.
    pub(crate) fn noun(&self) -> &'static str {
        if self.is_copy { "copy" } else { "link" }
    }
}

impl MadeDirectory {
    /// A directory that a run is about to make. `owner` is `None` if it will belong to the caller.
    pub(crate) fn planned(owner: Option<Ids>, mode: FileMode) -> Self {
        Self {
            owner: owner.map_or_else(geteuid, |owner| owner.user).as_raw(),
            group: owner.map(|owner| owner.group.as_raw()),
            mode: mode.bits(),
            inode: None,
            is_told: false,
        }
    }

    /// The directory with the status `made`, which a run has just made.
    pub(crate) fn of(made: &Stat) -> Self {
        Self {
            owner: made.st_uid,
            group: Some(made.st_gid),
            mode: FileMode::of(made).bits(),
            inode: Some(made.st_ino),
            is_told: false,
        }
    }

    /// Whether `there` is this directory, with the owner and mode that it was given.
    pub(crate) fn is(&self, there: &Stat) -> bool {
        files::kind(there) == FileType::Directory
            && (self.owner, self.mode) == (there.st_uid, FileMode::of(there).bits())
            && self.group.is_none_or(|group| group == there.st_gid)
            && self.inode.is_none_or(|inode| inode == there.st_ino)
    }
}

/// The mark of a file: its kind, its inode number, and the time of its last change. An inode number is given again when its file is
/// gone; the time tells the two apart. A symlink never changes.
pub(crate) fn mark(status: &Stat) -> String {
    let kind = match files::kind(status) {
        FileType::Symlink => "link",
        FileType::RegularFile => "file",
        _ => "other",
    };
    format!("{kind} {} {}.{:09}", status.st_ino, status.st_mtime, status.st_mtime_nsec)
}
