//! Warns of variables that systemd would change, in files that units read by `EnvironmentFile=`.

use std::{collections::HashMap, sync::Arc};

use crate::{
    manifest::{Manifest, Secret, Selection},
    sops::{env_file::misread_dotenv, format::Format},
    system::plaintext::Plaintext,
    text::{diagnosis::Diagnosis, printable::named},
};

/// Whether units read the secret by `EnvironmentFile=` as sops prints it.
pub(crate) fn is_read_plainly(secret: &Secret) -> bool {
    secret.selection == Selection::Whole && secret.format == Format::Dotenv && !secret.placement.environment_file_of.is_empty()
}

/// The warnings about secrets. `values` has their contents by their names.
pub(crate) fn warnings(manifest: &Manifest, values: &HashMap<&str, Arc<Plaintext>>) -> Vec<Diagnosis> {
    let secrets = manifest.secrets.iter().filter(|secret| is_read_plainly(secret));
    let warning = |secret: &Secret| {
        let value = values.get(secret.name.as_str())?;
        let what = format!("secret {}", named(secret.name.as_str()));
        warning(&what, &secret.placement.environment_file_of, &misread_dotenv(value.expose()))
    };
    secrets.filter_map(warning).collect()
}

/// The warning that systemd would change these variables of a secret or template, if there are any. `units` read it.
pub(crate) fn warning(what: &str, units: &[String], variables: &[String]) -> Option<Diagnosis> {
    /// Of many names, these are shown.
    const SHOWN: usize = 10;
    let plural = if variables.len() == 1 { "" } else { "s" };
    let names: Vec<_> = variables.iter().take(SHOWN).map(|name| named(name)).collect();
    let more = match variables.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let cause = format!(
        "{what}: systemd would change the variable{plural} {}{more} (EnvironmentFile= of {})",
        names.join(", "),
        units.join(", ")
    );
    let remedy = "set \"as\" to \"systemd-env\", and write values without quotes";
    (!variables.is_empty()).then(|| Diagnosis::new(cause, remedy))
}
