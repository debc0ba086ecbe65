//! Reads manifests. In a valid manifest, all entries lie below the two directories that it names. If a manifest is not valid, each
//! line of the error can be shown.
#![no_main]

use std::path::{Component, Path};

use sops_install_secrets::{
    install::PlaceInGeneration,
    manifest::{Manifest, Placement},
};
use sops_install_secrets_fuzz::{
    messages::{assert_discreet, assert_presentable},
    timed_fuzz_target,
};

timed_fuzz_target!(|json: &[u8]| {
    match Manifest::parse(Path::new("manifest.json"), json, Some(Path::new("/run/user/1000"))) {
        Ok((manifest, warnings)) => {
            warnings.iter().for_each(assert_presentable);
            check(&manifest);
        }
        Err(error) => {
            let said = error.diagnosis.to_string();
            let mut lines = said.lines();
            // An error about a text that is no JSON, or about a wrong type, never quotes the text. Findings in a JSON text come
            // below the first line.
            match lines.next() {
                Some(first) if first.ends_with(" is not valid:") => assert!(lines.clone().next().is_some()),
                // The name of a secret or template is not secret. It may be any text, even the word that stands for a secret.
                Some(first)
                    if [" of secret ", " of template ", "\"placeholderBySecretName."]
                        .iter()
                        .any(|before| first.contains(before)) => {}
                _ => assert_discreet(&error.diagnosis),
            }
            said.lines().for_each(|line| assert_presentable(&line));
            error.warnings.iter().for_each(assert_presentable);
        }
    }
});

fn check(manifest: &Manifest) {
    let (link, mount_point) = (&manifest.link, &manifest.mount_point);
    for path in [link, mount_point] {
        assert!(is_direct(path), "{path:?}");
    }
    assert!(!link.starts_with(mount_point) && !mount_point.starts_with(link));
    let secrets = manifest
        .secrets
        .iter()
        .map(|secret| (PlaceInGeneration::of_secret(&secret.name), &secret.placement));
    let templates = manifest
        .templates
        .iter()
        .map(|template| (PlaceInGeneration::of_template(&template.name), &template.placement));
    let mut places = std::collections::BTreeSet::new();
    for (place, placement) in secrets.chain(templates) {
        let name = place.as_str();
        let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        assert!(is_inside && !name.is_empty() && !name.contains('\0'), "{name:?}");
        check_placement(placement, mount_point);
        assert!(places.insert(place), "two entries in one place");
    }
    for placeholder in &manifest.placeholders {
        assert!(!placeholder.token.is_empty());
    }
}

fn check_placement(placement: &Placement, mount_point: &Path) {
    if let Some(path) = &placement.path {
        assert!(is_direct(path) && !path.starts_with(mount_point), "{path:?}");
    }
    assert!(placement.mode.bits() <= 0o7777);
    for unit in placement.restart_units.iter().chain(&placement.reload_units) {
        assert!(
            !unit.is_empty() && !unit.starts_with('-') && !unit.chars().any(|c| c.is_control() || c.is_whitespace()),
            "{unit:?}"
        );
    }
}

/// Whether a path is absolute, has no `..`, and is not `/`.
fn is_direct(path: &Path) -> bool {
    path.is_absolute()
        && path != Path::new("/")
        && !path.components().any(|part| part == Component::ParentDir)
        && !path.to_string_lossy().contains('\0')
}
