//! Files that change when secrets change, for programs that watch.
//!
//! A program cannot watch a published secret itself: a new generation has new files, and the link to it is swapped, so neither inotify
//! nor a path unit of systemd sees a change of the file that it knows. A watch file stays at its path, and is written in place when
//! what it stands for has changed. It has a stamp of what is live, and no content of a secret.
//!
//! The stamp makes a record of changes needless. If a run is killed after the swap, the stamp is an old one, and the next run writes
//! the file.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    os::{fd::OwnedFd, unix::fs::FileExt as _},
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{
    destination::Destination,
    error::{InstallError, errno, failed},
    files, parents,
    site::Site,
};
use crate::system::mode::FileMode;

/// The first word of each watch file. A file that begins otherwise is somebody else's, and is never written to.
const MARK: &str = "sops-install-secrets";

/// Everybody may read a watch file: it says when something changed, and nothing else.
const MODE: FileMode = FileMode::of_bits(0o644);

/// How many bytes a stamp has, filled up with blanks: as many as the longest, with each number of its type.
const LENGTH: usize = 104;

/// The most bytes of a watch file that are read: far more than a stamp has.
const MAX_BYTES: u64 = 256;

/// Writes the watch files of what has changed: the file of the phase for each new generation, and the file of an entry for each new
/// file of the entry. `number` is the live generation in the mount point `root`. `watched` has the place of each entry with a watch
/// file, and the path of that. Returns an error for each file that cannot be written.
pub(crate) fn write_all<'w>(
    site: &Site,
    root: &OwnedFd,
    number: u64,
    watched: impl Iterator<Item = (String, &'w Path)>,
) -> Vec<InstallError> {
    let of_phase = site.watch_file.as_deref().map(|path| {
        let stamp = stamp_of_generation(root, number).map_err(failed("examine", &site.generation(number)));
        stamp.and_then(|stamp| write(site, path, &stamp))
    });
    let of_entries = watched.map(|(place, path)| {
        let stamp = stamp(root, number, &place).map_err(failed("examine", &site.generation(number)));
        stamp.and_then(|stamp| write(site, path, &stamp))
    });
    of_phase.into_iter().chain(of_entries).filter_map(Result::err).collect()
}

/// Why the watch files at `paths` could not be written. Writes nothing.
pub(crate) fn obstacles<'w>(site: &Site, paths: impl Iterator<Item = &'w Path>) -> Vec<InstallError> {
    let obstacle = |path: &Path| match parents::find(&site.root, path) {
        Ok(Some(place)) => read(&place).err(),
        Ok(None) => None,
        Err(error) => Some(error),
    };
    paths.filter_map(obstacle).collect()
}

/// The stamp of the live generation. After a rollback, its number comes again, but for another directory, which may have the inode number
/// of the one that went.
fn stamp_of_generation(root: &OwnedFd, number: u64) -> Result<String, Errno> {
    let status = fs::statat(root, number.to_string(), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(filled(&format!("generation {number} {}", identity(&status))))
}

/// The stamp of the live file of the entry at `place`. An unchanged file is the same file in each generation, and so has the same stamp.
fn stamp(root: &OwnedFd, number: u64, place: &str) -> Result<String, Errno> {
    let status = fs::statat(root, format!("{number}/{place}"), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(filled(&format!("file {}", identity(&status))))
}

/// What distinguishes a file or a directory from one that was there before it.
fn identity(status: &Stat) -> String {
    format!("{} {}.{:09}", status.st_ino, status.st_mtime, status.st_mtime_nsec)
}

/// The text of a watch file. All are equally long: with its length, a file would change twice.
fn filled(stamp: &str) -> String {
    format!("{:LENGTH$}\n", format!("{MARK} {stamp}"))
}

/// Writes `text` to the watch file `path`, unless the file has this text already.
fn write(site: &Site, path: &Path, text: &str) -> Result<(), InstallError> {
    let place = parents::reach(&site.root, path, site.homes)?;
    // It is opened for reading first: that a file was open for writing is an event for watchers, even if nothing was written.
    let Some((there, known)) = read(&place)? else {
        return create(site, &place, text).map_err(failed("write", path));
    };
    if there == text.as_bytes() {
        return Ok(());
    }
    match open(&place, OFlags::WRONLY)? {
        Some((file, status)) if files::same_file(&status, &known) => overwrite(&file, there.len(), text),
        _ => return Err(InstallError::interference(path)),
    }
    .map_err(|error| failed("write", path)(errno(&error)))
}

/// Opens the watch file; `None` if there is no file. Anything else than a file of the caller with one name is refused.
fn open(place: &Destination, access: OFlags) -> Result<Option<(File, Stat)>, InstallError> {
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match fs::openat(&place.dir, place.name.as_os_str(), flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        // A symlink, a directory, a socket.
        Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Err(InstallError::foreign_watch_file(&place.path)),
        Err(cause) => return Err(failed("open", &place.path)(cause)),
    };
    let status = fs::fstat(&file).map_err(failed("examine", &place.path))?;
    let is_ours = status.st_uid == rustix::process::geteuid().as_raw() && status.st_nlink == 1;
    if files::kind(&status) != FileType::RegularFile || !is_ours {
        return Err(InstallError::foreign_watch_file(&place.path));
    }
    Ok(Some((File::from(file), status)))
}

/// The first bytes of the watch file: all bytes, if this program wrote it; and what the file is. `None` if there is no file. What this
/// program did not write is refused.
fn read(place: &Destination) -> Result<Option<(Vec<u8>, Stat)>, InstallError> {
    let Some((file, status)) = open(place, OFlags::RDONLY)? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    let done = file.take(MAX_BYTES).read_to_end(&mut text);
    done.map_err(|error| failed("read", &place.path)(errno(&error)))?;
    if !text.is_empty() && !text.starts_with(MARK.as_bytes()) {
        return Err(InstallError::foreign_watch_file(&place.path));
    }
    Ok(Some((text, status)))
}

/// Writes the file in place, because watchers wait for a change of this file, not for another file in its place. All is written at
/// once, so that a watcher sees one change. `before` is the length of the text that was there: only somebody else has made it longer.
fn overwrite(file: &File, before: usize, text: &str) -> io::Result<()> {
    file.write_all_at(text.as_bytes(), 0)?;
    if text.len() < before {
        file.set_len(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
    }
    Ok(())
}

/// Makes the file under a temporary name first, so that a watcher sees it only with its text.
fn create(site: &Site, place: &Destination, text: &str) -> Result<(), Errno> {
    let new = files::suffixed(&place.name, files::NEW);
    // A killed run may have left it.
    if let Err(cause) = fs::unlinkat(&place.dir, &new, AtFlags::empty())
        && cause != Errno::NOENT
    {
        return Err(cause);
    }
    let file = files::create_file(&place.dir, &new, site.file_owner(), MODE)?;
    File::from(file).write_all(text.as_bytes()).map_err(|error| errno(&error))?;
    fs::renameat(&place.dir, &new, &place.dir, &place.name)
}
