//! Finds the generations to which symlinks lead, by comparing directories and not paths.

use std::{
    collections::{BTreeSet, HashMap},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::fs::{self, FileType, Stat};

use super::{
    error::{InstallError, failed},
    files::{self, FileId},
    site::{Site, parse_number},
};

/// The number of the generation whose directory has `status`; `None` if no generation in the mount point `root` is that directory.
/// `spelled` is the target of the link. The generation whose number `spelled` names is tried first. If that generation is a
/// different directory, all generations are compared.
pub(crate) fn number(site: &Site, root: &OwnedFd, spelled: &Path, status: &Stat) -> Result<Option<u64>, InstallError> {
    let guess = site.number(spelled);
    let is_it = |number: &u64| {
        let there = files::status(root, number.to_string()).ok().flatten();
        there.is_some_and(|there| files::same_file(&there, status))
    };
    match guess.filter(is_it) {
        Some(number) => Ok(Some(number)),
        None => Ok(all(site, root)?.get(&files::identity(status)).copied()),
    }
}

/// The numbers of the generations in `root` into which the symlinks at the paths `links` lead. Such a generation must not be removed.
pub(crate) fn by(site: &Site, root: &OwnedFd, links: &[&Path]) -> Result<BTreeSet<u64>, InstallError> {
    if links.is_empty() {
        return Ok(BTreeSet::new());
    }
    let generations = all(site, root)?;
    let led_into = |link: &&Path| {
        let target = link.canonicalize().ok()?;
        let identity = |dir| fs::stat(dir).ok().as_ref().map(files::identity);
        target.ancestors().find_map(|dir| generations.get(&identity(dir)?).copied())
    };
    Ok(links.iter().filter_map(led_into).collect())
}

/// All generations in `root`: the identity of each directory, with the number of the generation.
fn all(site: &Site, root: &OwnedFd) -> Result<HashMap<FileId, u64>, InstallError> {
    let fail = |cause| failed("list", &site.mount_point)(cause);
    let mut generations = HashMap::new();
    for (name, kind) in files::list(root.as_fd()).map_err(fail)? {
        let number = name.to_str().ok().and_then(parse_number);
        if let Some(number) = number.filter(|_| kind == FileType::Directory)
            && let Some(status) = files::status(root, name.as_c_str()).map_err(fail)?
        {
            generations.insert(files::identity(&status), number);
        }
    }
    Ok(generations)
}
