//! Whether a part can be written in a form, as far as its types and names are concerned. No value is looked at, so this can be told
//! before anything is decrypted.

use super::{error::PartError, form::PartForm, lines, text, variables};
use crate::sops::{
    key::KeyPath,
    key_target::KeyTarget,
    repeated::{repeated, repeated_in},
    select_error::SelectError,
    tree::Value,
};

/// Fails if the form has no spelling for the types and names in what was found under `key`.
pub(crate) fn fit<S>(found: &KeyTarget<'_, S>, key: &KeyPath, form: PartForm) -> Result<(), PartError> {
    match form {
        PartForm::Json => {
            tree(found, key, form)?;
            text::has_text_names(found, key)
        }
        PartForm::Yaml => tree(found, key, form),
        PartForm::Lines => lines::single_values(found, key),
        PartForm::Variables(form) => variables::names(found, key, form),
    }
}

/// Fails if a map has a name twice: a reader takes one of the two values, and it may be the forged one. Comments are nothing that these
/// forms can be asked for, and JSON has no documents.
fn tree<S>(found: &KeyTarget<'_, S>, key: &KeyPath, form: PartForm) -> Result<(), PartError> {
    let twice = match *found {
        KeyTarget::File(documents) if form == PartForm::Yaml => repeated(documents),
        KeyTarget::File(_) => return Err(PartError::unfit(key, found, "", "")),
        KeyTarget::Document(document) => repeated(std::slice::from_ref(document)),
        KeyTarget::Value(Value::Comment(_)) => return Err(SelectError::not_a_scalar(key, found).into()),
        KeyTarget::Value(value) => repeated_in(value),
    };
    match twice.into_iter().next() {
        Some(twice) => {
            let steps = key.steps().iter().chain(twice.steps()).cloned();
            let key = steps.collect::<KeyPath>().to_string();
            Err(SelectError::Repeated { key }.into())
        }
        None => Ok(()),
    }
}
