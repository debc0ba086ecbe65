//! The errors of the ledger, and why something of a former secret stays.

use std::path::Path;

use super::{error::InstallError, wipe::Unwiped};
use crate::{
    system::{memory::NOT_IN_MEMORY, mounts::Mount, read::reason},
    text::{diagnosis::Diagnosis, printable::shown, shell},
};

impl InstallError {
    /// The ledger is no file of the caller, or others can write it or replace it.
    pub(crate) fn foreign_ledger(path: &Path) -> Self {
        Self::new(
            format!("cannot use the ledger {}: somebody else could have written it", shown(path)),
            "to see who can, look at its owner and mode, and at those of the directories above it",
        )
    }

    /// The ledger is damaged, or a newer program wrote it.
    pub(crate) fn unknown_ledger(path: &Path) -> Self {
        Self::new(
            format!(
                "cannot use the ledger {}: it is damaged, or a newer version of this program wrote it",
                shown(path)
            ),
            format!(
                "to begin a new one, run: mv {} {}",
                shell::path(path),
                shell::path(&path.with_extension("old"))
            ),
        )
    }

    /// Another run uses the ledger.
    pub(crate) fn busy_ledger(path: &Path, seconds: u64) -> Self {
        Self::new(
            format!(
                "cannot use the ledger {}: another run did not release it within {seconds} s",
                shown(path)
            ),
            format!(
                "to see which process it is, run: fuser -v {}",
                shell::path(&path.with_file_name(".lock"))
            ),
        )
    }

    /// Symlinks may have been made that the ledger does not have.
    pub(crate) fn unrecorded(self) -> Self {
        self.about("the links that this run makes may stay when their secrets go")
    }

    /// Nothing of former secrets is removed.
    pub(crate) fn unremoved(self) -> Self {
        self.about("the links of former secrets were not looked for")
    }

    /// The symlink or copy at `path`, of a former secret, was not removed. `noun` says which of the two it is.
    pub(crate) fn left(self, noun: &str, path: &Path) -> Self {
        let object = format!("the {noun} {} of a former secret stays", shown(path));
        let remedy = format!("to remove it, run: rm {}", shell::path(path));
        Self::new(self.about(object).diagnosis.cause, remedy)
    }

    /// Nobody looked for the symlink or copy at `path`, of a former secret. Its path may lead to something else now.
    pub(crate) fn unseen(self, noun: &str, path: &Path) -> Self {
        let object = format!("the {noun} {} of a former secret was not looked for", shown(path));
        let remedy = format!("to see whether it is still there, run: ls -l {}", shell::path(path));
        Self::new(self.about(object).diagnosis.cause, remedy)
    }

    /// The file system of the symlink may never answer. `None` if the mounts are not known.
    pub(crate) fn not_local(mount: Option<&Mount>) -> Self {
        let cause = mount.map_or_else(
            || "nobody knows on which file system it is".to_owned(),
            |mount| {
                format!(
                    "the file system on {} is of the type {}, which may never answer",
                    shown(&mount.place),
                    shown(Path::new(&mount.kind))
                )
            },
        );
        Diagnosis::bare(cause).into()
    }

    /// The directory of the symlink is not the one that it was made in.
    pub(crate) fn other_directory() -> Self {
        Diagnosis::bare("its directory is missing or another one now, as if its file system were not mounted").into()
    }

    /// The file that was moved aside for a former symlink is not put back, because something else is in its place.
    pub(crate) fn not_put_back(path: &Path, backup: &Path) -> Self {
        Self::new(
            format!(
                "{}, which was moved aside for a former secret, stays: something else is at {} now",
                shown(backup),
                shown(path)
            ),
            "move it to where you want it, or remove it",
        )
    }

    /// The file `backup` was not put back at `path`, because it may not be the one that was moved aside.
    pub(crate) fn unknown_backup(path: &Path, backup: &Path) -> Self {
        Self::new(
            format!(
                "{} stays: it is not the file that was moved aside for a former secret, or was changed since",
                shown(backup)
            ),
            format!("to put it back, run: mv {} {}", shell::path(backup), shell::path(path)),
        )
    }

    /// The file at `path` was a copy of a former secret, and somebody has changed or replaced it.
    pub(crate) fn changed_copy(path: &Path) -> Self {
        Self::new(
            format!(
                "{}, where a former secret was copied, stays: somebody has changed it since",
                shown(path)
            ),
            format!("if nothing needs it, run: rm {}", shell::path(path)),
        )
    }

    /// The copy at `path` was removed, and its content may still be on its file system.
    pub(crate) fn not_wiped(path: &Path, why: &Unwiped) -> Self {
        match why {
            Unwiped::HasOtherNames => Self::new(
                format!(
                    "the copy {} was removed, but its file has other names (hard links)",
                    shown(path)
                ),
                "find them by its content, and remove them",
            ),
            Unwiped::Failed(cause) => Self::new(
                format!(
                    "the copy {} was removed, but could not be overwritten before: {}",
                    shown(path),
                    reason(cause)
                ),
                "if its file system is on a disk, replace the secret by a new one",
            ),
        }
    }

    /// The copy at `path` would be plaintext on a disk.
    pub(crate) fn copy_on_disk(path: &Path) -> Self {
        Self::new(
            format!(
                "the file system of {} is {NOT_IN_MEMORY}, so a copy there would be plaintext on a disk",
                shown(path)
            ),
            "choose a path below /run, or if plaintext on the disk is meant, set copyToDisk to true",
        )
    }

    /// The copy at `path` would lie on a file system that is not in memory, and may never answer.
    pub(crate) fn copy_on_remote(path: &Path, mount: &Mount) -> Self {
        let cause = Self::not_local(Some(mount)).about(format!("cannot copy to {}", shown(path)));
        Self::new(
            cause.diagnosis.cause,
            "choose a path below /run, or if plaintext on that file system is meant, set copyToDisk to true",
        )
    }

    /// The file system of the copy at `path` does not keep owners and modes.
    pub(crate) fn copy_open_to_others(path: &Path) -> Self {
        Self::new(
            format!(
                "cannot copy to {}: its file system does not keep the owner and the mode of files, so others could read the copy",
                shown(path)
            ),
            "choose another path",
        )
    }

    /// The path of a copy is the place of another file of the generations.
    pub(crate) fn copy_among_secrets(path: &Path) -> Self {
        Self::new(
            format!(
                "{} is among the secrets themselves, where only links can be made",
                shown(path)
            ),
            "choose another path, or set install to \"link\"",
        )
    }

    /// The copy at `path` is not written, because the ledger could not have it. `trouble` says why; `None` if this installation has none.
    pub(crate) fn copy_unrecorded(path: &Path, trouble: Option<&Self>) -> Self {
        let object = format!(
            "the copy {} is not written, because nothing would remove it later",
            shown(path)
        );
        match trouble {
            Some(trouble) => Self::from(trouble.diagnosis.clone()).about(object),
            None => Self::new(
                format!("{object}: this installation has no ledger"),
                "set install to \"link\"",
            ),
        }
    }

    /// The directory at `path`, made for former secrets, was not removed.
    pub(crate) fn left_directory(self, path: &Path) -> Self {
        let object = format!("the directory {}, made for former secrets, stays", shown(path));
        let remedy = format!("if nobody needs it, run: rmdir {}", shell::path(path));
        Self::new(self.about(object).diagnosis.cause, remedy)
    }
}
