//! Tests of YAML. The expected trees and texts in the tables are those that sops 3.13.2 read and printed.

mod emit;
mod read;

use crate::{
    sops::tree::{Branch, Comment, Item, Key, Opened, ScalarType, Stored, Value},
    system::plaintext::Plaintext,
};

/// A tree in one line of these parts: `{"key": value}`, `[value]`, `"text"`, `int 1`, `#"comment"`, `-#"inline comment"`, and `?`
/// for a key that is not a string.
fn notation(branch: &Branch<Stored<'_>>) -> String {
    let items: Vec<_> = branch.items.iter().map(item).collect();
    format!("{{{}}}", items.join(", "))
}

fn item(item: &Item<Stored<'_>>) -> String {
    match &item.key {
        Key::Name(name) => format!("{}: {}", text(name), value(&item.value)),
        Key::Comment(text) => comment(text),
        Key::Other(_) => format!("?: {}", value(&item.value)),
    }
}

fn value(tree: &Value<Stored<'_>>) -> String {
    let typed = |name, text: &Stored<'_>| format!("{name} {}", String::from_utf8_lossy(text));
    match tree {
        Value::Null => "null".to_owned(),
        Value::Scalar(ScalarType::Text, bytes) => text(bytes),
        Value::Scalar(ScalarType::Integer, text) => typed("int", text),
        Value::Scalar(ScalarType::Unsigned, text) => typed("uint", text),
        Value::Scalar(ScalarType::Float, text) => typed("float", text),
        Value::Scalar(ScalarType::Boolean, text) => typed("bool", text),
        Value::Scalar(ScalarType::Time, text) => typed("time", text),
        Value::Comment(text) => comment(text),
        Value::List(values) => {
            let values: Vec<_> = values.iter().map(value).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Map(branch) => notation(branch),
    }
}

fn comment(comment: &Comment<Stored<'_>>) -> String {
    let mark = if comment.inline { "-#" } else { "#" };
    format!("{mark}{}", text(&comment.text))
}

fn text(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(bytes))
}

/// The tree as decryption would return it. A comment that was encrypted is not inline any more.
fn decrypted(branch: &Branch<Stored<'_>>, encrypted_comments: bool) -> Branch<Opened> {
    let items = branch.items.iter().map(|item| Item {
        key: match &item.key {
            Key::Name(name) => Key::Name(name.clone()),
            Key::Comment(text) => Key::Comment(decrypted_comment(text, encrypted_comments)),
            Key::Other(kind) => Key::Other(kind),
        },
        value: decrypted_value(&item.value, encrypted_comments),
    });
    Branch { items: items.collect() }
}

fn decrypted_value(value: &Value<Stored<'_>>, encrypted_comments: bool) -> Value<Opened> {
    match value {
        Value::Null => Value::Null,
        Value::Scalar(kind, text) => Value::Scalar(*kind, Plaintext::from(text.to_vec()).into()),
        Value::Comment(text) => Value::Comment(decrypted_comment(text, encrypted_comments)),
        Value::List(values) => {
            let values = values.iter();
            Value::List(values.map(|value| decrypted_value(value, encrypted_comments)).collect())
        }
        Value::Map(branch) => Value::Map(decrypted(branch, encrypted_comments)),
    }
}

fn decrypted_comment(comment: &Comment<Stored<'_>>, encrypted: bool) -> Comment<Opened> {
    Comment {
        text: Plaintext::from(comment.text.to_vec()).into(),
        inline: comment.inline && !encrypted,
    }
}
