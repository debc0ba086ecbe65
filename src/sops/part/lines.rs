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

/// A single value, and its key.
type SingleValue<'t, S> = (KeyPath, ScalarType, &'t S);

/// Writes one line for each element of a list, or for a single value. Null is no line at all. Comments are left out.
///
/// # Errors
/// When there is anything but single values, or a value with a line end.
pub(crate) fn lines(found: &KeyTarget<'_, Opened>, key: &KeyPath, format: Format) -> Result<Plaintext, PartError> {
    let mut text = Plaintext::default();
    for (key, kind, value) in single_values(found, key)? {
        let line = format.emit_scalar(kind, value)?;
        if line.expose().iter().any(|byte| b"\r\n".contains(byte)) {
            return Err(PartError::LineEnd { key: key.to_string() });
        }
        text.push(line.expose());
        text.push(b"\n");
    }
    Ok(text)
}

/// The values that become lines, in their order.
pub(crate) fn single_values<'t, S>(found: &KeyTarget<'t, S>, key: &KeyPath) -> Result<Vec<SingleValue<'t, S>>, PartError> {
    match *found {
        KeyTarget::Value(Value::Null) => Ok(Vec::new()),
        KeyTarget::Value(Value::Scalar(kind, text)) => Ok(vec![(key.clone(), *kind, text)]),
        KeyTarget::Value(Value::List(elements)) => {
            let elements = (0..).map(KeyStep::Index).zip(elements);
            let values = elements.filter(|(_, element)| !matches!(element, Value::Comment(_)));
            values.map(|(step, element)| single_value(key, step, element)).collect()
        }
        _ => {
            let remedy = "set as = \"json\" or \"yaml\", or set key to a list";
            Err(PartError::unfit(key, found, "lines are made of a list", remedy))
        }
    }
}

fn single_value<'t, S>(key: &KeyPath, step: KeyStep, element: &'t Value<S>) -> Result<SingleValue<'t, S>, PartError> {
    match element {
        Value::Scalar(kind, text) => Ok((inside(key, step), *kind, text)),
        other => Err(PartError::unfit_inside(key, step, other, "a line holds a single value")),
    }
}
