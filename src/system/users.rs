//! Looks up the numbers of users and groups by their names, and their names by their numbers.

use std::{collections::HashMap, fs, path::Path};

use nix::{
    errno::Errno,
    unistd::{Group, User},
};
use rustix::fs::{Gid, Uid};

use super::{
    account_files::{GROUP_FIELDS, USER_FIELDS, number_in, number_of},
    id_maps::IdMaps,
    ids::{Ids, gid, uid},
    progress::during,
};
use crate::text::{diagnosis::Diagnosis, printable::named};

/// Why a user or group name has no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// No user has this name.
    #[error("there is no user {}", named(.0))]
    NoUser(String),
    /// No group has this name.
    #[error("there is no group {}", named(.0))]
    NoGroup(String),
    /// The user has this number, but does not exist in the user namespace of this process.
    #[error("the user with number {} is not mapped into this user namespace, so no file can belong to it", .0.as_raw())]
    UnmappedUser(Uid),
    /// The group has this number, but does not exist in the user namespace of this process.
    #[error("the group with number {} is not mapped into this user namespace, so no file can belong to it", .0.as_raw())]
    UnmappedGroup(Gid),
    /// The user database gave an error instead of an answer.
    #[error("cannot look up the {kind} {}: {}", named(.name), .cause.desc())]
    LookUp {
        /// The kind of name: `user` or `group`.
        kind: &'static str,
        /// The name that was looked up.
        name: String,
        /// The error of the user database.
        cause: Errno,
    },
}

impl UserError {
    /// The error, with what to do about it.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        let remedy = match self {
            Self::NoUser(_) => Some("declare the user in users.users, or correct owner"),
            Self::NoGroup(_) => Some("declare the group in users.groups, or correct group"),
            Self::UnmappedUser(_) => Some("give the container this number, or set owner to a user that it has"),
            Self::UnmappedGroup(_) => Some("give the container this number, or set group to a group that it has"),
            Self::LookUp { .. } => None,
        };
        Diagnosis {
            cause: self.to_string(),
            remedy: remedy.map(str::to_owned),
        }
    }
}

/// The name of the user with this number, or else the number.
pub(crate) fn name_of_user(user: Uid) -> String {
    let found = User::from_uid(nix::unistd::Uid::from_raw(user.as_raw())).ok().flatten();
    found.map_or_else(|| user.as_raw().to_string(), |user| user.name)
}

/// The name of the group with this number, or else the number.
pub(crate) fn name_of_group(group: Gid) -> String {
    let found = Group::from_gid(nix::unistd::Gid::from_raw(group.as_raw())).ok().flatten();
    found.map_or_else(|| group.as_raw().to_string(), |group| group.name)
}

/// Whether the files below have the users and groups of this machine. On macOS they are in Directory Services, and the files count in
/// single-user mode alone.
const FILES_COUNT: bool = cfg!(target_os = "linux");
/// The users of this machine, one a line (passwd(5)).
const USERS: &str = "/etc/passwd";
/// The groups of this machine, one a line (group(5)).
const GROUPS: &str = "/etc/group";

/// The users and groups of this machine. Each name is looked up only once.
#[derive(Default)]
pub struct Accounts {
    /// The answers for the users that were looked up so far.
    users: HashMap<String, Result<Uid, UserError>>,
    /// The answers for the groups that were looked up so far.
    groups: HashMap<String, Result<Gid, UserError>>,
    /// Which numbers files can be given to.
    maps: IdMaps,
}

impl Accounts {
    /// The number of the user `name`.
    ///
    /// # Errors
    ///
    /// If no user has this name, or if the user database gives an error.
    pub fn user(&mut self, name: &str) -> Result<Uid, UserError> {
        let answer = self.users.entry(name.to_owned()).or_insert_with(|| find_user(name));
        answer.clone()
    }

    /// The number of the group `name`.
    ///
    /// # Errors
    ///
    /// If no group has this name, or if the group database gives an error.
    pub fn group(&mut self, name: &str) -> Result<Gid, UserError> {
        let answer = self.groups.entry(name.to_owned()).or_insert_with(|| find_group(name));
        answer.clone()
    }

    /// The same user and group, if a file can be given to them.
    ///
    /// # Errors
    ///
    /// If one of them is not mapped into the user namespace of this process.
    pub(crate) fn mapped(&self, ids: Ids) -> Result<Ids, UserError> {
        if !self.maps.has_user(ids.user) {
            return Err(UserError::UnmappedUser(ids.user));
        }
        if !self.maps.has_group(ids.group) {
            return Err(UserError::UnmappedGroup(ids.group));
        }
        Ok(ids)
    }

    /// The group of the directories that this program makes: `keys`, which exists on NixOS; otherwise `nogroup`; otherwise the
    /// group of root. If `/etc/group` has one of the two, the name service is not asked for the other. The file is read once for both,
    /// so that the directories never get `nogroup` only because a reading failed. A group that is not mapped into the user namespace
    /// has no members there, so the group of root takes its place.
    ///
    /// # Errors
    ///
    /// If the group database gives an error.
    pub fn directory_group(&mut self) -> Result<Gid, UserError> {
        let names = ["keys", "nogroup"];
        let groups = if FILES_COUNT {
            fs::read(GROUPS).unwrap_or_default()
        } else {
            Vec::new()
        };
        let listed = names.into_iter().find_map(|name| number_of(name, &groups, GROUP_FIELDS));
        let found = match listed {
            Some(number) => Gid::from_raw(number),
            None => self.first_group(&names)?,
        };
        Ok(if self.maps.has_group(found) { found } else { Gid::ROOT })
    }

    /// The first of these groups that exists, or the group of root.
    fn first_group(&mut self, names: &[&str]) -> Result<Gid, UserError> {
        for name in names {
            match self.group(name) {
                Err(UserError::NoGroup(_)) => {}
                answer => return answer,
            }
        }
        Ok(Gid::ROOT)
    }
}

/// The number of the user `name`. `/etc/passwd` comes first: it has the users that a configuration declares, and the name service needs
/// many more system calls.
fn find_user(name: &str) -> Result<Uid, UserError> {
    if FILES_COUNT && let Some(number) = number_in(Path::new(USERS), USER_FIELDS, name) {
        return Ok(Uid::from_raw(number));
    }
    let what = || format!("the name service, which is asked for the user {}", named(name));
    match during(what(), || User::from_name(name)) {
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

/// The number of the group `name`. `/etc/group` comes first, for the same reasons as in [`find_user`].
fn find_group(name: &str) -> Result<Gid, UserError> {
    if FILES_COUNT && let Some(number) = number_in(Path::new(GROUPS), GROUP_FIELDS, name) {
        return Ok(Gid::from_raw(number));
    }
    let what = || format!("the name service, which is asked for the group {}", named(name));
    match during(what(), || Group::from_name(name)) {
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

/// Whether the error means "not found". getpwnam(3) lists these errors.
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
    fn an_unknown_name_is_an_error_that_names_it() {
        let mut accounts = Accounts::default();
        for _ in 0..2 {
            let error = accounts.user("nginx-nobody-has").unwrap_err();
            assert!(
                error.to_string().starts_with("there is no user \"nginx-nobody-has\""),
                "{error}"
            );
        }
        let error = accounts.group("nginx-nobody-has").unwrap_err();
        assert!(
            error.to_string().starts_with("there is no group \"nginx-nobody-has\""),
            "{error}"
        );
        // A name with a NUL cannot be passed to the C library.
        assert!(accounts.user("a\0b").is_err());
    }
}
