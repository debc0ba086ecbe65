//! Finds files that each run writes, for metrics and for watchers, in the place of something else.
//!
//! Such a file would replace the link to a secret, or be removed with a generation. Two that are one file would be written in each run,
//! even if nothing changes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    convert::Entries,
    declaration::{Manifest, Placement},
    findings::Findings,
    named_entry::NamedEntry,
    overlap,
};
use crate::text::printable::shown;

/// A file that each run writes.
struct WrittenFile<'m> {
    /// What messages call it.
    name: String,
    path: &'m Path,
    remedy: &'static str,
}

/// Finds written files that are, or lie above or below, something else.
pub(crate) fn conflicts(manifest: &Manifest, entries: &Entries, findings: &mut Findings) {
    let files = written(manifest, entries);
    if files.is_empty() {
        return;
    }
    let mut taken = places(manifest, entries);
    for WrittenFile { name, path, remedy } in files {
        match overlap::above(&taken, path).or_else(|| overlap::at_or_below(&taken, path)) {
            Some(other) => findings.error(format!("{name} {} is in the place of {other}", shown(path)), remedy),
            None => drop(taken.insert(path.to_owned(), name)),
        }
    }
}

/// The files that each run writes.
fn written<'m>(manifest: &'m Manifest, entries: &'m Entries) -> Vec<WrittenFile<'m>> {
    let file = |name: String, path: Option<&'m PathBuf>, remedy| {
        Some(WrittenFile {
            name,
            path: path?,
            remedy,
        })
    };
    let metrics = file(
        "metricsFile".to_owned(),
        manifest.metrics_file.as_ref(),
        "choose another sops.metrics.directory",
    );
    let phase = file(
        "the watchFile of this phase".to_owned(),
        manifest.watch_file.as_ref(),
        "choose another path",
    );
    let of_entries = placements(entries).filter_map(|(what, placement)| {
        let path = placement.watch_file.as_ref();
        file(format!("the watchFile of {what}"), path, "choose another path")
    });
    metrics.into_iter().chain(phase).chain(of_entries).collect()
}

/// The places that are taken: of links at declared paths, of the link to the generations, and of the generations. A path that was not
/// valid is empty, and takes no place.
fn places(manifest: &Manifest, entries: &Entries) -> BTreeMap<PathBuf, String> {
    let links = placements(entries).filter_map(|(what, placement)| Some((placement.path.clone()?, what.to_string())));
    let own = [&manifest.link, &manifest.mount_point].map(|place| (place.clone(), shown(place)));
    links.chain(own).filter(|(path, _)| !path.as_os_str().is_empty()).collect()
}

fn placements(entries: &Entries) -> impl Iterator<Item = (NamedEntry<'_>, &Placement)> {
    let secrets = entries.secrets.iter();
    let secrets = secrets.map(|secret| (NamedEntry::Secret(&secret.name), &secret.placement));
    let templates = entries.templates.iter();
    secrets.chain(templates.map(|template| (NamedEntry::Template(&template.name), &template.placement)))
}
