//! One value of a tree by its key.

use std::{cell::RefCell, collections::HashMap};

use thiserror::Error;

use super::tree::{Branch, Key, Kind, Value, shown};

/// Why there is no value under a key that could be a secret.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SelectError {
    /// Nothing has that name.
    #[error("the key {key} does not exist{}", nearest.as_ref().map(|key| format!("; did you mean {key}")).unwrap_or_default())]
    Missing {
        /// The key as far as it was looked for.
        key: String,
        /// One that exists and is spelled much the same.
        nearest: Option<String>,
    },
    /// Several values have that name. An empty string is not authenticated, so anybody who can write the file could add one under the
    /// name of a secret.
    #[error("the key {key} is there more than once; remove all but one with sops edit")]
    Repeated {
        /// The key as far as it was looked for.
        key: String,
    },
    /// The key goes on where the tree ends.
    #[error("the key {key} is {found}, not a map, so there is no {wanted} in it")]
    NotAMap {
        /// The key that is no map.
        key: String,
        /// What it is.
        found: &'static str,
        /// The key that was wanted.
        wanted: String,
    },
    /// It exists and cannot be written to a file.
    #[error("the key {key} is {found}; only a string, a number, a boolean or a time can be a secret{hint}")]
    NotAScalar {
        /// The full key.
        key: String,
        /// What it is.
        found: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
}

/// Looks values up by their keys, many of one file.
///
/// The names of a map are sorted into an index when it is first looked into: ten thousand secrets of one file are looked up in the
/// time of ten thousand, not of a hundred million comparisons.
pub struct Selector<'t, S> {
    documents: &'t [Branch<S>],
    indexes: RefCell<HashMap<*const Branch<S>, Index<'t, S>>>,
}

/// The values of a map by name. A name may be there more than once, in JSON.
type Index<'t, S> = HashMap<&'t [u8], Named<'t, S>>;

/// What has a name.
enum Named<'t, S> {
    One(&'t Value<S>),
    Several,
}

impl<'t, S> Selector<'t, S> {
    /// Of these documents; keys name values of the first: the Go program, too, looks no further.
    #[must_use]
    pub fn new(documents: &'t [Branch<S>]) -> Self {
        Self {
            documents,
            indexes: RefCell::default(),
        }
    }

    /// The scalar under `key`, outermost name first.
    ///
    /// # Errors
    /// When there is none; the error names the full key and what was found.
    pub fn scalar(&self, key: &[String]) -> Result<(Kind, &'t S), SelectError> {
        let missing = || SelectError::Missing {
            key: join(key, key.len()),
            nearest: None,
        };
        let mut branch = self.documents.first().ok_or_else(missing)?;
        let mut names = key.iter().enumerate().peekable();
        while let Some((depth, name)) = names.next() {
            let so_far = || join(key, depth.saturating_add(1));
            let value = match self.lookup(branch, name.as_bytes(), MERGE_DEPTH) {
                Some(Named::One(value)) => value,
                Some(Named::Several) => return Err(SelectError::Repeated { key: so_far() }),
                None => {
                    let nearest = nearest(branch, key, depth);
                    return Err(SelectError::Missing { key: so_far(), nearest });
                }
            };
            match (value, names.peek()) {
                (Value::Scalar(kind, text), None) => return Ok((*kind, text)),
                (Value::Map(inner), Some(_)) => branch = inner,
                (other, Some(_)) => {
                    return Err(SelectError::NotAMap {
                        key: so_far(),
                        found: other.type_name(),
                        wanted: join(key, key.len()),
                    });
                }
                (other, None) => {
                    return Err(SelectError::NotAScalar {
                        key: so_far(),
                        found: other.type_name(),
                        hint: hint(other),
                    });
                }
            }
        }
        Err(missing())
    }

    /// The value of that name; else one that a YAML merge key (`<<`) brings in, because the Go program parses the decrypted text
    /// once more, merge keys applied.
    fn lookup(&self, branch: &'t Branch<S>, name: &[u8], merges: usize) -> Option<Named<'t, S>> {
        self.own(branch, name).or_else(|| {
            let deeper = merges.checked_sub(1)?;
            match self.own(branch, b"<<")? {
                Named::One(Value::Map(inner)) => self.lookup(inner, name, deeper),
                Named::One(Value::List(maps)) => maps.iter().find_map(|map| match map {
                    Value::Map(inner) => self.lookup(inner, name, deeper),
                    _ => None,
                }),
                _ => None,
            }
        })
    }

    /// The value of that name in the map itself. The maps are borrowed for as long as this lives, so each is told by its address.
    fn own(&self, branch: &'t Branch<S>, name: &[u8]) -> Option<Named<'t, S>> {
        let mut indexes = self.indexes.borrow_mut();
        let index = indexes.entry(std::ptr::from_ref(branch)).or_insert_with(|| index(branch));
        index.get(name).map(|named| match named {
            Named::One(value) => Named::One(value),
            Named::Several => Named::Several,
        })
    }
}

fn index<S>(branch: &Branch<S>) -> Index<'_, S> {
    let mut index = Index::new();
    for item in &branch.items {
        if let Key::Name(name) = &item.key {
            index
                .entry(name.as_slice())
                .and_modify(|named| *named = Named::Several)
                .or_insert(Named::One(&item.value));
        }
    }
    index
}

/// How many merge keys inside each other are followed.
const MERGE_DEPTH: usize = 16;

/// The first names of a key, for a message; an empty name alone would not be seen.
fn join(key: &[String], length: usize) -> String {
    match key
        .iter()
        .take(length)
        .map(|name| shown(name.as_bytes()))
        .collect::<Vec<_>>()
        .join("/")
    {
        empty if empty.is_empty() => "\"\"".to_owned(),
        joined => joined,
    }
}

fn nearest<S>(branch: &Branch<S>, key: &[String], depth: usize) -> Option<String> {
    let wanted = key.get(depth)?;
    let (_, best) = branch
        .names()
        .map(|name| String::from_utf8_lossy(name))
        .map(|name| (strsim::jaro_winkler(&name, wanted), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))?;
    let best = shown(best.as_bytes());
    Some(match depth {
        0 => best,
        _ => format!("{}/{best}", join(key, depth)),
    })
}

fn hint<S>(value: &Value<S>) -> &'static str {
    match value {
        Value::Map(_) => "; name one of its keys after a slash, or use key \"\" for the whole file",
        Value::Null => "; give it a value with sops edit",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::format::Format;

    #[test]
    fn a_key_that_is_meant_cannot_write_to_the_terminal() {
        let documents = Format::Json.parse(br#"{"password\n\u001b[2J": "x"}"#).unwrap();
        let error = Selector::new(&documents).scalar(&["password".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            r"the key password does not exist; did you mean password\n\u{1b}[2J"
        );
    }
}
