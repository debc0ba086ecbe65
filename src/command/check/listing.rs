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
    listed(directory, Git::OfCaller)
}

/// Which repository git looks into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Git {
    /// That of the caller: within a hook of git, variables name its index.
    OfCaller,
    /// One inside another one, to which these variables do not belong.
    Inner,
}

fn listed(directory: &Path, git: Git) -> Result<Vec<PathBuf>, Diagnosis> {
    let mut files = match of_git(directory, git) {
        Some(files) => files,
        None => of_directory(directory)?,
    };
    for inner in inner_repositories(&files) {
        files.extend(listed(&inner, Git::Inner)?);
    }
    files.retain(|file| file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()));
    files.sort();
    files.dedup();
    Ok(files)
}

/// The submodules and other repositories among what git lists. git does not list what is in them. A submodule that is not checked out
/// has nothing.
fn inner_repositories(files: &[PathBuf]) -> Vec<PathBuf> {
    let is_repository = |path: &&PathBuf| path.symlink_metadata().is_ok_and(|it| it.is_dir()) && path.join(".git").exists();
    files.iter().filter(is_repository).cloned().collect()
}

/// What git lists: the files that it has, and those that it would add. `None` outside a repository, and without git.
fn of_git(directory: &Path, of: Git) -> Option<Vec<PathBuf>> {
    let mut git = Command::new("git");
    if of == Git::Inner {
        for variable in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE"] {
            git.env_remove(variable);
        }
    }
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
