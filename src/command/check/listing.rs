//! Lists the files of a directory: in a git repository those that git does not ignore, elsewhere all.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    system::{child::Child, read},
    text::{diagnosis::Diagnosis, printable::shown},
};

/// How long git may take. It reads the names of a whole repository.
const GIT_TIMEOUT: Duration = Duration::from_mins(1);

/// The regular files below a directory, in order.
///
/// # Errors
///
/// With a message for people, if the directory cannot be read.
pub(crate) fn files(directory: &Path) -> Result<Vec<PathBuf>, Diagnosis> {
    let mut files = match of_git(directory) {
        Some(files) => files,
        None => of_directory(directory)?,
    };
    files.retain(|file| file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()));
    files.sort();
    files.dedup();
    Ok(files)
}

/// What git lists: the files that it has, and those that it would add. `None` outside a repository, and without git.
fn of_git(directory: &Path) -> Option<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = Child::start(git.current_dir(directory), GIT_TIMEOUT)
        .and_then(Child::finish)
        .ok()?;
    let names = listed
        .output
        .expose()
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    let paths = names.map(|name| directory.join(OsStr::from_bytes(name)));
    listed.status.success().then(|| paths.collect())
}

fn of_directory(directory: &Path) -> Result<Vec<PathBuf>, Diagnosis> {
    let fail = |error| Diagnosis::bare(format!("cannot read {}: {}", shown(directory), read::reason(&error)));
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let kind = entry.file_type().map_err(fail)?;
        if kind.is_dir() && entry.file_name() != ".git" {
            files.extend(of_directory(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}
