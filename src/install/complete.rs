//! The marks of complete generations, so that nothing leads back to a part of one.
//!
//! The mark `.<N>.complete` lies beside generation N. It is made when the link names N, and removed before anything in N is. So a
//! generation that a killed run has written or removed in part has no mark. The mark names the inode of the directory: it counts for no
//! other directory of this number. If only the live generation is kept, no marks are made.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::{AsFd as _, OwnedFd},
};

use rustix::{fs::Stat, io::Errno};

use super::{
    error::{InstallError, errno, failed},
    files,
    site::{Site, parse_number},
};
use crate::system::mode::FileMode;

/// The most bytes of a mark that are read.
const MAX_BYTES: u64 = 256;

/// The file name of the mark of generation `number`.
pub(crate) fn name(number: u64) -> String {
    format!(".{number}.complete")
}

/// The number of the generation to which a mark with this file name belongs; `None` if `name` is not the name of a mark.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.strip_prefix('.')?.strip_suffix(".complete").and_then(parse_number)
}

/// The text of the mark of the directory with `status`.
fn text(status: &Stat) -> String {
    format!("{}\n", status.st_ino)
}

/// Marks the generation `number`, which the link names. Writes nothing if it is marked already, or if no other generation is kept.
///
/// # Errors
///
/// If the mark cannot be written. Then the generation has none.
pub(crate) fn mark(site: &Site, root: &OwnedFd, number: u64) -> Result<(), InstallError> {
    if site.keep_generations == 1 || has(site, root, number)? {
        return Ok(());
    }
    let at = site.mount_point.join(name(number));
    remove(site, root, number)?;
    let Some(status) = files::status(root, number.to_string()).map_err(failed("examine", &at))? else {
        return Ok(());
    };
    let file =
        files::create_file(root, name(number), site.file_owner(), FileMode::of_bits(0o600)).map_err(failed("create", &at))?;
    // A mark that is written in part does not count: its text differs.
    let outcome = File::from(file).write_all(text(&status).as_bytes());
    outcome.map_err(|error| failed("write", &at)(errno(&error)))
}

/// Removes the mark of generation `number`, if there is one.
pub(crate) fn remove(site: &Site, root: &OwnedFd, number: u64) -> Result<(), InstallError> {
    let at = site.mount_point.join(name(number));
    files::remove_tree(root.as_fd(), &name(number)).map_err(failed("remove", &at))
}

/// Whether the generation `number` has a mark, and so is complete.
pub(crate) fn has(site: &Site, root: &OwnedFd, number: u64) -> Result<bool, InstallError> {
    let at = site.mount_point.join(name(number));
    let Some(status) = files::status(root, number.to_string()).map_err(failed("examine", &at))? else {
        return Ok(false);
    };
    let file = match files::open_file(root, name(number)) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::LOOP) => return Ok(false),
        Err(cause) => return Err(failed("open", &at)(cause)),
    };
    let mut said = String::new();
    let outcome = File::from(file).take(MAX_BYTES).read_to_string(&mut said);
    outcome.map_err(|error| failed("read", &at)(errno(&error)))?;
    Ok(said == text(&status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marks_of_numbers_are_marks() {
        assert_eq!(number(".7.complete"), Some(7));
        for other in [
            ".07.complete",
            ".0.complete",
            ".x.complete",
            "7",
            ".complete",
            "7.complete",
            ".7.pending",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
