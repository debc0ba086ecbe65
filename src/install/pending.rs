//! Records of unit requests that are still to be made, so that a crash after the swap does not lose them.
//!
//! The record `<N>.pending` lies beside generation N. The record is written before the link is swapped to N, and removed after the
//! requests were made. The record counts only while the link names N. So if a run is killed before the swap, its record has no
//! effect: the secrets did not change, and no unit has to restart.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
};

use rustix::{fs, io::Errno};

use super::{
    error::{InstallError, errno, failed},
    files::{self, NEW},
    site::Site,
    units::UnitRequests,
};
use crate::system::mode::FileMode;

/// Limit: at most 16 MiB of a record are read. The unit names of any configuration are far shorter.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The file name of the record for generation `number`.
pub(crate) fn name(number: u64) -> String {
    format!("{number}.pending")
}

/// The number of the generation to which a record with this file name belongs; `None` if `name` is not the name of a record.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".pending").and_then(super::site::parse_number)
}

/// Reads the requests that are recorded for generation `number`. Returns no requests if no record exists.
pub(crate) fn read(site: &Site, root: &OwnedFd, number: u64) -> Result<UnitRequests, InstallError> {
    let at = site.mount_point.join(name(number));
    let file = match files::open_file(root, name(number)) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(UnitRequests::default()),
        Err(cause) => return Err(failed("open", &at)(cause)),
    };
    let mut text = String::new();
    let outcome = File::from(file).take(MAX_BYTES).read_to_string(&mut text);
    outcome.map_err(|error| failed("read", &at)(errno(&error)))?;
    Ok(parse(&text))
}

/// Writes the record of `requests` for generation `number`. An existing record is an error.
pub(crate) fn write(site: &Site, root: &OwnedFd, number: u64, requests: &UnitRequests) -> Result<(), InstallError> {
    let at = site.mount_point.join(name(number));
    let file =
        files::create_file(root, name(number), site.file_owner(), FileMode::of_bits(0o600)).map_err(failed("create", &at))?;
    let outcome = File::from(file).write_all(render(requests).as_bytes());
    outcome.map_err(|error| failed("write", &at)(errno(&error)))
}

/// Records `requests` for generation `number` in one step, in the place of what is recorded. Without requests, the record is removed.
pub(crate) fn replace(site: &Site, root: &OwnedFd, number: u64, requests: &UnitRequests) -> Result<(), InstallError> {
    if requests.is_empty() {
        return remove(site, root, number);
    }
    let at = site.mount_point.join(name(number));
    let new = format!("{}{NEW}", name(number));
    files::remove_tree(root.as_fd(), &*new).map_err(failed("remove", &at))?;
    let file = files::create_file(root, &*new, site.file_owner(), FileMode::of_bits(0o600)).map_err(failed("create", &at))?;
    let outcome = File::from(file).write_all(render(requests).as_bytes());
    outcome.map_err(|error| failed("write", &at)(errno(&error)))?;
    fs::renameat(root, &*new, root, name(number)).map_err(failed("write", &at))
}

/// Removes the record of generation `number`, if one exists.
pub(crate) fn remove(site: &Site, root: &OwnedFd, number: u64) -> Result<(), InstallError> {
    let at = site.mount_point.join(name(number));
    files::remove_tree(root.as_fd(), &name(number)).map_err(failed("remove", &at))
}

/// The text of a record: one request on each line, as `restart UNIT` or `reload UNIT`.
fn render(requests: &UnitRequests) -> String {
    let restart = requests.restart.iter().map(|unit| format!("restart {unit}\n"));
    let reload = requests.reload.iter().map(|unit| format!("reload {unit}\n"));
    restart.chain(reload).collect()
}

/// Reads the text that [`render`] makes. Other lines are ignored.
fn parse(text: &str) -> UnitRequests {
    let of = |verb: &str| {
        text.lines()
            .filter_map(|line| line.strip_prefix(verb))
            .map(str::to_owned)
            .collect()
    };
    UnitRequests {
        restart: of("restart "),
        reload: of("reload "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let requests = UnitRequests {
            restart: vec!["a b.service".into(), "restart .service".into()],
            reload: vec!["c@d.service".into()],
        };
        assert_eq!(parse(&render(&requests)), requests);
        assert_eq!(parse("bogus x\n\n"), UnitRequests::default());
    }

    #[test]
    fn only_records_of_numbers_are_records() {
        assert_eq!(number("7.pending"), Some(7));
        for other in ["07.pending", "+7.pending", "0.pending", "x.pending", "7", ".pending"] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
