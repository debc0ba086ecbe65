//! Stub.

use super::{EmitError, ParseError};
use crate::{
    plaintext::Plaintext,
    sops::tree::{Branch, Stored},
};

pub(super) fn parse(source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
    let _ = source;
    Ok(Vec::new())
}

pub(super) fn emit(documents: &[Branch<Plaintext>]) -> Result<Plaintext, EmitError> {
    let _ = documents;
    Ok(Plaintext::default())
}

pub(super) fn emit_scalar(kind: crate::sops::tree::Kind, text: &Plaintext) -> Result<Plaintext, EmitError> {
    let _ = (kind, text);
    Ok(Plaintext::default())
}
