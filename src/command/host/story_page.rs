//! Prints the story of a secret: as a page for people, and as lines for scripts.

use super::{
    entry_status::{EntryState, EntryStatus},
    story::{Story, StoryRecipient},
};
use crate::{
    command::layout::{columns, line},
    keys::report::recipient::shown_age,
    text::printable::{named, one_line, quoted},
};

/// The page of a story.
pub(crate) fn page(story: &Story) -> String {
    let entry = &story.entry;
    let mut rows = vec![("option", story.option.clone()), ("phase", story.phase.word().to_owned())];
    if let Some(file) = &entry.sops_file {
        let key = entry.key.as_deref().unwrap_or_default();
        let key = if key.is_empty() {
            "the whole file".to_owned()
        } else {
            format!("key {}", named(key))
        };
        let changed = story
            .file_changed
            .as_ref()
            .map(|time| format!(", changed {}", one_line(time)));
        rows.push(("from", format!("{}, {key}{}", quoted(file), changed.unwrap_or_default())));
    }
    rows.extend(entry.form.map(|form| ("as", form.to_owned())));
    rows.extend(entry.transform.clone().map(|transform| ("transform", transform)));
    rows.push(("state", state(entry)));
    rows.push((
        "owner",
        format!("{}, mode {}", quoted(&format!("{}:{}", entry.owner, entry.group)), entry.mode),
    ));
    let users: Vec<_> = ["root".to_owned()]
        .into_iter()
        .chain(story.may_read.iter().map(|user| quoted(user)))
        .collect();
    rows.push(("may be read by", users.join(", ")));
    let readers: Vec<_> = story
        .readers
        .iter()
        .map(|reader| format!("{} ({})", quoted(&reader.unit), reader.by))
        .collect();
    rows.push(("is read by", or(readers.join(", "), "no unit that is known")));
    rows.push(("changed", changed(story)));
    let units: Vec<_> = entry.restart_units.iter().map(|unit| quoted(unit)).collect();
    rows.push(("restarts", or(units.join(", "), "nothing")));
    if !entry.reload_units.is_empty() {
        let units: Vec<_> = entry.reload_units.iter().map(|unit| quoted(unit)).collect();
        rows.push(("reloads", units.join(", ")));
    }
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    format!(
        "{} {}\n{}{}",
        entry.kind,
        named(&entry.name),
        columns("  ", &rows),
        table(&story.recipients)
    )
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

fn state(entry: &EntryStatus) -> String {
    match entry.state {
        EntryState::Installed => format!("installed at {}", quoted(&entry.path)),
        state => format!("{} at {}", state.adjective(), quoted(&entry.path)),
    }
}

fn changed(story: &Story) -> String {
    match (&story.changed, story.restarted.is_empty()) {
        (None, _) => "not recorded".to_owned(),
        (Some(time), true) => time.clone(),
        (Some(time), false) => {
            let units: Vec<_> = story.restarted.iter().map(|unit| quoted(unit)).collect();
            format!("{time}, and restarted or reloaded {}", units.join(", "))
        }
    }
}

/// The recipients of the file against the keys of this host.
fn table(recipients: &[StoryRecipient]) -> String {
    if recipients.is_empty() {
        return String::new();
    }
    let has_groups = recipients.iter().any(|recipient| recipient.group > 1);
    let row = |recipient: &StoryRecipient| {
        let group = has_groups.then(|| format!("group {}", recipient.group));
        let key = recipient
            .key
            .as_ref()
            .map_or_else(|| "-".to_owned(), |place| format!("by {place}"));
        let fields = [recipient.kind.to_owned(), shown_age(&recipient.recipient), key];
        group.into_iter().chain(fields).collect::<Vec<_>>()
    };
    let rows: Vec<_> = recipients.iter().map(row).collect();
    format!("\n  its file is opened\n{}", columns("    ", &rows))
}

/// The lines of a story for scripts.
pub(crate) fn lines(story: &Story) -> String {
    let entry = &story.entry;
    let mut text = [
        line(&["option", &story.option]),
        line(&["phase", story.phase.word()]),
        line(&["state", entry.state.word(), &entry.path]),
        line(&["owner", &entry.owner, &entry.group, &entry.mode]),
    ]
    .concat();
    if let (Some(file), Some(key)) = (&entry.sops_file, &entry.key) {
        text += &line(&["from", file, key, story.file_changed.as_deref().unwrap_or_default()]);
    }
    text.extend(entry.form.map(|form| line(&["as", form])));
    text.extend(entry.transform.as_ref().map(|transform| line(&["transform", transform])));
    for recipient in &story.recipients {
        let key = recipient.key.as_deref().unwrap_or_default();
        text += &line(&[
            "recipient",
            &recipient.group.to_string(),
            recipient.kind,
            &recipient.recipient,
            key,
        ]);
    }
    text.extend(story.may_read.iter().map(|user| line(&["may-read", user])));
    text.extend(story.readers.iter().map(|reader| line(&["reader", &reader.unit, &reader.by])));
    if let Some(changed) = &story.changed {
        text += &line(&["changed", changed, &story.restarted.join(" ")]);
    }
    text.extend(entry.restart_units.iter().map(|unit| line(&["restarts", unit])));
    text.extend(entry.reload_units.iter().map(|unit| line(&["reloads", unit])));
    text
}
