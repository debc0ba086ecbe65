//! What is there of one installation: its live generation, its entries, and what its last run said.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    time::{Duration, UNIX_EPOCH},
};

use serde::Serialize;

use super::{
    entry_status::{self, EntryStatus},
    installation::{HostPhase, Installation},
    no_key_yet,
};
use crate::{
    install::record::{Record, RecordedFailure},
    manifest::{MOCK_MARK, Manifest},
    system::{handle, root::Root},
    text::{diagnosis::Diagnosis, printable::named},
};

/// The last second of the year 9999. RFC 3339 has no later years, and a user may have written any number.
const LATEST: u64 = 253_402_300_799;

/// What is there of one installation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct PhaseStatus {
    /// When the installation is made.
    pub(crate) phase: HostPhase,
    /// The user whose secrets these are; null if they are the host's.
    pub(crate) user: Option<String>,
    /// The unit that makes it; null if the activation script does.
    pub(crate) unit: Option<String>,
    /// The path of its manifest.
    pub(crate) manifest: String,
    /// Whether it comes only when its user logs in. Until then, nothing is missing.
    pub(crate) waits_for_login: bool,
    /// The live generation; null if none is live.
    pub(crate) generation: Option<LiveStatus>,
    /// The last run that changed something or failed; null if nothing is recorded.
    pub(crate) last_run: Option<LastRun>,
    /// That this is the first boot of the host and it had no key, so that nothing was installed; else it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) no_key_yet: Option<RunFailure>,
    /// The places, in a generation, of what the last run left to the unit that asks key services or waits for a key. What is live of it is of an earlier run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub(crate) deferred: Vec<String>,
    /// The secrets, and then the templates.
    pub(crate) entries: Vec<EntryStatus>,
    /// What a page calls the installation.
    #[serde(skip)]
    pub(crate) title: String,
}

/// The live generation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct LiveStatus {
    /// Its number.
    pub(crate) number: u64,
    /// When it was published, in RFC 3339.
    pub(crate) since: String,
    /// The path of the manifest that it was made from; null if no record says it.
    pub(crate) manifest: Option<String>,
    /// Whether all its secrets are dummies (`sops.mock`).
    pub(crate) is_mock: bool,
    /// The generation that was live before, if a rollback has made this one live; else null.
    pub(crate) rolled_back_from: Option<u64>,
}

/// A run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct LastRun {
    /// When it ended, in RFC 3339.
    pub(crate) time: String,
    /// The path of its manifest.
    pub(crate) manifest: String,
    /// What it failed at.
    pub(crate) failures: Vec<RunFailure>,
}

/// What a run failed at.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct RunFailure {
    /// What failed, and why.
    pub(crate) cause: String,
    /// What to do about it; null if the cause says all.
    pub(crate) remedy: Option<String>,
}

impl PhaseStatus {
    /// Looks at what is there of an installation. Says what is wrong, too.
    ///
    /// # Errors
    ///
    /// If its manifest cannot be used.
    pub(crate) fn of(installation: &Installation, root: &Root) -> Result<(Self, Option<Diagnosis>), Diagnosis> {
        let manifest = installation.manifest.as_ref().map_err(Clone::clone)?;
        let record = record(manifest, root);
        let note = no_key_yet::note(installation, root);
        let status = Self {
            phase: installation.phase,
            user: installation.user.clone(),
            unit: installation.unit.clone(),
            manifest: installation.call.manifest.to_string_lossy().into_owned(),
            waits_for_login: installation.waits_for_login,
            generation: live(manifest, root).map(|live| live.status(record.as_ref())),
            last_run: record.as_ref().map(LastRun::from),
            no_key_yet: note.as_ref().map(RunFailure::from),
            deferred: record
                .as_ref()
                .map(|record| record.run.deferred.iter().cloned().collect())
                .unwrap_or_default(),
            entries: entry_status::of_all(installation, manifest, record.as_ref(), root),
            title: installation.title(),
        };
        let note = note.map(|note| note.of(installation.object()));
        let faults = note.or_else(|| {
            status.faults(
                &installation.object(),
                &installation.again(manifest),
                has_stored_file(manifest),
            )
        });
        Ok((status, faults))
    }

    /// What is wrong. `object` is what messages call the installation, and `again` the command that makes it again. A sops file that
    /// `is_stored` is a copy: what was repaired gets there by a switch.
    fn faults(&self, object: &str, again: &str, is_stored: bool) -> Option<Diagnosis> {
        if self.waits_for_login {
            return None;
        }
        let names = self.entries.iter().filter(|entry| entry.state.is_fault());
        let names: Vec<_> = names.map(|entry| named(&entry.name)).collect();
        let has_failed = self.last_run.as_ref().is_some_and(|run| !run.failures.is_empty());
        let cause = match (names.is_empty(), has_failed) {
            (true, false) => return None,
            (true, true) => "the last run failed".to_owned(),
            (false, _) => format!("not all is there as the configuration says: {}", names.join(", ")),
        };
        let remedy = if has_failed {
            let switch = if is_stored {
                "switch, or if no file of the configuration has changed, "
            } else {
                ""
            };
            format!("repair what the last run failed at, and {switch}run: {again}")
        } else {
            format!("to install all, run: {again}")
        };
        Some(Diagnosis::new(cause, remedy).of(object))
    }
}

/// Whether a sops file of the manifest is in the Nix store.
fn has_stored_file(manifest: &Manifest) -> bool {
    manifest
        .secrets
        .iter()
        .any(|secret| secret.sops_file.starts_with("/nix/store"))
}

/// The record beside the generations of a manifest. `None` if there is none, if this user may not read it, or if a generation was
/// published later that is not recorded: what the record says is out of date then.
pub(crate) fn record(manifest: &Manifest, root: &Root) -> Option<Record> {
    let mount_point = handle::open_directory(&root.locate(&manifest.mount_point)).ok()?;
    let record = Record::read(&mount_point).ok().flatten()?;
    let is_up_to_date = live(manifest, root).is_none_or(|live| live.is_known_to(&record));
    is_up_to_date.then_some(record)
}

/// The live generation of a manifest: its number, the time of its link in seconds since 1970, and whether it has dummies.
struct Live {
    number: u64,
    since: u64,
    is_mock: bool,
}

fn live(manifest: &Manifest, root: &Root) -> Option<Live> {
    let link = root.locate(&manifest.link);
    let directory = fs::canonicalize(&link).ok()?;
    let since = fs::symlink_metadata(&link).ok()?.mtime();
    // A secret may have this name, too, if the manifest is no mock.
    let is_secret = manifest.secrets.iter().any(|secret| secret.name.as_str() == MOCK_MARK);
    let has_mark = fs::symlink_metadata(directory.join(MOCK_MARK)).is_ok_and(|mark| mark.is_file());
    Some(Live {
        is_mock: has_mark && !is_secret,
        number: directory.file_name()?.to_str()?.parse().ok()?,
        since: u64::try_from(since).unwrap_or_default(),
    })
}

impl Live {
    /// Whether a record is of this generation or of a later run.
    fn is_known_to(&self, record: &Record) -> bool {
        let published = record.publication.as_ref().map(|publication| publication.generation);
        let recorded = record.rollback.as_ref().map(|rollback| rollback.generation).or(published);
        recorded == Some(self.number) || record.run.time >= self.since
    }

    fn status(self, record: Option<&Record>) -> LiveStatus {
        let published = record.and_then(|record| record.publication.as_ref());
        let rollback = record.and_then(|record| record.rollback.as_ref());
        LiveStatus {
            rolled_back_from: rollback
                .filter(|rollback| rollback.generation == self.number)
                .map(|rollback| rollback.from),
            is_mock: self.is_mock,
            number: self.number,
            since: time(self.since),
            manifest: published
                .filter(|published| published.generation == self.number)
                .map(|published| published.manifest.clone()),
        }
    }
}

/// A time in RFC 3339, from the seconds since 1970.
pub(crate) fn time(seconds: u64) -> String {
    let time = UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds.min(LATEST)))
        .unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

impl From<&Record> for LastRun {
    fn from(record: &Record) -> Self {
        Self {
            time: time(record.run.time),
            manifest: record.run.manifest.clone(),
            failures: record.run.failures.iter().map(RunFailure::from).collect(),
        }
    }
}

impl RunFailure {
    /// The failure as one text, with what to do behind it.
    pub(crate) fn told(&self) -> String {
        let remedy = self.remedy.as_ref().map(|remedy| format!("; {remedy}"));
        format!("{}{}", self.cause.trim_end(), remedy.unwrap_or_default())
    }
}

impl From<&Diagnosis> for RunFailure {
    fn from(diagnosis: &Diagnosis) -> Self {
        Self {
            cause: diagnosis.cause.clone(),
            remedy: diagnosis.remedy.clone(),
        }
    }
}

impl From<&RecordedFailure> for RunFailure {
    fn from(failure: &RecordedFailure) -> Self {
        Self {
            cause: failure.cause.clone(),
            remedy: failure.remedy.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sops_file_in_the_store_gets_there_by_a_switch() {
        let is_stored = |file: &str| {
            let json = format!(
                r#"{{"secretsMountPoint": "/r/s.d", "symlinkPath": "/r/s", "secrets":
                [{{"name": "a", "sopsFile": "{file}", "format": "yaml", "key": "a", "mode": "0400"}}], "templates": []}}"#
            );
            let parsed = Manifest::parse(std::path::Path::new("/m.json"), json.as_bytes(), None);
            has_stored_file(&parsed.unwrap_or_else(|error| panic!("{}", error.diagnosis)).0)
        };
        assert!(is_stored("/nix/store/0-secrets.yaml"));
        assert!(!is_stored("/etc/secrets.yaml") && !is_stored("/nix/stored.yaml"));
        let status = PhaseStatus {
            deferred: Vec::new(),
            phase: HostPhase::System,
            user: None,
            unit: None,
            manifest: String::new(),
            waits_for_login: false,
            generation: None,
            last_run: Some(LastRun {
                time: String::new(),
                manifest: String::new(),
                failures: vec![RunFailure {
                    cause: String::new(),
                    remedy: None,
                }],
            }),
            no_key_yet: None,
            entries: Vec::new(),
            title: String::new(),
        };
        let said = |is_stored| status.faults("x", "again", is_stored).unwrap().to_string();
        assert_eq!(
            said(true),
            "x: the last run failed; repair what the last run failed at, and switch, or if no file of the configuration has changed, run: again"
        );
        assert_eq!(
            said(false),
            "x: the last run failed; repair what the last run failed at, and run: again"
        );
    }

    #[test]
    fn a_time_that_nobody_lives_to_see_is_shown_as_the_last_of_its_form() {
        assert_eq!(time(1_764_000_000), "2025-11-24T16:00:00Z");
        assert_eq!(time(LATEST + 1), "9999-12-31T23:59:59Z");
        assert_eq!(time(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
