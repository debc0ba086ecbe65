//! What an entry is called, and where it lies in its generation. A value of either type is checked when it is made. So it can be
//! used as a path below a directory without a further check.

use std::{
    borrow::Cow,
    fmt,
    path::{Component, Path},
};

use thiserror::Error;

use super::files::{MAX_DEPTH, MAX_NAME};

/// Limit: a name has at most 4,000 bytes. Linux takes a path of at most 4,095 bytes, and a symlink leads to the file by a path of
/// the name, the link and possibly `rendered/`.
const MAX_WHOLE_NAME: usize = 4000;

/// The directory of a generation that has the rendered templates.
const RENDERED: &str = "rendered";

/// The name of a secret or template: a relative path without `.` and `..`, and without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(String);

/// What is wrong with a name, as the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct BadName(&'static str);

impl EntryName {
    /// The name with this text.
    ///
    /// # Errors
    /// If the text could lead out of a generation, or is a path that this program cannot make.
    pub fn new(name: &str) -> Result<Self, BadName> {
        let has_part = |is_bad: fn(&str) -> bool| name.split('/').any(is_bad);
        let fault = if name.is_empty() {
            "is empty"
        } else if name.starts_with('/') {
            "is absolute"
        } else if name.contains('\0') {
            "contains a NUL character"
        } else if name.chars().any(char::is_control) {
            "contains a control character"
        // A name has at least one part less than a path may have, so that there is room for `rendered/`.
        } else if name.split('/').count() >= MAX_DEPTH {
            "has 100 parts or more"
        } else if has_part(|part| matches!(part, "." | "..")) {
            "has a part \".\" or \"..\""
        } else if has_part(str::is_empty) {
            "begins or ends with a slash, or has two slashes in a row"
        } else if has_part(|part| part.len() > MAX_NAME) {
            "has a part of more than 255 bytes"
        } else if name.len() > MAX_WHOLE_NAME {
            "has more than 4000 bytes"
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(BadName(fault))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a file or symlink lies below the directory of its generation: a relative path without `.` and `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceInGeneration<'n>(Cow<'n, str>);

impl<'n> PlaceInGeneration<'n> {
    /// The place of a secret: its name.
    #[must_use]
    pub fn of_secret(name: &'n EntryName) -> Self {
        Self(Cow::Borrowed(name.as_str()))
    }

    /// The place of a rendered template: its name, below `rendered/`.
    #[must_use]
    pub fn of_template(name: &EntryName) -> Self {
        Self(Cow::Owned(rendered(name.as_str())))
    }

    /// The place of a symlink at `path`, which is relative to the link. `None` if the path is empty, absolute or no UTF-8, or
    /// contains `..`. A path has many spellings, such as `a//b` and `a/./b`, and all of them give the same place.
    pub(crate) fn of_symlink(path: &Path) -> Option<Self> {
        let parts = path.components().filter(|part| *part != Component::CurDir);
        let names = parts.map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        let text = names.collect::<Option<Vec<_>>>()?.join("/");
        (!text.is_empty()).then_some(Self(Cow::Owned(text)))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directories in which the place lies, the outermost first: `a/b/c` lies in `a` and in `a/b`.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').filter_map(|(slash, _)| self.0.get(..slash))
    }
}

impl AsRef<Path> for PlaceInGeneration<'_> {
    fn as_ref(&self) -> &Path {
        Path::new(self.as_str())
    }
}

/// Where a template of this name is published, below its generation.
pub(crate) fn rendered(name: &str) -> String {
    format!("{RENDERED}/{name}")
}

/// The name of the template that is published at `place`; `None` if a secret is published there.
pub(crate) fn template_at(place: &str) -> Option<&str> {
    place.strip_prefix(RENDERED)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_a_generation() {
        for name in [
            "", "/", "/a", "..", "../a", "a/..", "a/../b", ".", "./a", "a//b", "a/", "a\0", "a\nb",
        ] {
            assert!(EntryName::new(name).is_err(), "{name:?}");
        }
        for name in ["a", "a/b", "...", "a/..b", ".a", "ä ö"] {
            assert_eq!(EntryName::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_name_has_room_for_its_directories() {
        let deep = |parts| EntryName::new(&vec!["d"; parts].join("/"));
        assert!(deep(MAX_DEPTH - 1).is_ok() && deep(MAX_DEPTH).is_err());
        // 250 bytes and a slash, 16 times: the last of them takes the name over the limit of 4,000 bytes.
        let long = |parts| EntryName::new(&vec!["n".repeat(249); parts].join("/"));
        assert!(long(16).is_ok() && long(17).is_err());
        assert!(EntryName::new(&"n".repeat(MAX_NAME)).is_ok() && EntryName::new(&"n".repeat(MAX_NAME + 1)).is_err());
    }

    #[test]
    fn a_symlink_lies_below_the_link_or_nowhere() {
        for path in ["", ".", "/a", "..", "../a", "a/../../b"] {
            assert_eq!(PlaceInGeneration::of_symlink(Path::new(path)), None, "{path:?}");
        }
        for path in ["a/b", "a//b", "a/./b", "./a/b", "a/b/", "a/b/."] {
            assert_eq!(
                PlaceInGeneration::of_symlink(Path::new(path)).unwrap().as_str(),
                "a/b",
                "{path:?}"
            );
        }
    }
}
