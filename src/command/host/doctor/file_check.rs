//! Examines sops files, as far as they tell something without a key.

use std::time::SystemTime;

use super::finding::{HostFinding, Subject};
use crate::{
    manifest::Manifest,
    program::sops_files::sources,
    sops::{SopsFile, metadata::Metadata, time::canonical},
    system::read,
    text::{
        diagnosis::Diagnosis,
        printable::{one_line, shown},
    },
};

/// The newest version of sops whose files this program was compared with: major and minor number.
const NEWEST: (u64, u64) = (3, 13);

/// What is wrong with the sops files of a manifest.
pub(crate) fn of(manifest: &Manifest) -> Vec<HostFinding> {
    let mut findings = Vec::new();
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    for source in sources(manifest) {
        let Ok(contents) = read::read(source.path(), manifest.max_size) else {
            continue;
        };
        if let Ok(file) = SopsFile::parse(source.format(), contents.text.expose()) {
            let name = shown(source.path());
            findings.extend(newer(&name, file.metadata()));
            findings.extend(later(&name, file.metadata(), &now));
        }
    }
    findings
}

/// The finding about a file that a newer sops has written.
fn newer(name: &str, metadata: &Metadata) -> Option<HostFinding> {
    let mut parts = metadata.version.split('.').map(str::parse::<u64>);
    let version = (parts.next()?.ok()?, parts.next()?.ok()?);
    let cause = format!(
        "{name} was written by sops {}, which is newer than this program knows: {}.{}",
        one_line(&metadata.version),
        NEWEST.0,
        NEWEST.1
    );
    let remedy = "update sops-nix, or write the file with that version of sops";
    (version > NEWEST).then(|| HostFinding::new(Subject::SopsFile, Diagnosis::new(cause, remedy)))
}

/// The finding about a file that was changed later than `now`.
fn later(name: &str, metadata: &Metadata, now: &str) -> Option<HostFinding> {
    let changed = canonical(&metadata.last_modified).filter(|time| time.ends_with('Z'))?;
    let cause = format!("the clock says {now}, but {name} was changed at {changed}");
    let remedy = "set the clock, or look after the clock of the machine where the file was changed";
    (changed.as_str() > now).then(|| HostFinding::new(Subject::Clock, Diagnosis::new(cause, remedy)))
}
