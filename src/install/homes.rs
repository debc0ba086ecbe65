//! Finds the home in which a path lies, so that directories made in a home belong to the user of the home.
//!
//! At the first boot, secrets may be published before systemd-tmpfiles makes the homes of users. In that case, this program makes
//! the homes that lie on the way to declared paths.

use std::{collections::HashMap, ffi::OsStr};

use rustix::fs::{Stat, Uid};

use super::{
    error::InstallError,
    step::Step,
    walk::{self, Walk},
};
use crate::system::{account_files, ids::Ids, mode::FileMode, root::Root};

/// The lowest user number of a person (`UID_MIN` in login.defs(5)). Accounts of services have lower numbers. The homes of such
/// accounts may be directories such as `/dev` and `/srv`, in which not everything belongs to the account.
const FIRST_PERSON: u32 = 1000;

/// The mode of a home, as `useradd` and systemd-tmpfiles make it.
const HOME: FileMode = FileMode::of_bits(0o700);

/// The mode of any other directory.
pub(crate) const DIRECTORY: FileMode = FileMode::of_bits(0o755);

/// Which homes of users are known to this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Homes {
    /// No home is known, as in user mode. The directories that a plain user makes belong to that user anyway.
    #[default]
    Unknown,
    /// The homes of all users.
    Known,
    /// Only the homes of users that already exist are known, as in the early phase: more users may be made later in this boot.
    Earlier,
}

/// The owner and the mode of a directory that will be made.
pub(crate) struct Grant {
    /// The user and group of the directory.
    pub owner: Ids,
    /// The permission bits of the directory.
    pub mode: FileMode,
    /// Whether the directory is a home.
    pub is_home: bool,
}

impl Homes {
    /// Decides the owner and the mode of the missing directory `name`. `walk` has reached the directory in which `name` will be made,
    /// and `parent` is the status of that directory.
    ///
    /// A missing home gets mode 0700, as `useradd` and systemd-tmpfiles make it, and belongs to its user. Any other directory
    /// belongs to the owner of the directory in which it is made. There is one exception: in the home of a person, a directory that
    /// is made in a directory of root's belongs to that person. A directory that is reached by a symlink out of a home does not
    /// count as in that home.
    pub(crate) fn grant(self, walk: &Walk<'_>, parent: &Stat, name: &OsStr) -> Result<Grant, InstallError> {
        let grant = |owner, mode| {
            Ok(Grant {
                owner,
                mode,
                is_home: mode == HOME,
            })
        };
        let heir = Ids::of(parent);
        if self == Self::Unknown {
            return grant(heir, DIRECTORY);
        }
        let new = Step::of(parent, name);
        let homes = homes(walk.root());
        let owner = |step: &Step| {
            homes
                .get(step)
                .copied()
                .flatten()
                .filter(|owner| [Uid::ROOT, owner.user].contains(&heir.user))
        };
        if let Some(owner) = owner(&new) {
            return grant(owner, HOME);
        }
        if is_usual_home(walk.root(), &new, name) {
            // The user of this home may be made after this run. So nobody knows yet to whom the home will belong.
            if self == Self::Earlier {
                return Err(InstallError::no_home_yet(walk.path(), walk.here()));
            }
            // macOS does not list its users in a file, so nobody knows to whom the home belongs. As a directory of root's, it would keep
            // its user from logging in.
            if cfg!(target_os = "macos") {
                return Err(InstallError::no_home(walk.path(), &walk.here().join(name)));
            }
        }
        let is_heir = |owner: &Ids| heir.user.is_root() && owner.user.as_raw() >= FIRST_PERSON;
        let above = walk.within().iter().rev().find_map(owner).filter(is_heir);
        grant(above.unwrap_or(heir), DIRECTORY)
    }
}

/// The place of each home, with the user and group to which the home belongs. The value is `None` if several users share the home.
fn homes(root: &Root) -> HashMap<Step, Option<Ids>> {
    let mut homes = HashMap::new();
    for home in account_files::homes(&root.passwd()) {
        let path = root.locate(&home.path);
        let Ok(way) = walk::find(root, &path, None) else { continue };
        let owner = homes.entry(way.end).or_insert(Some(home.owner));
        *owner = owner.filter(|owner| owner.user == home.owner.user);
    }
    homes
}

/// Whether `new` is a directory `name` directly below `/home`, where homes usually are.
fn is_usual_home(root: &Root, new: &Step, name: &OsStr) -> bool {
    walk::find(root, &root.homes().join(name), None).is_ok_and(|way| way.end == *new)
}
