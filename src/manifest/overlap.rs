//! Finds paths that lie above or below others. Only the texts of paths are compared.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The value at the nearest path in `taken` that is a directory above `path`.
pub(crate) fn above<'t, T>(taken: &'t BTreeMap<PathBuf, T>, path: &Path) -> Option<&'t T> {
    path.ancestors().skip(1).find_map(|parent| taken.get(parent))
}

/// The value at the first path in `taken` that is `path`, or lies below it.
pub(crate) fn at_or_below<'t, T>(taken: &'t BTreeMap<PathBuf, T>, path: &Path) -> Option<&'t T> {
    // Paths are ordered by their parts, so those below `path` come right behind it.
    let (next, value) = taken.range(path.to_owned()..).next()?;
    next.starts_with(path).then_some(value)
}
