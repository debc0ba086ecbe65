//! Reads YAML in three steps: text to tokens, tokens to nodes, and nodes to the tree.
//!
//! The first step is in `scan` and the modules that extend the scanner. The second step is in `compose` and the modules that
//! extend the composer. The third step is in `convert`.

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

/// Reads the documents of a YAML file. An empty file has no documents. A document without content has no items.
///
/// # Errors
/// - When the text is not YAML 1.1.
/// - When a document is not a map.
/// - When the nesting, the number of values or the expansion of aliases exceeds its limit.
/// - When in the first document a key repeats, or a value does not fit its tag.
pub(crate) fn parse(source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
    let mut composer = compose::Composer::new(input::decode(source)?);
    let mut converter = convert::Converter::new();
    let mut documents = Vec::new();
    while let Some(document) = composer.document()? {
        documents.push(converter.document(&document)?);
    }
    Ok(documents)
}
