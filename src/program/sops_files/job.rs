//! The work on one sops file, done on the confined thread, which can read files and compute.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
};

use super::{
    facts::FileFacts,
    foreign_key::foreign_key,
    reading::{Shortfall, Unopened, read},
};
use crate::{
    keys::{DataKeyRecovery, Keyring, KeysAtHand},
    manifest::Selection,
    program::{
        limit::Limit,
        remedy::{self, Editable, RESTORE},
    },
    sops::{ContentError, DecryptError, Decrypted, LongValues, SopsFile, format::Format, proof::KeyProof, tree::Opened},
    system::{plaintext::Plaintext, progress::Progress},
    text::{diagnosis::Diagnosis, printable::shown},
    transform::SaltKey,
};

/// A sops file to read and decrypt. The job owns all its data, because a thread that takes too long is abandoned and keeps using the
/// data.
pub(crate) struct Job {
    /// The path of the file.
    pub path: PathBuf,
    /// The format of the file.
    pub format: Format,
    /// The size limit of the file, which is also the limit of all secrets together.
    pub limit: Limit,
    /// The name of the file in messages: its path, and the secrets that need the file.
    pub needed: String,
    /// The parts of the file that are wanted, one part for each secret.
    pub wanted: Vec<Selection>,
}

/// The contents of the parts of a file that [`Job::wanted`] names, in the same order. A part without content has an error
/// instead. Nothing else of the file is kept in memory.
pub(crate) type WantedContents = Vec<Result<Opened, ContentError>>;

/// A file that is decrypted.
pub(crate) struct OpenedFile {
    /// What is wanted of it.
    pub(crate) contents: WantedContents,
    /// What it says of itself without a key.
    pub(crate) facts: FileFacts,
    /// The key of the salts of hashes.
    pub(crate) salt_key: SaltKey,
}

/// The result of the work that the keys at hand can do on a file.
pub(crate) enum Begun {
    /// The keys at hand opened the file, and the file is decrypted.
    Open(OpenedFile),
    /// The keys at hand did not open the file, so other programs will be asked. The text of the file is not kept: many large files
    /// would fill the memory.
    Closed(DataKeyRecovery),
}

impl Job {
    /// The same job for a file of at most `bytes` bytes.
    pub(crate) fn of_at_most(mut self, bytes: usize) -> Self {
        self.limit.bytes = self.limit.bytes.min(bytes);
        self
    }

    /// Reads and parses the file, and decrypts it if the keys at hand open it. `room` is the number of bytes that may still be
    /// published.
    ///
    /// # Errors
    ///
    /// Returns a message for people if any step fails.
    pub(crate) fn begin(&self, keys: &KeysAtHand, room: usize) -> Result<Begun, Unopened> {
        // The text may be read twice. The keys are tried once: what they gave counts for the second text as well.
        let mut found: Option<(KeyProof, Plaintext)> = None;
        let open = |text: &Plaintext, long_values: &mut LongValues| {
            let file = self.parse(text, long_values)?;
            let proof = file.metadata().proof();
            let (proof, key) = match found.take().filter(|(known, _)| *known == proof) {
                Some(found) => found,
                None => match search(&file, proof, keys) {
                    Ok(found) => found,
                    Err(recovery) => return Ok(Err(recovery.of_file(shown(&self.path)))),
                },
            };
            let (_, key) = found.insert((proof, key));
            self.decrypt(text, long_values, file, key, None).map(Ok)
        };
        self.without_panic(|| match self.with_text(open)? {
            Ok(decrypted) => Ok(Begun::Open(self.take(decrypted, room)?)),
            Err(recovery) => Ok(Begun::Closed(recovery)),
        })
    }

    /// Decrypts the file after other programs were asked for its data key. If a data key was found, the file is read again. `room` is
    /// the number of bytes that may still be published.
    ///
    /// # Errors
    ///
    /// Returns a message for people if there is no data key, or if any step fails.
    pub(crate) fn finish(&self, recovery: DataKeyRecovery, keyring: &Keyring, room: usize) -> Result<OpenedFile, Unopened> {
        self.without_panic(|| {
            let foreign = (!recovery.is_open()).then(|| foreign_key(&recovery.open_shares(), &recovery.failures_of_programs()));
            let proof = recovery.proof().clone();
            let why = if keyring.later_run_could_open(&recovery) {
                Shortfall::KeyToCome
            } else {
                Shortfall::NoKey
            };
            let key = keyring.finish(recovery).map_err(|no_key| {
                let report = no_key.report(&|arguments| self.editable().sops(arguments));
                let diagnosis = Diagnosis::bare(format!("cannot decrypt {}\n{}", self.needed, report.trim_end()));
                Unopened { diagnosis, why }
            })?;
            let decrypted = self.with_text(|text, long_values| {
                let file = self.parse(text, long_values)?;
                // The file has been read a second time. The data key belongs to the text that was read the first time, so the MAC
                // must still be the same.
                if file.metadata().proof() != proof {
                    let changed = "the file was changed while a program was asked for its key";
                    return Err(self.fail(Diagnosis::new(changed, "run this again")));
                }
                self.decrypt(text, long_values, file, &key, foreign.as_ref())
            })?;
            Ok(self.take(decrypted, room)?)
        })
    }

    /// Reads and parses the file, and tells what it says of itself without a key. `None` if it cannot be used.
    pub(crate) fn facts(&self) -> Option<FileFacts> {
        let facts = |text: &Plaintext, long_values: &mut LongValues| {
            let file = self.parse(text, long_values)?;
            Ok(FileFacts::of(&self.path, file.metadata()))
        };
        self.without_panic(|| self.with_text(facts)).ok()
    }

    /// A wait for the work on the file.
    pub(crate) fn progress(&self) -> Progress {
        Progress::about(format!("the sops file {}", shown(&self.path)))
    }

    /// The message for a problem that keeps the file from being decrypted.
    pub(crate) fn fail(&self, diagnosis: Diagnosis) -> Diagnosis {
        diagnosis.of(format_args!("cannot decrypt {}", self.needed))
    }

    /// Reads the file, and does `step` with its text, from which long values are kept apart. If the step fails, because of that or
    /// for another reason, it is repeated with the text as it is in the file. The text is dropped in the end.
    fn with_text<T>(&self, mut step: impl FnMut(&Plaintext, &mut LongValues) -> Result<T, Diagnosis>) -> Result<T, Unopened> {
        let mut attempt = |shortens| {
            let mut text = read(&self.path, self.limit, &self.needed, shortens)?;
            let is_shortened = text.is_shortened();
            let (text, long_values) = text.parts();
            Ok::<_, Unopened>((step(text, long_values), is_shortened))
        };
        match attempt(true)? {
            (Err(_), true) => Ok(attempt(false)?.0?),
            (done, _) => Ok(done?),
        }
    }

    fn parse<'t>(&self, text: &'t Plaintext, long_values: &LongValues) -> Result<SopsFile<'t>, Diagnosis> {
        let file = SopsFile::parse(self.format, text.expose()).map_err(|error| {
            let diagnosis = remedy::unusable(&error, text.expose(), self.editable());
            diagnosis.of(format_args!("cannot use {} as a sops file", self.needed))
        })?;
        // No key is looked for with metadata of which a part was kept apart.
        if !file.has_whole_metadata(long_values) {
            return Err(self.fail(Diagnosis::new(DecryptError::LongValue.to_string(), RESTORE)));
        }
        Ok(file)
    }

    fn editable(&self) -> Editable<'_> {
        Editable::new(&self.path, self.format)
    }

    /// Decrypts the file with the data key `key`. All contents are authentic. The facts are what the file says of itself,
    /// of which the MAC covers little.
    ///
    /// `foreign` is the message for the case that neither the MAC nor a value authenticates. `foreign` is `None` if the key is known
    /// to open the MAC.
    fn decrypt(
        &self,
        text: &Plaintext,
        long_values: &mut LongValues,
        file: SopsFile<'_>,
        key: &Plaintext,
        foreign: Option<&Diagnosis>,
    ) -> Result<(Decrypted, FileFacts, SaltKey), Diagnosis> {
        let facts = FileFacts::of(&self.path, file.metadata());
        let decrypted = file
            .decrypt_shortened(key, long_values)
            .map_err(|error| match (error, foreign) {
                // A value does not decrypt, and the key does not decrypt the MAC either. A single change to the file cannot damage
                // both the MAC and a value, so the key belongs to another file.
                (DecryptError::Value { .. }, Some(foreign)) => self.fail(foreign.clone()),
                (error, _) => self.fail(remedy::undecryptable(&error, text.expose(), key, self.editable())),
            })?;
        Ok((decrypted, facts, SaltKey::of(key)))
    }

    /// Takes the wanted contents. Fails if they have more than `room` bytes.
    fn take(&self, (decrypted, facts, salt_key): (Decrypted, FileFacts, SaltKey), room: usize) -> Result<OpenedFile, Diagnosis> {
        let contents = take(decrypted, &self.wanted, room).ok_or_else(|| self.too_large())?;
        Ok(OpenedFile {
            contents,
            facts,
            salt_key,
        })
    }

    /// The message for contents that are more than may still be published.
    pub(crate) fn too_large(&self) -> Diagnosis {
        self.fail(self.limit.exceeded("secrets"))
    }

    /// Runs `step`. A panic in `step` is a fault of this program, and counts as a failure of this file alone.
    fn without_panic<T>(&self, step: impl FnOnce() -> Result<T, Unopened>) -> Result<T, Unopened> {
        // `AssertUnwindSafe` is correct here, because the work on a file does not change the keys. After a panic, only one thing
        // may differ: the identity with which the next search for a data key begins.
        catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| {
            let fault = "this is a bug in sops-install-secrets, described in the lines above";
            Err(self.fail(Diagnosis::new(fault, "please report it")).into())
        })
    }
}

/// Looks for the data key of a file with the keys at hand. `proof` is the proof of the file. Returns the search if they do not find the
/// data key.
fn search(file: &SopsFile<'_>, proof: KeyProof, keys: &KeysAtHand) -> Result<(KeyProof, Plaintext), Box<DataKeyRecovery>> {
    let mut recovery = DataKeyRecovery::new(&file.metadata().key_groups, proof.clone());
    keys.open(&mut recovery);
    let key = recovery.is_open().then(|| recovery.take_key()).flatten();
    key.map(|key| (proof, key)).ok_or_else(|| Box::new(recovery))
}

/// Takes the wanted parts of a decrypted file. Returns `None` if they have more than `room` bytes together. Secrets that are the
/// whole file share one copy of the text.
///
/// The whole file is printed last, because its values are dropped meanwhile. It is measured first, and is written to memory only if
/// there is room.
fn take(file: Decrypted, wanted: &[Selection], room: usize) -> Option<WantedContents> {
    let (parts, left) = parts(&file, wanted, room)?;
    let whole = if wanted.contains(&Selection::Whole) {
        Some(file.into_whole(left).transpose()?)
    } else {
        None
    };
    let mut parts = parts.into_iter();
    let content = |selection: &Selection| match selection {
        Selection::Key(_) | Selection::Text(_) | Selection::Part(..) => parts.next(),
        Selection::Whole => whole.clone().map(|text| text.map_err(ContentError::from)),
    };
    let contents: WantedContents = wanted.iter().filter_map(content).collect();
    (size(contents.iter().flatten()) <= room).then_some(contents)
}

/// What is wanted of a decrypted file, but not the whole file as it is; and how many of `room` bytes are left. Returns `None` if they
/// have more bytes.
fn parts(file: &Decrypted, wanted: &[Selection], room: usize) -> Option<(WantedContents, usize)> {
    let (selector, mut left) = (file.selector(), room);
    let mut parts = WantedContents::new();
    // Secrets that are the same part share one copy of the text.
    let mut printed: Vec<(&Selection, Opened)> = Vec::new();
    for selection in wanted {
        let part = match selection {
            Selection::Key(key) => file.value(&selector, key).map(Some),
            Selection::Text(key) => file.text(&selector, key).map(Some),
            Selection::Part(key, form) => match printed.iter().find(|(known, _)| *known == selection) {
                Some((_, text)) => Ok(Some(Arc::clone(text))),
                None => file.part(&selector, key, *form, left).inspect(|text| {
                    printed.extend(text.iter().map(|text| (selection, Arc::clone(text))));
                }),
            },
            Selection::Whole => continue,
        };
        let part = part.transpose()?;
        left = left.checked_sub(part.as_ref().map_or(0, |part| part.len()))?;
        parts.push(part);
    }
    Some((parts, left))
}

/// The size of these contents together, in bytes.
fn size<'c>(contents: impl Iterator<Item = &'c Opened>) -> usize {
    contents.map(|content| content.len()).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_for_a_small_file_refuses_a_file_that_has_grown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b' '; (64 << 10) + 1]).unwrap();
        let job = || Job {
            path: file.path().to_owned(),
            format: Format::Yaml,
            limit: Limit {
                bytes: 1 << 20,
                remedy: "raise sops.maxSize",
            },
            needed: "/secrets.yaml".to_owned(),
            wanted: Vec::new(),
        };
        let failure = |job: Job| job.begin(&KeysAtHand::default(), 0).err().unwrap().diagnosis.to_string();
        let large = "it is larger than 64 KiB";
        assert!(failure(job().of_at_most(64 << 10)).contains(large));
        assert!(!failure(job()).contains("larger"));
        assert!(!failure(job().of_at_most(1 << 30)).contains("larger"));
    }

    #[test]
    fn a_fault_of_ours_is_the_failure_of_the_file_that_brings_it_to_light() {
        let job = Job {
            path: PathBuf::from("/secrets.yaml"),
            format: Format::Yaml,
            limit: Limit { bytes: 0, remedy: "" },
            needed: "/secrets.yaml (needed by secret a)".to_owned(),
            wanted: Vec::new(),
        };
        let failure = job.without_panic(|| -> Result<(), Unopened> { panic!("a fault") });
        let expected = "cannot decrypt /secrets.yaml (needed by secret a): this is a bug in sops-install-secrets, described in the \
            lines above; please report it";
        assert_eq!(failure.unwrap_err().diagnosis.to_string(), expected);
    }
}
