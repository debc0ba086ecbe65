//! Prints what a run changes, line by line, and nothing else: other programs compare the whole standard output.

use std::io::Write as _;

use crate::{
    install::{FormerPlace, changes::Changes},
    manifest::Manifest,
    text::printable::shown,
};

/// Prints the changes, and the symlinks and copies of former secrets that go, if the manifest asks for it. In a `dry` run, it prints what would
/// change.
pub(crate) fn print(manifest: &Manifest, changes: &Changes, former_links: &[FormerPlace], dry: bool) {
    if !manifest.logging.secret_changes {
        return;
    }
    let verb = if dry { "would remove" } else { "removing" };
    let links = former_links
        .iter()
        .map(|place| format!("{verb} {}: {}", place.noun(), shown(&place.path)));
    let mut output = std::io::stdout().lock();
    for line in changes.lines(dry).into_iter().chain(links) {
        // The error is ignored: if the reader has closed standard output, nobody wants the lines.
        let _ = writeln!(output, "{line}");
    }
}
