//! Finds the units that read secrets: by their settings, by the scripts and files that their commands name, and by the files that
//! their processes have open.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    place::{PlaceIndex, ReadPlace},
    unit_file::{self, UnitFile},
};
use crate::system::root::Root;

/// Settings by which a unit reads files. Those with commands are followed into the scripts that they name.
const SETTINGS: [&str; 8] = [
    "EnvironmentFile",
    "Environment",
    "LoadCredential",
    "LoadCredentialEncrypted",
    "BindPaths",
    "BindReadOnlyPaths",
    "StandardInput",
    "Options",
];

/// Settings with commands.
const COMMANDS: [&str; 7] = [
    "ExecStart",
    "ExecStartPre",
    "ExecStartPost",
    "ExecCondition",
    "ExecReload",
    "ExecStop",
    "ExecStopPost",
];

/// One way in which a unit reads a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct SecretReader {
    /// The unit.
    pub(crate) unit: String,
    /// The name of the secret or template.
    pub(crate) name: String,
    /// How it is read: the setting of the unit, or `open file` for one that a process of the unit has open.
    pub(crate) by: String,
    /// Its path behind the link of its installation: several phases may have secrets of one name.
    #[serde(skip)]
    pub(crate) at: PathBuf,
}

/// The directories with the units of the system, the first the most important.
pub(crate) fn unit_directories(root: &Root) -> Vec<PathBuf> {
    let places = [
        "/etc/systemd/system",
        "/run/systemd/system",
        "/run/systemd/transient",
        "/run/systemd/generator",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ];
    places.map(|place| root.locate(place)).into()
}

/// The readers among `units`, by unit. The units that install secrets are none.
pub(crate) fn of_units(units: &[UnitFile], places: &[ReadPlace]) -> Vec<SecretReader> {
    let index = PlaceIndex::new(places);
    let others = units.iter().filter(|unit| !unit.name.starts_with("sops-"));
    others.flat_map(|unit| of_unit(unit, &index)).collect()
}

/// The ways in which a unit reads secrets, each once.
fn of_unit(unit: &UnitFile, index: &PlaceIndex<'_>) -> Vec<SecretReader> {
    let settings = SETTINGS.iter().map(|key| (*key, unit.values(key).join("\n")));
    let commands = COMMANDS.iter().map(|key| (*key, with_scripts(&unit.values(key))));
    let texts = settings.chain(commands).filter(|(_, text)| !text.is_empty());
    texts
        .flat_map(|(key, text)| {
            places_in(key, &text, index).into_iter().map(move |place| SecretReader {
                unit: unit.name.clone(),
                name: place.name.clone(),
                by: key.to_owned(),
                at: place.own_path(),
            })
        })
        .collect()
}

/// The secrets that a setting with this text reads: by one of their paths or, where directories are bound, by a directory above it.
fn places_in<'p>(key: &str, text: &str, index: &PlaceIndex<'p>) -> Vec<&'p ReadPlace> {
    if key.starts_with("Bind") || key.starts_with("LoadCredential") {
        index.reached_by(text).collect()
    } else {
        index.named_in(text).collect()
    }
}

/// Commands, with the texts of the scripts and other small files that they name.
fn with_scripts(commands: &[&str]) -> String {
    let mut text = commands.join("\n");
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    for word in words {
        let path = word.trim_start_matches(['-', '+', '!', '@', ':']).trim_matches(['"', '\'']);
        if path.starts_with("/nix/store/") || path.starts_with("/etc/") {
            text.extend(unit_file::text(Path::new(path)));
        }
    }
    text
}

/// The readers among running processes, as far as this user may see their open files.
pub(crate) fn of_processes(root: &Root, places: &[ReadPlace]) -> Vec<SecretReader> {
    let processes = fs::read_dir(root.locate("/proc")).into_iter().flatten().flatten();
    let mut readers: Vec<SecretReader> = Vec::new();
    let own = std::process::id().to_string();
    let copies = copies(places);
    for process in processes
        .filter(|entry| entry.file_name() != own.as_str())
        .map(|entry| entry.path())
    {
        let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        let found = open.filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            let of_copy = || copies.iter().find(|(path, _)| *path == without_mark(&target));
            let (place, on) = match place_of(&target, places) {
                Some(place) => (place, place.mount_point.as_path()),
                None => of_copy().map(|(path, place)| (*place, path.as_path()))?,
            };
            are_on_one_device(on, &entry.path()).then_some(place)
        });
        for place in found {
            let reader = SecretReader {
                unit: unit_of(&process),
                name: place.name.clone(),
                by: "open file".to_owned(),
                at: place.own_path(),
            };
            if !readers.contains(&reader) {
                readers.push(reader);
            }
        }
    }
    readers.sort_by(|one, other| (&one.unit, &one.name).cmp(&(&other.unit, &other.name)));
    readers
}

/// The secret whose file in a generation is `target`.
fn place_of<'p>(target: &Path, places: &'p [ReadPlace]) -> Option<&'p ReadPlace> {
    let in_generation = |known: &ReadPlace| {
        let mut parts = target.strip_prefix(&known.mount_point).ok()?.components();
        parts.next()?;
        (Path::new(&known.place) == without_mark(parts.as_path())).then_some(())
    };
    places.iter().find(|known| in_generation(known).is_some())
}

/// The copies at declared paths, by their paths without symlinks.
fn copies(places: &[ReadPlace]) -> Vec<(PathBuf, &ReadPlace)> {
    let copies = places.iter().filter(|place| place.is_copy);
    let path = |place: &ReadPlace| fs::canonicalize(place.paths.get(1)?).ok();
    copies.filter_map(|place| Some((path(place)?, place))).collect()
}

/// The path of an open file. Of one that was removed, the kernel says so behind its name.
fn without_mark(target: &Path) -> &Path {
    let name = target.to_str().map(|text| text.trim_end_matches(" (deleted)"));
    name.map_or(target, Path::new)
}

/// Whether the open file of a process is on the file system of the secret. In a container, a file of another one may have the same path.
fn are_on_one_device(place: &Path, open: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    let own = device(place);
    own.is_some() && own == device(open)
}

/// The unit that a process belongs to, or else the process.
fn unit_of(process: &Path) -> String {
    let groups = fs::read_to_string(process.join("cgroup")).unwrap_or_default();
    let unit = groups.lines().find_map(|line| {
        let parts = line.rsplit('/');
        parts.map(str::trim).find(|part| {
            part.rsplit_once('.')
                .is_some_and(|(_, kind)| ["service", "scope"].contains(&kind))
        })
    });
    let number = process.file_name().unwrap_or_default().to_string_lossy();
    unit.map_or_else(|| format!("process {number}"), str::to_owned)
}
