//! Examines units: those that install secrets, and those that read them.

use std::collections::{BTreeSet, HashMap};

use super::finding::{HostFinding, Subject};
use crate::{
    command::host::{
        installation::{HostPhase, Installation},
        place::{PlaceIndex, ReadPlace},
        readers::SecretReader,
        systemd,
        unit_file::UnitFile,
    },
    text::{diagnosis::Diagnosis, printable::named, shell},
};

/// What is wrong with the unit that makes an installation, and with those that read what it publishes. `unit` is its file.
pub(crate) fn of_installation(
    installation: &Installation,
    unit: Option<&UnitFile>,
    readers: &[SecretReader],
) -> Vec<HostFinding> {
    let Some(unit) = unit.filter(|_| installation.phase != HostPhase::User) else {
        return Vec::new();
    };
    let failed = systemd::failed(std::slice::from_ref(&unit.name))
        .into_iter()
        .map(|name| failed(&name, ""));
    let cycle = systemd::cycle(&unit.name).map(|units| cyclic(&unit.name, &units));
    let diagnoses = failed.chain(cycle).chain(failed_readers(readers));
    diagnoses
        .map(|diagnosis| HostFinding::new(Subject::Unit, diagnosis))
        .collect()
}

fn failed(unit: &str, role: &str) -> Diagnosis {
    let word = shell::word(unit);
    let remedy = format!("to see why, run: journalctl -b -u {word}");
    Diagnosis::new(format!("unit {}{role} has failed", named(unit)), remedy)
}

/// The units that read secrets and have failed.
fn failed_readers(readers: &[SecretReader]) -> Vec<Diagnosis> {
    let units: BTreeSet<_> = readers.iter().map(|reader| reader.unit.clone()).collect();
    let units: Vec<_> = units.into_iter().collect();
    let failures = systemd::failed(&units).into_iter();
    failures.map(|unit| failed(&unit, ", which reads a secret,")).collect()
}

fn cyclic(unit: &str, units: &[String]) -> Diagnosis {
    let names: Vec<_> = units.iter().map(|unit| named(unit)).collect();
    let cause = format!("unit {} waits for itself, by {}", named(unit), names.join(", "));
    let remedy = "remove one of these orderings: a unit before sops-nix.service needs DefaultDependencies = false";
    Diagnosis::new(cause, remedy)
}

/// What is wrong with units that read or watch secrets.
pub(crate) fn of_all(units: &[UnitFile], readers: &[SecretReader], places: &[ReadPlace]) -> Vec<HostFinding> {
    let unit_of = |name: &str| units.iter().find(|unit| unit.name == name);
    let by_path: HashMap<_, _> = places.iter().map(|place| (place.own_path(), place)).collect();
    let reads = readers.iter().filter_map(|reader| Some((reader, *by_path.get(&reader.at)?)));
    let unordered = reads.filter_map(|(reader, place)| {
        // What an activation script installs is there before any unit starts.
        let installer = unit_of(place.installer.as_ref()?)?;
        unordered(unit_of(&reader.unit)?, reader, installer)
    });
    let diagnoses = unordered.chain(silent(units, readers, places));
    diagnoses
        .map(|diagnosis| HostFinding::new(Subject::Unit, diagnosis))
        .collect()
}

/// What goes wrong silently when one of the secrets at `places` changes: path units that do not see the change, and units into which the
/// old secret is bound.
pub(crate) fn silent(units: &[UnitFile], readers: &[SecretReader], places: &[ReadPlace]) -> Vec<Diagnosis> {
    let by_path: HashMap<_, _> = places.iter().map(|place| (place.own_path(), place)).collect();
    let reads = readers.iter().filter_map(|reader| Some((reader, *by_path.get(&reader.at)?)));
    let index = PlaceIndex::new(places);
    let watching = units.iter().filter(|unit| is_of_type(&unit.name, &["path"]));
    let watching = watching.flat_map(|unit| watched(unit, &index));
    watching
        .chain(reads.filter_map(|(reader, place)| bound(reader, place)))
        .collect()
}

/// Whether ordinary units, which start after `sysinit.target`, start after this one.
fn comes_before_ordinary_units(unit: &UnitFile) -> bool {
    has_word(unit, "Before", |word| word == "sysinit.target")
}

fn has_word(unit: &UnitFile, key: &str, is_it: impl Fn(&str) -> bool) -> bool {
    unit.values(key).iter().flat_map(|value| value.split_whitespace()).any(is_it)
}

/// The diagnosis of a unit that may start before its secrets are there. `installer` is the unit that installs them.
fn unordered(unit: &UnitFile, reader: &SecretReader, installer: &UnitFile) -> Option<Diagnosis> {
    let is_ordinary = !unit
        .values("DefaultDependencies")
        .last()
        .is_some_and(|value| ["no", "false", "off", "0", "n", "f"].contains(&value.to_lowercase().as_str()));
    let is_early = comes_before_ordinary_units(installer);
    let waits = has_word(unit, "After", |word| {
        word.starts_with("sops-") || (is_early && ["sysinit.target", "basic.target", "multi-user.target"].contains(&word))
    });
    if waits || (is_ordinary && is_early && !is_mount(&unit.name)) {
        return None;
    }
    Some(Diagnosis::new(
        format!(
            "unit {} reads {} ({}) and is not ordered after the unit that installs it",
            named(&unit.name),
            named(&reader.name),
            reader.by
        ),
        format!("give the unit wants and after = [ {} ]", named(&installer.name)),
    ))
}

/// Whether the unit is mounted or opened before `sysinit.target`, whatever its dependencies are.
fn is_mount(name: &str) -> bool {
    is_of_type(name, &["mount", "swap"])
}

/// Whether the name of a unit ends in one of `types`.
fn is_of_type(name: &str, types: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| types.contains(&kind))
}

/// The diagnoses of a path unit that watches secrets.
fn watched(unit: &UnitFile, index: &PlaceIndex<'_>) -> Vec<Diagnosis> {
    let keys = ["PathChanged", "PathModified"];
    let watched = keys.iter().flat_map(|key| unit.values(key)).collect::<Vec<_>>().join("\n");
    let secrets = index.named_in(&watched);
    secrets
        .map(|secret| {
            Diagnosis::new(
                format!(
                    "unit {} watches {}, but a new generation is another file, which it does not see",
                    named(&unit.name),
                    named(&secret.name)
                ),
                format!(
                    "name the unit that it starts in restartUnits of {}, or set its option watch and watch its watchFile",
                    named(&secret.name)
                ),
            )
        })
        .collect()
}

/// The diagnosis of a unit into which a secret is bound, so that it keeps the old one when the secret changes.
fn bound(reader: &SecretReader, secret: &ReadPlace) -> Option<Diagnosis> {
    let is_restarted = secret.units.contains(&reader.unit);
    let cause = format!(
        "{} is bound into unit {} ({}), which keeps the old one when the secret changes",
        named(&reader.name),
        named(&reader.unit),
        reader.by
    );
    let remedy = format!("name the unit in restartUnits of {}", named(&reader.name));
    (reader.by.starts_with("Bind") && !is_restarted).then(|| Diagnosis::new(cause, remedy))
}
