//! The errors of the ledger, and of what belongs to former secrets.

use std::path::Path;

use super::error::InstallError;
use crate::{
    system::read::ReadError,
    text::{diagnosis::Diagnosis, printable::shown, shell},
};

/// What all errors say that keep a run from using the ledger.
const STAYS: &str = "so what belongs to former secrets stays";

impl InstallError {
    /// The ledger is not what this program writes.
    pub(crate) fn bad_ledger(path: &Path, error: &serde_json::Error) -> Self {
        Self::new(
            format!("cannot read the ledger {}: {error}; {STAYS}", shown(path)),
            "remove the ledger; the next run begins a new one, which knows only the links that are made from then on",
        )
    }

    /// A later version of this program has written the ledger.
    pub(crate) fn later_ledger(path: &Path, version: u64) -> Self {
        Self::new(
            format!(
                "the ledger {} has version {version}, which this program does not know; {STAYS}",
                shown(path)
            ),
            "use the version of this program that wrote the ledger, or remove the ledger",
        )
    }

    /// Something else is at the place of the ledger: a symlink, a directory, a file that is mounted there.
    pub(crate) fn odd_ledger(path: &Path) -> Self {
        let directory = path.parent().unwrap_or(path);
        Self::new(
            format!("the ledger {} is a symlink, a mount point or no file; {STAYS}", shown(path)),
            format!(
                "move it away, or unmount it; if the ledger has to be on another file system, put the whole directory {} there",
                shown(directory)
            ),
        )
    }

    /// Others can have written the ledger, so it says nothing.
    pub(crate) fn foreign_ledger(path: &Path) -> Self {
        Self::new(
            format!("other users can have written the ledger {}; {STAYS}", shown(path)),
            "remove this ledger; the next run begins a new one, which knows only the links that are made from then on",
        )
    }

    /// The ledger could not be opened or read, and why.
    pub(crate) fn unread_ledger(error: &Self) -> Self {
        let Diagnosis { cause, remedy } = &error.diagnosis;
        Diagnosis {
            cause: format!("{cause}; {STAYS}"),
            remedy: remedy.clone(),
        }
        .into()
    }

    /// The ledger was that of an installation with another link, such as one in a home that was moved since.
    pub(crate) fn ledger_of(path: &Path, link: &Path) -> Self {
        Self::new(
            format!(
                "the ledger {} was that of an installation in {}, and begins anew now",
                shown(path),
                shown(link)
            ),
            format!(
                "links that lead there stay; to find those in a directory, run: find DIRECTORY -lname {}",
                shell::word(&format!("{}/*", link.display()))
            ),
        )
    }

    /// The ledger could not be written, and why.
    pub(crate) fn unrecorded(error: &Self) -> Self {
        Self::new(
            format!(
                "{}; so the links of this run stay when their secrets go",
                error.diagnosis.cause
            ),
            "make room for the ledger, or mount its file system for writing",
        )
    }

    /// What a failed system call is, for work that took too long. `action` is a verb whose object is the path.
    pub(crate) fn late_failed(action: &'static str, path: &Path) -> Self {
        Diagnosis::bare(format!("cannot {action} {}: {}", shown(path), ReadError::Late)).into()
    }

    /// What is in the way of a symlink at `path` could not be examined, so the ledger does not have the symlink.
    pub(crate) fn unexamined(error: &Self, path: &Path) -> Self {
        Self::new(
            format!("{}; so its link stays when its secret goes", error.diagnosis.cause),
            format!("to remove the link then, run: rm {}", shell::path(path)),
        )
    }

    /// What is at `path` and belongs to a former secret could not be removed. `command` does it.
    pub(crate) fn left(error: &Self, path: &Path, command: &str) -> Self {
        Self::new(
            format!(
                "{}; so {} stays, which belongs to a former secret",
                error.diagnosis.cause,
                shown(path)
            ),
            format!("if it is still there, remove it as a user who may write there; run: {command}"),
        )
    }

    /// A directory on the way to a symlink of a former secret was replaced by the symlink `part`. It leads to a place that may belong to
    /// somebody else.
    pub(crate) fn led_away(path: &Path, part: &Path) -> Self {
        Self::new(
            format!(
                "the link {} belonged to a former secret, but {} is a symlink now; so the link is forgotten",
                shown(path),
                shown(part)
            ),
            format!("if the link is still there, run: rm {}", shell::path(path)),
        )
    }

    /// The file system of what belongs to a former secret is not there.
    pub(crate) fn not_mounted(path: &Path, mounted: &Path) -> Self {
        Self::new(
            format!(
                "{} belongs to a former secret, but nothing is mounted at {}",
                shown(path),
                shown(mounted)
            ),
            "mount its file system, and run this again",
        )
    }
}
