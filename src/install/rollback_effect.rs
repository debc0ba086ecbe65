//! What a rollback does to each file, by a comparison of two generations.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::{compared_file::are_alike, files, live::LiveGeneration, name::PlaceInGeneration};

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
            if are_alike(one, other)? {
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
