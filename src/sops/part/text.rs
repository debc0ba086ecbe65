//! Whether a part is text throughout, as JSON needs it.

use super::error::PartError;
use crate::sops::{
    key::{KeyPath, KeyStep},
    key_target::KeyTarget,
    tree::{Branch, Key, Opened, Value},
};

/// Fails if a name or a value is no UTF-8. JSON would have other characters in the place of such bytes. Comments are left out, because
/// JSON has none.
pub(crate) fn is_text(found: &KeyTarget<'_, Opened>, key: &KeyPath) -> Result<(), PartError> {
    let steps = match *found {
        KeyTarget::File(documents) => documents.iter().find_map(in_map),
        KeyTarget::Document(document) => in_map(document),
        KeyTarget::Value(value) => in_value(value),
    };
    steps.map_or(Ok(()), |inner_first| {
        let steps = key.steps().iter().cloned().chain(inner_first.into_iter().rev());
        let key = steps.collect::<KeyPath>().to_string();
        Err(PartError::NoText { key })
    })
}

/// The steps from this value to the first that is no text, the last step first.
fn in_value(value: &Value<Opened>) -> Option<Vec<KeyStep>> {
    match value {
        Value::Scalar(_, text) => str::from_utf8(text.expose()).is_err().then(Vec::new),
        Value::List(elements) => (0..)
            .zip(elements)
            .find_map(|(index, element)| Some(behind(KeyStep::Index(index), in_value(element)?))),
        Value::Map(map) => in_map(map),
        Value::Null | Value::Comment(_) => None,
    }
}

fn in_map(map: &Branch<Opened>) -> Option<Vec<KeyStep>> {
    map.items.iter().find_map(|item| {
        let Key::Name(name) = &item.key else { return None };
        let step = || KeyStep::Name(String::from_utf8_lossy(name).into_owned());
        let inner = if str::from_utf8(name).is_err() {
            Vec::new()
        } else {
            in_value(&item.value)?
        };
        Some(behind(step(), inner))
    })
}

fn behind(step: KeyStep, mut inner_first: Vec<KeyStep>) -> Vec<KeyStep> {
    inner_first.push(step);
    inner_first
}
