//! Binary: any bytes, kept by sops as the text `data` of a JSON object.

use super::EmitError;
use crate::{
    plaintext::Plaintext,
    sops::tree::{Branch, Kind, Value},
};

/// The file's content, where it already is: such a secret can be a hundred megabytes.
pub(super) fn emit(documents: &[Branch<Plaintext>]) -> Result<&Plaintext, EmitError> {
    let [document] = documents else {
        return Err(EmitError("there must be exactly one document".to_owned()));
    };
    match document.get(b"data") {
        Some(Value::Scalar(Kind::Text, text)) => Ok(text),
        Some(other) => Err(EmitError(format!(
            "the value of data is {}, not a string",
            other.type_name()
        ))),
        None => Err(EmitError("there is no data in the file".to_owned())),
    }
}
