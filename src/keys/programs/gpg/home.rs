//! Whether a GnuPG home can be trusted: its configuration names programs, and gpg and its agent run them as their own user.

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

/// The permission bits of group and others to write.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// Checks whether gpg, run by `user`, may trust the home `path`. The home and its configuration files must belong to the user or to root.
/// For root, nobody else may have the right to write to them. The error is the reason.
pub(crate) fn check(path: &Path, user: Uid) -> Result<(), Diagnosis> {
    let unreadable = |error: io::Error| Diagnosis::bare(reason(&error));
    let entries = fs::read_dir(path).map_err(unreadable)?;
    let metadata = fs::metadata(path).map_err(unreadable)?;
    judge("it", &metadata, path, user)?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        // This includes files for one version, such as gpg.conf-2.4. Of a symlink, the file that it leads to is judged. One that leads
        // nowhere is skipped, since gpg cannot read it.
        let is_configuration = name.to_string_lossy().contains(".conf");
        if let (true, Ok(metadata)) = (is_configuration, fs::metadata(entry.path())) {
            judge(&format!("its {}", printable(&name.to_string_lossy())), &metadata, path, user)?;
        }
    }
    Ok(())
}

/// Judges the home or a file in it, which is called `what`.
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
            format!("{what} belongs to user {owner}, who could run programs as {who} with it"),
            remedy,
        ));
    }
    if user.is_root() && mode & OTHERS_MAY_WRITE != 0 {
        return Err(Diagnosis::new(
            format!("{what} can be written by others (mode {mode:04o}), who could run programs as root with it"),
            format!("run: chmod -R go-w {home}"),
        ));
    }
    Ok(())
}
