//! Reads the text of a sops file.

use std::path::Path;

use crate::{
    program::limit::Limit,
    sops::SopsText,
    system::read::{OpenFile, ReadError},
    text::diagnosis::Diagnosis,
};

/// Why a file gives nothing.
pub(crate) struct Unopened {
    /// The reason, as a message for people.
    pub(crate) diagnosis: Diagnosis,
    /// What kind of reason it is.
    pub(crate) why: Shortfall,
}

/// What kind of reason it is that a file gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortfall {
    /// There is no such file.
    Missing,
    /// No key of this run opens it, and a key that another run has could: that of a key service, or one whose file is not there yet.
    KeyToCome,
    /// No key of this run opens it.
    NoKey,
    /// Something else is wrong.
    Fault,
}

/// Which files that stay closed another run is to open, so that their secrets are awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// None: that a file stays closed is a failure.
    Nothing,
    /// Those that a key could open which comes later.
    KeyToCome,
    /// These, and all others may have been opened by the run before, which may have had other keys.
    AllClosed,
}

impl From<Diagnosis> for Unopened {
    fn from(diagnosis: Diagnosis) -> Self {
        Self {
            diagnosis,
            why: Shortfall::Fault,
        }
    }
}

/// The directory of those files that the configuration names and does not have: the Nix modules write so.
const MISSING_FILES: &str = "/var/empty";

/// The directory of the Nix store. A file in it is there as long as the configuration that names it.
const STORE: &str = "/nix/store";

/// Reads the text of a sops file. `needed` is the name of the file in the message for people. `shortens` says whether long values
/// are kept apart from the text.
pub(crate) fn read(path: &Path, limit: Limit, needed: &str, shortens: bool) -> Result<SopsText, Unopened> {
    read_text(path, limit, shortens).map_err(|error| {
        let remedy = match error {
            ReadError::TooLarge(_) => Some(limit.remedy),
            ReadError::Missing => Some("restore the file, or correct sopsFile"),
            ReadError::Denied | ReadError::Refused(_) => Some("correct sopsFile, or the owner and mode of the file"),
            ReadError::BadPath(_) | ReadError::NotRegular(_) => Some("correct sopsFile"),
            ReadError::Late | ReadError::Stopped => error.remedy(),
        };
        let diagnosis = Diagnosis {
            cause: format!("cannot read {needed}: {error}"),
            remedy: remedy.map(str::to_owned),
        };
        Unopened {
            diagnosis,
            why: if error == ReadError::Missing && may_be_missing(path) {
                Shortfall::Missing
            } else {
                Shortfall::Fault
            },
        }
    })
}

/// Whether a sops file that does not exist may just not exist. A disk that is not mounted yet, a symlink that leads nowhere and a file that
/// the Nix store has lost are faults: whoever declares an optional secret would lose it without a word.
fn may_be_missing(path: &Path) -> bool {
    let Some(directory) = path.parent() else { return false };
    let is_symlink = path.symlink_metadata().is_ok();
    directory == Path::new(MISSING_FILES) || !path.starts_with(STORE) && !is_symlink && directory.is_dir()
}

fn read_text(path: &Path, limit: Limit, shortens: bool) -> Result<SopsText, ReadError> {
    let file = OpenFile::open(path, limit.bytes)?;
    let mut text = SopsText::new(file.size, shortens);
    file.read(|piece| text.push(piece))?;
    text.finish();
    Ok(text)
}
