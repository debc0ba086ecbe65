//! The live values of failed secrets that keep them (`onFailure = "keep"`).

use std::{collections::HashSet, sync::Arc};

use super::{contents::Values, failure::Failure};
use crate::{
    install::{self, EntryKind, PlaceInGeneration, Site},
    manifest::{Manifest, OnFailure},
    system::plaintext::Plaintext,
};

/// What becomes of failed secrets that keep their live values.
#[derive(Default)]
pub(crate) struct Kept {
    /// The names of the secrets that keep their live values.
    pub(crate) names: Vec<String>,
    /// Why the live values cannot be read.
    pub(crate) failure: Option<Failure>,
}

/// Adds the live values of those failed secrets to `values`. A secret without a live value is left out. So is one whose live value cannot be
/// the hash that the manifest declares: it may be the password itself, from before there was a `transform`, and the manifest may have
/// opened the file, because it expects a hash there.
pub(crate) fn keep<'m>(manifest: &'m Manifest, site: &Site, failures: &[Failure], values: &mut Values<'m>) -> Kept {
    let failed: HashSet<_> = failures
        .iter()
        .flat_map(|failure| &failure.entries)
        .map(String::as_str)
        .collect();
    let wants = manifest.secrets.iter().filter(|secret| secret.on_failure == OnFailure::Keep);
    let wanted: Vec<_> = wants.filter(|secret| failed.contains(secret.name.as_str())).collect();
    if wanted.is_empty() {
        return Kept::default();
    }
    let places: Vec<_> = wanted
        .iter()
        .map(|secret| PlaceInGeneration::of_secret(&secret.name))
        .collect();
    let contents = match install::live_contents(site, &places, manifest.max_size) {
        Ok(contents) => contents,
        Err(error) => {
            return Kept {
                names: Vec::new(),
                failure: Some(Failure {
                    diagnosis: error.diagnosis,
                    entries: Vec::new(),
                    kind: EntryKind::Secret,
                    sops_file: None,
                    is_tolerated: false,
                }),
            };
        }
    };
    let mut kept = Kept::default();
    for (secret, content) in wanted.into_iter().zip(contents) {
        let can_be_made = |content: &Plaintext| secret.transform.as_ref().is_none_or(|transform| transform.can_make(content));
        if let Some(content) = content.filter(can_be_made) {
            values.insert(secret.name.as_str(), Arc::new(content));
            kept.names.push(secret.name.to_string());
        }
    }
    kept
}
