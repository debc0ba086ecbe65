//! What a generation contains beside the content of its files: directories, and the symlinks for declared paths inside the published
//! tree.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, FileType},
    io::Errno,
};

use super::{
    changes::Comparison,
    entry::Entry,
    error::{InstallError, failed},
    files::{self, DIRECTORY_MODE},
    live::LiveGeneration,
    name::PlaceInGeneration,
    owner::Owner,
    plan::Wanted,
    site::Site,
};
use crate::system::{access_list, mode::FileMode};

/// What a generation contains: each path below its directory, with what is there.
pub(crate) struct Layout {
    pieces: BTreeMap<String, Piece>,
    /// The owner of all directories.
    directories: Owner,
}

/// What is at a path of a generation.
enum Piece {
    /// A directory.
    Directory,
    /// The file of an entry.
    File,
    /// A symlink for a declared path.
    Symlink {
        /// Where the symlink leads.
        target: PathBuf,
        /// The owner of the symlink.
        owner: Owner,
    },
}

impl Layout {
    /// The layout of a generation with these entries. `wanted` has the symlink that each entry gets.
    pub(crate) fn of(site: &Site, entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> Self {
        let mut layout = Self {
            pieces: BTreeMap::new(),
            directories: site.directory_owner(),
        };
        for (entry, wanted) in entries.iter().zip(wanted) {
            layout.put(&entry.place(), Piece::File);
            if let Wanted::Inside(place) = wanted {
                let (target, owner) = (site.link.join(entry.place()), entry.owner);
                layout.put(place, Piece::Symlink { target, owner });
            }
        }
        layout
    }

    /// Adds `piece` at `place`, and the directories above it.
    fn put(&mut self, place: &PlaceInGeneration<'_>, piece: Piece) {
        for parent in place.parents() {
            self.pieces.entry(parent.to_owned()).or_insert(Piece::Directory);
        }
        self.pieces.insert(place.as_str().to_owned(), piece);
    }

    /// Whether the generation `live` has this layout, with the right owners and modes. `inventory` is what it contains. The files of
    /// the entries must be compared already, and be the same.
    pub(crate) fn is_that_of(&self, live: &LiveGeneration, inventory: &BTreeMap<String, FileType>) -> Result<bool, InstallError> {
        if inventory.len() != self.pieces.len() || !self.has_directory(live, Path::new("."))? {
            return Ok(false);
        }
        for (path, piece) in &self.pieces {
            let kind = inventory.get(path).copied().unwrap_or(FileType::Unknown);
            let is_same = match piece {
                Piece::File => true,
                Piece::Directory => kind == FileType::Directory && self.has_directory(live, Path::new(path))?,
                Piece::Symlink { target, owner } => {
                    kind == FileType::Symlink && has_symlink(live, Path::new(path), target, *owner)?
                }
            };
            if !is_same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the directory at `path` has the owner and the mode that directories of a generation have, and no access control list.
    fn has_directory(&self, live: &LiveGeneration, path: &Path) -> Result<bool, InstallError> {
        let dir = files::open_directory(live.dir(), path).map_err(examine(live, path))?;
        let there = fs::fstat(&dir).map_err(examine(live, path))?;
        let is_alike = self.directories.has(&there) && FileMode::of(&there) == DIRECTORY_MODE;
        Ok(is_alike && !access_list::is_on_directory(&dir).map_err(examine(live, path))?)
    }
}

/// Whether the generation `live` stays, because it already is what a run would write. A site may want new files in each run.
pub(crate) fn stays(
    site: &Site,
    live: Option<&LiveGeneration>,
    compared: &Comparison,
    entries: &[Entry<'_>],
    wanted: &[Wanted<'_>],
) -> Result<bool, InstallError> {
    match live {
        Some(live) if site.keeps_unchanged && compared.changes.have_no_names() => {
            Layout::of(site, entries, wanted).is_that_of(live, &compared.inventory)
        }
        _ => Ok(false),
    }
}

/// Whether the symlink at `path` leads to `target` and belongs to `owner`.
fn has_symlink(live: &LiveGeneration, path: &Path, target: &Path, owner: Owner) -> Result<bool, InstallError> {
    let there = files::status(live.dir(), path).map_err(examine(live, path))?;
    let found = fs::readlinkat(live.dir(), path, Vec::new()).map_err(examine(live, path))?;
    let is_owned = there.is_some_and(|there| owner.has(&there));
    Ok(is_owned && found.as_bytes() == target.as_os_str().as_encoded_bytes())
}

/// The error for what cannot be examined in the generation `live`.
fn examine(live: &LiveGeneration, path: &Path) -> impl FnOnce(Errno) -> InstallError {
    let at = live.at().join(path);
    move |cause| failed("examine", &at)(cause)
}
