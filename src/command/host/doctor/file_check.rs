//! Examines sops files, as far as they tell something without a key.

use std::time::SystemTime;

use super::finding::{HostFinding, Subject};
use crate::{
    manifest::Manifest,
    program::sops_files::{FileFacts, age_warnings},
    sops::time::canonical,
    text::{
        diagnosis::Diagnosis,
        printable::{one_line, shown},
    },
};

/// The newest version of sops whose files this program was compared with: major and minor number.
const NEWEST: (u64, u64) = (3, 13);

/// What is wrong with the sops files of a manifest, which say `facts` of themselves.
pub(crate) fn of(manifest: &Manifest, facts: &[FileFacts]) -> Vec<HostFinding> {
    let mut findings = old(manifest, facts);
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    for file in facts {
        let name = shown(&file.path);
        findings.extend(newer(&name, file));
        findings.extend(later(&name, file, &now));
    }
    findings
}

/// The findings about files whose secrets are to be replaced, as the configuration says.
fn old(manifest: &Manifest, facts: &[FileFacts]) -> Vec<HostFinding> {
    let warnings = age_warnings(facts, manifest).into_iter();
    warnings.map(|warning| HostFinding::new(Subject::SopsFile, warning)).collect()
}

/// The finding about a file that a newer sops has written.
fn newer(name: &str, file: &FileFacts) -> Option<HostFinding> {
    let mut parts = file.version.split('.').map(str::parse::<u64>);
    let version = (parts.next()?.ok()?, parts.next()?.ok()?);
    let cause = format!(
        "{name} was written by sops {}, which is newer than this program knows: {}.{}",
        one_line(&file.version),
        NEWEST.0,
        NEWEST.1
    );
    let remedy = "update sops-nix, or write the file with that version of sops";
    (version > NEWEST).then(|| HostFinding::new(Subject::SopsFile, Diagnosis::new(cause, remedy)))
}

/// The finding about a file that was changed later than `now`.
fn later(name: &str, file: &FileFacts, now: &str) -> Option<HostFinding> {
    let changed = canonical(&file.last_modified).filter(|time| time.ends_with('Z'))?;
    let cause = format!("the clock says {now}, but {name} was changed at {changed}");
    let remedy = "set the clock, or look after the clock of the machine where the file was changed";
    (changed.as_str() > now).then(|| HostFinding::new(Subject::Clock, Diagnosis::new(cause, remedy)))
}
