//! The metrics of a run, as a text file that the node exporter of Prometheus collects.
//!
//! The file has numbers, names of phases and paths of sops files, and nothing of a secret. A file that cannot be written is a warning,
//! and a directory that does not answer is given up soon: no run fails because of its metrics.

use std::{
    fmt::Write as _,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::fs::OFlags;

use super::sops_files::FileFacts;
use crate::{
    manifest::{Manifest, Phase},
    system::read,
    text::{diagnosis::Diagnosis, printable::shown},
};

/// How long the directory of the metrics may take to answer: 2 seconds. A local disk takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Limit: at most 1 MiB of the metrics of the run before is read.
const LARGEST: usize = 1 << 20;

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
        let last = if has_succeeded { Some(now) } else { last_success(&path) };
        // The error is ignored: it means that nobody waits any more.
        let _ = tell.send(replace(&path, &page.with_last_success(last)));
    };
    let answer = match thread::Builder::new().spawn(work) {
        Ok(_) => done
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        Err(error) => Err(error),
    };
    answer.map_err(|error| {
        let cause = if error.kind() == io::ErrorKind::TimedOut {
            "its disk does not answer".to_owned()
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
        page.of_files(
            "sops_nix_file_last_modified_timestamp_seconds",
            "When a sops file was last changed, as the file says.",
            summary.files.iter().filter_map(|file| Some((file, file.changed_at()?))),
        );
        page.of_files(
            "sops_nix_file_recipients",
            "How many recipients a sops file has.",
            summary.files.iter().map(|file| (file, file.recipients.len() as u64)),
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

    fn of_files<'f>(&mut self, name: &str, help: &str, values: impl Iterator<Item = (&'f FileFacts, u64)>) {
        self.head(name, help);
        for (file, value) in values {
            let path = label(&file.path);
            let _ = writeln!(self.text, "{name}{{phase=\"{}\",file=\"{path}\"}} {value}", self.phase);
        }
    }
}

/// A path as the value of a label.
fn label(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The time of the last success that the metrics in a file tell.
fn last_success(path: &Path) -> Option<u64> {
    let contents = read::read(path, LARGEST).ok()?;
    let text = str::from_utf8(contents.text.expose()).ok()?;
    let line = text.lines().find(|line| line.starts_with(&format!("{SUCCESS}{{")))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

/// Puts a file with `text` in the place of that at `path`, in one step. Everybody may read it: the node exporter has a user of its own.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    if !directory.exists() {
        DirBuilder::new().mode(0o755).create(directory)?;
        // The umask may have taken rights away. The directory is opened first, so that nobody can put a symlink in its place.
        let flags = i32::try_from((OFlags::DIRECTORY | OFlags::NOFOLLOW).bits()).unwrap_or_default();
        let made = OpenOptions::new().read(true).custom_flags(flags).open(directory)?;
        made.set_permissions(Permissions::from_mode(0o755))?;
    }
    let unfinished = unfinished(path);
    // A killed run may have left it.
    let _ = fs::remove_file(&unfinished);
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&unfinished)?;
    let written = file
        .set_permissions(Permissions::from_mode(0o644))
        .and_then(|()| file.write_all(text.as_bytes()));
    let renamed = written.and_then(|()| fs::rename(&unfinished, path));
    renamed.inspect_err(|_| {
        let _ = fs::remove_file(&unfinished);
    })
}

/// The path under which a file is written, before it gets its name. The node exporter only reads files that end in `.prom`.
fn unfinished(path: &Path) -> PathBuf {
    path.with_added_extension("sops-new")
}
