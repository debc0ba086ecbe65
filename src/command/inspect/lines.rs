//! An inspection as lines for scripts: a word, and fields behind tabs.

use super::inspection::{FileRecipient, InspectedValue, Inspection, MacCover};
use crate::{command::layout::line, sops::ValueState};

/// The lines of an inspection.
pub(crate) fn text(inspection: &Inspection) -> String {
    let mut text = [
        line(&["format", &inspection.format]),
        line(&["version", &inspection.version]),
        line(&["lastmodified", &inspection.last_modified]),
        line(&["mac", mac(inspection.mac)]),
        line(&["rule", inspection.rule.field, &inspection.rule.value]),
        line(&["needed", &inspection.needed_groups.to_string()]),
    ]
    .concat();
    for (number, group) in (1..).zip(&inspection.groups) {
        let entries = group.recipients.iter();
        let entry = |entry: &FileRecipient| line(&["recipient", &number.to_string(), entry.kind, &entry.recipient]);
        text.extend(entries.map(entry));
    }
    text.extend(inspection.values.iter().map(value));
    text
}

fn value(value: &InspectedValue) -> String {
    let document = value.document.to_string();
    let kind = value.r#type.unwrap_or_default();
    line(&["value", &document, state(value.state), kind, &value.key])
}

/// The word for what a MAC covers.
fn mac(cover: MacCover) -> &'static str {
    match cover {
        MacCover::All => "all",
        MacCover::Encrypted => "encrypted",
        MacCover::None => "none",
    }
}

/// The word for a state. JSON has the same.
fn state(state: ValueState) -> &'static str {
    match state {
        ValueState::Encrypted => "encrypted",
        ValueState::Clear => "clear",
        ValueState::Empty => "empty",
        ValueState::Unprotected => "unprotected",
        ValueState::Unread => "unread",
    }
}
