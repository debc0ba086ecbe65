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
    directories::Rights,
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
}

/// What is at a path of a generation.
enum Piece {
    /// A directory with these rights.
    Directory(Rights),
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
        let mut layout = Self { pieces: BTreeMap::new() };
        for (entry, wanted) in entries.iter().zip(wanted) {
            layout.put(site, &entry.place(), Piece::File);
            if let Wanted::Inside(place) = wanted {
                let (target, owner) = (site.link.join(entry.place()), entry.owner);
                layout.put(site, place, Piece::Symlink { target, owner });
            }
        }
        layout
    }

    /// Adds `piece` at `place`, and the directories above it.
    fn put(&mut self, site: &Site, place: &PlaceInGeneration<'_>, piece: Piece) {
        for parent in place.parents() {
            let directory = || Piece::Directory(site.directories.at(parent).unwrap_or_else(|| usual(site)));
            self.pieces.entry(parent.to_owned()).or_insert_with(directory);
        }
        self.pieces.insert(place.as_str().to_owned(), piece);
    }

    /// Whether the generation `live` has this layout, with the right owners and modes. `inventory` is what it contains. The files of
    /// the entries and the directories must be compared already, and be the same.
    fn is_that_of(
        &self,
        site: &Site,
        live: &LiveGeneration,
        inventory: &BTreeMap<String, FileType>,
    ) -> Result<bool, InstallError> {
        if inventory.len() != self.pieces.len() || !has_directory(live, Path::new("."), usual(site))? {
            return Ok(false);
        }
        for (path, piece) in &self.pieces {
            let kind = inventory.get(path).copied().unwrap_or(FileType::Unknown);
            let is_same = match piece {
                Piece::File => true,
                Piece::Directory(_) => kind == FileType::Directory,
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

    /// The directories that are in the generation `live` with other rights than these, if they have rights of their own, or had some. If
    /// the rights of all others are another, that is no change of these.
    fn changed_directories(
        &self,
        site: &Site,
        live: &LiveGeneration,
        inventory: &BTreeMap<String, FileType>,
    ) -> Result<Vec<String>, InstallError> {
        let others_stay = has_directory(live, Path::new("."), usual(site))?;
        let mut changed = Vec::new();
        for (path, piece) in &self.pieces {
            let Piece::Directory(rights) = piece else { continue };
            let is_there = inventory.get(path) == Some(&FileType::Directory);
            let counts = others_stay || site.directories.at(path).is_some();
            if is_there && counts && !has_directory(live, Path::new(path), *rights)? {
                changed.push(path.clone());
            }
        }
        Ok(changed)
    }
}

/// The rights of a directory that has none of its own.
fn usual(site: &Site) -> Rights {
    Rights {
        owner: site.directory_owner(),
        mode: DIRECTORY_MODE,
    }
}

/// Whether the directory at `path` has these rights, and no access control list.
fn has_directory(live: &LiveGeneration, path: &Path, rights: Rights) -> Result<bool, InstallError> {
    let dir = files::open_directory(live.dir(), path).map_err(examine(live, path))?;
    let there = fs::fstat(&dir).map_err(examine(live, path))?;
    let is_alike = rights.owner.has(&there) && FileMode::of(&there) == rights.mode;
    Ok(is_alike && !access_list::is_on_directory(&dir).map_err(examine(live, path))?)
}

/// What the layout of the live generation means for a run.
#[derive(Default)]
pub(crate) struct Outlook {
    /// Whether the live generation stays, because it already is what the run would write. A site may want new files in each run.
    pub stays: bool,
    /// The paths of those directories that are there, and are to have another owner, group or mode.
    pub directories: Vec<String>,
}

impl Outlook {
    /// Compares the layout of the generation `live` with the one that these entries are to have. The files are `compared` already.
    pub(crate) fn of(
        site: &Site,
        live: Option<&LiveGeneration>,
        compared: &Comparison,
        entries: &[Entry<'_>],
        wanted: &[Wanted<'_>],
    ) -> Result<Self, InstallError> {
        let Some(live) = live.filter(|_| site.keeps_unchanged || !site.directories.is_empty()) else {
            return Ok(Self::default());
        };
        let layout = Layout::of(site, entries, wanted);
        let directories = layout.changed_directories(site, live, &compared.inventory)?;
        let may_stay = site.keeps_unchanged && directories.is_empty() && compared.changes.have_no_names();
        Ok(Self {
            stays: may_stay && layout.is_that_of(site, live, &compared.inventory)?,
            directories,
        })
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
