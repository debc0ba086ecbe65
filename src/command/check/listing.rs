//! Lists the files of a directory: in a git repository those that git does not ignore, elsewhere all.

use std::{
    collections::HashSet,
    env,
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    system::{child::Child, progress::Progress, read},
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
    let inner: Vec<_> = files.iter().filter(|path| is_repository(path)).cloned().collect();
    if !inner.is_empty() {
        let submodules = submodules(directory, git);
        for repository in inner {
            // Only the configuration of a submodule is one that git itself has written. Another repository may have come from anywhere,
            // and git would run commands that its configuration names.
            files.extend(if submodules.contains(&repository) {
                listed(&repository, Git::Inner)?
            } else {
                of_directory(&repository)?
            });
        }
    }
    files.retain(|file| file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()));
    files.sort();
    files.dedup();
    Ok(files)
}

/// Whether git lists the path as a whole, because it is a repository of its own. A submodule that is not checked out has nothing.
fn is_repository(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) && path.join(".git").exists()
}

/// What git lists: the files that it has, and those that it would add. `None` outside a repository, and without git.
fn of_git(directory: &Path, of: Git) -> Option<Vec<PathBuf>> {
    let names = ls_files(directory, of, &["--cached", "--others", "--exclude-standard"])?;
    Some(names.iter().map(|name| directory.join(OsStr::from_bytes(name))).collect())
}

/// The submodules that git has recorded (gitsubmodules(7)): each is an entry of mode 160000 in the index.
fn submodules(directory: &Path, of: Git) -> HashSet<PathBuf> {
    let entries = ls_files(directory, of, &["--stage"]).unwrap_or_default();
    let name = |entry: &Vec<u8>| {
        let tab = entry.iter().position(|byte| *byte == b'\t')?;
        entry
            .starts_with(b"160000 ")
            .then(|| entry.get(tab + 1..))?
            .map(<[u8]>::to_vec)
    };
    let names = entries.iter().filter_map(name);
    names.map(|name| directory.join(OsStr::from_bytes(&name))).collect()
}

/// What `git ls-files` prints, by its lines. `None` outside a repository, and without git.
fn ls_files(directory: &Path, of: Git, options: &[&str]) -> Option<Vec<Vec<u8>>> {
    let mut git = Command::new("git");
    if of == Git::Inner {
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_bytes().starts_with(b"GIT_")) {
            git.env_remove(name);
        }
    }
    // To list files, git needs no program that the configuration of a repository names.
    git.args(["-c", "core.fsmonitor=false", "ls-files", "-z"]).args(options);
    let progress = Progress::about(format!("git, which lists the files in {}", shown(directory)));
    let listed = Child::start(git.current_dir(directory), GIT_TIMEOUT, progress)
        .and_then(Child::finish)
        .ok()?;
    let names = listed
        .output
        .expose()
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    listed.status.success().then(|| names.map(<[u8]>::to_vec).collect())
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
