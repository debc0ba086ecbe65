//! The contents of all secrets, in memory.

use std::{collections::HashMap, sync::Arc};

use super::{
    lacks::Lacks,
    sops_files::{Awaited, FileFacts, OpenedFile, Source, Unopened},
    trim::trimmed,
};
use crate::{
    manifest::Secret,
    system::{plaintext::Plaintext, progress::during},
    transform::{Salts, TransformError},
};

/// The contents of the secrets that did not fail, by the name of the secret.
pub(crate) type Values<'m> = HashMap<&'m str, Arc<Plaintext>>;

/// What the sops files gave.
pub(crate) struct Collected<'m> {
    /// The contents of the secrets.
    pub(crate) values: Values<'m>,
    /// What the files that were decrypted say of themselves.
    pub(crate) files: Vec<FileFacts>,
    /// What they do not give: first whole files, then single secrets.
    pub(crate) lacks: Lacks,
}

/// Collects the contents of all secrets, transformed and trimmed, and what is lacking, or `awaited`. `host` is the name of the host.
pub(crate) fn collect<'m>(
    host: &str,
    opened: Vec<(Source<'m>, Result<OpenedFile, Unopened>)>,
    awaited: Awaited,
) -> Collected<'m> {
    let secrets = || opened.iter().flat_map(|(source, _)| source.secrets());
    if secrets().any(|secret| secret.transform.is_some()) {
        during("the hashes of passwords".to_owned(), || collect_all(host, opened, awaited))
    } else {
        collect_all(host, opened, awaited)
    }
}

fn collect_all<'m>(host: &str, opened: Vec<(Source<'m>, Result<OpenedFile, Unopened>)>, awaited: Awaited) -> Collected<'m> {
    let (mut values, mut files) = (Values::new(), Vec::new());
    let (mut whole, mut single) = (Lacks::default(), Lacks::default());
    for (source, opened) in opened {
        let OpenedFile {
            contents,
            facts,
            salt_key,
        } = match opened {
            Ok(opened) => opened,
            Err(error) => {
                whole.add(source.without_file(error, awaited));
                continue;
            }
        };
        files.push(facts);
        for (secret, content) in source.secrets().iter().zip(contents) {
            let content = match content {
                Ok(content) => content,
                Err(error) => {
                    single.add(source.without_content(secret, &error));
                    continue;
                }
            };
            match transformed(content, secret, &salt_key.salts(host, secret.name.as_str())) {
                Ok(content) => drop(values.insert(secret.name.as_str(), trimmed(content, secret.trim))),
                Err(error) => single.add(source.untransformed(secret, error).into()),
            }
        }
    }
    Collected {
        values,
        files,
        lacks: whole.and(single),
    }
}

/// What the manifest says that becomes of the content of a secret.
fn transformed(content: Arc<Plaintext>, secret: &Secret, salts: &Salts<'_>) -> Result<Arc<Plaintext>, TransformError> {
    match &secret.transform {
        Some(transform) => transform.apply(&content, salts).map(Arc::new),
        None => Ok(content),
    }
}
