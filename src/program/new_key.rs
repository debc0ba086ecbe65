//! The key that this host has made since it was started, if `sops.age.generateKey` made one.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::system::root::Root;

/// The file in which the script that makes keys says so: device, inode and time of the key file, and the recipient of the key, separated by
/// blanks. Only root can write there, and it is gone after a restart.
const NOTE: &str = "/run/sops-nix/new-key";

/// A key that was made since this host was started. Nobody can have encrypted a file to it before.
pub(crate) struct NewKey {
    /// The file in which this was said.
    note: PathBuf,
    /// Device, inode, and time of the last change in seconds since 1970, of the key file.
    identity: [String; 3],
    /// Its recipient.
    pub(crate) recipient: String,
}

impl NewKey {
    /// The new key of this host; `None` if none was made, or if what is said of it is no key.
    pub(crate) fn of(root: &Root) -> Option<Self> {
        let note = root.locate(NOTE);
        let text = fs::read_to_string(&note).ok()?;
        let words: Vec<_> = text.split_whitespace().collect();
        let [device, inode, time, recipient] = words.as_slice() else {
            return None;
        };
        let is_recipient = recipient.starts_with("age1") && recipient.chars().all(|character| character.is_ascii_alphanumeric());
        is_recipient.then(|| Self {
            note,
            identity: [device, inode, time].map(|word| (*word).to_owned()),
            recipient: (*recipient).to_owned(),
        })
    }

    /// Whether it is in the file at `path`.
    pub(crate) fn is_in(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|status| {
            let identity = [status.dev().to_string(), status.ino().to_string(), status.mtime().to_string()];
            identity == self.identity
        })
    }

    /// From now on it counts as any other key. The error is ignored: then this is done by the next run.
    pub(crate) fn forget(self) {
        let _ = fs::remove_file(self.note);
    }
}
