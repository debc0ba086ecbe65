//! Binary files: sops stores any bytes as the string `data` of a JSON object.

use super::problem::EmitError;
use crate::sops::tree::{Branch, Opened, ScalarType, Value};

/// The content of a binary file.
pub(crate) fn emit(documents: &[Branch<Opened>]) -> Result<&Opened, EmitError> {
    let [document] = documents else {
        return Err(EmitError("there must be exactly one document".to_owned()));
    };
    // A second `data` is refused. An empty string is not encrypted and adds nothing to the MAC. So anybody who can write the file
    // could add an empty `data` before the real one. The secret would then be empty, and the MAC would still be valid.
    if document.names().filter(|name| name == b"data").count() > 1 {
        return Err(EmitError("the file has the key \"data\" more than once".to_owned()));
    }
    match document.get(b"data") {
        Some(Value::Scalar(ScalarType::Text, text)) => Ok(text),
        Some(other) => Err(EmitError(format!("the key \"data\" is {}, not a string", other.type_name()))),
        None => Err(EmitError(
            "the file has no key \"data\", but every binary file has one; set format = \"json\"".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::sops::format::{formats::Format, testing::reprinted};

    #[test]
    fn the_text_of_data_is_the_file() {
        assert_eq!(reprinted(Format::Binary, br#"{"other": 1, "data": "a\n<b>"}"#), "a\n<b>");
        assert_eq!(
            reprinted(Format::Binary, br#"{"data": "a", "data": ""}"#),
            "the file has the key \"data\" more than once"
        );
    }

    #[test]
    fn a_file_without_text_as_data_is_refused() {
        assert_eq!(
            reprinted(Format::Binary, br#"{"other": "a"}"#),
            "the file has no key \"data\", but every binary file has one; set format = \"json\""
        );
        let not_text = "the key \"data\" is an integer, not a string";
        assert_eq!(reprinted(Format::Binary, br#"{"data": 1}"#), not_text);
    }
}
