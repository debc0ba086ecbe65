//! The contents of all secrets, in memory.

use std::{collections::HashMap, sync::Arc};

use super::{
    lacks::Lacks,
    sops_files::{FileFacts, OpenedFile, Source, Unopened},
    trim::trimmed,
};
use crate::system::plaintext::Plaintext;

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

/// Collects the contents of all secrets, and what is lacking.
pub(crate) fn collect(opened: Vec<(Source<'_>, Result<OpenedFile, Unopened>)>) -> Collected<'_> {
    let (mut values, mut files) = (Values::new(), Vec::new());
    let (mut whole, mut single) = (Lacks::default(), Lacks::default());
    for (source, opened) in opened {
        let OpenedFile { contents, facts } = match opened {
            Ok(opened) => opened,
            Err(error) => {
                whole.add(source.without_file(error));
                continue;
            }
        };
        files.push(facts);
        for (secret, content) in source.secrets().iter().zip(contents) {
            match content {
                Ok(content) => drop(values.insert(secret.name.as_str(), trimmed(content, secret.trim))),
                Err(error) => single.add(source.without_content(secret, &error)),
            }
        }
    }
    Collected {
        values,
        files,
        lacks: whole.and(single),
    }
}
