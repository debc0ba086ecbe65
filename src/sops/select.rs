//! Finds one value of a tree by its key.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use thiserror::Error;

use super::{
    key::{KeyPath, KeyStep},
    tree::{Branch, Item, Key, ScalarType, Value},
};
use crate::text::spelling::nearest;

/// Why there is no value under a key that could be a secret.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SelectError {
    /// Nothing has that name.
    #[error("the key {key} does not exist")]
    Missing {
        /// The key as far as it was looked for.
        key: String,
        /// An existing key with a similar spelling, to be suggested.
        nearest: Option<String>,
    },
    /// The list has no element at this position.
    #[error("the key {key} does not exist; {list} has {count}, and the first is [0]")]
    Beyond {
        /// The key as far as it was looked for.
        key: String,
        /// The key of the list.
        list: String,
        /// How many elements it has.
        count: String,
    },
    /// Nothing has that name, and the key begins like steps in brackets but does not go on so.
    #[error("the key {key} is malformed from character {position} on")]
    Malformed {
        /// The key as it was typed.
        key: String,
        /// The first character, counted from 1, that belongs to no step in brackets.
        position: usize,
    },
    /// Several values have that name. None of them is taken: nothing authenticates an empty string, so anybody who can write the
    /// file could add one under the name of a secret.
    #[error("the key {key} is there more than once")]
    Repeated {
        /// The key as far as it was looked for.
        key: String,
    },
    /// The key has a further step, but the value there is no map (for a name) or no list (for a position).
    #[error("the key {key} is {found}, not {expected}, so there is no {wanted} in it")]
    NotAMap {
        /// The key of the value that is no map, or no list.
        key: String,
        /// What it is.
        found: &'static str,
        /// What it should be: a map or a list.
        expected: &'static str,
        /// The key that was wanted.
        wanted: String,
        /// An existing key that was probably meant, to be suggested.
        nearest: Option<String>,
    },
    /// The value exists, but cannot be written to a file.
    #[error("the key {key} is {found}; only a string, a number, a boolean or a time can be a secret")]
    NotAScalar {
        /// The full key.
        key: String,
        /// What it is.
        found: &'static str,
        /// What to do about it, if something can be done.
        hint: Option<String>,
    },
}

impl SelectError {
    /// What to do about it, if that does not depend on the file.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Missing { nearest, .. } | Self::NotAMap { nearest, .. } => {
                nearest.as_ref().map(|key| format!("did you mean {key}"))
            }
            Self::Malformed { .. } => {
                Some("write each name as [\"name\"] and each position as [0], with nothing between them".to_owned())
            }
            Self::NotAScalar { hint, .. } => hint.clone(),
            Self::Beyond { .. } | Self::Repeated { .. } => None,
        }
    }
}

/// Looks up values by their keys, many in one file.
///
/// When a name is first looked up in a map, all names of the map are put into an index. So ten thousand secrets of one file take
/// about ten thousand comparisons, not a hundred million.
pub struct Selector<'t, S> {
    documents: &'t [Branch<S>],
    /// The indexes made so far, by the addresses of their maps.
    indexes: RefCell<HashMap<*const Branch<S>, Index<'t, S>>>,
    /// How many names may still be compared in search of the key that was meant.
    suggestions_left: Cell<usize>,
}

/// The most names that are compared, for all keys that do not exist, in search of the key that was meant: comparing spellings is
/// slow.
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
    /// A selector for these documents. Keys lead to values of the first one only, as in the Go program.
    #[must_use]
    pub fn new(documents: &'t [Branch<S>]) -> Self {
        Self {
            documents,
            indexes: RefCell::default(),
            suggestions_left: Cell::new(MOST_SUGGESTIONS),
        }
    }

    /// The scalar under `key`. If steps in brackets lead to none, the same text is tried as names between slashes.
    ///
    /// # Errors
    /// When there is none; the error names the full key and what was found.
    pub fn scalar(&self, key: &KeyPath) -> Result<(ScalarType, &'t S), SelectError> {
        self.follow(key).or_else(|error| match (key.malformed(), key.as_names()) {
            (Some((key, position)), _) if matches!(error, SelectError::Missing { .. }) => {
                Err(SelectError::Malformed { key, position })
            }
            (_, Some(names)) => self.follow(&names).map_err(|_| error),
            _ => Err(self.or_respelled(error, key)),
        })
    }

    /// The error with a suggestion added, if the key exists once its dots are read as slashes and its superfluous slashes are
    /// left out.
    fn or_respelled(&self, mut error: SelectError, key: &KeyPath) -> SelectError {
        if let SelectError::Missing { nearest, .. } | SelectError::NotAMap { nearest, .. } = &mut error {
            let is_there = |key: &KeyPath| self.is_scalar(key);
            *nearest = nearest
                .take()
                .or_else(|| key.respelled().filter(is_there).map(|key| key.to_string()));
        }
        error
    }

    /// The scalar at the end of these steps.
    fn follow(&self, key: &KeyPath) -> Result<(ScalarType, &'t S), SelectError> {
        let mut way = KeyProgress { key, depth: 0 };
        let mut steps = key.steps().iter();
        let document = self.documents.first().ok_or_else(|| way.missing(None))?;
        let first = steps.next().ok_or_else(|| way.missing(None))?;
        let mut value = match first {
            KeyStep::Name(name) => self.named(document, name, &way)?,
            KeyStep::Index(_) => return Err(way.missing(None)),
        };
        // The map in which the last name was found.
        let mut around = document;
        for step in steps {
            way.depth = way.depth.saturating_add(1);
            value = match (value, step) {
                (Value::Map(inner), KeyStep::Name(name)) => {
                    around = inner;
                    self.named(inner, name, &way)?
                }
                (Value::List(elements), KeyStep::Index(index)) => {
                    elements.get(*index).ok_or_else(|| way.beyond(elements.len()))?
                }
                (other, step) => return Err(self.blocked(&way, around, other, step)),
            };
        }
        match value {
            Value::Scalar(kind, text) => Ok((*kind, text)),
            other => Err(SelectError::NotAScalar {
                key: key.to_string(),
                found: other.type_name(),
                hint: hint(key, other),
            }),
        }
    }

    /// The only value of that name in a map.
    fn named(&self, branch: &'t Branch<S>, name: &str, way: &KeyProgress<'_>) -> Result<&'t Value<S>, SelectError> {
        match self.lookup(branch, name.as_bytes()) {
            Some(Named::One(value)) => Ok(value),
            Some(Named::Several) => Err(SelectError::Repeated { key: way.so_far() }),
            None => Err(way.missing(self.nearest(branch, way, name))),
        }
    }

    /// Looks a name up in the index of a map. The maps are borrowed as long as the selector lives, so the address identifies a
    /// map.
    fn lookup(&self, branch: &'t Branch<S>, name: &[u8]) -> Option<Named<'t, S>> {
        let mut indexes = self.indexes.borrow_mut();
        let index = indexes.entry(std::ptr::from_ref(branch)).or_insert_with(|| {
            let mut index = own_index(branch);
            merge(&mut index, branch, MERGE_DEPTH);
            index
        });
        index.get(name).copied()
    }

    /// The error for a step that the value `found` cannot have: a name in what is no map, or a position in what is no list.
    /// `around` is the map in which the name before it was found.
    fn blocked(&self, way: &KeyProgress<'_>, around: &'t Branch<S>, found: &Value<S>, step: &KeyStep) -> SelectError {
        let above = way.above();
        SelectError::NotAMap {
            key: above.so_far(),
            found: found.type_name(),
            expected: match step {
                KeyStep::Name(_) => "a map",
                KeyStep::Index(_) => "a list",
            },
            wanted: way.key.to_string(),
            nearest: self.joined(around, &above).or_else(|| way.as_position(found, step)),
        }
    }

    /// The key of `branch` that the current step probably meant. After [`MOST_SUGGESTIONS`] names, no further key is looked for.
    fn nearest(&self, branch: &'t Branch<S>, way: &KeyProgress<'_>, wanted: &str) -> Option<String> {
        let joined = self.joined(branch, way);
        joined.or_else(|| {
            let left = self.suggestions_left.get();
            self.suggestions_left.set(left.saturating_sub(branch.items.len()));
            let names = branch.items.iter().take(left).filter_map(|item| match &item.key {
                Key::Name(name) => Some(name.as_slice()),
                Key::Comment(_) | Key::Other(_) => None,
            });
            let best = KeyStep::Name(String::from_utf8_lossy(nearest(wanted, names)?).into_owned());
            let end = way.depth.saturating_add(1);
            let whole = way.key.with(way.depth, end, best);
            let meant = if self.is_scalar(&whole) { whole } else { whole.first(end) };
            Some(meant.to_string())
        })
    }

    /// Whether these steps lead to a scalar, so that the key can be suggested.
    fn is_scalar(&self, key: &KeyPath) -> bool {
        matches!(self.value(key), Some(Value::Scalar(..)))
    }

    /// The value at the end of these steps. Unlike [`Self::follow`], this does not say why there is none.
    fn value(&self, key: &KeyPath) -> Option<&'t Value<S>> {
        let one = |branch, name: &str| match self.lookup(branch, name.as_bytes())? {
            Named::One(value) => Some(value),
            Named::Several => None,
        };
        let (KeyStep::Name(name), rest) = key.steps().split_first()? else {
            return None;
        };
        let first = one(self.documents.first()?, name)?;
        rest.iter().try_fold(first, |value, step| match (value, step) {
            (Value::Map(inner), KeyStep::Name(name)) => one(inner, name),
            (Value::List(elements), KeyStep::Index(index)) => elements.get(*index),
            _ => None,
        })
    }

    /// The key with several of its names joined by slashes, if `branch` has a name with these slashes: they were taken for
    /// separators.
    fn joined(&self, branch: &'t Branch<S>, way: &KeyProgress<'_>) -> Option<String> {
        let rest = way.key.steps().get(way.depth..)?;
        let names = rest.iter().map_while(|step| match step {
            KeyStep::Name(name) => Some(name.as_str()),
            KeyStep::Index(_) => None,
        });
        let names: Vec<_> = names.collect();
        (2..=names.len()).rev().find_map(|count| {
            let name = names.get(..count)?.join("/");
            self.lookup(branch, name.as_bytes())?;
            let end = way.depth.saturating_add(count);
            Some(way.key.with(way.depth, end, KeyStep::Name(name)).to_string())
        })
    }
}

/// Adds the names that YAML merge keys (`<<`) bring into a map. The Go program finds them, because it parses the decrypted text
/// once more and applies merge keys. A name that is already there keeps its value.
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

/// The index of a map, without what merge keys bring into it.
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

/// How many levels of merge keys inside merged maps are followed.
const MERGE_DEPTH: usize = 16;

/// A key, and which of its steps is the current one.
struct KeyProgress<'k> {
    key: &'k KeyPath,
    /// How many steps are before the current one.
    depth: usize,
}

impl KeyProgress<'_> {
    /// The key down to the current step, for a message.
    fn so_far(&self) -> String {
        self.key.first(self.depth.saturating_add(1)).to_string()
    }

    /// The same key at the step before the current one.
    fn above(&self) -> Self {
        KeyProgress {
            key: self.key,
            depth: self.depth.saturating_sub(1),
        }
    }

    /// The key with the current name as a position, if the value is a list and the name is the position of one of its elements.
    fn as_position<S>(&self, found: &Value<S>, step: &KeyStep) -> Option<String> {
        match (found, step) {
            (Value::List(elements), KeyStep::Name(name)) => {
                let index = name.parse().ok().filter(|index| *index < elements.len())?;
                let end = self.depth.saturating_add(1);
                Some(self.key.with(self.depth, end, KeyStep::Index(index)).to_string())
            }
            _ => None,
        }
    }

    /// The error for a position in a list that has only `count` elements.
    fn beyond(&self, count: usize) -> SelectError {
        let plural = if count == 1 { "" } else { "s" };
        SelectError::Beyond {
            key: self.so_far(),
            list: self.above().so_far(),
            count: format!("{count} element{plural}"),
        }
    }

    fn missing(&self, nearest: Option<String>) -> SelectError {
        SelectError::Missing {
            key: self.so_far(),
            nearest,
        }
    }
}

fn hint<S>(key: &KeyPath, value: &Value<S>) -> Option<String> {
    match value {
        Value::Map(inner) => Some(format!("{}use key \"\" for the whole file", inner_key(key, inner))),
        Value::List(elements) => element(key, elements).map(|key| format!("name one of its elements, such as {key}")),
        Value::Comment(_) => Some("comments count as elements, as they do for sops".to_owned()),
        Value::Null | Value::Scalar(..) => None,
    }
}

/// The advice to name a key of the map `key`, with its first one as the example.
fn inner_key<S>(key: &KeyPath, inner: &Branch<S>) -> String {
    let name = inner.items.iter().find_map(|item| match &item.key {
        Key::Name(name) => Some(String::from_utf8_lossy(name).into_owned()),
        Key::Comment(_) | Key::Other(_) => None,
    });
    let depth = key.steps().len();
    name.map_or(String::new(), |name| {
        let first = key.with(depth, depth, KeyStep::Name(name));
        format!("name one of its keys, such as {first}, or ")
    })
}

/// The key of the first element of the list `key` that is no comment.
fn element<S>(key: &KeyPath, elements: &[Value<S>]) -> Option<KeyPath> {
    let index = elements.iter().position(|element| !matches!(element, Value::Comment(_)))?;
    let depth = key.steps().len();
    Some(key.with(depth, depth, KeyStep::Index(index)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::format::Format;

    #[test]
    fn a_key_that_is_meant_cannot_write_to_the_terminal() {
        let documents = Format::Json.parse(br#"{"password\n\u001b[2J": "x"}"#).unwrap();
        let error = Selector::new(&documents).scalar(&KeyPath::parse("password")).unwrap_err();
        let remedy = error.remedy().unwrap();
        assert_eq!(remedy, r"did you mean password\n\u{1b}[2J");
    }
}
