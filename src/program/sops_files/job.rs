//! The work on one sops file, done on the thread that can only read and compute.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    keys::{DataKeyRecovery, Keyring, KeysAtHand},
    manifest::Selection,
    program::{
        limit::Limit,
        remedy::{self, Editable, RESTORE},
    },
    sops::{ContentError, DecryptError, Decrypted, SopsFile, format::Format, select::Selector},
    system::{
        plaintext::Plaintext,
        read::{self, ReadError},
    },
    text::diagnosis::Diagnosis,
};

/// A sops file to read and decrypt. It owns all that the work needs, because the thread that does the work may be left behind.
pub(crate) struct Job {
    /// The file.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// The most bytes that the file may have, and that all secrets together may have.
    pub limit: Limit,
    /// What messages call it: its path, and the secrets that need it.
    pub needed: String,
    /// The parts of the file that are wanted, one for each secret.
    pub wanted: Vec<Selection>,
}

/// The contents of the wanted parts of a file, in their order, or the reason why one has none. Nothing else of the file is kept in
/// memory.
pub(crate) type WantedContents = Vec<Result<Arc<Plaintext>, ContentError>>;

/// What the keys at hand did with a file.
pub(crate) enum Begun {
    /// They opened it, and it is decrypted.
    Open(WantedContents),
    /// They did not open it, so programs are asked. The text of the file is not kept: many files that others made large would fill
    /// the memory.
    Closed(DataKeyRecovery),
}

impl Job {
    /// Reads and parses the file, and decrypts it if the keys at hand open it. `room`: how many bytes may still be published.
    ///
    /// # Errors
    /// With the message for people.
    pub(crate) fn begin(&self, keys: &KeysAtHand, room: usize) -> Result<Begun, Diagnosis> {
        self.without_panic(|| {
            let text = self.read()?;
            let file = self.parse(&text)?;
            let mut recovery = DataKeyRecovery::new(&file.metadata().key_groups, file.metadata().proof());
            keys.open(&mut recovery);
            match recovery.is_open().then(|| recovery.take_key()).flatten() {
                Some(key) => self.decrypt(&text, file, &key, None, room).map(Begun::Open),
                None => Ok(Begun::Closed(recovery)),
            }
        })
    }

    /// Decrypts the file after programs were asked. If a program gave its data key, the file is read again. `room`: how many bytes
    /// may still be published.
    ///
    /// # Errors
    /// With the message for people.
    pub(crate) fn finish(&self, recovery: DataKeyRecovery, keyring: &Keyring, room: usize) -> Result<WantedContents, Diagnosis> {
        self.without_panic(|| {
            let foreign = (!recovery.is_open()).then(|| foreign_key(&recovery.open_shares()));
            let proof = recovery.proof().clone();
            let key = keyring.finish(recovery).map_err(|no_key| {
                let report = no_key.report(&|arguments| self.editable().sops(arguments));
                Diagnosis::bare(format!("cannot decrypt {}\n{}", self.needed, report.trim_end()))
            })?;
            let text = self.read()?;
            let file = self.parse(&text)?;
            // The file is read a second time here. The data key belongs to the text whose MAC was seen the first time.
            if file.metadata().proof() != proof {
                let changed = "it was changed while a program was asked for its key";
                return Err(self.fail(Diagnosis::new(changed, "run this again")));
            }
            self.decrypt(&text, file, &key, foreign, room)
        })
    }

    /// Something that keeps the file from being decrypted.
    pub(crate) fn fail(&self, diagnosis: Diagnosis) -> Diagnosis {
        diagnosis.of(format_args!("cannot decrypt {}", self.needed))
    }

    fn read(&self) -> Result<Plaintext, Diagnosis> {
        read(&self.path, self.limit, &self.needed)
    }

    fn parse<'t>(&self, text: &'t Plaintext) -> Result<SopsFile<'t>, Diagnosis> {
        SopsFile::parse(self.format, text.expose()).map_err(|error| {
            let diagnosis = remedy::unusable(&error, text.expose(), self.editable());
            diagnosis.of(format_args!("cannot use {} as a sops file", self.needed))
        })
    }

    fn editable(&self) -> Editable<'_> {
        Editable::new(&self.path, self.format)
    }

    /// What the file holds is authentic when this returns. `foreign`: what is wrong if nothing of the file authenticates, unless the key
    /// is known to open its MAC.
    fn decrypt(
        &self,
        text: &Plaintext,
        file: SopsFile<'_>,
        key: &Plaintext,
        foreign: Option<Diagnosis>,
        room: usize,
    ) -> Result<WantedContents, Diagnosis> {
        let decrypted = file.decrypt(key).map_err(|error| match (error, foreign) {
            // The key does not decrypt the MAC either. A single change to the file cannot spoil both the MAC and a value, so the
            // key is that of another file.
            (DecryptError::Value { .. }, Some(foreign)) => self.fail(foreign),
            (error, _) => self.fail(remedy::undecryptable(&error, text.expose(), key, self.editable())),
        })?;
        take(&decrypted, &self.wanted, room).ok_or_else(|| self.fail(self.limit.exceeded("secrets")))
    }

    /// Runs `step`. If it panics, this is a fault of the program, and counts as a failure of this file alone.
    fn without_panic<T>(&self, step: impl FnOnce() -> Result<T, Diagnosis>) -> Result<T, Diagnosis> {
        // This is safe after a panic: no file changes the keys. At worst, the search for the key of the next file begins with
        // another identity.
        catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| {
            let fault = "this is a bug in sops-install-secrets, described in the lines above";
            Err(self.fail(Diagnosis::new(fault, "please report it")))
        })
    }
}

/// What is wrong if neither the MAC nor a value authenticates. `shares`: the key groups whose shares were put together, if there are several.
fn foreign_key(shares: &[String]) -> Diagnosis {
    let key = if shares.is_empty() {
        "the data key that the keys of this host open is not the one".to_owned()
    } else {
        format!("the shares of {} do not make the data key", shares.join(", "))
    };
    Diagnosis::new(
        format!("{key} of this file: neither its MAC nor its values authenticate"),
        RESTORE,
    )
}

/// The text of a sops file, which is called `needed` in the message for people.
pub(crate) fn read(path: &Path, limit: Limit, needed: &str) -> Result<Plaintext, Diagnosis> {
    let contents = read::read(path, limit.bytes).map_err(|error| {
        let remedy = match error {
            ReadError::TooLarge(_) => Some(limit.remedy),
            ReadError::Missing => Some("restore it, or correct sopsFile"),
            ReadError::Refused(_) => Some("correct sopsFile, or the owner and mode of the file"),
            ReadError::NotRegular(_) => Some("correct sopsFile"),
            ReadError::Late | ReadError::Stopped => error.remedy(),
        };
        Diagnosis {
            cause: format!("cannot read {needed}: {error}"),
            remedy: remedy.map(str::to_owned),
        }
    })?;
    Ok(contents.text)
}

/// The wanted parts of a decrypted file; `None` if they are larger than `room`, in bytes. Secrets that are the whole file share one
/// text.
fn take(file: &Decrypted, wanted: &[Selection], mut room: usize) -> Option<WantedContents> {
    let selector = file.selector();
    let mut whole: Option<Arc<Plaintext>> = None;
    let mut contents = WantedContents::with_capacity(wanted.len());
    for selection in wanted {
        let content = match (selection, &whole) {
            (Selection::Whole, Some(whole)) => Ok(Arc::clone(whole)),
            _ => content(file, &selector, selection, room).transpose()?,
        };
        if let Ok(text) = &content {
            room = room.checked_sub(text.len())?;
            if *selection == Selection::Whole {
                whole = Some(Arc::clone(text));
            }
        }
        contents.push(content);
    }
    Some(contents)
}

/// The content of one secret; `None` if it has more than `room` bytes. A whole file is measured first, and is written to memory
/// only if it fits.
fn content<'f>(
    file: &'f Decrypted,
    selector: &Selector<'f, Plaintext>,
    selection: &Selection,
    room: usize,
) -> Result<Option<Arc<Plaintext>>, ContentError> {
    let text = match selection {
        Selection::Key(key) => Some(file.value(selector, key)?),
        Selection::Whole => file.whole(room)?,
    };
    let text = text.filter(|text| text.expose().len() <= room);
    Ok(text.map(|text| Arc::new(text.into_plaintext())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_is_the_failure_of_the_file_that_brings_it_to_light() {
        let job = Job {
            path: PathBuf::from("/secrets.yaml"),
            format: Format::Yaml,
            limit: Limit { bytes: 0, remedy: "" },
            needed: "/secrets.yaml (needed by secret a)".to_owned(),
            wanted: Vec::new(),
        };
        let failure = job.without_panic(|| -> Result<(), Diagnosis> { panic!("a fault") });
        let expected = "cannot decrypt /secrets.yaml (needed by secret a): this is a bug in sops-install-secrets, described in the \
            lines above; please report it";
        assert_eq!(failure.unwrap_err().to_string(), expected);
    }
}
