//! Checks whether a GnuPG home can be trusted. The configuration in a home names programs, and gpg and its agent run these
//! programs as their own user.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use rustix::process::Uid;

use crate::{
    system::read::reason,
    text::{diagnosis::Diagnosis, printable::printable, shell},
};

/// The permission bits that let the group or others write.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// Checks whether gpg, run by `user`, may trust the home `path`. The home and its configuration files must belong to the user or to
/// root. If the user is root, nobody else may have the right to write to them. The error is the reason.
pub(crate) fn check(path: &Path, user: Uid) -> Result<(), Diagnosis> {
    let unreadable = |error: io::Error| Diagnosis::bare(reason(&error));
    let entries = fs::read_dir(path).map_err(unreadable)?;
    let metadata = fs::metadata(path).map_err(unreadable)?;
    judge("it", &metadata, path, user)?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        // The name of a configuration file may have a version at its end, such as `gpg.conf-2.4`. Of a symlink, the target is
        // checked. A symlink that leads nowhere is skipped, since gpg cannot read it either.
        let is_configuration = name.to_string_lossy().contains(".conf");
        if let (true, Ok(metadata)) = (is_configuration, fs::metadata(entry.path())) {
            judge(&format!("its {}", printable(&name.to_string_lossy())), &metadata, path, user)?;
        }
    }
    Ok(())
}

/// Checks the owner and the mode of a GnuPG home or of a file in it. `what` is the name of the checked file in messages.
fn judge(what: &str, metadata: &Metadata, home: &Path, user: Uid) -> Result<(), Diagnosis> {
    let (owner, mode) = (metadata.uid(), metadata.permissions().mode() & 0o7777);
    let home = shell::path(home);
    if owner != 0 && owner != user.as_raw() {
        let (who, remedy) = if user.is_root() {
            ("root", format!("run: chown -R root: {home}"))
        } else {
            ("you", "use a home of your own".to_owned())
        };
        return Err(Diagnosis::new(
            format!("{what} belongs to the user with uid {owner}, who could use it to run programs as {who}"),
            remedy,
        ));
    }
    if user.is_root() && mode & OTHERS_MAY_WRITE != 0 {
        return Err(Diagnosis::new(
            format!("{what} can be written by others (mode {mode:04o}), who could use it to run programs as root"),
            format!("run: chmod -R go-w {home}"),
        ));
    }
    Ok(())
}
