//! Writes copies of secrets and templates to declared paths.
//!
//! A copy is written under a temporary name in its directory, and takes its place in one step. So whoever reads it sees the old content or
//! the new one. Before the first secret byte is written, the ledger has the number of the file ([`MadeLink::new`]).

use std::{ffi::OsStr, fs::File, io::Write as _, os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{self, FileType, Mode, OFlags, Stat},
    process::geteuid,
};
use zeroize::Zeroizing;

use super::{
    at_path::AtPath,
    compared_file,
    destination::Destination,
    entry::Entry,
    error::{InstallError, errno, failed},
    failure::Failed,
    files::{self, NEW, suffixed},
    links,
    made::MadeLink,
    newcomer::Newcomer,
    owner::Owner,
    wipe,
};
use crate::system::{access_list, memory, mode::FileMode, status};

/// How many bytes of a copy are held in memory at a time while it is compared: 64 KiB, or less if it is shorter.
const CHUNK: usize = 64 * 1024;

/// The mode of a copy until its content is complete.
const UNFINISHED_MODE: FileMode = FileMode::of_bits(0o600);

/// Fails if `entry` must not be written to the open directory `dir`, because `dir` is not in memory.
pub(crate) fn check_store(entry: &Entry<'_>, path: &Path, dir: &OwnedFd) -> Result<(), InstallError> {
    let is_meant = entry.at_path == AtPath::Copy { to_disk: true };
    if is_meant || memory::holds(dir).map_err(failed("examine", path))? {
        return Ok(());
    }
    Err(InstallError::copy_on_disk(path))
}

/// Whether the file at `place` is a copy of `entry` already. What cannot be read is none.
pub(crate) fn is_there(place: &Destination, entry: &Entry<'_>) -> bool {
    let Ok(file) = files::open_file(&place.dir, place.name.as_os_str()) else {
        return false;
    };
    let mut scratch = Zeroizing::new(vec![0; entry.content.len().clamp(1, CHUNK)]);
    compared_file::is_that_of(file, entry, true, &mut scratch).unwrap_or(false)
}

/// The empty file that becomes a copy.
pub(crate) struct BegunCopy {
    pub(crate) status: Stat,
    /// Its birth ([`status::birth`]).
    pub(crate) born: Option<String>,
    /// Warnings about what had its temporary name.
    pub(crate) warnings: Vec<String>,
}

/// Makes the empty file that becomes the copy at `place`, under its temporary name. The file is on the disk then: after a power cut, no other
/// file can have the number that the ledger gets.
pub(crate) fn begin(place: &Destination, known: Option<&MadeLink>) -> Result<BegunCopy, InstallError> {
    let fail = |cause| failed("create a copy for", &place.path)(cause);
    let new = suffixed(&place.name, NEW);
    let warnings = links::clear(place, &new, &Newcomer::copy(known))?;
    let file = files::create_file(&place.dir, &new, Owner::Caller, UNFINISHED_MODE).map_err(fail)?;
    let begun = fs::fstat(&file).map_err(fail)?;
    if FileMode::of(&begun) != UNFINISHED_MODE || begun.st_uid != geteuid().as_raw() {
        abandon(place, &begun);
        return Err(InstallError::copy_open_to_others(&place.path));
    }
    if memory::holds(&place.dir) != Ok(true) {
        files::sync(&place.dir)
            .map_err(fail)
            .inspect_err(|_| abandon(place, &begun))?;
    }
    Ok(BegunCopy {
        status: begun,
        born: status::birth(&file, c""),
        warnings,
    })
}

/// Writes `entry` to the file `begun` at `place`, and puts it in its place. Returns the status of what was written, and warnings. `known` is what the ledger had of the place before.
pub(crate) fn finish(
    place: &Destination,
    entry: &Entry<'_>,
    begun: &Stat,
    known: Option<&MadeLink>,
) -> Result<(Stat, Vec<String>), Failed> {
    let new = suffixed(&place.name, NEW);
    let newcomer = Newcomer::copy(known);
    let filled = fill(place, &new, entry, begun).map_err(Failed::from);
    let placed = filled.and_then(|written| Ok((written, links::exchange(place, &new, &newcomer)?)));
    let (written, warnings) = placed.inspect_err(|_| abandon(place, begun))?;
    let there = files::status(&place.dir, place.name.as_os_str()).ok().flatten();
    if there.is_some_and(|there| files::same_file(&there, begun)) {
        return Ok((written, warnings));
    }
    Err(Failed {
        errors: vec![InstallError::interference(&place.path)],
        warnings,
    })
}

/// Writes the content to the file `new`, and then gives it its owner and mode. In a directory of another user, that user could have given the
/// name to another file, so the file must be the one that was `begun`.
fn fill(place: &Destination, new: &OsStr, entry: &Entry<'_>, begun: &Stat) -> Result<Stat, InstallError> {
    check_store(entry, &place.path, &place.dir)?;
    let fail = |cause| failed("write the copy", &place.path)(cause);
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = fs::openat(&place.dir, new, flags, Mode::empty()).map_err(fail)?;
    let status = fs::fstat(&file).map_err(fail)?;
    let is_ours = files::same_file(&status, begun)
        && files::kind(&status) == FileType::RegularFile
        && (status.st_uid, status.st_size, status.st_nlink) == (geteuid().as_raw(), 0, 1);
    if !is_ours {
        return Err(InstallError::interference(&place.path));
    }
    // A list that the directory gives to new files would let other users in as soon as the mode does.
    access_list::remove(&file).map_err(fail)?;
    let mut file = File::from(file);
    file.write_all(entry.content).map_err(|error| fail(errno(&error)))?;
    files::secure(&file, entry.owner, entry.mode).map_err(fail)?;
    // The ledger knows the file by the mark that it had from the start. Without it, a file that a killed run has left here is somebody's.
    let from_start = fs::Timespec {
        tv_sec: begun.st_mtime,
        tv_nsec: u32::try_from(begun.st_mtime_nsec).unwrap_or_default().into(),
    };
    let times = fs::Timestamps {
        last_access: fs::Timespec {
            tv_sec: 0,
            tv_nsec: fs::UTIME_OMIT,
        },
        last_modification: from_start,
    };
    let _ = fs::futimens(&file, &times);
    if !memory::holds(&place.dir).map_err(fail)? {
        fs::fsync(&file).map_err(fail)?;
    }
    let written = fs::fstat(&file).map_err(fail)?;
    if FileMode::of(&written) != entry.mode || !entry.owner.has(&written) {
        return Err(InstallError::copy_open_to_others(&place.path));
    }
    Ok(written)
}

/// Removes the file `begun` from its temporary name, with whatever of the content is in it.
pub(crate) fn abandon(place: &Destination, begun: &Stat) {
    let new = suffixed(&place.name, NEW);
    let is_begun = |there: &Stat| files::same_file(there, begun);
    if files::status(&place.dir, &*new).is_ok_and(|there| there.as_ref().is_some_and(is_begun)) {
        let _ = wipe::destroy(&place.dir, &new, is_begun);
    }
}
