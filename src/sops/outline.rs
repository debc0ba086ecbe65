//! What a dotenv file tells without a key, as text: each encrypted value is as many letters `x` as it has bytes, and encrypted comments
//! are left out.

use super::{
    tree::{Branch, Key, Stored, Value},
    value::EncryptedValue,
};

/// The outline of a dotenv file. Without its metadata, `document` is the only one.
pub(crate) fn outline(document: &Branch<Stored<'_>>) -> Vec<u8> {
    let mut text = Vec::new();
    for item in &document.items {
        match (&item.key, &item.value) {
            (Key::Comment(comment), _) if EncryptedValue::parse(&comment.text).is_err() => {
                text.push(b'#');
                text.extend_from_slice(&comment.text);
            }
            (Key::Name(name), Value::Scalar(_, value)) => {
                text.extend_from_slice(name);
                text.push(b'=');
                push_value(&mut text, value);
            }
            _ => continue,
        }
        text.push(b'\n');
    }
    text
}

fn push_value(text: &mut Vec<u8>, value: &[u8]) {
    if let Ok(encrypted) = EncryptedValue::parse(value) {
        text.resize(text.len().saturating_add(encrypted.data.len()), b'x');
        return;
    }
    let mut separator: &[u8] = b"";
    for line in value.split(|&byte| byte == b'\n') {
        text.extend_from_slice(separator);
        text.extend_from_slice(line);
        separator = b"\\n";
    }
}
