//! What a rollback does to each file, by a comparison of two generations.

use std::{fs::File, io::Read as _, os::fd::OwnedFd};

use rustix::{
    fs::{self, FileType, Stat},
    io::Errno,
};
use zeroize::Zeroizing;

use super::{error::errno, files, live::LiveGeneration, name::PlaceInGeneration};

/// How many bytes of two files are held in memory at a time while they are compared: 64 KiB.
const CHUNK: usize = 64 * 1024;

/// What a rollback does to a declared file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Neither generation has the file.
    None,
    /// The file is the same.
    Stays,
    /// The older generation has another file, or has one that the live generation lacks.
    Changes,
    /// The older generation lacks the file.
    Goes,
}

/// What a rollback to the generation `older` does to the file at `place`.
pub(crate) fn effect(live: &LiveGeneration, older: &OwnedFd, place: &PlaceInGeneration<'_>) -> Result<Effect, Errno> {
    Ok(match (open(live.dir(), place)?, open(older, place)?) {
        (FileAtPlace::Nothing, FileAtPlace::Nothing) => Effect::None,
        (_, FileAtPlace::Nothing) => Effect::Goes,
        (FileAtPlace::File(one), FileAtPlace::File(other)) => {
            if is_same(one, other)? {
                Effect::Stays
            } else {
                Effect::Changes
            }
        }
        (_, FileAtPlace::File(_) | FileAtPlace::Closed) => Effect::Changes,
    })
}

/// What is at a place in a generation.
enum FileAtPlace {
    Nothing,
    File(OwnedFd),
    /// Something that cannot be read, and so counts as another file.
    Closed,
}

fn open(dir: &OwnedFd, place: &PlaceInGeneration<'_>) -> Result<FileAtPlace, Errno> {
    match files::open_file(dir, place.as_str()) {
        Ok(file) => Ok(FileAtPlace::File(file)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(FileAtPlace::Nothing),
        Err(Errno::ACCESS | Errno::AGAIN) => Ok(FileAtPlace::Closed),
        Err(cause) => Err(cause),
    }
}

/// Whether two files are the same: content, owner, group and mode.
fn is_same(one: OwnedFd, other: OwnedFd) -> Result<bool, Errno> {
    let (this, that) = (fs::fstat(&one)?, fs::fstat(&other)?);
    let properties = |status: &Stat| (status.st_mode, status.st_uid, status.st_gid, status.st_size);
    if files::same_file(&this, &that) {
        return Ok(true);
    }
    if properties(&this) != properties(&that) || files::kind(&this) != FileType::RegularFile {
        return Ok(false);
    }
    has_same_content(File::from(one), File::from(other))
}

/// Whether two files have the same content.
fn has_same_content(one: File, other: File) -> Result<bool, Errno> {
    let mut buffers = [one, other].map(|file| (file, Zeroizing::new(Vec::with_capacity(CHUNK))));
    loop {
        for (file, buffer) in &mut buffers {
            buffer.clear();
            let read = file.by_ref().take(CHUNK as u64).read_to_end(buffer);
            read.map_err(|error| errno(&error))?;
        }
        let [(_, one), (_, other)] = &buffers;
        if one.as_slice() != other.as_slice() {
            return Ok(false);
        }
        if one.is_empty() {
            return Ok(true);
        }
    }
}
