//! What tells a file from every other file, also after a restart.
//!
//! Paths and numbers of devices do not: a path may get another file, and devices may be numbered anew at each boot. An inode number
//! is given again when its file is gone, so the time of birth is compared, too.

use std::{
    ffi::{OsStr, OsString},
    os::{fd::AsFd, unix::ffi::OsStringExt},
    path::PathBuf,
};

use rustix::{
    fs::{self, AtFlags, FileType, Statx, StatxFlags},
    io::Errno,
    path::Arg,
};
use serde::{Deserialize, Serialize};

use super::walk;

/// Limit: a file that was made more than 600 seconds before or after the ledger was told of it is none that a killed run has made.
const LONGEST_RUN: u64 = 600;

/// What a file is, and to whom it belongs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct FileMark {
    /// The inode number.
    inode: u64,
    /// When the file was made, in seconds and nanoseconds since 1970. `None` if the file system does not say this.
    pub born: Option<(i64, u32)>,
    /// The number of the owner.
    user: u32,
    /// The number of the group.
    group: u32,
    /// The kind of the file, and its permission bits, as in `st_mode`.
    mode: u16,
}

impl FileMark {
    /// The mark of `name` in `dir`; `None` if the name does not exist. A symlink is not followed.
    pub(crate) fn at(dir: impl AsFd, name: impl Arg) -> Result<Option<Self>, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        match fs::statx(dir, name, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME) {
            Ok(status) => Ok(Some(Self::of(&status))),
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// The mark of an open file.
    pub(crate) fn of_open(file: impl AsFd) -> Result<Self, Errno> {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        fs::statx(file, c"", AtFlags::EMPTY_PATH, wanted).map(|status| Self::of(&status))
    }

    fn of(status: &Statx) -> Self {
        let has_birth = StatxFlags::from_bits_retain(status.stx_mask).contains(StatxFlags::BTIME);
        let born = &status.stx_btime;
        Self {
            inode: status.stx_ino,
            born: has_birth.then_some((born.tv_sec, born.tv_nsec)),
            user: status.stx_uid,
            group: status.stx_gid,
            mode: status.stx_mode,
        }
    }

    /// Whether both are the same file. Its owner and its permissions may have changed.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        (self.inode, self.born, self.kind()) == (other.inode, other.born, other.kind())
    }

    /// Whether the file can have been made by a run that was about to make it at the time `since`, in seconds since 1970. A file whose
    /// time of birth is unknown cannot.
    pub(crate) fn was_born_near(&self, since: i64) -> bool {
        self.born.is_some_and(|(seconds, _)| seconds.abs_diff(since) <= LONGEST_RUN)
    }

    /// The kind of the file.
    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.mode.into())
    }
}

/// A symlink as it lies in a directory.
pub(crate) struct FoundLink {
    /// Which symlink it is.
    pub mark: FileMark,
    /// Where it leads.
    pub target: PathBuf,
}

impl FoundLink {
    /// The symlink `name` in `dir`; `None` if nothing or something else has this name. Mark and target are those of one symlink, even if
    /// the name is given to another one meanwhile.
    pub(crate) fn at(dir: impl AsFd, name: &OsStr) -> Result<Option<Self>, Errno> {
        let opened = match walk::look(dir, name) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(cause),
        };
        let mark = FileMark::of_open(&opened)?;
        if mark.kind() != FileType::Symlink {
            return Ok(None);
        }
        let target = fs::readlinkat(&opened, c"", Vec::new())?;
        Ok(Some(Self {
            mark,
            target: OsString::from_vec(target.into_bytes()).into(),
        }))
    }
}
