//! The path of a value in a sops file, with which sops authenticates the value.

use super::tree::shown_path;

/// The path of the current value: the keys from the document down to the value. Positions in lists are not part of the path,
/// because sops does not authenticate positions.
#[derive(Default)]
pub(crate) struct Path {
    /// All keys of the path, each followed by a colon. sops authenticates a value with this text.
    joined: Vec<u8>,
    steps: Vec<PathKey>,
}

/// One key of the path of a value.
struct PathKey {
    /// The offset of the key in the joined path, in bytes.
    start: usize,
    /// Whether the selection rule matched this key or a key above it in the path.
    matched: bool,
}

impl Path {
    /// Adds a key to the path, before the value of the key is decrypted. `matched` says whether the selection rule matches the
    /// key.
    pub(crate) fn push(&mut self, key: &[u8], matched: bool) {
        let step = PathKey {
            start: self.joined.len(),
            matched: matched || self.matched(),
        };
        self.steps.push(step);
        self.joined.extend_from_slice(key);
        self.joined.push(b':');
    }

    /// Removes the last key from the path, after the value of the key was decrypted.
    pub(crate) fn pop(&mut self) {
        if let Some(step) = self.steps.pop() {
            self.joined.truncate(step.start);
        }
    }

    /// Whether the selection rule matched any key of the path.
    pub(crate) fn matched(&self) -> bool {
        self.steps.last().is_some_and(|step| step.matched)
    }

    /// The associated data of a value with this path: the joined path, or a single colon if the path has no keys.
    pub(crate) fn associated(&self) -> &[u8] {
        if self.joined.is_empty() { b":" } else { &self.joined }
    }

    /// The path as messages show it: the keys, joined by slashes.
    pub(crate) fn display(&self) -> String {
        let ends = self.steps.iter().skip(1).map(|step| step.start);
        let keys = self.steps.iter().zip(ends.chain([self.joined.len()]));
        let keys = keys.filter_map(|(step, end)| self.joined.get(step.start..end.checked_sub(1)?));
        shown_path(&keys.collect::<Vec<_>>())
    }
}
