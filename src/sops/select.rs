//! Finds a value of a tree by its key.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use super::{
    error::ContentError,
    key::{KeyPath, KeyStep},
    key_progress::KeyProgress,
    key_target::KeyTarget,
    name_index::{self, NameIndex, Named},
    part::{PartForm, fit},
    select_error::SelectError,
    tree::{Branch, Key, ScalarType, Stored, Value},
    value::{EncryptedValue, Type},
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

/// Limit: a key is looked for in this many documents, to suggest the one that has it.
const MOST_DOCUMENTS: usize = 100;

impl<'t, S> Selector<'t, S> {
    /// A selector for these documents. As in sops-nix, a key that begins with a name leads into the first document.
    #[must_use]
    pub fn new(documents: &'t [Branch<S>]) -> Self {
        Self {
            documents,
            indexes: RefCell::default(),
            suggestions_left: Cell::new(MOST_SUGGESTIONS),
        }
    }

    /// The scalar under `key`.
    ///
    /// # Errors
    /// When the key leads to no scalar. The error says at which step of the key, and why.
    pub fn scalar(&self, key: &KeyPath) -> Result<(ScalarType, &'t S), SelectError> {
        self.resolve(key, |key, found| match found {
            KeyTarget::Value(Value::Scalar(kind, text)) => Ok((*kind, text)),
            other => Err(SelectError::not_a_scalar(key, &other)),
        })
    }

    /// The part of the file under `key`, which can be written in this form as far as its types and names are concerned.
    ///
    /// # Errors
    /// When the key leads to nothing, or to something that the form has no spelling for.
    pub fn part(&self, key: &KeyPath, form: PartForm) -> Result<KeyTarget<'t, S>, ContentError> {
        let found = match self.resolve(key, |_, found| Ok(found))? {
            KeyTarget::File([document]) if form != PartForm::Yaml => KeyTarget::Document(document),
            found => found,
        };
        fit(&found, key, form)?;
        Ok(found)
    }

    /// What `read` returns for the end of `key`. A text that is wholly in brackets may also be names between slashes, as sops-nix reads
    /// it. It may not be both: whoever can write the file could have added the names, and made the steps lead to nothing that can be
    /// read. So the names count only if the file has nothing at all at the first step.
    fn resolve<T>(
        &self,
        key: &KeyPath,
        read: impl Fn(&KeyPath, KeyTarget<'t, S>) -> Result<T, SelectError>,
    ) -> Result<T, SelectError> {
        let Some(names) = key.as_names() else {
            let found = self.walk(key).map_err(|end| self.explain(key, &end));
            return found
                .and_then(|found| read(key, found))
                .map_err(|error| match key.malformed() {
                    Some((key, position)) if matches!(error, SelectError::Missing { .. }) => {
                        SelectError::Malformed { key, position }
                    }
                    _ => self.or_elsewhere(error.of_slash(key), key),
                });
        };
        match (self.walk(&names), self.walk(key)) {
            (Err(end), _) if matches!(end.why, Why::Repeated) => Err(self.explain(&names, &end)),
            (Err(_), Ok(found)) => read(key, found),
            (Err(_), Err(end)) => Err(self.or_elsewhere(self.explain(key, &end), key)),
            (Ok(found), Err(end)) if end.depth == 0 && matches!(end.why, Why::NoName(_)) => {
                read(&names, found).map_err(|_| self.explain(key, &end))
            }
            // A document alone is no single value, whatever is in it.
            (Ok(found), Ok(KeyTarget::Document(it))) if read(key, KeyTarget::Document(it)).is_err() => read(&names, found),
            (Ok(_), _) => Err(SelectError::Ambiguous { key: key.spelled() }),
        }
    }

    /// Adds a suggestion to the error, if it has none: the key with its dots read as slashes, and without superfluous slashes, or the
    /// key in a later document. The suggestion is added only if it leads to a value.
    fn or_elsewhere(&self, mut error: SelectError, key: &KeyPath) -> SelectError {
        if let SelectError::Missing { nearest, .. } | SelectError::NotAMap { nearest, .. } = &mut error {
            let is_there = |key: &KeyPath| self.is_scalar(key);
            let of_document = |index| key.with(0, 0, KeyStep::Index(index));
            let later = || (1..self.documents.len().min(MOST_DOCUMENTS)).map(of_document).find(is_there);
            let elsewhere = || key.respelled().filter(is_there).or_else(later);
            *nearest = nearest.take().or_else(|| elsewhere().map(|key| key.to_string()));
        }
        error
    }

    /// What is at the end of these steps.
    fn walk(&self, key: &KeyPath) -> Result<KeyTarget<'t, S>, DeadEnd<'t, S>> {
        let documents = self.documents;
        let mut around = documents.first().ok_or(DeadEnd {
            depth: 0,
            why: Why::Nothing,
        })?;
        let mut found = KeyTarget::File(documents);
        for (depth, step) in key.steps().iter().enumerate() {
            let next = match (found, step) {
                (KeyTarget::File(_), KeyStep::Index(index)) => {
                    let document = documents.get(*index).ok_or(Why::NoDocument);
                    document.map(KeyTarget::Document)
                }
                (KeyTarget::File(_), KeyStep::Name(name)) => self.named(around, name).map(KeyTarget::Value),
                (KeyTarget::Document(map) | KeyTarget::Value(Value::Map(map)), KeyStep::Name(name)) => {
                    around = map;
                    self.named(map, name).map(KeyTarget::Value)
                }
                (found, step) => Self::element(&found, step)
                    .unwrap_or(Err(Why::Blocked {
                        around,
                        found: found.type_name(),
                    }))
                    .map(KeyTarget::Value),
            };
            found = next.map_err(|why| DeadEnd { depth, why })?;
        }
        Ok(found)
    }

    /// The element of a list at a position. `None` if the step is no position, or what was found is no list.
    fn element(found: &KeyTarget<'t, S>, step: &KeyStep) -> Option<Result<&'t Value<S>, Why<'t, S>>> {
        let (KeyTarget::Value(Value::List(elements)), Some(position)) = (found, step.position()) else {
            return None;
        };
        Some(elements.get(position).ok_or(Why::Beyond(elements.len())))
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
            Why::NoDocument => way.no_document(self.documents.len()),
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

    /// The error for a step that cannot lead into a value of the type `found`. A name needs a map, and a position needs a list. `around` is
    /// the map in which the previous name was found.
    fn blocked(&self, way: &KeyProgress<'_>, around: &'t Branch<S>, found: &'static str) -> SelectError {
        let above = way.above();
        SelectError::NotAMap {
            key: above.so_far(),
            found,
            expected: match way.step() {
                Some(KeyStep::Index(_)) => "a list",
                _ => "a map",
            },
            wanted: way.key.to_string(),
            nearest: self.joined(around, &above),
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
        matches!(self.walk(key), Ok(KeyTarget::Value(Value::Scalar(..))))
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

impl Selector<'_, Stored<'_>> {
    /// Does what [`Self::scalar`] and, for a form, [`Self::part`] do, as far as the file tells it without a key.
    ///
    /// # Errors
    /// Those of the two, and when the value becomes a comment.
    pub fn check(&self, key: &KeyPath, form: Option<PartForm>) -> Result<(), ContentError> {
        let stored = match form.map(|form| self.part(key, form)).transpose()? {
            None => self.scalar(key)?.1,
            Some(KeyTarget::Value(Value::Scalar(_, stored))) => stored,
            Some(_) => return Ok(()),
        };
        match EncryptedValue::parse(stored) {
            Ok(value) if value.type_name == b"comment" => Err(SelectError::comment(key).into()),
            _ => Ok(()),
        }
    }

    /// Looks whether `key` leads to a string, as far as the file tells this without a key.
    ///
    /// # Errors
    /// When it does not.
    pub fn check_text(&self, key: &KeyPath) -> Result<(), ContentError> {
        self.check(key, None)?;
        let (kind, stored) = self.scalar(key)?;
        let kind = match EncryptedValue::parse(stored).map(|value| Type::from_name(value.type_name)) {
            Ok(Ok(Type::Scalar(encrypted))) => encrypted,
            _ => kind,
        };
        Ok(SelectError::unless_text(key, kind)?)
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
    /// The file has no document at all.
    Nothing,
    /// The file has no document at this position.
    NoDocument,
    /// The map has no value with the name in the step.
    NoName(&'t Branch<S>),
    /// The map has several values with the name in the step.
    Repeated,
    /// The list has only this many elements, and the position in the step is beyond its end.
    Beyond(usize),
    /// The step cannot lead into a value of the type `found`: the step is a name, and the value is no map; or the step is a position, and
    /// the value is no list. `around` is the map in which the previous name was found.
    Blocked { around: &'t Branch<S>, found: &'static str },
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
