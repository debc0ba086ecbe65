//! Remembers, over restarts, that this host has opened sops files.
//!
//! `/run` is empty after a restart, and some hosts keep little else. So the Nix modules name a directory beside the Nix store, which a
//! host needs to start at all.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use rustix::fs::Access;

use crate::{
    system::{handle, memory},
    text::{diagnosis::Diagnosis, printable::shown},
};

/// The file that says it. It is empty.
const MARK: &str = "has-had-secrets";

/// Whether the history in `directory` says that no sops file was ever opened on this host. A history that is lost with the next restart,
/// or that could not have been written, says nothing.
pub(crate) fn is_blank(directory: &Path) -> bool {
    let here = if is_missing(directory) {
        directory.parent()
    } else {
        Some(directory)
    };
    is_missing(&directory.join(MARK))
        && here.is_some_and(|here| lasts(here) && rustix::fs::access(here, Access::WRITE_OK).is_ok())
}

/// Whether the directory `directory` is there, and not in memory.
pub(crate) fn lasts(directory: &Path) -> bool {
    handle::open_directory(directory).is_ok_and(|directory| memory::holds(directory).is_ok_and(|is_held| !is_held))
}

/// Whether it is certain that there is nothing at `path`. A path on which something else than a directory lies is not certain.
pub(crate) fn is_missing(path: &Path) -> bool {
    path.symlink_metadata()
        .is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Notes in the history that this host has opened a sops file. A host without the directory above it has no history.
///
/// # Errors
///
/// If it cannot be noted. The secrets are not concerned.
pub(crate) fn keep(directory: &Path) -> Result<(), Diagnosis> {
    let is_kept = !is_missing(&directory.join(MARK));
    if is_kept || directory.parent().is_none_or(is_missing) {
        return Ok(());
    }
    note(directory).map_err(|error| {
        Diagnosis::bare(format!(
            "cannot note in {} that this host has had secrets: {error}; so a key that is lost may later be taken for one that was never made",
            shown(directory)
        ))
    })
}

fn note(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o755).create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // The program has no umask.
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o644);
    options.open(directory.join(MARK))?.sync_all()?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_history_is_blank_until_something_is_noted() {
        let above = tempfile::TempDir::new().unwrap();
        let directory = above.path().join("history");
        assert!(is_blank(&directory));
        keep(&directory).unwrap();
        keep(&directory).unwrap();
        assert!(!is_blank(&directory));
        for path in [&directory, &directory.join(MARK)] {
            assert_eq!(
                path.metadata().unwrap().permissions().mode() & 0o022,
                0,
                "only its owner may write it"
            );
        }
    }

    #[test]
    fn a_host_without_a_place_for_it_has_no_history() {
        let above = tempfile::TempDir::new().unwrap();
        let directory = above.path().join("no/history");
        keep(&directory).unwrap();
        assert!(!is_blank(&directory) && !above.path().join("no").exists());
    }
}
