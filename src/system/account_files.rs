//! Reads the files of users and groups: `/etc/passwd` and `/etc/group`, or other files of their form.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::ids::Ids;

/// The number of fields in a line of a file of users (passwd(5)). The first field is the name, and the third is the number.
pub(crate) const USER_FIELDS: usize = 7;
/// The number of fields in a line of a file of groups (group(5)). The first field is the name, and the third is the number.
pub(crate) const GROUP_FIELDS: usize = 4;

/// The home of a user.
#[derive(Debug, PartialEq, Eq)]
pub struct Home {
    /// The name of the user.
    pub name: String,
    /// The absolute path of the home, which may not exist yet. The path is never `/`.
    pub path: PathBuf,
    /// The number of the user, and the number of the user's primary group.
    pub owner: Ids,
}

/// The homes of all users in `database`, a file like `/etc/passwd` (passwd(5)). Returns no homes if the file cannot be read.
/// Other sources of users are not asked: a directory server could list thousands of users, and cannot be reached at boot.
#[must_use]
pub fn homes(database: &Path) -> Vec<Home> {
    let text = fs::read(database).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(home).collect()
}

/// The home in one line of passwd(5); `None` if the line is not valid.
fn home(line: &str) -> Option<Home> {
    let fields: Vec<_> = line.split(':').collect();
    let [name, _, uid, gid, _, home, _] = fields.as_slice() else {
        return None;
    };
    let path = PathBuf::from(home);
    let is_place = path.is_absolute() && path.parent().is_some();
    let owner = Ids::new(uid.parse().ok()?, gid.parse().ok()?)?;
    is_place.then(|| Home {
        name: (*name).to_owned(),
        path,
        owner,
    })
}

/// The members of the group `name`: those that `groups`, a file like `/etc/group`, names, and the users in `passwd` whose primary group
/// it is.
pub(crate) fn members(groups: &Path, passwd: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(groups).unwrap_or_default();
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let Some(fields) = lines.find(|fields| fields.first() == Some(&name)) else {
        return Vec::new();
    };
    let [_, _, number, named] = fields.as_slice() else {
        return Vec::new();
    };
    let users = fs::read_to_string(passwd).unwrap_or_default();
    let primary = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .filter_map(|fields| match fields.as_slice() {
            [user, _, _, group, ..] if group == number => Some((*user).to_owned()),
            _ => None,
        });
    let named = named.split(',').map(str::to_owned).filter(|user| !user.is_empty());
    named.chain(primary).collect()
}

/// The number of `name` in `database`, whose lines have so many fields. Returns `None` if the file does not have the name, or cannot be
/// read.
pub(crate) fn number_in(database: &Path, fields: usize, name: &str) -> Option<u32> {
    number_of(name, &fs::read(database).ok()?, fields)
}

/// The number of `name` in `text`, whose lines have so many fields.
pub(crate) fn number_of(name: &str, text: &[u8], fields: usize) -> Option<u32> {
    let number = |line: &[u8]| {
        let parts: Vec<_> = line.split(|byte| *byte == b':').collect();
        match parts.as_slice() {
            [known, _, number, ..] if parts.len() == fields && *known == name.as_bytes() => std::str::from_utf8(number)
                .ok()?
                .parse()
                .ok()
                .filter(|number| *number != u32::MAX),
            _ => None,
        }
    };
    text.split(|byte| *byte == b'\n').find_map(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_read_from_lines_of_seven_fields() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = "alice:x:1000:100:A:/home/alice:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nx:x:1:1::y:z\n\nshort:x:1:1\nbad:x:-1:1::/h:\n";
        fs::write(file.path(), lines).unwrap();
        let alice = Home {
            name: "alice".to_owned(),
            path: PathBuf::from("/home/alice"),
            owner: Ids::new(1000, 100).unwrap(),
        };
        assert_eq!(homes(file.path()), [alice]);
        assert_eq!(homes(Path::new("/nowhere")), []);
    }

    #[test]
    fn a_name_is_found_in_a_line_of_the_right_number_of_fields() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = b"keys:x\nkeys2:x:95:\nkeys:x:-1:\nkeys:x:4294967295:\n\xff:x:94:\nkeys:x:96:a,b\nkeys:x:97:\nalice:x:1000:100:\xe9:/home/alice:/bin/sh\n+::::::\n";
        fs::write(file.path(), lines).unwrap();
        let number = |fields, name| number_in(file.path(), fields, name);
        assert_eq!(number(GROUP_FIELDS, "keys"), Some(96));
        assert_eq!(number(USER_FIELDS, "alice"), Some(1000));
        for (fields, name) in [
            (GROUP_FIELDS, "key"),
            (GROUP_FIELDS, "alice"),
            (USER_FIELDS, "keys"),
            (USER_FIELDS, "+"),
            (USER_FIELDS, ""),
        ] {
            assert_eq!(number(fields, name), None, "{name:?}");
        }
        assert_eq!(number_in(Path::new("/nowhere"), GROUP_FIELDS, "keys"), None);
    }
}
