//! The errors of a declared path: why no link can be made there, or why its directory cannot be reached.

use std::path::Path;

use super::{error::InstallError, writers::Writer};
use crate::text::printable::shown;

impl InstallError {
    /// A path is relative, contains `..`, or is `/`.
    pub(crate) fn not_plain(path: &Path) -> Self {
        Self::new(
            format!("the path {} is not absolute, or contains \"..\"", shown(path)),
            "choose an absolute path without \"..\"",
        )
    }

    /// An entry has a path that another entry has too.
    pub(crate) fn same_place(what: &str, path: &Path, other: &str) -> Self {
        Self::new(
            format!("{what} has the path {}, but {other} is there", shown(path)),
            "choose another path",
        )
    }

    /// An entry has a path above or below the path of another entry. `side` is `above` or `below`.
    pub(crate) fn in_the_way(what: &str, path: &Path, side: &str, other: &str) -> Self {
        Self::new(
            format!("{what} has the path {}, which is {side} {other}", shown(path)),
            "choose another path",
        )
    }

    /// A symlink at a declared path would get in the way of the generations, in one of these ways:
    ///
    /// - It would replace `symlinkPath`, the mount point, or a directory on the way to one of them.
    /// - It would have a reserved name in the mount point, or lie below such a name.
    /// - Its path leads through `symlinkPath`, and out of the published tree again.
    pub(crate) fn of_generations(what: &str, path: &Path) -> Self {
        Self::new(
            format!("{what} has the path {}, which this program itself needs", shown(path)),
            "choose another path",
        )
    }

    /// A home on the way to a declared path is missing. The user of the home is probably made later in this boot.
    pub(crate) fn no_home_yet(path: &Path, home: &Path) -> Self {
        Self::new(
            format!(
                "cannot link {}: {} does not exist yet, because users are made after this run",
                shown(path),
                shown(home)
            ),
            "remove neededForUsers or neededForFileSystems, or choose a path outside homes",
        )
    }

    /// The home in which a link would lie does not exist.
    pub(crate) fn no_home(path: &Path, home: &Path) -> Self {
        Self::new(
            format!("cannot link {}: the home {} does not exist", shown(path), shown(home)),
            "let the user log in once, or correct the path",
        )
    }

    /// A directory is at the declared path of a link.
    pub(crate) fn directory_in_the_way(path: &Path) -> Self {
        Self::new(
            format!("cannot link {}: a directory is there", shown(path)),
            "move it away, or choose another path",
        )
    }

    /// A part of a declared path is neither a directory nor a symlink.
    pub(crate) fn not_a_directory(path: &Path, part: &Path) -> Self {
        let (path, part) = (shown(path), shown(part));
        Self::new(
            format!("cannot reach {path}: {part} is not a directory"),
            "move it away, or choose another path",
        )
    }

    /// A symlink on the way to `path` leads through the missing directory `part`, and up again by `..`.
    pub(crate) fn climbs_from_nowhere(path: &Path, part: &Path) -> Self {
        let (path, part) = (shown(path), shown(part));
        Self::new(
            format!("cannot reach {path}: a symlink on the way leads through {part}, which does not exist"),
            "mount the file system that has it, correct the symlink, or declare the path that the symlink should lead to",
        )
    }

    /// The part `part` of `path` is a symlink that `writer` could have put there. The symlink leads to a directory in which
    /// `writer` is not allowed to write.
    pub(crate) fn foreign_symlink(path: &Path, part: &Path, writer: Writer) -> Self {
        Self::new(
            format!(
                "cannot safely reach {}: on the way, {} is a symlink to a directory of somebody else, and {writer} can change this symlink",
                shown(path),
                shown(part)
            ),
            "replace the symlink with a directory, or declare the path that the symlink leads to",
        )
    }
}
