//! Removes all that an installation has made outside its mount point, once the host is not set up for it any more.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    error::{InstallError, failed},
    files,
    homes::Homes,
    ledger,
    links::Spread,
    outside::{self, Book, Removing},
    site::{Site, Store},
    walk,
};
use crate::system::root::Root;

/// A ledger, and the installation that has written it.
pub struct LedgerOf {
    /// The path of the ledger.
    pub path: PathBuf,
    /// The link of the installation.
    pub link: PathBuf,
}

/// What was removed.
pub struct Forgotten {
    /// The paths of the symlinks that are gone now.
    pub links: Vec<PathBuf>,
    /// What stays, and why; and the files that were moved back.
    pub warnings: Vec<String>,
}

/// The ledgers in `directory`, by their names. There are none if there is no such directory.
///
/// # Errors
///
/// If the directory or one of the ledgers cannot be read.
pub fn ledgers(root: &Root, directory: &Path) -> Result<Vec<LedgerOf>, InstallError> {
    let way = walk::find(root, &directory.join("ledger.json"), None).map_err(|lost| lost.error)?;
    let Some(place) = way.place else {
        return Ok(Vec::new());
    };
    let names = files::open_directory(&place.dir, c".").and_then(|dir| files::list(&dir));
    let names = names.map_err(failed("list", directory))?;
    let mut names: Vec<_> = names.iter().map(|(name, _)| name.as_bytes()).collect();
    names.retain(|name| name.starts_with(b"ledger") && name.ends_with(b".json"));
    names.sort_unstable();
    let mut found = Vec::new();
    for name in names {
        let path = directory.join(OsStr::from_bytes(name));
        if let Some(link) = ledger::link(root, &path)? {
            found.push(LedgerOf { path, link });
        }
    }
    Ok(found)
}

/// Removes all that `ledger` names and that is still as the ledger says, and then the ledger. `homes` says which homes are known: a home
/// stays.
///
/// # Errors
///
/// If the ledger cannot be read.
pub fn forget(root: &Root, ledger: &LedgerOf, homes: Homes) -> Result<Forgotten, InstallError> {
    let site = Site {
        root: root.clone(),
        // Nothing is mounted or published.
        mount_point: PathBuf::new(),
        link: ledger.link.clone(),
        keep_generations: 0,
        keeps_unchanged: true,
        ledger: Some(ledger.path.clone()),
        store: Store::Directory,
        homes,
    };
    let mut links = outside::gone(&site, &[], &[])?;
    let book = Book::open(&site, &[], &[]);
    let warnings = book.map(|book| book.close(&Spread::default(), Removing::Everything));
    let left = outside::gone(&site, &[], &[])?;
    links.retain(|link| !left.contains(link));
    Ok(Forgotten {
        links,
        warnings: warnings.unwrap_or_default(),
    })
}
