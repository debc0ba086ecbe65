//! Whose home a path lies in, so that directories made there belong to that user.
//!
//! At the first boot, secrets may be published before systemd-tmpfiles makes the homes of users.

use std::{collections::HashMap, ffi::OsStr};

use rustix::fs::{Stat, Uid};

use super::{
    error::InstallError,
    walk::{self, Step, Walk},
};
use crate::system::{
    mode::FileMode,
    root::Root,
    users::{self, Ids},
};

/// The lowest number of a person's account (`UID_MIN` in login.defs(5)). Accounts of services have lower numbers, and homes such as
/// `/dev` and `/srv`, in which not everything belongs to them.
const FIRST_PERSON: u32 = 1000;

/// Which homes of users are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Homes {
    /// None, as in user mode: the directories that a plain user makes belong to that user.
    #[default]
    Unknown,
    /// Those of all users.
    Known,
    /// Those of users that an earlier boot has made. After this run, more users may be made.
    Earlier,
}

/// Owner and mode for a directory that is to be made.
pub(crate) struct Grant {
    /// Its user and group.
    pub owner: Ids,
    /// Its mode.
    pub mode: FileMode,
}

impl Homes {
    /// Decides owner and mode for the missing directory `name`. `walk` is where it will be made, and `parent` is the status of that
    /// directory.
    ///
    /// A missing home gets mode 0700, as `useradd` and systemd-tmpfiles make it, and belongs to its user. In an existing home, what
    /// would belong to root belongs to the home's user instead, if that is a person. What is made in a directory of a third user
    /// belongs to that user. If a symlink has led out of a home, the directory is not in it.
    pub(crate) fn grant(self, walk: &Walk<'_>, parent: &Stat, name: &OsStr) -> Result<Grant, InstallError> {
        let grant = |owner, mode| {
            Ok(Grant {
                owner,
                mode: FileMode::of_bits(mode),
            })
        };
        let heir = Ids::of(parent);
        if self == Self::Unknown {
            return grant(heir, 0o755);
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
            return grant(owner, 0o700);
        }
        // The user of this home may be made after this run, so nobody knows yet whom it will belong to.
        if self == Self::Earlier && is_usual_home(walk.root(), &new, name) {
            return Err(InstallError::no_home_yet(walk.path(), walk.here()));
        }
        let is_heir = |owner: &Ids| heir.user.is_root() && owner.user.as_raw() >= FIRST_PERSON;
        let above = walk.within().iter().rev().find_map(owner).filter(is_heir);
        grant(above.unwrap_or(heir), 0o755)
    }
}

/// The place of each home, and the user and group that it belongs to; `None` if several users share it.
fn homes(root: &Root) -> HashMap<Step, Option<Ids>> {
    let mut homes = HashMap::new();
    for home in users::homes(&root.passwd()) {
        let path = root.locate(&home.path);
        let Ok(way) = walk::find(root, &path, None) else { continue };
        let owner = homes.entry(way.end).or_insert(Some(home.owner));
        *owner = owner.filter(|owner| owner.user == home.owner.user);
    }
    homes
}

/// Whether `new` is directly below `/home`, where homes usually are.
fn is_usual_home(root: &Root, new: &Step, name: &OsStr) -> bool {
    walk::find(root, &root.homes().join(name), None).is_ok_and(|way| way.end == *new)
}
