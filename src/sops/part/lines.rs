//! Lists as lines.

use super::error::{PartError, inside};
use crate::{
    sops::{
        format::Format,
        key::{KeyPath, KeyStep},
        key_target::KeyTarget,
        tree::{Opened, ScalarType, Value},
    },
    system::plaintext::Plaintext,
};

/// Writes one line for each element of a list, or for a single value. Null is no line at all. Comments are left out. Returns `None` if the
/// text is longer than `most` bytes.
///
/// # Errors
/// When there is anything but single values, or a value with a line end.
pub(crate) fn lines(
    found: &KeyTarget<'_, Opened>,
    key: &KeyPath,
    format: Format,
    most: usize,
) -> Result<Option<Plaintext>, PartError> {
    let mut text = Plaintext::default();
    for (position, value) in elements(found, key)? {
        let Some((kind, value)) = single_value(key, position, value)? else {
            continue;
        };
        let line = format.emit_scalar(kind, value)?;
        if line.expose().iter().any(|byte| b"\r\n".contains(byte)) {
            let key = element_key(key, position).to_string();
            return Err(PartError::LineEnd { key });
        }
        text.push(line.expose());
        text.push(b"\n");
        if text.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(text))
}

/// Fails if there is anything but single values.
pub(crate) fn single_values<S>(found: &KeyTarget<'_, S>, key: &KeyPath) -> Result<(), PartError> {
    elements(found, key)?.try_for_each(|(position, value)| single_value(key, position, value).map(drop))
}

/// The elements of a list with their positions, or a single value.
fn elements<'t, S>(
    found: &KeyTarget<'t, S>,
    key: &KeyPath,
) -> Result<impl Iterator<Item = (Option<usize>, &'t Value<S>)>, PartError> {
    let (list, single) = match *found {
        KeyTarget::Value(Value::Null) => (None, None),
        KeyTarget::Value(value @ Value::Scalar(..)) => (None, Some(value)),
        KeyTarget::Value(Value::List(elements)) => (Some(elements), None),
        _ => {
            let remedy = "set as = \"json\" or \"yaml\", or set key to a list";
            return Err(PartError::unfit(key, found, "lines are made of a list", remedy));
        }
    };
    let elements = list.into_iter().flatten().enumerate();
    let elements = elements.map(|(position, element)| (Some(position), element));
    Ok(elements.chain(single.map(|value| (None, value))))
}

/// The value of a line. `None` for a comment.
fn single_value<'t, S>(
    key: &KeyPath,
    position: Option<usize>,
    value: &'t Value<S>,
) -> Result<Option<(ScalarType, &'t S)>, PartError> {
    match value {
        Value::Scalar(kind, text) => Ok(Some((*kind, text))),
        Value::Comment(_) => Ok(None),
        other => {
            let remedy = "set as = \"json\" or \"yaml\"";
            let (key, found) = (element_key(key, position), KeyTarget::Value(other));
            Err(PartError::unfit(&key, &found, "a line holds a single value", remedy))
        }
    }
}

fn element_key(key: &KeyPath, position: Option<usize>) -> KeyPath {
    position.map_or_else(|| key.clone(), |position| inside(key, KeyStep::Index(position)))
}
