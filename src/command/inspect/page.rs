//! An inspection as a page for people.

use super::inspection::{InspectedValue, Inspection, MacCover, RecipientGroup, SelectionRule};
use crate::{
    command::layout::columns,
    keys::report::recipient::shown_age,
    sops::ValueState,
    text::printable::{one_line, quoted},
};

/// The page of an inspection.
pub(crate) fn text(inspection: &Inspection) -> String {
    [head(inspection), recipients(inspection), values(&inspection.values)].join("\n")
}

/// What the file is, and what its rule and its MAC say.
fn head(inspection: &Inspection) -> String {
    let version = match inspection.version.as_str() {
        "" => "unknown version".to_owned(),
        version => one_line(version),
    };
    let rows = [
        ("format", inspection.format.clone()),
        ("sops", version),
        ("last change", inspection.last_modified.clone()),
        ("encrypted", rule(&inspection.rule)),
        ("MAC", mac(inspection.mac).to_owned()),
    ];
    let rows = rows.map(|(name, value)| vec![name.to_owned(), value]);
    format!("{}\n{}", inspection.file, columns("  ", &rows))
}

fn rule(rule: &SelectionRule) -> String {
    let value = quoted(&rule.value);
    match rule.field {
        "encrypted_suffix" => format!("what is below keys that end in {value}"),
        "unencrypted_regex" => format!("all but what is below keys that match {value}"),
        "encrypted_regex" => format!("what is below keys that match {value}"),
        "unencrypted_comment_regex" => format!("all but what is below comments that match {value}"),
        "encrypted_comment_regex" => format!("what is below comments that match {value}"),
        _ => format!("all but what is below keys that end in {value}"),
    }
}

fn mac(cover: MacCover) -> &'static str {
    match cover {
        MacCover::All => "covers all values",
        MacCover::Encrypted => "covers the encrypted values alone",
        MacCover::None => "missing: nothing shows whether the file was changed",
    }
}

/// Who can open the file.
fn recipients(inspection: &Inspection) -> String {
    if let [group] = inspection.groups.as_slice() {
        return format!("any one of these opens it:\n{}", group_rows("  ", group));
    }
    let groups = (1..).zip(&inspection.groups);
    let groups = groups.map(|(number, group)| format!("  group {number}, any one of:\n{}", group_rows("    ", group)));
    format!(
        "{} of these {} groups together open it:\n{}",
        inspection.needed_groups,
        inspection.groups.len(),
        groups.collect::<String>()
    )
}

fn group_rows(indent: &str, group: &RecipientGroup) -> String {
    let row = |kind: &str, recipient: &str| vec![kind.to_owned(), shown_age(recipient)];
    let rows: Vec<_> = group
        .recipients
        .iter()
        .map(|entry| row(entry.kind, &entry.recipient))
        .collect();
    columns(indent, &rows)
}

/// The table of values. The column for documents is there only if there are several.
fn values(values: &[InspectedValue]) -> String {
    let has_several = values.iter().any(|value| value.document > 1);
    let title = ["DOCUMENT", "KEY", "TYPE", "STATE"].map(str::to_owned).to_vec();
    let rows = values.iter().map(|value| {
        let kind = value.r#type.unwrap_or("-").to_owned();
        vec![
            value.document.to_string(),
            one_line(&value.key),
            kind,
            state(value.state).to_owned(),
        ]
    });
    let skipped = usize::from(!has_several);
    let rows: Vec<_> = [title]
        .into_iter()
        .chain(rows)
        .map(|row| row.into_iter().skip(skipped).collect())
        .collect();
    columns("", &rows)
}

fn state(state: ValueState) -> &'static str {
    match state {
        ValueState::Encrypted => "encrypted",
        ValueState::Clear => "in the clear",
        ValueState::Empty => "empty",
        ValueState::Unprotected => {
            "IN THE CLEAR, although the rule says encrypted: no program decrypts the file until the value is removed"
        }
        ValueState::NotDecrypted => "encrypted, although the rule says in the clear: sops gives the ciphertext as the value",
    }
}
