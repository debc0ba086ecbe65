//! Reads YAML in three steps: text to tokens (`scan` and what extends it), tokens to nodes (`compose` and what extends it), and
//! nodes to the tree (`convert`).

mod block;
mod collection;
mod compose;
mod convert;
mod cursor;
mod document;
mod gather;
mod indent;
mod input;
mod node;
mod note;
mod property;
mod scalar;
mod scan;
mod scanner;
mod token;

use crate::sops::{
    format::problem::ParseError,
    tree::{Branch, Stored},
};

/// Reads the documents of a file. An empty file has no documents; a document without content has no items.
///
/// # Errors
/// When the text is not YAML 1.1, when a document is not a map, when nesting or the expansion of aliases exceeds its limit, and
/// when in the first document a key repeats or a value is not of the type that its tag says.
pub(crate) fn parse(source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
    let mut composer = compose::Composer::new(input::decode(source)?);
    let mut converter = convert::Converter::new();
    let mut documents = Vec::new();
    while let Some(document) = composer.document()? {
        documents.push(converter.document(&document)?);
    }
    Ok(documents)
}
