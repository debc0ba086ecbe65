//! Where the `sops` metadata section lives in each format, and how it is taken out of the documents.

use std::mem;

use thiserror::Error;

use super::{
    format::{FlatError, Format, unflatten, with_line_feeds},
    tree::{Branch, Item, Key, Kind, Stored, Value},
};

/// The name of the section, and with `_` behind it the prefix of its keys in dotenv.
const NAME: &[u8] = b"sops";

/// Why there is no metadata to be had from a file.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SectionError {
    /// The file has no such section, so it was not encrypted by sops.
    #[error("sops metadata not found, so this is not a file encrypted by sops")]
    NotFound,
    /// Two sections in one document.
    #[error("there are two sops sections")]
    Duplicate,
    /// Something else under its name; the type's name.
    #[error("the sops section is {0}, not a map")]
    NotAMap(&'static str),
    /// A flat section that does not describe a nested one.
    #[error(transparent)]
    Flat(#[from] FlatError),
}

/// Removes the metadata from the documents and returns it, in the nested shape that YAML and JSON files have.
///
/// The first document's section counts; those of later YAML documents are copies and are dropped unread.
pub(crate) fn take_metadata<'a>(
    format: Format,
    documents: &mut [Branch<Stored<'a>>],
) -> Result<Branch<Stored<'a>>, SectionError> {
    let section = match format {
        Format::Yaml | Format::Json | Format::Binary => take_section(documents)?,
        Format::Ini => flat_section(take_section(documents)?)?,
        Format::Dotenv => flat_section(take_prefixed(documents))?,
    };
    if section.items.is_empty() {
        Err(SectionError::NotFound)
    } else {
        Ok(section)
    }
}

/// Takes the entry `sops` out of every document.
fn take_section<'a>(
    documents: &mut [Branch<Stored<'a>>],
) -> Result<Branch<Stored<'a>>, SectionError> {
    let mut first = None;
    for document in documents {
        let taken = take(document, |name| (name == NAME).then(|| name.to_vec()));
        first.get_or_insert(taken);
    }
    let mut sections = first.unwrap_or_default().items.into_iter();
    match (sections.next(), sections.next()) {
        (None, _) => Err(SectionError::NotFound),
        (Some(_), Some(_)) => Err(SectionError::Duplicate),
        (
            Some(Item {
                value: Value::Map(section),
                ..
            }),
            None,
        ) => Ok(section),
        (Some(item), None) => Err(SectionError::NotAMap(item.value.type_name())),
    }
}

/// Takes the keys that begin with `sops_` out of the only document there is, and cuts that off them.
fn take_prefixed<'a>(documents: &mut [Branch<Stored<'a>>]) -> Branch<Stored<'a>> {
    let document = documents.first_mut();
    document
        .map(|document| take(document, |name| Some(name.strip_prefix(b"sops_")?.to_vec())))
        .unwrap_or_default()
}

/// Takes out the items whose name `rename` answers for, under the new name.
fn take<'a>(
    document: &mut Branch<Stored<'a>>,
    rename: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Branch<Stored<'a>> {
    let mut taken = Branch::default();
    for item in mem::take(&mut document.items) {
        let renamed = match &item.key {
            Key::Name(name) => rename(name),
            Key::Comment(_) | Key::Other(_) => None,
        };
        match renamed {
            Some(name) => taken.items.push(Item {
                key: Key::Name(name),
                value: item.value,
            }),
            None => document.items.push(item),
        }
    }
    taken
}

/// The nested form of a flat section. In a value the two characters `\n` stand for a line feed.
fn flat_section(mut section: Branch<Stored<'_>>) -> Result<Branch<Stored<'_>>, FlatError> {
    for item in &mut section.items {
        if let Value::Scalar(Kind::Text, text) = &mut item.value {
            *text = with_line_feeds(mem::take(text));
        }
    }
    unflatten(section)
}
