//! A sops file that does not decrypt, although its data key is there.

use super::{
    cut_off::{MOST_EXPLAINED, ends_within_mac, lacks_end},
    editable::{Editable, RESTORE},
};
use crate::{
    sops::{DecryptError, SopsFile, format::Format},
    system::plaintext::Plaintext,
    text::encoding::{self, Encoding},
};

/// What is wrong with `text`, which gave `error` under `key`, and what to do about it.
pub(crate) fn undecryptable(error: &DecryptError, text: &[u8], key: &Plaintext, file: Editable<'_>) -> String {
    match Encoding::of(text).filter(|_| explains(text, key, file.format())) {
        Some(encoding) => format!("{encoding}; {}", file.run(|file| encoding.command(file))),
        None if is_cut_off(error, text, file.format()) => format!("its end is missing, and with it the MAC; {RESTORE}"),
        None => format!("{error}; {}", remedy(error, file)),
    }
}

/// Whether the MAC is missing, or not wholly there, because the end of the file is.
fn is_cut_off(error: &DecryptError, text: &[u8], format: Format) -> bool {
    match error {
        DecryptError::NoMac => lacks_end(text, format),
        DecryptError::BrokenMac => ends_within_mac(text),
        _ => false,
    }
}

/// Whether the file decrypts but for what happened to its encoding or its line ends. Where those are no part of a value, that has been
/// seen to when it was parsed.
fn explains(text: &[u8], key: &Plaintext, format: Format) -> bool {
    matches!(format, Format::Dotenv | Format::Ini)
        && text.len() <= MOST_EXPLAINED
        && encoding::mended(text).is_some_and(|text| SopsFile::parse(format, &text).is_ok_and(|file| file.decrypt(key).is_ok()))
}

fn remedy(error: &DecryptError, file: Editable<'_>) -> String {
    match error {
        DecryptError::DataKey(_) | DecryptError::Value { .. } => RESTORE.to_owned(),
        DecryptError::Rule(_) => format!("{RESTORE}, or choose a simpler one"),
        DecryptError::LongPaths => format!("{RESTORE}, or shorten the keys"),
        // sops does not open such a file either, so the value has to be out of it first.
        DecryptError::NotEncrypted { .. } | DecryptError::Key { .. } => {
            format!(
                "take it out of the file by hand, and to add it again, {}",
                file.sops("edit --ignore-mac")
            )
        }
        DecryptError::Joined { .. } => "move it, without the line --- above it, to a file of its own".to_owned(),
        DecryptError::NoMac | DecryptError::BrokenMac | DecryptError::WrongMac => {
            format!(
                "{RESTORE}, or check the change and accept it, {}",
                file.sops("--ignore-mac --rotate --in-place")
            )
        }
    }
}
