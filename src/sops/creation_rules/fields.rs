//! Reads the fields of a map in a file `.sops.yaml`, with the types that sops accepts for them.

use super::error::RulesError;
use crate::sops::{
    name_index::{self, NameIndex, Named},
    tree::{Branch, ScalarType, Stored, Value},
};

/// The words for true, each in small letters, in capital letters, or with a capital at the beginning.
const YES: [&str; 3] = ["y", "yes", "on"];
/// The words for false, spelled in the same ways.
const NO: [&str; 3] = ["n", "no", "off"];

/// The fields of a map, with those that YAML merge keys bring into it.
pub(crate) struct YamlFields<'t> {
    index: NameIndex<'t, Stored<'t>>,
    /// What messages call the map, such as `rule 2`. Empty for the map that is the whole file.
    of: String,
}

impl<'t> YamlFields<'t> {
    pub(crate) fn new(map: &'t Branch<Stored<'t>>, of: impl Into<String>) -> Self {
        Self {
            index: name_index::index(map),
            of: of.into(),
        }
    }

    /// The names of all fields.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'t [u8]> {
        self.index.keys().copied()
    }

    /// The value of a field; `None` if it is missing or null.
    fn value(&self, name: &str) -> Option<&'t Value<Stored<'t>>> {
        match self.index.get(name.as_bytes())? {
            Named::One(Value::Null) | Named::Several => None,
            Named::One(value) => Some(value),
        }
    }

    /// A text; empty if the field is missing.
    pub(crate) fn text(&self, name: &str) -> Result<String, RulesError> {
        match self.value(name) {
            None => Ok(String::new()),
            Some(value) => plain(value).ok_or_else(|| self.wrong(name, "a text")),
        }
    }

    /// A whole number, which may be written as a float; 0 if the field is missing.
    pub(crate) fn number(&self, name: &str) -> Result<i64, RulesError> {
        let wrong = || self.wrong(name, "a whole number");
        match self.value(name) {
            None => Ok(0),
            Some(Value::Scalar(ScalarType::Integer | ScalarType::Float, text)) => {
                let number = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                number.ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// Whether a field is true. go-yaml, which sops uses, takes some words of YAML 1.1 for a boolean where it expects one.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, RulesError> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Scalar(ScalarType::Boolean, text)) => Ok(**text == *b"True"),
            Some(Value::Scalar(ScalarType::Text, text)) if is_among(text, YES) => Ok(true),
            Some(Value::Scalar(ScalarType::Text, text)) if is_among(text, NO) => Ok(false),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    /// The texts in a list. As in go-yaml, a number or a boolean is a text as well, and null is nothing.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<String>, RulesError> {
        let wrong = || self.wrong(name, "a list of texts");
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::List(elements)) => present(elements).map(|value| plain(value).ok_or_else(wrong)).collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// A text, or the texts in a list. sops takes nothing else for a text here.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, RulesError> {
        let wrong = || self.wrong(name, "a text or a list of texts");
        let text = |value: &Value<Stored<'_>>| match value {
            Value::Scalar(ScalarType::Text, _) => plain(value).ok_or_else(wrong),
            _ => Err(wrong()),
        };
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::List(elements)) => uncommented(elements).map(text).collect(),
            Some(value) => Ok(vec![text(value)?]),
        }
    }

    /// The maps in a list, each with what messages call it. As in go-yaml, null is nothing.
    pub(crate) fn maps(&self, name: &str, each: &str) -> Result<Vec<YamlFields<'t>>, RulesError> {
        let elements = match self.value(name) {
            None => return Ok(Vec::new()),
            Some(Value::List(elements)) => elements,
            Some(_) => return Err(self.wrong(name, "a list")),
        };
        let maps = (1..).zip(present(elements)).map(|(number, element)| match element {
            Value::Map(map) => Ok(YamlFields::new(map, format!("{each} {number}{}", self.place()))),
            _ => Err(self.wrong(name, "a list of maps")),
        });
        maps.collect()
    }

    fn wrong(&self, name: &str, expected: &str) -> RulesError {
        RulesError::new(format!("\"{name}\"{} is not {expected}", self.place()))
    }

    /// What the map belongs to, behind the name of one of its fields. Nothing for the map that is the whole file.
    fn place(&self) -> String {
        match self.of.as_str() {
            "" => String::new(),
            of => format!(" of {of}"),
        }
    }
}

/// The text of a scalar. go-yaml takes numbers and booleans for texts where it expects a text.
fn plain(value: &Value<Stored<'_>>) -> Option<String> {
    match value {
        Value::Scalar(ScalarType::Boolean, text) => Some(String::from_utf8_lossy(text).to_lowercase()),
        Value::Scalar(_, text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

/// Whether a text is one of these words.
fn is_among(text: &[u8], words: [&str; 3]) -> bool {
    let is_one_case = text.iter().skip(1).all(u8::is_ascii_lowercase) || text.iter().all(u8::is_ascii_uppercase);
    is_one_case && words.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(text))
}

/// The elements of a list without its comments.
fn uncommented<'t>(elements: &'t [Value<Stored<'t>>]) -> impl Iterator<Item = &'t Value<Stored<'t>>> {
    elements.iter().filter(|element| !matches!(element, Value::Comment(_)))
}

/// The elements of a list without its comments and nulls.
fn present<'t>(elements: &'t [Value<Stored<'t>>]) -> impl Iterator<Item = &'t Value<Stored<'t>>> {
    uncommented(elements).filter(|element| !matches!(element, Value::Null))
}
