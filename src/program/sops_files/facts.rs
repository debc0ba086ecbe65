//! What a sops file says of itself without a key.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    manifest::Manifest,
    sops::{creation_rules::RuleRecipient, metadata::Metadata, time::canonical},
    text::{diagnosis::Diagnosis, printable::shown},
};

/// What a sops file says of itself without a key.
pub(crate) struct FileFacts {
    /// The path of the file.
    pub(crate) path: PathBuf,
    /// The version of sops that wrote the file; empty if the file names none.
    pub(crate) version: String,
    /// When the file was last changed: RFC 3339.
    pub(crate) last_modified: String,
    /// The recipients, each with the number of its key group, counted from 1.
    pub(crate) recipients: Vec<(usize, RuleRecipient)>,
}

/// The warnings about files that were last changed longer ago than the manifest says.
pub(crate) fn age_warnings(files: &[FileFacts], manifest: &Manifest) -> Vec<Diagnosis> {
    let now = SystemTime::now();
    let warning = |file: &FileFacts| file.age_warning(manifest.warn_age?, now);
    files.iter().filter_map(warning).collect()
}

impl FileFacts {
    pub(crate) fn of(path: &Path, metadata: &Metadata) -> Self {
        let groups = (1..).zip(&metadata.key_groups.groups);
        let recipients = groups.flat_map(|(number, group)| group.keys.iter().map(move |key| (number, key.into())));
        Self {
            path: path.to_owned(),
            version: metadata.version.clone(),
            last_modified: metadata.last_modified.clone(),
            recipients: recipients.collect(),
        }
    }

    /// When the file was last changed, in seconds since 1970; `None` if the file says it in a form that sops does not write.
    pub(crate) fn changed_at(&self) -> Option<u64> {
        let time = humantime::parse_rfc3339(&canonical(&self.last_modified)?).ok()?;
        Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
    }

    /// The warning that the file was last changed more than `days` days ago.
    fn age_warning(&self, days: u64, now: SystemTime) -> Option<Diagnosis> {
        const DAY: u64 = 24 * 60 * 60;
        let changed = UNIX_EPOCH.checked_add(Duration::from_secs(self.changed_at()?))?;
        let age = now.duration_since(changed).ok()?.as_secs() / DAY;
        let cause = format!(
            "{} was last changed {age} days ago, and sops.warnAge is {days}",
            shown(&self.path)
        );
        let remedy = "give its secrets new values, by sops edit; for a new data key, run: sops rotate --in-place FILE";
        (age > days).then(|| Diagnosis::new(cause, remedy))
    }
}
