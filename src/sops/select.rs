//! Finds one value of a tree by its key.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use super::{
    key::{KeyPath, KeyStep},
    name_index::{self, NameIndex, Named},
    select_error::SelectError,
    tree::{Branch, Key, ScalarType, Value},
};
use crate::text::spelling::nearest;

/// Looks up values by their keys. One selector serves many look-ups in the same file.
///
/// When a name is first looked up in a map, all names of this map are put into an index. So ten thousand secrets of one file
/// take about ten thousand comparisons, not a hundred million.
pub struct Selector<'t, S> {
    documents: &'t [Branch<S>],
    /// The indexes that were made so far, by the addresses of their maps in memory.
    indexes: RefCell<HashMap<*const Branch<S>, NameIndex<'t, S>>>,
    /// How many more names may be compared to find a key to suggest.
    suggestions_left: Cell<usize>,
}

/// Limit: to find keys to suggest, at most this many names are compared, for all missing keys together. The comparison of spellings
/// is slow.
const MOST_SUGGESTIONS: usize = 50_000;

impl<'t, S> Selector<'t, S> {
    /// A selector for these documents. As in sops-nix, keys lead only to values of the first document.
    #[must_use]
    pub fn new(documents: &'t [Branch<S>]) -> Self {
        Self {
            documents,
            indexes: RefCell::default(),
            suggestions_left: Cell::new(MOST_SUGGESTIONS),
        }
    }

    /// The scalar under `key`. If steps in brackets lead to no scalar, the same text is tried as names between slashes.
    ///
    /// # Errors
    /// When the key leads to no scalar. The error says at which step of the key, and why.
    pub fn scalar(&self, key: &KeyPath) -> Result<(ScalarType, &'t S), SelectError> {
        self.follow(key).or_else(|error| match (key.malformed(), key.as_names()) {
            (Some((key, position)), _) if matches!(error, SelectError::Missing { .. }) => {
                Err(SelectError::Malformed { key, position })
            }
            (_, Some(names)) => self.follow(&names).map_err(|_| error),
            _ => Err(self.or_respelled(error.of_slash(key), key)),
        })
    }

    /// Adds a suggestion to the error: the key with its dots read as slashes, and without superfluous slashes. The suggestion
    /// is added only if the suggested key exists.
    fn or_respelled(&self, mut error: SelectError, key: &KeyPath) -> SelectError {
        if let SelectError::Missing { nearest, .. } | SelectError::NotAMap { nearest, .. } = &mut error {
            let is_there = |key: &KeyPath| self.is_scalar(key);
            *nearest = nearest
                .take()
                .or_else(|| key.respelled().filter(is_there).map(|key| key.to_string()));
        }
        error
    }

    /// The scalar at the end of the steps of `key`.
    fn follow(&self, key: &KeyPath) -> Result<(ScalarType, &'t S), SelectError> {
        match self.walk(key).map_err(|end| self.explain(key, &end))? {
            Value::Scalar(kind, text) => Ok((*kind, text)),
            other => Err(SelectError::not_a_scalar(key, other)),
        }
    }

    /// The value at the end of these steps.
    fn walk(&self, key: &KeyPath) -> Result<&'t Value<S>, DeadEnd<'t, S>> {
        let nothing = |depth| DeadEnd {
            depth,
            why: Why::Nothing,
        };
        let mut around = self.documents.first().ok_or(nothing(0))?;
        let mut found: Option<&'t Value<S>> = None;
        for (depth, step) in key.steps().iter().enumerate() {
            let end = |why| DeadEnd { depth, why };
            found = Some(match (found, step) {
                (None, KeyStep::Name(name)) => self.named(around, name).map_err(end)?,
                (None, KeyStep::Index(_)) => return Err(nothing(depth)),
                (Some(Value::Map(inner)), KeyStep::Name(name)) => {
                    around = inner;
                    self.named(inner, name).map_err(end)?
                }
                (Some(Value::List(elements)), KeyStep::Index(index)) => {
                    elements.get(*index).ok_or_else(|| end(Why::Beyond(elements.len())))?
                }
                (Some(found), _) => return Err(end(Why::Blocked { around, found })),
            });
        }
        found.ok_or(nothing(0))
    }

    /// The only value with this name in a map. Fails if no value or several values have the name.
    fn named(&self, branch: &'t Branch<S>, name: &str) -> Result<&'t Value<S>, Why<'t, S>> {
        match self.lookup(branch, name.as_bytes()) {
            Some(Named::One(value)) => Ok(value),
            Some(Named::Several) => Err(Why::Repeated),
            None => Err(Why::NoName(branch)),
        }
    }

    /// The error for a key that leads no further.
    fn explain(&self, key: &KeyPath, end: &DeadEnd<'t, S>) -> SelectError {
        let way = KeyProgress { key, depth: end.depth };
        match end.why {
            Why::Nothing => way.missing(None),
            Why::NoName(branch) => way.missing(self.nearest(branch, &way)),
            Why::Repeated => SelectError::Repeated { key: way.so_far() },
            Why::Beyond(count) => way.beyond(count),
            Why::Blocked { around, found } => self.blocked(&way, around, found),
        }
    }

    /// Looks a name up in the index of a map. The address of a map identifies the map, because all maps are borrowed as long as
    /// the selector lives.
    fn lookup(&self, branch: &'t Branch<S>, name: &[u8]) -> Option<Named<'t, S>> {
        let mut indexes = self.indexes.borrow_mut();
        let index = indexes
            .entry(std::ptr::from_ref(branch))
            .or_insert_with(|| name_index::index(branch));
        index.get(name).copied()
    }

    /// The error for a step that cannot lead into the value `found`. A name needs a map, and a position needs a list. `around` is
    /// the map in which the previous name was found.
    fn blocked(&self, way: &KeyProgress<'_>, around: &'t Branch<S>, found: &Value<S>) -> SelectError {
        let above = way.above();
        SelectError::NotAMap {
            key: above.so_far(),
            found: found.type_name(),
            expected: match way.step() {
                Some(KeyStep::Index(_)) => "a list",
                _ => "a map",
            },
            wanted: way.key.to_string(),
            nearest: self.joined(around, &above).or_else(|| way.as_position(found)),
        }
    }

    /// The key that was probably meant, if `branch` does not have the name of the current step. For this purpose, the names in
    /// `branch` are compared with the missing name, until [`MOST_SUGGESTIONS`] names have been compared in all.
    fn nearest(&self, branch: &'t Branch<S>, way: &KeyProgress<'_>) -> Option<String> {
        let joined = self.joined(branch, way);
        joined.or_else(|| {
            let Some(KeyStep::Name(wanted)) = way.step() else {
                return None;
            };
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

    /// Whether the key leads to a scalar. A message suggests only such keys.
    fn is_scalar(&self, key: &KeyPath) -> bool {
        matches!(self.walk(key), Ok(Value::Scalar(..)))
    }

    /// Looks in `branch` for a name that contains slashes, such as `a/b`. In the key, these slashes were read as separators between
    /// several names. Returns the key with the one name in the place of the several names.
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

/// The step of a key that leads nowhere, and the reason.
struct DeadEnd<'t, S> {
    /// How many steps of the key are before the step that leads nowhere.
    depth: usize,
    why: Why<'t, S>,
}

/// Why a step leads nowhere.
enum Why<'t, S> {
    /// There is no document, or the key does not begin with a name.
    Nothing,
    /// The map has no value with the name in the step.
    NoName(&'t Branch<S>),
    /// The map has several values with the name in the step.
    Repeated,
    /// The list has only this many elements, and the position in the step is beyond its end.
    Beyond(usize),
    /// The step cannot lead into the value `found`: the step is a name, and the value is no map; or the step is a position, and the
    /// value is no list. `around` is the map in which the previous name was found.
    Blocked { around: &'t Branch<S>, found: &'t Value<S> },
}

/// A key, and the number of its current step.
struct KeyProgress<'k> {
    key: &'k KeyPath,
    /// How many steps of the key come before the current step.
    depth: usize,
}

impl KeyProgress<'_> {
    /// The current step.
    fn step(&self) -> Option<&KeyStep> {
        self.key.steps().get(self.depth)
    }

    /// The key up to the current step, for a message.
    fn so_far(&self) -> String {
        self.key.first(self.depth.saturating_add(1)).to_string()
    }

    /// The same key, with the previous step as the current step.
    fn above(&self) -> Self {
        KeyProgress {
            key: self.key,
            depth: self.depth.saturating_sub(1),
        }
    }

    /// The key with the current name read as a position. `None` unless `found` is a list that has an element at this position.
    fn as_position<S>(&self, found: &Value<S>) -> Option<String> {
        match (found, self.step()?) {
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
        SelectError::Beyond {
            key: self.so_far(),
            list: self.above().so_far(),
            elements: match count {
                0 => "no elements".to_owned(),
                1 => "1 element, [0]".to_owned(),
                _ => format!("{count} elements, [0] to [{}]", count.saturating_sub(1)),
            },
        }
    }

    /// The error for a name that does not exist, with an existing key to suggest.
    fn missing(&self, nearest: Option<String>) -> SelectError {
        SelectError::Missing {
            key: self.so_far(),
            nearest,
        }
    }
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
        assert_eq!(remedy, r#"did you mean "password\n\u{1b}[2J"?"#);
    }
}
