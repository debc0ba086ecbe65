//! Mocks: dummies in the place of all secrets, for virtual machines and tests that have no key.

use std::sync::Arc;

use super::{contents::Values, trim::trimmed};
use crate::{
    install::{AtPath, Entry, EntryKind, EntryName, Owner},
    manifest::{MOCK_MARK, Manifest, Secret, Selection},
    sops::{env_file::EnvFile, format::Format, part::PartForm},
    system::{mode::FileMode, plaintext::Plaintext},
    text::{diagnosis::Diagnosis, printable::shown},
    transform::{SaltKey, Transform},
};

/// What the mark says to whoever reads it.
const MARK_TEXT: &[u8] = b"All secrets here are dummies, because sops.mock is on.\n";

/// Everybody may know that the secrets are dummies.
const MARK_MODE: FileMode = FileMode::of_bits(0o444);

/// Limit: a dummy that is hashed has at most 72 bytes, because bcrypt counts no more.
const MOST_OF_PASSWORD: usize = 72;

/// The dummies of all secrets of a manifest. Nothing is read for them.
pub(crate) fn values(manifest: &Manifest) -> Values<'_> {
    // A mock has no data key, and the dummies are no secrets.
    let key = SaltKey::of(&Plaintext::default());
    let content = |secret: &Secret| {
        trimmed(
            Arc::new(transformed(value(secret), secret, &manifest.host_name, &key)),
            secret.trim,
        )
    };
    let secrets = manifest.secrets.iter();
    secrets.map(|secret| (secret.name.as_str(), content(secret))).collect()
}

/// What becomes of the value that stands for a secret: a hash is one of the dummy, so that the dummy is the password. A dummy that this
/// program makes is as if it were decoded already.
fn transformed(value: Plaintext, secret: &Secret, host: &str, key: &SaltKey) -> Plaintext {
    let transform = match (&secret.transform, &secret.mock_value) {
        (None, _) | (Some(Transform::Base64Decode), None) => return value,
        (Some(transform), _) => transform,
    };
    // Neither the manifest nor this program has a text that cannot be transformed.
    let salts = key.salts(host, secret.name.as_str());
    transform.apply(&value, &salts).unwrap_or(value)
}

/// What stands for a secret. Variables are written for their reader, as those of a sops file are.
fn value(secret: &Secret) -> Plaintext {
    let text = secret.mock_value.clone().unwrap_or_else(|| dummy(secret));
    let for_reader = match &secret.selection {
        // The manifest has no text that its form cannot hold.
        Selection::Part(_, PartForm::Variables(form)) => EnvFile::of_dotenv(*form, text.as_bytes()).ok(),
        _ => None,
    };
    for_reader.unwrap_or_else(|| Plaintext::from(text))
}

/// The dummy of a secret: for a value, a word that names the secret, and for a whole file or a part of one, a text of the same format or
/// form with this word in it.
fn dummy(secret: &Secret) -> String {
    let mut word = word(secret.name.as_str());
    if secret.transform.is_some() {
        word.truncate(MOST_OF_PASSWORD);
    }
    match (&secret.selection, secret.format) {
        (Selection::Key(_) | Selection::Text(_), _) => word,
        (Selection::Whole, Format::Yaml) | (Selection::Part(_, PartForm::Yaml), _) => format!("mock: {word}\n"),
        (Selection::Whole, Format::Json) | (Selection::Part(_, PartForm::Json), _) => format!("{{\"mock\": \"{word}\"}}\n"),
        (Selection::Whole, Format::Dotenv) | (Selection::Part(_, PartForm::Variables(_)), _) => format!("MOCK={word}\n"),
        (Selection::Whole, Format::Ini) => format!("[mock]\nmock = {word}\n"),
        (Selection::Whole, Format::Binary) | (Selection::Part(_, PartForm::Lines), _) => format!("{word}\n"),
    }
}

/// `MOCK-` and the name. Other characters than letters, digits, dots, dashes and underscores become dashes, so that the word needs
/// no quotes, whatever it is put into.
fn word(name: &str) -> String {
    let plain = |character: char| match character {
        '.' | '_' => character,
        character if character.is_ascii_alphanumeric() => character,
        _ => '-',
    };
    format!("MOCK-{}", name.chars().map(plain).collect::<String>())
}

/// The file that marks the secrets of a generation as dummies, if the manifest is a mock. It belongs to `owner`.
pub(crate) fn mark(manifest: &Manifest, owner: Owner) -> Option<Entry<'static>> {
    let name = EntryName::new(MOCK_MARK).ok().filter(|_| manifest.is_mock)?;
    Some(Entry {
        kind: EntryKind::Secret,
        name,
        content: MARK_TEXT,
        mode: MARK_MODE,
        owner,
        path: None,
        at_path: AtPath::Link,
        watch_file: None,
        restart_units: &[],
        reload_units: &[],
    })
}

/// The warning that a host must not miss.
pub(crate) fn warning(manifest: &Manifest) -> Option<Diagnosis> {
    let cause = || {
        format!(
            "all secrets in {} are dummies, because sops.mock is on",
            shown(&manifest.link)
        )
    };
    let remedy = "on a real host, set sops.mock to false, and switch";
    manifest.is_mock.then(|| Diagnosis::new(cause(), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_dummy_needs_no_quotes() {
        assert_eq!(word("db/password"), "MOCK-db-password");
        assert_eq!(word("a b'c\"d$e\u{fc}.f_g-h"), "MOCK-a-b-c-d-e-.f_g-h");
    }
}
