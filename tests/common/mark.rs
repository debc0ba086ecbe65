//! What the ledger has of a file, so that the file is known again.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

/// The mark of the file at `path` in a ledger.
pub fn mark(path: &Path) -> Value {
    let there = fs::symlink_metadata(path).unwrap();
    let born = there.created().unwrap().duration_since(UNIX_EPOCH).unwrap();
    json!({
        "inode": there.ino(), "born": [born.as_secs(), born.subsec_nanos()],
        "user": there.uid(), "group": there.gid(), "mode": there.mode(),
    })
}
