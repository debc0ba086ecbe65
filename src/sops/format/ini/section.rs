//! A section of an INI file.

use std::{borrow::Cow, collections::HashMap};

use crate::sops::{
    key::{KeyPath, KeyStep},
    tree::{Branch, Comment, Item, Key, ScalarType, Stored, Value},
};

/// An INI section whose keys are being read.
pub(crate) struct Section<'a> {
    name: &'a [u8],
    comment: Vec<u8>,
    entries: Vec<IniKey<'a>>,
    /// For each name, its index in `entries`. If a name repeats, the later entry replaces the earlier entry at the same index.
    positions: HashMap<Cow<'a, [u8]>, usize>,
    /// The names of the entries that were replaced.
    repeated: Vec<Cow<'a, [u8]>>,
    /// How many keys of the section were named `-`. go-ini gives numbers to such keys.
    numbered: usize,
}

/// A key with its value and its comments: the comments on the lines above the key, and the comment behind the value.
pub(crate) struct IniKey<'a> {
    pub(crate) name: Cow<'a, [u8]>,
    pub(crate) value: Stored<'a>,
    pub(crate) comment: Vec<u8>,
}

impl<'a> Section<'a> {
    pub(crate) fn new(name: &'a [u8], comment: Vec<u8>) -> Self {
        Self {
            name,
            comment,
            entries: Vec::new(),
            positions: HashMap::new(),
            repeated: Vec::new(),
            numbered: 0,
        }
    }

    /// The name under which the section keeps a key. As in go-ini, the name `-` becomes `#1`, `#2` and so on.
    pub(crate) fn numbered_name(&mut self, name: &'a [u8]) -> Cow<'a, [u8]> {
        if name != b"-" {
            return Cow::Borrowed(name);
        }
        self.numbered = self.numbered.saturating_add(1);
        Cow::Owned(format!("#{}", self.numbered).into_bytes())
    }

    pub(crate) fn insert(&mut self, entry: IniKey<'a>) {
        let next = self.entries.len();
        let position = *self.positions.entry(entry.name.clone()).or_insert(next);
        match self.entries.get_mut(position) {
            Some(earlier) => self.repeated.push(std::mem::replace(earlier, entry).name),
            None => self.entries.push(entry),
        }
    }

    /// The keys that are more than once in the section, each time after the first.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = KeyPath> {
        let named = |name: &[u8]| KeyStep::Name(String::from_utf8_lossy(name).into_owned());
        let paths = self.repeated.iter().map(move |key| [named(self.name), named(key)]);
        paths.map(|steps| steps.into_iter().collect())
    }

    pub(crate) fn into_item(self) -> Item<Stored<'a>> {
        let mut items = Vec::new();
        items.extend(comment_item(&self.comment));
        for entry in self.entries {
            let comment = comment_item(&entry.comment);
            let key = Key::Name(entry.name.into_owned());
            items.push(Item {
                key,
                value: Value::Scalar(ScalarType::Text, entry.value),
            });
            items.extend(comment);
        }
        Item {
            key: Key::Name(self.name.to_vec()),
            value: Value::Map(Branch { items }),
        }
    }
}

/// A comment as an item of the tree, without the marks at its start. Returns `None` if the comment is empty. Marks on further
/// lines stay in the text.
fn comment_item<'a>(comment: &[u8]) -> Option<Item<Stored<'a>>> {
    let mark = comment.first()?;
    let marked = matches!(mark, b'#' | b';');
    let text = comment
        .iter()
        .skip_while(|byte| marked && (*byte == mark || **byte == b' '))
        .copied()
        .collect();
    let comment = Comment {
        text: Cow::Owned(text),
        inline: false,
    };
    Some(Item {
        key: Key::Comment(comment),
        value: Value::Null,
    })
}
