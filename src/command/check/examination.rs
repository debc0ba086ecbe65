//! Examines one file: whether it is encrypted, as a whole and value by value, and as its rule says.

use super::{difference, problem::FileProblem};
use crate::{
    command::sops_text,
    program::remedy::{self, Editable},
    sops::{SopsFile, ValueState, creation_rules::CreationRule, format::Format, key::marked},
    text::diagnosis::Diagnosis,
};

/// What a text is.
pub(crate) enum Finding<'t> {
    /// A sops file.
    SopsFile(Format, Box<SopsFile<'t>>),
    /// A text that sops has encrypted once, and that is damaged or unfinished since.
    Damaged(Diagnosis),
    /// A text that sops has not encrypted.
    Plain(Diagnosis),
}

/// Finds out what a text is.
pub(crate) fn look<'t>(text: &'t [u8], file: Editable<'_>) -> Finding<'t> {
    if file.format() != Format::Binary
        && let Some(conflict) = remedy::merge_conflict(text, file)
    {
        return Finding::Damaged(conflict);
    }
    match sops_text::parse(text, file, false) {
        Ok((format, parsed)) => Finding::SopsFile(format, Box::new(parsed)),
        Err(diagnosis) if remedy::was_encrypted(text) => Finding::Damaged(diagnosis),
        Err(diagnosis) => Finding::Plain(diagnosis),
    }
}

/// All that is wrong with a sops file.
pub(crate) fn problems(sops_file: &mut SopsFile<'_>, text: &[u8], rule: &CreationRule, file: Editable<'_>) -> Vec<FileProblem> {
    if let Some(damage) = damage(sops_file, text, file) {
        return vec![FileProblem::new("damaged", damage)];
    }
    let mut problems = values(sops_file, file);
    problems.extend(repeated(sops_file, file));
    problems.extend(difference::problems(sops_file, rule, file));
    problems
}

/// Why sops cannot open the file with any key.
fn damage(sops_file: &SopsFile<'_>, text: &[u8], file: Editable<'_>) -> Option<Diagnosis> {
    if let Some(error) = sops_file.mac_fault() {
        return Some(remedy::without_key(&error, text, file));
    }
    let cause = "it does not name the version of sops that wrote it, so sops does not open it";
    let is_version = is_version(&sops_file.metadata().version);
    (!is_version).then(|| Diagnosis::new(cause, remedy::RESTORE))
}

/// Whether sops can read the text as a version, such as `3.13.3`.
fn is_version(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(3, '.').collect();
    let begins_with_digit = |part: &&str| part.starts_with(|digit: char| digit.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(begins_with_digit)
}

/// Values that are not as the selection rule of the file says.
fn values(sops_file: &mut SopsFile<'_>, file: Editable<'_>) -> Vec<FileProblem> {
    let values = match sops_file.survey() {
        Ok(values) => values,
        Err(error) => {
            return vec![FileProblem::new(
                "damaged",
                Diagnosis::new(error.to_string(), remedy::RESTORE),
            )];
        }
    };
    let in_state = |state| {
        let keys = values.iter().filter(move |value| value.state == state);
        counted(keys.map(|value| value.key.to_string()))
    };
    let plain = in_state(ValueState::Unprotected).map(|keys| {
        let cause = format!("{keys} in the clear, although the file says encrypted");
        FileProblem::new("plain-value", Diagnosis::new(cause, remedy::plain_value(file)))
    });
    let unread = in_state(ValueState::NotDecrypted).map(|keys| {
        let cause = format!("{keys} encrypted, although the file says in the clear");
        FileProblem::new("encrypted-value", Diagnosis::new(cause, remedy::RESTORE))
    });
    plain.into_iter().chain(unread).collect()
}

/// Keys that are twice in one map. YAML with such a key is no sops file at all.
fn repeated(sops_file: &SopsFile<'_>, file: Editable<'_>) -> Option<FileProblem> {
    let keys = counted(sops_file.repeated().into_iter().map(|key| key.to_string()))?;
    let remedy = format!(
        "remove all but one of them in a text editor; if the file was encrypted like this, {}",
        file.sops("edit")
    );
    Some(FileProblem::new(
        "repeated-key",
        Diagnosis::new(format!("{keys} there more than once"), remedy),
    ))
}

/// The first of these keys, the number of the others, and a verb.
fn counted(keys: impl Iterator<Item = String>) -> Option<String> {
    let mut keys = keys.peekable();
    let first = marked(&keys.next()?);
    Some(match keys.count() {
        0 => format!("{first} is"),
        1 => format!("{first} and one more are"),
        more => format!("{first} and {more} more are"),
    })
}
