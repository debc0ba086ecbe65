//! Remedies for a text that is not a sops file of its format.

use super::{
    conflict,
    cut_off::{MOST_EXPLAINED, find, lacks_end},
    editable::{Editable, RESTORE},
};
use crate::{
    sops::{
        SopsFile, SopsFileError,
        format::{Flaw, Format},
        tree::{Branch, Key, Value},
    },
    text::{
        diagnosis::Diagnosis,
        encoding::{self, Encoding},
    },
};

/// Describes why `text` is not a sops file, and the remedy. `error` is the error of reading the text.
pub(crate) fn unusable(error: &SopsFileError, text: &[u8], file: Editable<'_>) -> Diagnosis {
    let explained = if text.len() <= MOST_EXPLAINED {
        look_again(text, file)
    } else {
        None
    };
    explained.unwrap_or_else(|| by_flaw(error, text, file))
}

/// Describes a fault of the text that the error alone does not show, such as a merge conflict, and the remedy. `None` if the text has
/// no such fault.
fn look_again(text: &[u8], file: Editable<'_>) -> Option<Diagnosis> {
    if text.trim_ascii().is_empty() {
        let anew = file.sops_by_rules("edit");
        let remedy = format!("{RESTORE}; to write a new file instead, remove the empty one, and {anew}");
        return Some(Diagnosis::new("it is empty", remedy));
    }
    if let Some(encoding) = Encoding::of(text).filter(|encoding| explains(*encoding, text, file.format())) {
        return Some(file.recoded(encoding));
    }
    if let Some(conflict) = merge_conflict(text, file) {
        return Some(conflict);
    }
    let other = other_format(text, file.format())?;
    Some(Diagnosis::new(
        format!("it is {other}, not {}", file.format()),
        format!("set format = \"{other}\" for the secrets of this file"),
    ))
}

/// Describes a conflict that git has left in a text, and the remedy. `None` if there is no conflict.
pub(crate) fn merge_conflict(text: &[u8], file: Editable<'_>) -> Option<Diagnosis> {
    let line = conflict::line(text)?;
    let one_side = file.git("checkout --ours --");
    Some(Diagnosis::new(
        format!("line {line}: git left a merge conflict"),
        format!("restore one side of the conflict; while git is still merging, {one_side}"),
    ))
}

/// Whether the encoding is the reason why the text is not a sops file. UTF-16 is always the reason, except in binary files, which may
/// contain any bytes. Another encoding is the reason if the repaired text is a sops file.
fn explains(encoding: Encoding, text: &[u8], format: Format) -> bool {
    matches!(encoding, Encoding::Utf16(_)) && format != Format::Binary
        || encoding::mended(text).is_some_and(|text| SopsFile::parse(format, &text).is_ok())
}

/// The format in which the text is a sops file, if this is not the declared format. sops writes a binary file as JSON. JSON is tried
/// before YAML, because every JSON text is also YAML.
pub(crate) fn other_format(text: &[u8], declared: Format) -> Option<Format> {
    let formats = [Format::Json, Format::Yaml, Format::Dotenv, Format::Ini];
    let mut others = formats.into_iter().filter(|format| *format != declared);
    let found = others.find(|format| SopsFile::parse(*format, text).is_ok())?;
    let is_binary = found == Format::Json && SopsFile::parse(found, text).is_ok_and(|file| file.is_binary());
    Some(if is_binary { Format::Binary } else { found })
}

/// Describes the fault and the remedy, chosen by the error.
fn by_flaw(error: &SopsFileError, text: &[u8], file: Editable<'_>) -> Diagnosis {
    let with = |remedy: String| Diagnosis::new(error.to_string(), remedy);
    let format = file.format();
    match error.flaw {
        Flaw::Grammar | Flaw::RepeatedKey | Flaw::RepeatedSection | Flaw::NotAMap | Flaw::Trailing | Flaw::NoSection
            if !was_encrypted(text) =>
        {
            never_encrypted(error, text, file)
        }
        Flaw::NoSection => Diagnosis::new("it is cut off: its end, which has the sops metadata, is missing", RESTORE),
        Flaw::RepeatedSection | Flaw::Trailing => Diagnosis::new(
            format!("{error}: two files seem to be joined"),
            format!("{RESTORE}, or move one of them to a file of its own"),
        ),
        Flaw::RepeatedKey => with(format!("remove the line that was added, or {RESTORE}")),
        Flaw::Grammar | Flaw::NotAMap if lacks_end(text, format) => Diagnosis::new("its end is missing", RESTORE),
        Flaw::Pattern => with(format!("{RESTORE}, or choose a simpler pattern")),
        Flaw::TooManyKeys => {
            let fewer = file.sops("updatekeys");
            with(format!("{RESTORE}, or name fewer recipients in .sops.yaml, {fewer}"))
        }
        Flaw::Metadata if lacks_end(text, format) => Diagnosis::new(format!("{error}, and its end is missing"), RESTORE),
        Flaw::Grammar | Flaw::NotAMap | Flaw::Metadata => with(RESTORE.to_owned()),
    }
}

/// The remedy for a text that was never encrypted. If sops cannot encrypt the text as it is, the remedy first says what to correct.
fn never_encrypted(error: &SopsFileError, text: &[u8], file: Editable<'_>) -> Diagnosis {
    let encrypt = file.sops_by_rules("encrypt --in-place");
    if error.flaw != Flaw::NoSection && file.format() != Format::Binary {
        let first = match error.flaw {
            Flaw::NotAMap => "put the value below a key, because sops encrypts only maps",
            _ => "correct that line",
        };
        return Diagnosis::new(
            format!("it was never encrypted, and {error}"),
            format!("{first}; then {encrypt}"),
        );
    }
    match nameless_key(text, file.format()) {
        Some(kind) => Diagnosis::new(
            format!("it was never encrypted, and it has a key that is {kind}, but sops accepts only strings as keys"),
            format!("put quotes around such a key; then {encrypt}"),
        ),
        None => Diagnosis::new("it was never encrypted", encrypt),
    }
}

/// The type of the first key that is not a string, such as a number; `None` if all keys are strings.
fn nameless_key(text: &[u8], format: Format) -> Option<&'static str> {
    let documents = format.parse(text).ok().filter(|_| text.len() <= MOST_EXPLAINED)?;
    documents.iter().find_map(nameless_in)
}

fn nameless_in<S>(branch: &Branch<S>) -> Option<&'static str> {
    branch.items.iter().find_map(|item| match &item.key {
        Key::Other(kind) => Some(*kind),
        Key::Name(_) | Key::Comment(_) => nameless_below(&item.value),
    })
}

fn nameless_below<S>(value: &Value<S>) -> Option<&'static str> {
    match value {
        Value::Map(inner) => nameless_in(inner),
        Value::List(elements) => elements.iter().find_map(nameless_below),
        Value::Null | Value::Comment(_) | Value::Scalar(..) => None,
    }
}

/// What an encrypted value begins with.
const TOKEN: &[u8] = b"ENC[AES256_GCM,";

/// Whether the text contains a mark that only sops writes, or ends within one. In a large text, only the beginning and the end are
/// searched.
pub(crate) fn was_encrypted(text: &[u8]) -> bool {
    let head = text.get(..MOST_EXPLAINED).unwrap_or(text);
    let tail = text.get(text.len().saturating_sub(MOST_EXPLAINED)..).unwrap_or_default();
    let contains = |mark| find(head, mark).or_else(|| find(tail, mark)).is_some();
    let is_cut = (b"ENC[".len()..TOKEN.len()).any(|length| TOKEN.get(..length).is_some_and(|part| text.ends_with(part)));
    is_cut || contains(TOKEN) || contains(b"sops_version") || contains(b"BEGIN AGE ENCRYPTED FILE")
}
