//! Finds keys that are more than once in one map.

use std::collections::HashSet;

use super::{
    key::{KeyPath, KeyStep},
    tree::{Branch, Key, Value},
};

/// The most keys that are listed. Nobody mends more at once.
pub(crate) const MOST_REPEATED: usize = 1000;

/// The keys that are more than once in one map, each time after the first.
pub(crate) fn repeated<S>(documents: &[Branch<S>]) -> Vec<KeyPath> {
    let mut search = RepeatSearch::default();
    for document in documents {
        search.map(document);
    }
    search.found
}

/// The same for one value, with keys that begin there.
pub(crate) fn repeated_in<S>(value: &Value<S>) -> Vec<KeyPath> {
    let mut search = RepeatSearch::default();
    search.value(value);
    search.found
}

#[derive(Default)]
struct RepeatSearch {
    /// The steps down to the current value.
    steps: Vec<KeyStep>,
    found: Vec<KeyPath>,
}

impl RepeatSearch {
    fn map<S>(&mut self, map: &Branch<S>) {
        let mut seen = HashSet::new();
        for item in &map.items {
            let Key::Name(name) = &item.key else { continue };
            self.steps.push(KeyStep::Name(String::from_utf8_lossy(name).into_owned()));
            if !seen.insert(name) && self.found.len() < MOST_REPEATED {
                self.found.push(self.steps.iter().cloned().collect());
            }
            self.value(&item.value);
            self.steps.pop();
        }
    }

    fn value<S>(&mut self, value: &Value<S>) {
        match value {
            Value::Map(map) => self.map(map),
            Value::List(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.steps.push(KeyStep::Index(index));
                    self.value(element);
                    self.steps.pop();
                }
            }
            Value::Null | Value::Scalar(..) | Value::Comment(_) => {}
        }
    }
}
