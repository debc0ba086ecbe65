//! The record of the last run, kept beside the generations for whoever asks later what a run did.
//!
//! The record says when a run published, by which manifest, when each entry last changed, and what the last run failed at. It has no
//! content of a secret. Only the run that completes a set acts on it (`live_record.rs`): if it is lost, little but these answers are.
//!
//! A run that changes nothing and fails at nothing writes no record, unless the record there tells of failures. So a host on which
//! nothing happens is not written to. The record is written under the lock of the installation. A run that cannot have the lock soon is
//! not recorded: the run that holds the lock comes later, and has a record of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{Read as _, Write as _},
    os::fd::{AsFd as _, OwnedFd},
    path::{self, Path},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{FileType, Stat, renameat},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{
    error::{InstallError, errno, failed},
    files, links, lock, mount,
    published_entries::{Change, PublishedEntries},
    site::Site,
};
use crate::{system::mode::FileMode, text::diagnosis::Diagnosis};

/// The file name of the record in the mount point.
pub(crate) const NAME: &str = ".last-run.json";

/// The file name under which a record is written, before it replaces the one before.
pub(crate) const UNFINISHED: &str = ".last-run.json.sops-new";

/// Whoever may list the directories of the generations may read the record: it has the names of secrets.
const MODE: FileMode = FileMode::of_bits(0o640);

/// The most bytes of a record that are read: 64 MiB, far more than that of any configuration.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// What is known of earlier runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    /// The last run that changed something, or failed.
    pub(crate) run: RecordedRun,
    /// The last publication of a new generation. `None` if no record was kept of it.
    pub(crate) publication: Option<Publication>,
    /// The rollback that made the live generation live. `None` if a publication did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rollback: Option<RecordedRollback>,
    /// What the last run that published, or found all as it should be, has left to a run that completes it. `None` if none is to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to_complete: Option<ToComplete>,
    /// When each entry of the live generation last changed, by its place in the generation. An entry that has not changed since
    /// records are kept is not in it.
    pub(crate) changes: BTreeMap<String, Change>,
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedRun {
    /// When the run ended, in seconds since 1970.
    pub(crate) time: u64,
    /// The path of its manifest.
    pub(crate) manifest: String,
    /// What it failed at.
    pub(crate) failures: Vec<RecordedFailure>,
    /// The places, in a generation, of the secrets and templates that were absent, and no failure.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) absent: BTreeSet<String>,
    /// The places, in a generation, of the secrets and templates that were left to the run that asks key services.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) deferred: BTreeSet<String>,
}

/// One publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Publication {
    /// The number of the generation.
    pub(crate) generation: u64,
    /// When it was published, in seconds since 1970.
    pub(crate) time: u64,
    /// The path of the manifest that it was made from.
    pub(crate) manifest: String,
}

/// A generation that another run may complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToComplete {
    /// Its number.
    pub(crate) generation: u64,
    /// The path of the manifest of the last run that made it, or found it as it should be.
    pub(crate) manifest: String,
}

/// One rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedRollback {
    /// The number of the generation that it made live.
    pub(crate) generation: u64,
    /// The number of the generation that was live before.
    pub(crate) from: u64,
}

/// What a run failed at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedFailure {
    /// What failed, and why.
    pub(crate) cause: String,
    /// What to do about it.
    pub(crate) remedy: Option<String>,
}

/// What a run has done.
pub(crate) struct Deeds<'a> {
    /// The path of the manifest.
    pub(crate) manifest: &'a Path,
    /// What was published; `None` if the run changed nothing.
    pub(crate) published: Option<PublishedEntries<'a>>,
    /// What the run failed at.
    pub(crate) failures: Vec<RecordedFailure>,
    /// The places, in a generation, of the secrets and templates that were absent, and no failure.
    pub(crate) absent: BTreeSet<String>,
    /// The places, in a generation, of the secrets and templates that were left to the run that asks key services.
    pub(crate) deferred: BTreeSet<String>,
}

impl Record {
    /// The record in the mount point `mount_point`; `None` if there is none, or something else in its place.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or read.
    pub(crate) fn read(mount_point: &OwnedFd) -> Result<Option<Self>, Errno> {
        let is_file = |status: Stat| files::kind(&status) == FileType::RegularFile;
        if !files::status(mount_point, NAME)?.is_some_and(is_file) {
            return Ok(None);
        }
        let file = files::open_file(mount_point, NAME)?;
        let mut text = Vec::new();
        let outcome = File::from(file).take(MAX_BYTES).read_to_end(&mut text);
        outcome.map_err(|error| errno(&error))?;
        Ok(serde_json::from_slice(&text).ok())
    }

    /// The record after `deeds`, which ended at `time`.
    fn after(self, deeds: &Deeds<'_>, time: u64) -> Self {
        let manifest = deeds.path();
        let run = RecordedRun {
            time,
            manifest: manifest.clone(),
            failures: deeds.failures.clone(),
            absent: deeds.absent.clone(),
            deferred: deeds.deferred.clone(),
        };
        let Some(published) = deeds.published else {
            return Self { run, ..self };
        };
        Self {
            run,
            changes: published.last_changes(&self.changes, time),
            rollback: self.rollback.filter(|_| !published.is_new),
            to_complete: deeds.to_complete(),
            publication: if published.is_new {
                Some(Publication {
                    generation: published.generation,
                    time,
                    manifest,
                })
            } else {
                self.publication
            },
        }
    }

    /// Whether the record already says all that is to be said of `deeds`.
    fn tells(&self, deeds: &Deeds<'_>) -> bool {
        let is_same = |published: PublishedEntries<'_>| !published.is_new && published.changes.is_empty();
        let is_good = deeds.failures.is_empty() && self.run.failures.is_empty();
        let lacks_the_same = self.run.absent == deeds.absent && self.run.deferred == deeds.deferred;
        let leaves_the_same = deeds
            .to_complete()
            .is_none_or(|left| self.to_complete.as_ref() == Some(&left));
        is_good && lacks_the_same && leaves_the_same && deeds.published.is_none_or(is_same)
    }

    /// Whether another run has published later than the run with these `deeds`, and has recorded it.
    fn is_later_than(&self, deeds: &Deeds<'_>) -> bool {
        let recorded = self.publication.as_ref().map(|publication| publication.generation);
        let own = deeds.published.map(|published| published.generation);
        own.is_some() && recorded > own
    }

    /// Writes the record into the mount point, in the place of the one before.
    pub(crate) fn write(&self, site: &Site, mount_point: &OwnedFd) -> Result<(), Errno> {
        let text = serde_json::to_vec(self).map_err(|error| errno(&error.into()))?;
        // A killed run may have left it.
        files::remove_tree(mount_point.as_fd(), UNFINISHED)?;
        if Self::read(mount_point)?.is_none() {
            files::remove_tree(mount_point.as_fd(), NAME)?;
        }
        let file = files::create_file(mount_point, UNFINISHED, site.directory_owner(), MODE)?;
        File::from(file).write_all(&text).map_err(|error| errno(&error))?;
        renameat(mount_point, UNFINISHED, mount_point, NAME)
    }
}

impl Deeds<'_> {
    /// The path of the manifest.
    fn path(&self) -> String {
        let path = path::absolute(self.manifest).unwrap_or_else(|_| self.manifest.to_owned());
        path.to_string_lossy().into_owned()
    }

    /// What is left to a run that completes it.
    fn to_complete(&self) -> Option<ToComplete> {
        let published = self.published.filter(|published| published.may_be_completed)?;
        Some(ToComplete {
            generation: published.generation,
            manifest: self.path(),
        })
    }
}

impl From<&Diagnosis> for RecordedFailure {
    fn from(diagnosis: &Diagnosis) -> Self {
        Self {
            cause: diagnosis.cause.clone(),
            remedy: diagnosis.remedy.clone(),
        }
    }
}

/// The time now, in seconds since 1970. A clock before 1970 is a clock that nobody has set.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Whether generations are written to `mount_point` as it is. A directory over which a file system is still to be mounted stays
/// empty.
fn is_in_use(site: &Site, mount_point: &OwnedFd) -> bool {
    mount::inspect(site, mount_point).unwrap_or_default()
        || files::status(mount_point, lock::NAME).is_ok_and(|status| status.is_some())
}

/// Records what a run has done. A run that failed before there was a file system for the generations is not recorded.
///
/// # Errors
///
/// If the record cannot be read or written. The generations are not touched.
pub(crate) fn keep(site: &Site, deeds: &Deeds<'_>) -> Result<(), InstallError> {
    let at = site.mount_point.join(NAME);
    // A mount point that cannot be opened has an error of its own.
    let Ok(Some(mount_point)) = mount::open(site) else {
        return Ok(());
    };
    if deeds.published.is_none() && !is_in_use(site, &mount_point) {
        return Ok(());
    }
    let read = || {
        Record::read(&mount_point)
            .map(Option::unwrap_or_default)
            .map_err(failed("read", &at))
    };
    if read()?.tells(deeds) {
        return Ok(());
    }
    let Some(_lock) = lock::take_soon(&mount_point, lock::PATIENCE).map_err(failed("lock", &at))? else {
        return Ok(());
    };
    let earlier = read()?;
    // A rollback may have taken place since this run gave back the lock of its publication.
    let was_replaced = deeds
        .published
        .is_some_and(|published| !links::leads_to(site, published.generation));
    if was_replaced || earlier.is_later_than(deeds) {
        return Ok(());
    }
    let record = earlier.after(deeds, now());
    record.write(site, &mount_point).map_err(failed("write", &at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::changes::Changes;

    /// What a run with the manifest `/m.json` has done: it has made generation `number`, or left it as it was.
    fn deeds<'a>(changes: &'a Changes, number: u64, is_new: bool, failure: Option<&str>) -> Deeds<'a> {
        Deeds {
            manifest: Path::new("/m.json"),
            published: Some(PublishedEntries {
                may_be_completed: false,
                generation: number,
                is_new,
                is_first: number == 1,
                changes,
                entries: &[],
            }),
            failures: failure
                .map(|cause| RecordedFailure::from(&Diagnosis::bare(cause)))
                .into_iter()
                .collect(),
            absent: BTreeSet::new(),
            deferred: BTreeSet::new(),
        }
    }

    #[test]
    fn what_a_record_says_already_is_not_written_again() {
        let nothing = Changes::default();
        let mut requested = Changes::default();
        requested.units.restart.push("a.service".to_owned());
        let good = Record::default().after(&deeds(&nothing, 1, true, None), 5);
        let bad = Record::default().after(&deeds(&nothing, 1, true, Some("x")), 5);
        assert!(good.tells(&deeds(&nothing, 1, false, None)));
        assert!(!good.tells(&deeds(&nothing, 2, true, None)));
        assert!(!good.tells(&deeds(&requested, 1, false, None)));
        assert!(!good.tells(&deeds(&nothing, 1, false, Some("x"))));
        assert!(!bad.tells(&deeds(&nothing, 1, false, None)));
        let lacking = || Deeds {
            absent: ["a".to_owned()].into(),
            ..deeds(&nothing, 1, false, None)
        };
        assert!(!good.tells(&lacking()));
        let good = good.clone().after(&lacking(), 6);
        assert!(good.tells(&lacking()));
        assert!(!good.tells(&deeds(&nothing, 1, false, None)));
    }

    #[test]
    fn a_host_whose_record_is_gone_is_not_written_to_either() {
        assert!(Record::default().tells(&deeds(&Changes::default(), 3, false, None)));
    }

    #[test]
    fn a_run_that_publishes_nothing_leaves_the_last_publication_in_the_record() {
        let nothing = Changes::default();
        let good = Record::default().after(&deeds(&nothing, 1, true, None), 5);
        let failed = Deeds {
            published: None,
            ..deeds(&nothing, 1, false, Some("x"))
        };
        let record = good.clone().after(&failed, 6);
        assert_eq!((record.run.time, record.publication), (6, good.publication));
    }

    #[test]
    fn a_generation_that_stays_keeps_the_time_of_its_publication() {
        let nothing = Changes::default();
        let bad = Record::default().after(&deeds(&nothing, 1, true, Some("x")), 5);
        let mended = bad.clone().after(&deeds(&nothing, 1, false, None), 6);
        assert_eq!((mended.run.time, &mended.publication), (6, &bad.publication));
        let lost = Record::default().after(&deeds(&nothing, 1, false, Some("x")), 6);
        assert_eq!(lost.publication, None);
    }

    #[test]
    fn a_run_does_not_replace_the_record_of_a_later_one() {
        let nothing = Changes::default();
        let second = Record::default().after(&deeds(&nothing, 2, true, None), 5);
        assert!(second.is_later_than(&deeds(&nothing, 1, true, None)));
        assert!(!second.is_later_than(&deeds(&nothing, 2, false, None)));
        assert!(!second.is_later_than(&deeds(&nothing, 3, true, None)));
    }
}
