//! The files that may have to be encrypted.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use super::listing;
use crate::{
    command::rule_place::{RULE_FILE, nearest},
    manifest::without_detours,
    text::diagnosis::Diagnosis,
};

/// A file that may have to be encrypted.
pub(crate) struct FileToCheck {
    /// The file, as somebody in the current directory names it.
    pub(crate) name: PathBuf,
    /// Its absolute path.
    pub(crate) path: PathBuf,
    /// Whether somebody has named the file itself, and not only a directory around it.
    pub(crate) is_named: bool,
}

/// Candidates, by the directory of the file `.sops.yaml` that is for them; `None` if there is no such file.
pub(crate) type Groups = BTreeMap<Option<PathBuf>, Vec<FileToCheck>>;

/// All candidates: the named files, and the files below the named directories.
///
/// # Errors
///
/// With a message for people, if a directory cannot be read.
pub(crate) fn candidates(named: &[PathBuf], current: &Path) -> Result<Vec<FileToCheck>, Diagnosis> {
    let here = [PathBuf::from(".")];
    let named = if named.is_empty() { &here[..] } else { named };
    let mut candidates = Vec::new();
    for name in named {
        let is_named = !name.is_dir();
        let found = if is_named { vec![name.clone()] } else { listing::files(name)? };
        candidates.extend(found.into_iter().map(|name| FileToCheck::new(&name, current, is_named)));
    }
    candidates.sort_by(|one, other| (&one.path, !one.is_named).cmp(&(&other.path, !other.is_named)));
    candidates.dedup_by(|later, earlier| later.path == earlier.path);
    Ok(candidates)
}

impl FileToCheck {
    fn new(name: &Path, current: &Path, is_named: bool) -> Self {
        Self {
            name: name.strip_prefix(".").unwrap_or(name).to_owned(),
            path: without_detours(&current.join(name)),
            is_named,
        }
    }
}

/// Finds the file `.sops.yaml` for each candidate: the one in its directory, or else in the nearest directory above. A candidate
/// that is such a file itself makes a group, even if it is for no file.
pub(crate) fn by_rule_file(candidates: Vec<FileToCheck>) -> Groups {
    let mut known = HashMap::new();
    let mut groups = Groups::new();
    for candidate in candidates {
        let directory = candidate.path.parent().and_then(|parent| nearest(parent, &mut known));
        let group = groups.entry(directory).or_default();
        if candidate.path.file_name().is_none_or(|name| name != RULE_FILE) {
            group.push(candidate);
        }
    }
    groups
}
