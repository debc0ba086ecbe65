//! What checks have printed about the texts that they refused, for whoever may read it.
//!
//! It may quote secrets. So it is kept beside the generations, in memory, in files that only the user of the run can read: for the
//! template NAME in `.check-output/NAME`. It is that of the last run that came to its checks: it goes when they accept the templates, or
//! when the templates are gone.

use std::{
    fs::File,
    io::Write as _,
    os::fd::{AsFd as _, OwnedFd},
    path::PathBuf,
};

use rustix::{
    fs::{self, Mode},
    io::Errno,
};

use super::{
    error::{InstallError, errno, failed},
    files, lock, mount,
    name::EntryName,
    site::Site,
};
use crate::system::{mode::FileMode, plaintext::Plaintext};

/// The name of the directory in the mount point.
pub(crate) const NAME: &str = ".check-output";

/// Only its owner may read what a check has printed.
const MODE: FileMode = FileMode::of_bits(0o400);

/// The path of what the check of this template has printed.
pub(crate) fn path(site: &Site, template: &EntryName) -> PathBuf {
    site.mount_point.join(NAME).join(template.as_str())
}

/// Keeps what the checks of these templates have printed, in the place of what is there. Returns whether it is kept: another run may be
/// busy, and this run does not wait long for it. Nothing is written if there is nothing to keep, and nothing is there.
///
/// # Errors
///
/// If it cannot be written, or if what is there cannot be removed.
pub(crate) fn keep(site: &Site, printed: &[(&EntryName, &Plaintext)]) -> Result<bool, InstallError> {
    let at = site.mount_point.join(NAME);
    // A mount point that cannot be opened has an error of its own.
    let Ok(Some(root)) = mount::open(site) else {
        return Ok(false);
    };
    if printed.is_empty() && files::status(&root, NAME).map_err(failed("examine", &at))?.is_none() {
        return Ok(true);
    }
    let Some(_lock) = lock::take_soon(&root, lock::PATIENCE).map_err(failed("lock", &at))? else {
        return Ok(false);
    };
    files::remove_tree(root.as_fd(), NAME).map_err(failed("remove", &at))?;
    for (template, text) in printed {
        write(site, &root, template, text.expose()).map_err(failed("write", &path(site, template)))?;
    }
    Ok(true)
}

/// Writes the file of one template, and makes the directories above it.
fn write(site: &Site, root: &OwnedFd, template: &EntryName, text: &[u8]) -> Result<(), Errno> {
    let mut dir = enter(root, NAME)?;
    let mut name = template.as_str();
    while let Some((parent, rest)) = name.split_once('/') {
        dir = enter(&dir, parent)?;
        name = rest;
    }
    let file = files::create_file(&dir, name, site.file_owner(), MODE)?;
    File::from(file).write_all(text).map_err(|error| errno(&error))
}

/// Opens the directory `name` in `dir`, and makes it if it is missing. Only this user can enter it.
fn enter(dir: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    match fs::mkdirat(dir, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => files::open_directory(dir, name),
        Err(cause) => Err(cause),
    }
}
