//! One key group of a closed file, as the report shows it.

use super::recipient::RecipientRow;
use crate::keys::{group::Group, keyring::Keyring};

/// This many recipient entries at the beginning of a group are always shown. Later entries are shown only if they have a note.
const MOST_ENTRIES: usize = 30;
/// Limit: at most this many recipient entries of a group are shown.
const MOST_LINES: usize = 100;

/// A key group in the report. The group itself may be open, if other groups that are needed are closed.
#[derive(Debug)]
pub(crate) struct ClosedGroup {
    pub entries: Vec<RecipientRow>,
    pub is_open: bool,
}

impl ClosedGroup {
    pub(crate) fn new(group: &Group, keyring: &Keyring) -> Self {
        Self {
            entries: group.entries.iter().map(|entry| RecipientRow::new(entry, keyring)).collect(),
            is_open: group.is_open(),
        }
    }

    /// The lines of the report for the recipient entries of the group. The first `MOST_ENTRIES` entries are always shown, and
    /// later entries only if they have a note. At most `MOST_LINES` entries are shown, and the last line counts the others.
    pub(crate) fn lines(&self, indent: &str) -> Vec<String> {
        let entries = self.entries.iter().enumerate();
        let shown = entries
            .filter(|(index, entry)| *index < MOST_ENTRIES || entry.has_notes())
            .take(MOST_LINES);
        let mut lines: Vec<_> = shown.map(|(_, entry)| entry.line(indent)).collect();
        match self.entries.len() - lines.len() {
            0 => {}
            more => lines.push(format!("{indent}and {more} more")),
        }
        lines
    }
}
