//! A key group of a sops file, and its recipient entries, while the data key is looked for.

use super::failure::EntryFailure;
use crate::{sops::metadata::MasterKey, system::plaintext::Plaintext};

/// One key group: recipient entries of which any one opens the group.
pub(crate) struct Group {
    pub entries: Vec<RecipientEntry>,
    is_open: bool,
}

/// One recipient entry of the metadata.
pub(crate) struct RecipientEntry {
    pub key: MasterKey,
    /// The reasons why the entry was not opened, each once.
    pub failures: Vec<EntryFailure>,
    /// The data key or share that the entry gave. `None` while the entry is closed.
    part: Option<Plaintext>,
    /// Whether the entry names a key at hand. Such entries are tried first.
    pub is_ours: bool,
}

/// The position of a recipient entry in its file: the index of its key group, and its index in that group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EntryIndex {
    pub group: usize,
    pub entry: usize,
}

impl Group {
    /// A group with a recipient entry for each of `keys`. All entries are closed.
    pub(crate) fn new(keys: &[MasterKey]) -> Self {
        let entry = |key: &MasterKey| RecipientEntry {
            key: key.clone(),
            failures: Vec::new(),
            part: None,
            is_ours: false,
        };
        Self {
            entries: keys.iter().map(entry).collect(),
            is_open: false,
        }
    }

    /// Whether a recipient entry of the group was opened.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Keeps `part`, the data key or share that the recipient entry at the index `entry` gave. The group is open from now on.
    pub(crate) fn take(&mut self, entry: usize, part: Plaintext) {
        if let Some(entry) = self.entries.get_mut(entry) {
            entry.part = Some(part);
            self.is_open = true;
        }
    }

    /// The data key or share that the entry `new` of the group gave. If `new` is `None`, the first data key or share that the
    /// entries of the group gave, in the order of the file.
    pub(crate) fn part(&self, new: Option<EntryIndex>) -> Option<&[u8]> {
        match new {
            Some(new) => self.entries.get(new.entry)?.part(),
            None => self.entries.iter().find_map(RecipientEntry::part),
        }
    }

    /// The last data key or share that the entries of the group gave, in the order of the file. `None` if no entry has given one.
    pub(crate) fn last_part(&self) -> Option<&[u8]> {
        self.entries.iter().rev().find_map(RecipientEntry::part)
    }
}

impl RecipientEntry {
    /// Whether no data key or share could be decrypted from the entry so far.
    pub(crate) fn is_closed(&self) -> bool {
        self.part.is_none()
    }

    /// The data key or share that the entry gave. `None` while the entry is closed.
    fn part(&self) -> Option<&[u8]> {
        Some(self.part.as_ref()?.expose())
    }

    /// Notes why the entry was not opened.
    pub(crate) fn fail(&mut self, failure: EntryFailure) {
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }
}
