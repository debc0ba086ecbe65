//! What is live of failed secrets that keep their values (`onFailure = "keep"`), and of what a key service is to give later.

use std::{collections::HashSet, sync::Arc};

use super::{contents::Values, failure::Failure, lacks::Lacks};
use crate::{
    install::{self, EntryKind, PlaceInGeneration, Site},
    manifest::{Manifest, OnFailure, Secret, Template},
    system::plaintext::Plaintext,
};

/// What becomes of the secrets and templates that keep what is live of them.
#[derive(Default)]
pub(crate) struct Kept {
    /// The names of those of which something is live.
    pub(crate) names: Vec<String>,
    /// Why what is live cannot be read.
    pub(crate) failures: Vec<Failure>,
}

impl Kept {
    /// Adds `more` behind what is there.
    pub(crate) fn add(&mut self, more: Self) {
        self.names.extend(more.names);
        self.failures.extend(more.failures);
    }
}

/// Adds the live values of those failed secrets that keep theirs to `values`. A live value is left out if it cannot be the hash that the
/// manifest declares: it may be the password itself, from before there was a `transform`, and the manifest may have opened the file, because
/// it expects a hash there.
pub(crate) fn keep<'m>(manifest: &'m Manifest, site: &Site, lacks: &Lacks, values: &mut Values<'m>) -> Kept {
    let failed = names_of(&lacks.failures);
    let is_kept = |secret: &Secret| secret.on_failure == OnFailure::Keep && failed.contains(secret.name.as_str());
    let can_be_made = |secret: &Secret, content: &Plaintext| {
        let transform = secret.transform.as_ref();
        transform.is_none_or(|transform| transform.can_make(content))
    };
    keep_those(manifest, site, is_kept, can_be_made, values)
}

/// The names of the awaited secrets that keep what is live of them. If key services were asked (`has_asked`), those are left out that the
/// manifest wants left out if they fail.
pub(crate) fn staying<'m>(manifest: &'m Manifest, awaited: &[Failure], has_asked: bool) -> HashSet<&'m str> {
    let awaited = names_of(awaited);
    let is_skipped = |secret: &Secret| has_asked && secret.on_failure == OnFailure::Skip;
    let staying = manifest.secrets.iter().filter(|secret| !is_skipped(secret));
    let names = staying.map(|secret| secret.name.as_str());
    names.filter(|name| awaited.contains(name)).collect()
}

/// Adds the live values of the `staying` secrets to `values`, whatever they are: they keep their owners and modes, too.
pub(crate) fn keep_awaited<'m>(manifest: &'m Manifest, site: &Site, staying: &HashSet<&str>, values: &mut Values<'m>) -> Kept {
    let is_kept = |secret: &Secret| staying.contains(secret.name.as_str());
    keep_those(manifest, site, is_kept, |_, _| true, values)
}

/// Adds the live values of secrets to `values` whose files no key of this run opens. If all of a file are live, the run before has opened it,
/// and nothing is wrong. Of any other file it is a failure.
pub(crate) fn keep_unopened<'m>(manifest: &'m Manifest, site: &Site, lacks: &mut Lacks, values: &mut Values<'m>) -> Kept {
    let unopened = std::mem::take(&mut lacks.unopened);
    let mut kept = keep_awaited(manifest, site, &staying(manifest, &unopened, false), values);
    let is_lacking = |failure: &Failure| !failure.entries.iter().all(|name| values.contains_key(name.as_str()));
    let lacking: Vec<_> = unopened.into_iter().filter(is_lacking).collect();
    lacks.may_come |= !lacking.is_empty();
    lacks.failures.extend(lacking);
    kept.names
        .retain(|name| lacks.failures.iter().any(|failure| failure.entries.contains(name)));
    kept
}

/// Adds the live values of secrets to `values`. A secret without a live value is left out. So is one whose value `is_fit` refuses.
fn keep_those<'m>(
    manifest: &'m Manifest,
    site: &Site,
    is_kept: impl Fn(&Secret) -> bool,
    is_fit: impl Fn(&Secret, &Plaintext) -> bool,
    values: &mut Values<'m>,
) -> Kept {
    let wanted: Vec<_> = manifest.secrets.iter().filter(|secret| is_kept(secret)).collect();
    let places = wanted.iter().map(|secret| PlaceInGeneration::of_secret(&secret.name));
    let (contents, mut kept) = live(manifest, site, &places.collect::<Vec<_>>());
    for (secret, content) in wanted.into_iter().zip(contents) {
        if let Some(content) = content.filter(|content| is_fit(secret, content)) {
            values.insert(secret.name.as_str(), Arc::new(content));
            kept.names.push(secret.name.to_string());
        }
    }
    kept
}

/// Puts the live texts of awaited templates into `rendered`, so that no text has old values beside new ones. `rendered` has a place for each
/// template of the manifest. A template that is not live is left out.
pub(crate) fn keep_templates(manifest: &Manifest, site: &Site, awaited: &[Failure], rendered: &mut [Option<Plaintext>]) -> Kept {
    let awaited = names_of(awaited);
    let templates = manifest.templates.iter().zip(rendered);
    let wanted: Vec<(&Template, &mut Option<Plaintext>)> = templates
        .filter(|(template, _)| awaited.contains(template.name.as_str()))
        .collect();
    let places = wanted
        .iter()
        .map(|(template, _)| PlaceInGeneration::of_template(&template.name));
    let (contents, mut kept) = live(manifest, site, &places.collect::<Vec<_>>());
    for ((template, rendered), content) in wanted.into_iter().zip(contents) {
        if let Some(content) = content {
            *rendered = Some(content);
            kept.names.push(template.name.to_string());
        }
    }
    kept
}

/// What is live at these places, and nothing kept yet; or why it cannot be read.
fn live(manifest: &Manifest, site: &Site, places: &[PlaceInGeneration<'_>]) -> (Vec<Option<Plaintext>>, Kept) {
    if places.is_empty() {
        return Default::default();
    }
    match install::live_contents(site, places, manifest.max_size) {
        Ok(contents) => (contents, Kept::default()),
        Err(error) => {
            let failure = Failure {
                diagnosis: error.diagnosis,
                entries: Vec::new(),
                kind: EntryKind::Secret,
                sops_file: None,
                is_tolerated: false,
            };
            let kept = Kept {
                names: Vec::new(),
                failures: vec![failure],
            };
            (Vec::new(), kept)
        }
    }
}

fn names_of(failures: &[Failure]) -> HashSet<&str> {
    failures
        .iter()
        .flat_map(|failure| &failure.entries)
        .map(String::as_str)
        .collect()
}
