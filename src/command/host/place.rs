//! The paths by which programs read what an installation publishes.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::installation::Installation;
use crate::{
    install::{EntryName, PlaceInGeneration},
    manifest::Placement,
    system::root::Root,
};

/// One secret or template, with the paths by which programs read it.
pub(crate) struct ReadPlace {
    /// Its name.
    pub(crate) name: String,
    /// Its place in a generation.
    pub(crate) place: String,
    /// Its place behind the link, and the path of its option if it has one.
    pub(crate) paths: Vec<PathBuf>,
    /// Whether a copy is at the path of its option, and no symlink.
    pub(crate) is_copy: bool,
    /// The units that are restarted or reloaded when it changes.
    pub(crate) units: Vec<String>,
    /// The directory of the generations that it is in.
    pub(crate) mount_point: PathBuf,
    /// The unit that installs it; `None` if the activation script does.
    pub(crate) installer: Option<String>,
}

impl ReadPlace {
    /// Its path behind the link.
    pub(crate) fn own_path(&self) -> PathBuf {
        self.paths.first().cloned().unwrap_or_default()
    }
}

/// All secrets and templates of an installation whose manifest can be used.
pub(crate) fn of(installation: &Installation, root: &Root) -> Vec<ReadPlace> {
    let Ok(manifest) = &installation.manifest else {
        return Vec::new();
    };
    let read_place = |name: &EntryName, place: PlaceInGeneration<'_>, placement: &Placement| {
        let own = root.locate(&manifest.link).join(place.as_str());
        let declared = placement.path.as_ref().map(|path| root.locate(path));
        ReadPlace {
            name: name.to_string(),
            place: place.as_str().to_owned(),
            paths: std::iter::once(own).chain(declared).collect(),
            is_copy: placement.at_path.is_copy(),
            units: [&*placement.restart_units, &*placement.reload_units].concat(),
            mount_point: root.locate(&manifest.mount_point),
            installer: installation.unit.clone(),
        }
    };
    let secrets = manifest.secrets.iter();
    let secrets = secrets.map(|secret| read_place(&secret.name, PlaceInGeneration::of_secret(&secret.name), &secret.placement));
    let templates = manifest.templates.iter();
    let templates = templates.map(|template| {
        read_place(
            &template.name,
            PlaceInGeneration::of_template(&template.name),
            &template.placement,
        )
    });
    secrets.chain(templates).collect()
}

/// The places of all secrets and templates, by the paths that texts may name.
pub(crate) struct PlaceIndex<'p> {
    places: &'p [ReadPlace],
    /// By their own paths.
    files: PathIndex,
    /// By the directories above these paths.
    directories: PathIndex,
}

impl<'p> PlaceIndex<'p> {
    pub(crate) fn new(places: &'p [ReadPlace]) -> Self {
        let paths = || {
            (0..)
                .zip(places)
                .flat_map(|(number, place)| place.paths.iter().map(move |path| (number, path.as_path())))
        };
        // `/run` and the like are above much else.
        let is_close = |path: &&Path| path.components().count() > 2;
        let above = paths().flat_map(|(number, path)| path.ancestors().skip(1).map(move |above| (number, above)));
        Self {
            places,
            files: PathIndex::new(paths()),
            directories: PathIndex::new(above.filter(|(_, path)| is_close(path))),
        }
    }

    /// The places whose path is in `text`.
    pub(crate) fn named_in(&self, text: &str) -> impl Iterator<Item = &'p ReadPlace> {
        self.at(self.files.named_in(text))
    }

    /// The places whose path, or that of a directory above it, is in `text`.
    pub(crate) fn reached_by(&self, text: &str) -> impl Iterator<Item = &'p ReadPlace> {
        let mut numbers = self.files.named_in(text);
        numbers.extend(self.directories.named_in(text));
        self.at(numbers)
    }

    fn at(&self, numbers: BTreeSet<usize>) -> impl Iterator<Item = &'p ReadPlace> {
        let places = self.places;
        numbers.into_iter().filter_map(|number| places.get(number))
    }
}

/// Numbers by paths. A text is searched once, however many paths there are.
struct PathIndex {
    numbers: HashMap<String, BTreeSet<usize>>,
    /// The lengths of the paths in bytes.
    lengths: BTreeSet<usize>,
}

impl PathIndex {
    fn new<'p>(paths: impl Iterator<Item = (usize, &'p Path)>) -> Self {
        let mut index = Self {
            numbers: HashMap::new(),
            lengths: BTreeSet::new(),
        };
        for (number, path) in paths.filter_map(|(number, path)| Some((number, path.to_str()?))) {
            index.lengths.insert(path.len());
            index.numbers.entry(path.to_owned()).or_default().insert(number);
        }
        index
    }

    /// The numbers of the paths that `text` names.
    fn named_in(&self, text: &str) -> BTreeSet<usize> {
        let starts = text.match_indices('/').filter(|(start, _)| may_begin(text, *start));
        let starts = starts.filter_map(|(start, _)| text.get(start..));
        let paths = starts.flat_map(|rest| self.lengths.iter().filter_map(|length| beginning(rest, *length)));
        paths.filter_map(|path| self.numbers.get(path)).flatten().copied().collect()
    }
}

/// Whether a path may begin at `start`: what is before it is no part of a longer path.
fn may_begin(text: &str, start: usize) -> bool {
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    !before.is_some_and(|character| character.is_alphanumeric() || "_./}".contains(character))
}

/// The first `length` bytes of `text`, if a path may end there: what follows is no part of a longer name.
fn beginning(text: &str, length: usize) -> Option<&str> {
    let (path, rest) = text.split_at_checked(length)?;
    let goes_on = |character: char| character.is_alphanumeric() || "-_./@~+".contains(character);
    (!rest.starts_with(goes_on)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_not_found_in_a_longer_one() {
        let index = PathIndex::new([(7, Path::new("/run/secrets/db"))].into_iter());
        for text in [
            "x=/run/secrets/db",
            "'/run/secrets/db' y",
            "a:/run/secrets/db:/b",
            "ä/run/secrets/dbä /run/secrets/db",
        ] {
            assert_eq!(index.named_in(text), [7].into(), "{text}");
        }
        for text in [
            "/run/secrets/db2",
            "/run/secrets/db/password",
            "/run/secrets/db.old",
            "/run/secrets",
            "/run/secrets/dä",
            "/var/lib/machines/web/run/secrets/db",
            "${root}/run/secrets/db",
            "/run/secrets/db@home",
        ] {
            assert_eq!(index.named_in(text), [].into(), "{text}");
        }
    }
}
