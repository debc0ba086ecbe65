//! Whether a part is text throughout, as JSON needs it. Names can be looked at before anything is decrypted.

use super::error::PartError;
use crate::sops::{
    key::{KeyPath, KeyStep},
    key_target::KeyTarget,
    tree::{Branch, Key, Opened, Value},
};

/// Fails if a name or a value is no UTF-8. JSON would have other characters in the place of such bytes. Comments are left out, because
/// JSON has none.
pub(crate) fn is_text(found: &KeyTarget<'_, Opened>, key: &KeyPath) -> Result<(), PartError> {
    check(found, key, &|value: &Opened| str::from_utf8(value.expose()).is_ok())
}

/// Fails if a name is no UTF-8.
pub(crate) fn has_text_names<S>(found: &KeyTarget<'_, S>, key: &KeyPath) -> Result<(), PartError> {
    check(found, key, &|_| true)
}

/// Fails if a name is no UTF-8, or a value is no text, as `is_good` says.
fn check<S>(found: &KeyTarget<'_, S>, key: &KeyPath, is_good: &impl Fn(&S) -> bool) -> Result<(), PartError> {
    let steps = match *found {
        KeyTarget::File(documents) => documents.iter().find_map(|document| in_map(document, is_good)),
        KeyTarget::Document(document) => in_map(document, is_good),
        KeyTarget::Value(value) => in_value(value, is_good),
    };
    steps.map_or(Ok(()), |inner_first| {
        let steps = key.steps().iter().cloned().chain(inner_first.into_iter().rev());
        let key = steps.collect::<KeyPath>().to_string();
        Err(PartError::NoText { key })
    })
}

/// The steps from this value to the first that is no text, the last step first.
fn in_value<S>(value: &Value<S>, is_good: &impl Fn(&S) -> bool) -> Option<Vec<KeyStep>> {
    match value {
        Value::Scalar(_, text) => (!is_good(text)).then(Vec::new),
        Value::List(elements) => (0..)
            .zip(elements)
            .find_map(|(index, element)| Some(behind(KeyStep::Index(index), in_value(element, is_good)?))),
        Value::Map(map) => in_map(map, is_good),
        Value::Null | Value::Comment(_) => None,
    }
}

fn in_map<S>(map: &Branch<S>, is_good: &impl Fn(&S) -> bool) -> Option<Vec<KeyStep>> {
    map.items.iter().find_map(|item| {
        let Key::Name(name) = &item.key else { return None };
        let step = || KeyStep::Name(String::from_utf8_lossy(name).into_owned());
        let inner = if str::from_utf8(name).is_err() {
            Vec::new()
        } else {
            in_value(&item.value, is_good)?
        };
        Some(behind(step(), inner))
    })
}

fn behind(step: KeyStep, mut inner_first: Vec<KeyStep>) -> Vec<KeyStep> {
    inner_first.push(step);
    inner_first
}
