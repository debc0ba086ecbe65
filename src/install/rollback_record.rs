//! What the record of the last run says of a rollback.

use std::os::fd::OwnedFd;

use super::{
    error::{InstallError, failed},
    published_entries::Change,
    record::{NAME, Record, RecordedRollback, now},
    site::Site,
};

/// Tells the record that a rollback has made the second of these generations live instead of the first. `changes` has the place of
/// each file that is another one, with the units that were asked because of it, or nothing if the file is gone. The lock is held.
/// Without a record of a run, nothing is recorded.
///
/// # Errors
///
/// If the record cannot be read or written. The generations are not touched.
pub(crate) fn keep(
    site: &Site,
    mount_point: &OwnedFd,
    [from, to]: [u64; 2],
    changes: impl Iterator<Item = (String, Option<Vec<String>>)>,
) -> Result<(), InstallError> {
    let at = site.mount_point.join(NAME);
    let Some(mut record) = Record::read(mount_point).map_err(failed("read", &at))? else {
        return Ok(());
    };
    let time = now();
    for (place, units) in changes {
        match units {
            Some(units) => record.changes.insert(place, Change { time, units }),
            None => record.changes.remove(&place),
        };
    }
    record.publication = None;
    record.to_complete = None;
    // What the last run has left to another one is not to come over what somebody has gone back to.
    record.run.deferred.clear();
    record.rollback = Some(RecordedRollback { generation: to, from });
    record.write(site, mount_point).map_err(failed("write", &at))
}
