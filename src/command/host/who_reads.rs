//! Shows which units read a secret, and how.

use serde::Serialize;

use super::{
    installation::{self, Installation},
    place,
    readers::{self, SecretReader},
    unit_file,
};
use crate::{
    command::{
        audience::Audience,
        cli::WhoReadsArguments,
        layout::{columns, json, line},
        reply::Reply,
    },
    program::environment::Environment,
    system::root::Root,
    text::{
        diagnosis::Diagnosis,
        printable::{named, quoted},
        spelling::nearest,
    },
};

/// Which units read secrets.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Readership {
    /// Each way in which a unit reads a secret, by unit.
    pub(crate) readers: Vec<SecretReader>,
}

/// Carries out the command `sops-nix who-reads`.
///
/// # Errors
///
/// With a message for people, if this host installs nothing, or nothing of this name.
pub(crate) fn answer(arguments: &WhoReadsArguments, audience: Audience, root: &Root) -> Result<Reply, Diagnosis> {
    let installations = installation::of_own(root, &Environment::read());
    if installations.is_empty() {
        return Err(installation::none());
    }
    if let Some(name) = &arguments.name {
        check(name, &installations, root)?;
    }
    let mut readers = of(&installations, root);
    readers.retain(|reader| arguments.name.as_ref().is_none_or(|name| reader.name == *name));
    readers.dedup_by(|one, other| (&one.unit, &one.name, &one.by) == (&other.unit, &other.name, &other.by));
    let readership = Readership { readers };
    let text = match audience {
        _ if arguments.json => json(&readership),
        Audience::Person => page(&readership.readers),
        Audience::Script => readership.readers.iter().map(fields).collect(),
    };
    Ok(Reply {
        text,
        ..Reply::default()
    })
}

/// All readers of what the installations publish, by unit.
pub(crate) fn of(installations: &[Installation], root: &Root) -> Vec<SecretReader> {
    let places: Vec<_> = installations
        .iter()
        .flat_map(|installation| place::of(installation, root))
        .collect();
    let units = unit_file::all(&readers::unit_directories(root));
    let mut found = readers::of_units(&units, &places);
    found.extend(readers::of_processes(root, &places));
    found.sort_by(|one, other| one.unit.cmp(&other.unit));
    found
}

/// # Errors
///
/// If no secret and no template has this name. The message has the one with the nearest name.
pub(crate) fn check(name: &str, installations: &[Installation], root: &Root) -> Result<(), Diagnosis> {
    let places: Vec<_> = installations
        .iter()
        .flat_map(|installation| place::of(installation, root))
        .collect();
    if places.iter().any(|place| place.name == name) {
        return Ok(());
    }
    let near = nearest(name, places.iter().map(|place| place.name.as_bytes()));
    let remedy = near.map_or_else(
        || "to list all, run: sops-nix status".to_owned(),
        |near| format!("did you mean {}?", named(&String::from_utf8_lossy(near))),
    );
    Err(Diagnosis::new(
        format!("no secret and no template is called {}", named(name)),
        remedy,
    ))
}

fn page(readers: &[SecretReader]) -> String {
    if readers.is_empty() {
        return "no unit reads it, as far as its settings and open files tell\n".to_owned();
    }
    let title = ["UNIT", "NAME", "BY"].map(str::to_owned).to_vec();
    let row = |reader: &SecretReader| vec![quoted(&reader.unit), quoted(&reader.name), reader.by.clone()];
    let rows: Vec<_> = [title].into_iter().chain(readers.iter().map(row)).collect();
    columns("", &rows)
}

fn fields(reader: &SecretReader) -> String {
    line(&["reader", &reader.unit, &reader.name, &reader.by])
}
