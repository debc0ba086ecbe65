//! An inspection as lines for scripts: a word, and fields behind tabs.

use serde::Serialize;

use super::inspection::{FileRecipient, InspectedValue, Inspection};
use crate::command::layout::line;

/// The lines of an inspection.
pub(crate) fn text(inspection: &Inspection) -> String {
    let mut text = [
        line(&["format", &inspection.format]),
        line(&["version", &inspection.version]),
        line(&["lastmodified", &inspection.last_modified]),
        line(&["mac", &word(inspection.mac)]),
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
    line(&["value", &document, &word(value.state), kind, &value.key])
}

/// The word for what a MAC covers, or for the state of a value. JSON uses the same words.
fn word(value: impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}
