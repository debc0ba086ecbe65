//! A part as documents by themselves, which JSON and YAML can print.

use crate::sops::{
    key_target::KeyTarget,
    tree::{Opened, Value},
};

/// The documents that consist of what was found. Names are copied, and the texts are shared.
pub(crate) fn documents(found: &KeyTarget<'_, Opened>) -> Vec<Value<Opened>> {
    match *found {
        KeyTarget::File(documents) => documents.iter().cloned().map(Value::Map).collect(),
        KeyTarget::Document(document) => vec![Value::Map(document.clone())],
        KeyTarget::Value(value) => vec![value.clone()],
    }
}
