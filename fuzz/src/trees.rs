//! Trees as they are after decryption, and a comparison of two trees.

use std::fmt::Write as _;

use sops_install_secrets::{
    sops::tree::{Branch, Comment, Item, Key, Opened, ScalarType, Stored, Value},
    system::plaintext::Plaintext,
};

/// The documents as decryption would return them if nothing were encrypted.
#[must_use]
pub fn opened(documents: &[Branch<Stored<'_>>]) -> Vec<Branch<Opened>> {
    documents.iter().map(branch).collect()
}

fn branch(branch: &Branch<Stored<'_>>) -> Branch<Opened> {
    let items = branch.items.iter().map(|item| Item {
        key: match &item.key {
            Key::Name(name) => Key::Name(name.clone()),
            Key::Comment(text) => Key::Comment(comment(text)),
            Key::Other(type_name) => Key::Other(type_name),
        },
        value: value(&item.value),
    });
    Branch { items: items.collect() }
}

fn value(value: &Value<Stored<'_>>) -> Value<Opened> {
    match value {
        Value::Null => Value::Null,
        Value::Scalar(kind, text) => Value::Scalar(*kind, Plaintext::from(text.to_vec()).into()),
        Value::Comment(text) => Value::Comment(comment(text)),
        Value::List(values) => Value::List(values.iter().map(self::value).collect()),
        Value::Map(map) => Value::Map(branch(map)),
    }
}

fn comment(comment: &Comment<Stored<'_>>) -> Comment<Opened> {
    Comment {
        text: Plaintext::from(comment.text.to_vec()).into(),
        inline: comment.inline,
    }
}

/// A text with the values in their order, for a comparison. Comments are left out, because printing may move them.
#[must_use]
pub fn values(documents: &[Branch<Stored<'_>>]) -> String {
    documents
        .iter()
        .map(|document| shown(&Value::Map(document.clone())))
        .collect()
}

fn shown(value: &Value<Stored<'_>>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        // A float without decimals is printed as an integer. sops does this too.
        Value::Scalar(ScalarType::Float, text) if **text == *b"-0" => "number 0".to_owned(),
        Value::Scalar(ScalarType::Integer | ScalarType::Float, text) => format!("number {}", text.escape_ascii()),
        Value::Scalar(kind, text) => format!("{} {}", kind.name(), text.escape_ascii()),
        Value::Comment(_) => String::new(),
        Value::List(values) => {
            let is_value = |value: &&Value<_>| !matches!(value, Value::Comment(_));
            values
                .iter()
                .filter(is_value)
                .fold("[".to_owned(), |text, value| text + &shown(value) + ",")
                + "]"
        }
        Value::Map(branch) => {
            let mut text = "{".to_owned();
            for item in &branch.items {
                match &item.key {
                    Key::Name(name) => {
                        let _ = write!(text, "{}: {},", name.escape_ascii(), shown(&item.value));
                    }
                    Key::Other(type_name) => text += type_name,
                    Key::Comment(_) => {}
                }
            }
            text + "}"
        }
    }
}

/// Whether `wanted` returns true for the key of at least one item.
pub fn any_key(documents: &[Branch<Stored<'_>>], wanted: &impl Fn(&Key<Stored<'_>>) -> bool) -> bool {
    documents
        .iter()
        .flat_map(|branch| &branch.items)
        .any(|item| wanted(&item.key) || any_key_of(&item.value, wanted))
}

fn any_key_of(value: &Value<Stored<'_>>, wanted: &impl Fn(&Key<Stored<'_>>) -> bool) -> bool {
    match value {
        Value::Map(branch) => any_key(std::slice::from_ref(branch), wanted),
        Value::List(values) => values.iter().any(|value| any_key_of(value, wanted)),
        _ => false,
    }
}

/// Whether `wanted` returns true for at least one scalar.
pub fn any_scalar(value: &Value<Stored<'_>>, wanted: &impl Fn(ScalarType, &[u8]) -> bool) -> bool {
    match value {
        Value::Scalar(kind, text) => wanted(*kind, text),
        Value::Map(branch) => branch.items.iter().any(|item| any_scalar(&item.value, wanted)),
        Value::List(values) => values.iter().any(|value| any_scalar(value, wanted)),
        Value::Null | Value::Comment(_) => false,
    }
}

/// Whether a map contains a name more than once.
#[must_use]
pub fn repeats_a_name(documents: &[Branch<Stored<'_>>]) -> bool {
    documents.iter().any(|branch| {
        let mut seen = std::collections::BTreeSet::new();
        !branch.names().all(|name| seen.insert(name)) || branch.items.iter().any(|item| repeats_below(&item.value))
    })
}

fn repeats_below(value: &Value<Stored<'_>>) -> bool {
    match value {
        Value::Map(branch) => repeats_a_name(std::slice::from_ref(branch)),
        Value::List(values) => values.iter().any(repeats_below),
        _ => false,
    }
}
