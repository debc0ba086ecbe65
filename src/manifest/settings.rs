//! Checks the settings of a manifest that concern the whole run: key sources and limits.

use std::time::Duration;

use super::{findings::Findings, raw};
use crate::{system::budget, text::printable::named};

/// Refuses key sources that exclude each other.
pub(crate) fn exclusive_keys(raw: &raw::RawManifest, findings: &mut Findings) {
    if raw.gnupg_home.is_empty() {
        return;
    }
    if !raw.ssh_key_paths.is_empty() {
        findings.error(
            "gnupgHome and sshKeyPaths cannot both be set".to_owned(),
            "set sops.gnupg.sshKeyPaths to [ ], or remove sops.gnupg.home",
        );
    }
    if !raw.age_key_file.is_empty() {
        findings.error(
            "gnupgHome and ageKeyFile cannot both be set".to_owned(),
            "remove sops.age.keyFile or sops.gnupg.home",
        );
    }
}

/// Checks the name of a credential. A credential is a file in one directory, so its name must be a file name (systemd.exec(5)).
pub(crate) fn credential_name(name: &str, findings: &mut Findings) {
    if name.contains(['/', '\0']) || name == "." || name == ".." {
        findings.error(
            format!("ageKeyCredential is {}, which is not the name of a credential", named(name)),
            "correct sops.age.keyCredential",
        );
    }
}

/// Checks `keepGenerations`, a number that is not negative.
pub(crate) fn keep_generations(number: i64, findings: &mut Findings) -> u64 {
    u64::try_from(number).unwrap_or_else(|_| {
        findings.error(format!("keepGenerations is {number}"), "set keepGenerations to 0 or more");
        0
    })
}

/// Converts `maxSize` from MiB to bytes. The default is 256 MiB.
pub(crate) fn max_size(mebibytes: Option<u64>, findings: &mut Findings) -> usize {
    // The largest value that is accepted: 1 TiB. A larger value is surely a mistake, such as a number of bytes.
    const LARGEST: u64 = 1 << 20;
    let mebibytes = mebibytes.unwrap_or(256);
    if !(1..=LARGEST).contains(&mebibytes) {
        findings.error(
            format!("maxSize is {mebibytes}"),
            format!("set sops.maxSize to a number between 1 and {LARGEST}, in MiB"),
        );
    }
    usize::try_from(mebibytes).unwrap_or(usize::MAX).saturating_mul(1 << 20)
}

/// Checks `warnAge`, a number of days.
pub(crate) fn warn_age(days: Option<u64>, findings: &mut Findings) -> Option<u64> {
    // The largest value that is accepted: 100 years.
    const MOST_DAYS: u64 = 36_500;
    if days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
        findings.error(
            format!("warnAge is {}", days.unwrap_or_default()),
            format!("set sops.warnAge to a number between 1 and {MOST_DAYS}, in days"),
        );
    }
    days
}

/// Reads `keyTimeout`, a number of whole seconds. The default is [`budget::PROGRAM`].
pub(crate) fn key_timeout(seconds: Option<u64>, findings: &mut Findings) -> Duration {
    // The largest value that is accepted: one day.
    const LONGEST: u64 = 24 * 60 * 60;
    let seconds = seconds.unwrap_or(budget::PROGRAM.as_secs());
    if !(1..=LONGEST).contains(&seconds) {
        findings.error(
            format!("keyTimeout is {seconds}"),
            format!("set sops.keyTimeout to a number between 1 and {LONGEST}, in seconds"),
        );
    }
    Duration::from_secs(seconds)
}
