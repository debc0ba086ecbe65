//! One value of a tree by its key.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use thiserror::Error;

use super::tree::{Branch, Item, Key, Kind, Value, shown_path};
use crate::spelling::nearest;

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
    /// How many names may still be looked at for what was meant.
    suggestions_left: Cell<usize>,
}

/// The most names that are looked at for what was meant by all keys that do not exist.
const MOST_SUGGESTIONS: usize = 50_000;

/// The values of a map by name. A name may be there more than once, in JSON.
type Index<'t, S> = HashMap<&'t [u8], Named<'t, S>>;

/// What has a name.
enum Named<'t, S> {
    One(&'t Value<S>),
    Several,
}

impl<S> Clone for Named<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Named<'_, S> {}

impl<'t, S> Selector<'t, S> {
    /// Of these documents; keys name values of the first: the Go program, too, looks no further.
    #[must_use]
    pub fn new(documents: &'t [Branch<S>]) -> Self {
        Self {
            documents,
            indexes: RefCell::default(),
            suggestions_left: Cell::new(MOST_SUGGESTIONS),
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
            let value = match self.lookup(branch, name.as_bytes()) {
                Some(Named::One(value)) => value,
                Some(Named::Several) => return Err(SelectError::Repeated { key: so_far() }),
                None => {
                    let nearest = self.nearest(branch, key, depth);
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

    /// The value of that name. The maps are borrowed for as long as this lives, so each is told by its address.
    fn lookup(&self, branch: &'t Branch<S>, name: &[u8]) -> Option<Named<'t, S>> {
        let mut indexes = self.indexes.borrow_mut();
        let index = indexes.entry(std::ptr::from_ref(branch)).or_insert_with(|| {
            let mut index = own_index(branch);
            merge(&mut index, branch, MERGE_DEPTH);
            index
        });
        index.get(name).copied()
    }

    /// One that exists and is spelled much the same as the key down to `depth`. After very many names it is no longer looked for.
    fn nearest(&self, branch: &Branch<S>, key: &[String], depth: usize) -> Option<String> {
        let left = self.suggestions_left.get();
        self.suggestions_left.set(left.saturating_sub(branch.items.len()));
        let names = branch.items.iter().take(left).filter_map(|item| match &item.key {
            Key::Name(name) => Some(name.as_slice()),
            Key::Comment(_) | Key::Other(_) => None,
        });
        let best = nearest(key.get(depth)?, names)?;
        let above = key.iter().take(depth).map(String::as_bytes);
        Some(shown_path(&above.chain([best]).collect::<Vec<_>>()))
    }
}

/// Adds what YAML merge keys (`<<`) bring into a map, because the Go program parses the decrypted text once more, merge keys applied. A
/// name that is there already stays what it is.
fn merge<'t, S>(index: &mut Index<'t, S>, branch: &'t Branch<S>, depth: usize) {
    let Some(deeper) = depth.checked_sub(1) else { return };
    let merged = own_values(branch, b"<<");
    let maps = match merged.as_slice() {
        [Value::List(maps)] => maps.as_slice(),
        [single] => std::slice::from_ref(*single),
        _ => &[],
    };
    for map in maps {
        if let Value::Map(inner) = map {
            for (name, named) in own_index(inner) {
                index.entry(name).or_insert(named);
            }
            merge(index, inner, deeper);
        }
    }
}

/// The values of a name in the map itself.
fn own_values<'t, S>(branch: &'t Branch<S>, name: &[u8]) -> Vec<&'t Value<S>> {
    let of_name = |item: &&Item<S>| matches!(&item.key, Key::Name(key) if key == name);
    branch.items.iter().filter(of_name).map(|item| &item.value).collect()
}

/// What stands in the map itself.
fn own_index<S>(branch: &Branch<S>) -> Index<'_, S> {
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
    let names: Vec<_> = key.iter().take(length).map(String::as_bytes).collect();
    match shown_path(&names) {
        empty if empty.is_empty() => "\"\"".to_owned(),
        joined => joined,
    }
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
