//! The paths by which programs read what an installation publishes.

use std::path::{Path, PathBuf};

use super::installation::Installation;
use crate::{
    install::PlaceInGeneration,
    manifest::{Manifest, Placement},
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
    /// The units that are restarted or reloaded when it changes.
    pub(crate) units: Vec<String>,
}

/// All secrets and templates of an installation whose manifest can be used.
pub(crate) fn of(installation: &Installation, root: &Root) -> Vec<ReadPlace> {
    let Ok(manifest) = &installation.manifest else {
        return Vec::new();
    };
    let secrets = manifest.secrets.iter().map(|secret| {
        let place = PlaceInGeneration::of_secret(&secret.name);
        read_place(secret.name.as_str(), place.as_str(), &secret.placement, manifest, root)
    });
    let templates = manifest.templates.iter().map(|template| {
        let place = PlaceInGeneration::of_template(&template.name);
        read_place(template.name.as_str(), place.as_str(), &template.placement, manifest, root)
    });
    secrets.chain(templates).collect()
}

fn read_place(name: &str, place: &str, placement: &Placement, manifest: &Manifest, root: &Root) -> ReadPlace {
    let own = root.locate(&manifest.link).join(place);
    let declared = placement.path.as_ref().map(|path| root.locate(path));
    ReadPlace {
        name: name.to_owned(),
        place: place.to_owned(),
        paths: std::iter::once(own).chain(declared).collect(),
        units: placement
            .restart_units
            .iter()
            .chain(&placement.reload_units)
            .cloned()
            .collect(),
    }
}

/// Whether `text` names the file or directory `path`: what follows is no part of a longer name.
pub(crate) fn is_named(path: &Path, text: &str) -> bool {
    let Some(path) = path.to_str() else { return false };
    let goes_on = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    text.match_indices(path).any(|(at, _)| {
        let rest = text.get(at + path.len()..).unwrap_or_default();
        !rest.starts_with(goes_on) && !rest.starts_with('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_not_found_in_a_longer_one() {
        let path = Path::new("/run/secrets/db");
        for text in ["x=/run/secrets/db", "'/run/secrets/db' y", "a:/run/secrets/db:/b"] {
            assert!(is_named(path, text), "{text}");
        }
        for text in [
            "/run/secrets/db2",
            "/run/secrets/db/password",
            "/run/secrets/db.old",
            "/run/secrets",
        ] {
            assert!(!is_named(path, text), "{text}");
        }
    }
}
