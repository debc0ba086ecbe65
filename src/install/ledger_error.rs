//! The errors of the ledger, and why something of a former secret stays.

use std::path::Path;

use super::error::InstallError;
use crate::{
    system::mounts::Mount,
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

    /// The symlink at `path`, of a former secret, was not removed.
    pub(crate) fn left(self, path: &Path) -> Self {
        let object = format!("the link {} of a former secret stays", shown(path));
        let remedy = format!("to remove it, run: rm {}", shell::path(path));
        Self::new(self.about(object).diagnosis.cause, remedy)
    }

    /// Nobody looked for the symlink at `path`, of a former secret. Its path may lead to something else now.
    pub(crate) fn unseen(self, path: &Path) -> Self {
        let object = format!("the link {} of a former secret was not looked for", shown(path));
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

    /// The directory at `path`, made for former secrets, was not removed.
    pub(crate) fn left_directory(self, path: &Path) -> Self {
        let object = format!("the directory {}, made for former secrets, stays", shown(path));
        let remedy = format!("if nobody needs it, run: rmdir {}", shell::path(path));
        Self::new(self.about(object).diagnosis.cause, remedy)
    }
}
