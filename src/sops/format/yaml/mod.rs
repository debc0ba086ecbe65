//! YAML, as sops reads and writes it.
//!
//! Reading goes from text to tokens (`scan` and its kin), from tokens to nodes (`compose`), from nodes to the tree (`convert`,
//! which asks `resolve` what a scalar means). Writing goes from the tree to nodes with their comments (`arrange`) and from there
//! to text (`emit`, which asks `spell` how to write a scalar).
//!
//! Both follow the library that sops uses (go-yaml v3, a descendant of libyaml) where its behaviour can be seen: YAML 1.1 grammar,
//! its own rules for what a plain scalar means, and its way to attach comments to nodes, because a comment's place in the tree is
//! authenticated when it is decrypted.

mod arrange;
mod compose;
mod convert;
mod cursor;
mod emit;
mod input;
mod note;
mod property;
mod resolve;
mod scalar;
mod scan;
mod spell;
mod timestamp;
mod token;
mod write;

use emit::Emitter;

use super::{EmitError, ParseError};
use crate::{
    plaintext::Plaintext,
    sops::tree::{Branch, Kind, Stored},
};

/// Reads the documents of a file. A file without any is one with no documents; a document without content has no items.
///
/// # Errors
/// When the text is not YAML 1.1, when a document is not a map, when aliases or nesting are out of all proportion, and when in
/// the first document a key repeats or a value is not of the type that its tag says.
pub(super) fn parse(source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
    let mut composer = compose::Composer::new(input::decode(source)?);
    let mut converter = convert::Converter::new();
    let mut documents = Vec::new();
    while let Some(document) = composer.document()? {
        documents.push(converter.document(&document)?);
    }
    Ok(documents)
}

/// Writes decrypted documents the way `sops decrypt` prints them.
///
/// What sops 3.13.2 prints is kept to the byte, displaced and lost comments included, except where it would not be read as the
/// same value again:
///
/// - a string of several lines that begins with a tab, which sops prints as `null` (or not at all if a comment is behind it);
/// - a string of several lines that begins with a space or a line break and stands in a list or in a map in a list: sops prints an
///   indentation of `4` in the header where it is 2, which is not valid;
/// - a comment with control characters or invalid UTF-8, which sops prints as they are, or panics: here they are replaced by
///   U+FFFD;
/// - in a string that begins with U+FEFF, sops escapes all characters: here only those that need it.
///
/// # Errors
/// When a key is not a string.
pub(super) fn emit(documents: &[Branch<Plaintext>]) -> Result<Plaintext, EmitError> {
    let roots = documents.iter().map(arrange::document);
    let roots = roots.collect::<Result<Vec<_>, _>>()?;
    let mut emitter = Emitter::default();
    for root in &roots {
        emitter.document(root);
    }
    Ok(emitter.finish())
}

/// Writes one value that is not a string, the way `sops decrypt --extract` prints it, without a line end.
pub(super) fn emit_scalar(kind: Kind, text: &Plaintext) -> Plaintext {
    Plaintext::from(spell::scalar(kind, text.expose()).text().to_owned())
}
