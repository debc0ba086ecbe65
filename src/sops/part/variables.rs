//! Maps as files of environment variables.

use super::error::PartError;
use crate::{
    sops::{
        env_file::{EnvFile, Form},
        format::Format,
        key::{KeyPath, KeyStep},
        key_target::KeyTarget,
        tree::{Key, Opened, ScalarType, Value},
    },
    system::plaintext::Plaintext,
};

/// A variable: its name, and the value.
type Variable<'t, S> = (&'t [u8], ScalarType, &'t S);

/// Writes the values of a map under their names, for the reader of `form`. Null is no variable at all. Comments are left out. Returns
/// `None` if the text is longer than `most` bytes.
///
/// # Errors
/// When that reader would not give back a value under its name, or a value is no single value.
pub(crate) fn variables(
    found: &KeyTarget<'_, Opened>,
    key: &KeyPath,
    format: Format,
    form: Form,
    most: usize,
) -> Result<Option<Plaintext>, PartError> {
    let mut file = EnvFile::new(form, 0);
    for (name, kind, value) in all(found, key)? {
        file.push(name, format.emit_scalar(kind, value)?.expose())?;
        if file.size() > most {
            return Ok(None);
        }
    }
    Ok(Some(file.finish()))
}

/// Fails if the map has a name that is none of a variable, or a value that is no single value.
pub(crate) fn names<S>(found: &KeyTarget<'_, S>, key: &KeyPath, form: Form) -> Result<(), PartError> {
    let mut file = EnvFile::new(form, 0);
    for (name, _, _) in all(found, key)? {
        file.claim(name)?;
    }
    Ok(())
}

/// The values that become variables, in their order.
fn all<'t, S>(found: &KeyTarget<'t, S>, key: &KeyPath) -> Result<Vec<Variable<'t, S>>, PartError> {
    if let KeyTarget::Value(Value::Null) = found {
        return Ok(Vec::new());
    }
    let map = found.map().ok_or_else(|| {
        let remedy = "set as = \"lines\", \"json\" or \"yaml\", or set key to a map";
        PartError::unfit(key, found, "variables are made of a map", remedy)
    })?;
    let variable = |(name, value): (&'t Vec<u8>, &'t Value<S>)| match value {
        Value::Scalar(kind, text) => Ok((name.as_slice(), *kind, text)),
        other => {
            let step = KeyStep::Name(String::from_utf8_lossy(name).into_owned());
            Err(PartError::unfit_inside(key, step, other, "a variable holds a single value"))
        }
    };
    let named = map.items.iter().filter_map(|item| match &item.key {
        Key::Name(name) => Some((name, &item.value)),
        Key::Comment(_) | Key::Other(_) => None,
    });
    named.map(variable).collect()
}
