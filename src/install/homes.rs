//! Whose home a path lies in, so that what is made there belongs to them.
//!
//! On the first boot secrets may come before anybody has made the homes.

use std::{
    collections::HashMap,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use rustix::fs::{Stat, Uid};

use super::{
    error::InstallError,
    walk::{self, Step, Walk},
};
use crate::system::users::{self, Ids};

/// Where users are listed with their homes.
const DATABASE: &str = "/etc/passwd";

/// The first number of a person's account (`UID_MIN` in login.defs(5)). The accounts below it have homes such as `/dev` and `/srv`, where
/// not all belongs to them.
const FIRST_PERSON: u32 = 1000;

/// What homes are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Homes {
    /// None: a plain user makes what is theirs.
    #[default]
    Unknown,
    /// Those of all users.
    Known,
    /// Those of users of an earlier boot; others may be about to be made.
    Earlier,
}

/// How a directory is made.
pub(crate) struct Grant {
    /// Its user and group.
    pub owner: Ids,
    /// Its mode.
    pub mode: u32,
}

impl Homes {
    /// How to make the directory `name` where `walk` is, which has the status `parent`.
    ///
    /// A home is closed to others, as `useradd` and systemd-tmpfiles make it. In a home that is there, what was made for root becomes a
    /// person's with all that is made below it; a directory of a third user stays theirs. What a symlink leads to outside is not in it.
    pub(crate) fn grant(self, walk: &Walk<'_>, parent: &Stat, name: &OsStr) -> Result<Grant, InstallError> {
        let grant = |owner, mode| Ok(Grant { owner, mode });
        let heir = Ids::of(parent);
        if self == Self::Unknown {
            return grant(heir, 0o755);
        }
        let new = Step::of(parent, name);
        let homes = homes();
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
        if self == Self::Earlier && is_usual_home(&new, name) {
            return Err(InstallError::NoHomeYet {
                path: walk.path().to_owned(),
                home: walk.here().to_owned(),
            });
        }
        let is_heir = |owner: &Ids| heir.user.is_root() && owner.user.as_raw() >= FIRST_PERSON;
        let above = walk.within().iter().rev().find_map(owner).filter(is_heir);
        grant(above.unwrap_or(heir), 0o755)
    }
}

/// The places of all homes with the owner of each; none for one that several users share.
fn homes() -> HashMap<Step, Option<Ids>> {
    let mut homes = HashMap::new();
    for home in users::homes(Path::new(DATABASE)) {
        let Ok(way) = walk::find(&home.path, None) else { continue };
        let owner = homes.entry(way.end).or_insert(Some(home.owner));
        *owner = owner.filter(|owner| owner.user == home.owner.user);
    }
    homes
}

/// Whether `new` lies where homes usually do: right below `/home`.
fn is_usual_home(new: &Step, name: &OsStr) -> bool {
    let usual: PathBuf = Path::new("/home").join(name);
    walk::find(&usual, None).is_ok_and(|way| way.end == *new)
}
