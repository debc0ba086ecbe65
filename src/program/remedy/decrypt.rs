//! Remedies for a sops file that cannot be decrypted, although its data key is known.

use super::{
    cut_off::{MOST_EXPLAINED, ends_within_mac, lacks_end},
    editable::{Editable, RESTORE},
};
use crate::{
    sops::{DecryptError, SopsFile, format::Format},
    system::plaintext::Plaintext,
    text::{
        diagnosis::Diagnosis,
        encoding::{self, Encoding},
    },
};

/// Describes why `text` could not be decrypted with the data key `key`, and the remedy. `error` is the error of the decryption.
pub(crate) fn undecryptable(error: &DecryptError, text: &[u8], key: &Plaintext, file: Editable<'_>) -> Diagnosis {
    match Encoding::of(text).filter(|_| explains(text, key, file.format())) {
        Some(encoding) => file.recoded(encoding),
        None => without_key(error, text, file),
    }
}

/// Describes why `text` cannot be decrypted, whatever its data key is, and the remedy.
pub(crate) fn without_key(error: &DecryptError, text: &[u8], file: Editable<'_>) -> Diagnosis {
    if is_cut_off(error, text, file.format()) {
        return Diagnosis::new("it is cut off: its end, which has the MAC, is missing", RESTORE);
    }
    Diagnosis::new(error.to_string(), remedy(error, file))
}

/// Whether the MAC is missing or incomplete because the end of the file is missing.
fn is_cut_off(error: &DecryptError, text: &[u8], format: Format) -> bool {
    match error {
        DecryptError::NoMac => lacks_end(text, format),
        DecryptError::BrokenMac => ends_within_mac(text),
        _ => false,
    }
}

/// Whether the file could be decrypted if its encoding or line ends were repaired. False unless the format is dotenv or INI,
/// because only in these formats can a line end be part of a value. In the others, a wrong encoding is already found when the
/// file is parsed.
fn explains(text: &[u8], key: &Plaintext, format: Format) -> bool {
    matches!(format, Format::Dotenv | Format::Ini)
        && text.len() <= MOST_EXPLAINED
        && encoding::mended(text).is_some_and(|text| SopsFile::parse(format, &text).is_ok_and(|file| file.decrypt(key).is_ok()))
}

fn remedy(error: &DecryptError, file: Editable<'_>) -> String {
    match error {
        DecryptError::DataKey(_) | DecryptError::Value { .. } | DecryptError::LongValue => RESTORE.to_owned(),
        DecryptError::Rule(_) => format!("{RESTORE}, or choose a simpler pattern"),
        DecryptError::LongPaths => format!("{RESTORE}, or shorten the keys"),
        DecryptError::NotEncrypted { .. } => plain_value(file),
        DecryptError::Key { .. } => format!(
            "remove that key by hand; then, to add it again in quotes, {}",
            file.sops("edit --ignore-mac")
        ),
        DecryptError::Joined { .. } => "move that document to a file of its own, without the line --- above it".to_owned(),
        DecryptError::NoMac | DecryptError::BrokenMac | DecryptError::WrongMac => {
            format!(
                "{RESTORE}; if you have checked the change and accept it, {}",
                file.sops("--ignore-mac --rotate --in-place")
            )
        }
    }
}

/// The remedy for a value that is in the clear, although it should be encrypted. sops does not open such a file, so somebody must
/// first remove the value by hand.
pub(crate) fn plain_value(file: Editable<'_>) -> String {
    format!(
        "remove the value by hand; then, to add it again, {}",
        file.sops("edit --ignore-mac")
    )
}
