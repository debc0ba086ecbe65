//! Looks up the numbers of users and groups by their names, and the homes of users.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    unistd::{Group, User},
};
use rustix::fs::{Gid, Stat, Uid};

use crate::text::diagnosis::Diagnosis;

/// Why a name has no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// There is no such user.
    #[error("no user named {0}")]
    NoUser(String),
    /// There is no such group.
    #[error("no group named {0}")]
    NoGroup(String),
    /// The user database gave an error instead of an answer.
    #[error("cannot look up {kind} {name}: {}", .cause.desc())]
    LookUp {
        /// `user` or `group`.
        kind: &'static str,
        /// The name that was looked up.
        name: String,
        /// What the system said.
        cause: Errno,
    },
}

impl UserError {
    /// The error, with what to do about it.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        let remedy = match self {
            Self::NoUser(_) => Some("declare it in users.users, or correct the owner"),
            Self::NoGroup(_) => Some("declare it in users.groups, or correct the group"),
            Self::LookUp { .. } => None,
        };
        Diagnosis {
            cause: self.to_string(),
            remedy: remedy.map(str::to_owned),
        }
    }
}

/// A user and a group, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The user.
    pub user: Uid,
    /// The group.
    pub group: Gid,
}

impl Ids {
    /// Root and its group.
    pub const ROOT: Self = Self {
        user: Uid::ROOT,
        group: Gid::ROOT,
    };

    /// Those with these numbers; `None` for the highest number, which the kernel reads as "leave it".
    #[must_use]
    pub fn new(user: u32, group: u32) -> Option<Self> {
        Some(Self {
            user: uid(user)?,
            group: gid(group)?,
        })
    }

    /// Those of a file.
    #[must_use]
    pub fn of(file: &Stat) -> Self {
        Self {
            user: Uid::from_raw(file.st_uid),
            group: Gid::from_raw(file.st_gid),
        }
    }
}

/// The user with this number, if a user can have it.
fn uid(number: u32) -> Option<Uid> {
    (number != u32::MAX).then(|| Uid::from_raw(number))
}

/// The group with this number, if a group can have it.
fn gid(number: u32) -> Option<Gid> {
    (number != u32::MAX).then(|| Gid::from_raw(number))
}

/// A user's home.
#[derive(Debug, PartialEq, Eq)]
pub struct Home {
    /// Where it is, or will be. Absolute, and not `/`.
    pub path: PathBuf,
    /// The numbers of the user and of the user's group.
    pub owner: Ids,
}

/// The homes of the users in `database`, a file like `/etc/passwd` (passwd(5)); none if it cannot be read. Other sources of users
/// are not asked: a directory server would list thousands, and cannot be reached at boot.
#[must_use]
pub fn homes(database: &Path) -> Vec<Home> {
    let text = fs::read(database).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(home).collect()
}

/// The home in a line of passwd(5).
fn home(line: &str) -> Option<Home> {
    let fields: Vec<_> = line.split(':').collect();
    let [_, _, uid, gid, _, home, _] = fields.as_slice() else {
        return None;
    };
    let path = PathBuf::from(home);
    let is_place = path.is_absolute() && path.parent().is_some();
    let owner = Ids::new(uid.parse().ok()?, gid.parse().ok()?)?;
    is_place.then_some(Home { path, owner })
}

/// The users and groups of this machine, each looked up once.
#[derive(Default)]
pub struct Accounts {
    /// Users asked for so far.
    users: HashMap<String, Result<Uid, UserError>>,
    /// Groups asked for so far.
    groups: HashMap<String, Result<Gid, UserError>>,
}

impl Accounts {
    /// The number of the user `name`.
    ///
    /// # Errors
    ///
    /// When there is no such user, or the user database cannot be asked.
    pub fn user(&mut self, name: &str) -> Result<Uid, UserError> {
        let answer = self.users.entry(name.to_owned()).or_insert_with(|| find_user(name));
        answer.clone()
    }

    /// The number of the group `name`.
    ///
    /// # Errors
    ///
    /// When there is no such group, or the group database cannot be asked.
    pub fn group(&mut self, name: &str) -> Result<Gid, UserError> {
        let answer = self.groups.entry(name.to_owned()).or_insert_with(|| find_group(name));
        answer.clone()
    }

    /// The group of the directories that this program makes: `keys`, which NixOS has, else `nogroup`, else that of root.
    ///
    /// # Errors
    ///
    /// When the group database cannot be asked.
    pub fn directory_group(&mut self) -> Result<Gid, UserError> {
        for name in ["keys", "nogroup"] {
            match self.group(name) {
                Err(UserError::NoGroup(_)) => {}
                answer => return answer,
            }
        }
        Ok(Gid::ROOT)
    }
}

/// Asks the user database.
fn find_user(name: &str) -> Result<Uid, UserError> {
    match User::from_name(name) {
        Ok(Some(user)) => uid(user.uid.as_raw()).ok_or_else(|| UserError::NoUser(name.to_owned())),
        Ok(None) => Err(UserError::NoUser(name.to_owned())),
        Err(cause) if is_absence(cause) => Err(UserError::NoUser(name.to_owned())),
        Err(cause) => Err(UserError::LookUp {
            kind: "user",
            name: name.to_owned(),
            cause,
        }),
    }
}

/// Asks the group database.
fn find_group(name: &str) -> Result<Gid, UserError> {
    match Group::from_name(name) {
        Ok(Some(group)) => gid(group.gid.as_raw()).ok_or_else(|| UserError::NoGroup(name.to_owned())),
        Ok(None) => Err(UserError::NoGroup(name.to_owned())),
        Err(cause) if is_absence(cause) => Err(UserError::NoGroup(name.to_owned())),
        Err(cause) => Err(UserError::LookUp {
            kind: "group",
            name: name.to_owned(),
            cause,
        }),
    }
}

/// Whether the error means "not found"; getpwnam(3) lists these errors.
fn is_absence(cause: Errno) -> bool {
    matches!(cause, Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_numbers() {
        let mut accounts = Accounts::default();
        assert_eq!(accounts.user("root"), Ok(Uid::ROOT));
        assert_eq!(accounts.group("root"), Ok(Gid::ROOT));
    }

    #[test]
    fn homes_are_read_from_lines_of_seven_fields() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = "alice:x:1000:100:A:/home/alice:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nx:x:1:1::y:z\n\nshort:x:1:1\nbad:x:-1:1::/h:\n";
        fs::write(file.path(), lines).unwrap();
        let alice = Home {
            path: PathBuf::from("/home/alice"),
            owner: Ids::new(1000, 100).unwrap(),
        };
        assert_eq!(homes(file.path()), [alice]);
        assert_eq!(homes(Path::new("/nowhere")), []);
    }

    #[test]
    fn an_unknown_name_is_an_error_that_names_it() {
        let mut accounts = Accounts::default();
        for _ in 0..2 {
            let error = accounts.user("nginx-nobody-has").unwrap_err();
            assert!(error.to_string().starts_with("no user named nginx-nobody-has"), "{error}");
        }
        let error = accounts.group("nginx-nobody-has").unwrap_err();
        assert!(error.to_string().starts_with("no group named nginx-nobody-has"), "{error}");
        // A name with a NUL reaches no C library.
        assert!(accounts.user("a\0b").is_err());
    }
}
