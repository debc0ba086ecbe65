//! The metrics of a run, as a text file that the node exporter of Prometheus collects.
//!
//! The file has numbers, names of phases and paths of sops files, and nothing of a secret. A file that cannot be written is a warning,
//! and a directory that does not answer is given up soon: no run fails because of its metrics.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{metrics_file::MetricsFile, sops_files::FileFacts};
use crate::{
    manifest::{Manifest, Phase},
    system::read,
    text::{diagnosis::Diagnosis, printable::shown},
};

/// How long the directory of the metrics may take to answer: 2 seconds. A local disk takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The directory in which Nix keeps what it builds. The names in it begin with a hash of [`HASH`] characters and a dash.
const STORE: &str = "/nix/store";
const HASH: usize = 32;

/// The name of the metric that is carried over from the run before, if a run fails.
const SUCCESS: &str = "sops_nix_last_success_timestamp_seconds";

/// What a run has done, as far as its metrics tell it.
pub(crate) struct RunSummary<'r> {
    /// Whether the run has done all that the manifest says.
    pub(crate) has_succeeded: bool,
    /// The number of the generation that is live after the run; `None` if none is.
    pub(crate) generation: Option<u64>,
    /// How many secrets and templates failed.
    pub(crate) failed_entries: usize,
    /// How many secrets and templates were left to the run that asks key services.
    pub(crate) deferred_entries: usize,
    /// What the sops files say of themselves, as far as they could be decrypted.
    pub(crate) files: &'r [FileFacts],
}

/// Writes the metrics of a run, if the manifest names a file for them. `is_early` says that no user is looked up. A file that cannot be
/// written is only a warning.
pub(crate) fn keep(manifest: &Manifest, is_early: bool, summary: &RunSummary<'_>) {
    if let Some(path) = &manifest.metrics_file
        && let Err(warning) = write(path.clone(), manifest, is_early, summary)
    {
        tracing::warn!("{warning}");
    }
}

/// Writes the metrics of a run to the file at `path`.
///
/// # Errors
///
/// With a warning for people, if the file cannot be written.
fn write(path: PathBuf, manifest: &Manifest, is_early: bool, summary: &RunSummary<'_>) -> Result<(), Diagnosis> {
    let now = seconds_now();
    let page = Page::of(manifest, is_early, summary, now);
    let has_succeeded = summary.has_succeeded;
    let at = path.clone();
    let (tell, done) = mpsc::sync_channel(1);
    let work = move || {
        let written = MetricsFile::open(&path).and_then(|file| {
            let last = if has_succeeded { Some(now) } else { last_success(&file) };
            file.replace(&page.with_last_success(last))
        });
        // The error is ignored: it means that nobody waits any more.
        let _ = tell.send(written);
    };
    let answer = match thread::Builder::new().spawn(work) {
        Ok(_) => done
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        Err(error) => Err(error),
    };
    answer.map_err(|error| {
        let cause = if error.kind() == io::ErrorKind::TimedOut {
            "its disk does not answer, or another run writes them".to_owned()
        } else {
            read::reason(&error)
        };
        Diagnosis::new(
            format!("cannot write the metrics to {}: {cause}", shown(&at)),
            "correct sops.metrics.directory; the secrets are not concerned",
        )
    })
}

fn seconds_now() -> u64 {
    // A clock before 1970 is a clock that nobody has set.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The word for the phase of a run, as `sops-nix status` has it.
fn phase(manifest: &Manifest, is_early: bool) -> &'static str {
    match (manifest.phase, is_early) {
        _ if manifest.user_mode => "user",
        (Phase::FileSystems, _) => "for-file-systems",
        (Phase::AsCalled, true) => "for-users",
        (Phase::AsCalled, false) => "system",
    }
}

/// The text of the metrics, in the text format of Prometheus (version 0.0.4).
struct Page {
    text: String,
    phase: &'static str,
}

impl Page {
    fn of(manifest: &Manifest, is_early: bool, summary: &RunSummary<'_>, now: u64) -> Self {
        let mut page = Self {
            text: String::new(),
            phase: phase(manifest, is_early),
        };
        if let Some(generation) = summary.generation {
            page.gauge("sops_nix_generation", "The number of the live generation.", generation);
        }
        page.gauge(
            "sops_nix_entries",
            "How many secrets and templates the manifest has.",
            manifest.entry_count() as u64,
        );
        page.gauge(
            "sops_nix_failed_entries",
            "How many secrets and templates failed in the last run.",
            summary.failed_entries as u64,
        );
        if manifest.may_defer() {
            page.gauge(
                "sops_nix_deferred_entries",
                "How many secrets and templates the last run left to the run that asks key services, or has a key that came late.",
                summary.deferred_entries as u64,
            );
        }
        page.gauge(
            "sops_nix_mock",
            "Whether all secrets are dummies (sops.mock).",
            u64::from(manifest.is_mock),
        );
        page.gauge(
            "sops_nix_last_run_success",
            "Whether the last run has done all that the manifest says.",
            u64::from(summary.has_succeeded),
        );
        page.gauge("sops_nix_last_run_timestamp_seconds", "When the last run ended.", now);
        let files = labelled(summary.files);
        page.of_files(
            "sops_nix_file_last_modified_timestamp_seconds",
            "When a sops file was last changed, as the file says.",
            files.iter().filter_map(|(label, file)| Some((label, file.changed_at()?))),
        );
        page.of_files(
            "sops_nix_file_recipients",
            "How many recipients a sops file has.",
            files.iter().map(|(label, file)| (label, file.recipients.len() as u64)),
        );
        page
    }

    fn with_last_success(mut self, last: Option<u64>) -> String {
        if let Some(last) = last {
            self.gauge(SUCCESS, "When the last run ended that did all that its manifest says.", last);
        }
        self.text
    }

    fn head(&mut self, name: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help);
        let _ = writeln!(self.text, "{name}{{phase=\"{}\"}} {value}", self.phase);
    }

    /// Adds a metric with a value for each sops file. Beside each value is the label of its file.
    fn of_files<'l>(&mut self, name: &str, help: &str, values: impl Iterator<Item = (&'l String, u64)>) {
        self.head(name, help);
        for (file, value) in values {
            let _ = writeln!(self.text, "{name}{{phase=\"{}\",file=\"{file}\"}} {value}", self.phase);
        }
    }
}

/// Each sops file with the value of its label: its path, without the hash of a store path, which changes whenever the file does. Files
/// that only differ in their hashes keep them. A file that is read in two formats is one file.
fn labelled(files: &[FileFacts]) -> Vec<(String, &FileFacts)> {
    let by_path: BTreeMap<&Path, &FileFacts> = files.iter().map(|file| (file.path.as_path(), file)).collect();
    let mut uses: HashMap<String, usize> = HashMap::new();
    for path in by_path.keys() {
        *uses.entry(without_hash(&path.to_string_lossy()).to_owned()).or_default() += 1;
    }
    let label = |path: &Path| {
        let text = path.to_string_lossy();
        let short = without_hash(&text);
        let is_unique = uses.get(short) == Some(&1);
        escaped(if is_unique { short } else { &text })
    };
    by_path.into_iter().map(|(path, file)| (label(path), file)).collect()
}

/// A path in the Nix store without the directory of the store and the hash. Any other path as it is.
fn without_hash(path: &str) -> &str {
    let inside = path.strip_prefix(STORE).and_then(|inside| inside.strip_prefix('/'));
    let name = inside.and_then(|inside| inside.get(HASH..)?.strip_prefix('-'));
    name.unwrap_or(path)
}

/// A text as the value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The time of the last success that the metrics in a file tell.
fn last_success(file: &MetricsFile) -> Option<u64> {
    let text = file.text()?;
    let line = text.lines().find(|line| line.starts_with(&format!("{SUCCESS}{{")))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_store_path_is_no_part_of_a_label() {
        let hash = "0c4v8pg9hqfs7yl1r2m3n4d5k6j8b9xz";
        for (path, label) in [
            (format!("/nix/store/{hash}-secrets.yaml"), "secrets.yaml"),
            (format!("/nix/store/{hash}-source/hosts/a.yaml"), "source/hosts/a.yaml"),
            (format!("/nix/stored/{hash}-a"), &*format!("/nix/stored/{hash}-a")),
            (format!("/nix/store/{hash}"), &*format!("/nix/store/{hash}")),
            ("/nix/store/short-a.yaml".to_owned(), "/nix/store/short-a.yaml"),
            ("/etc/nixos/a.yaml".to_owned(), "/etc/nixos/a.yaml"),
        ] {
            assert_eq!(without_hash(&path), label);
        }
    }
}
