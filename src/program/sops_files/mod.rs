//! The distinct sops files of a manifest, each decrypted once.
//!
//! They are done one after the other, small ones first: the time that a file takes is bounded by its size, so nobody can keep a small
//! file waiting for long by what they do to another. What the keys at hand open is done before any program is asked.

mod desk;
mod job;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use desk::Desk;
pub(crate) use job::Contents;
use job::{Begun, Job};

use super::{
    failure::{Failure, names},
    limit::Limit,
    remedy::{self, Editable},
};
use crate::{
    keys::{Keyring, KeysAtHand, Opening},
    manifest::{Manifest, Secret, Selection},
    sops::{ContentError, ReadError, SopsFile, format::Format, select::Selector, tree::Stored},
    system::{budget, confinement::Confined},
};

/// One sops file and the secrets that come from it.
pub(crate) struct Source<'m> {
    path: &'m Path,
    format: Format,
    secrets: Vec<&'m Secret>,
    /// The most bytes that it may have.
    limit: Limit,
}

/// Groups the secrets by file, in the order in which the files are first named.
#[must_use]
pub(crate) fn sources(manifest: &Manifest) -> Vec<Source<'_>> {
    let mut sources: Vec<Source<'_>> = Vec::new();
    let mut positions: HashMap<&Path, usize> = HashMap::new();
    for secret in &manifest.secrets {
        let position = *positions.entry(&secret.sops_file).or_insert(sources.len());
        match sources.get_mut(position) {
            Some(source) => source.secrets.push(secret),
            None => sources.push(Source {
                path: &secret.sops_file,
                format: secret.format,
                secrets: vec![secret],
                limit: Limit::of(manifest),
            }),
        }
    }
    sources
}

/// The files of a manifest on their way to being decrypted.
pub(crate) struct Files<'m> {
    small_first: Vec<File<'m>>,
    desk: Desk,
    /// How many bytes may still be published.
    room: usize,
}

/// One of them.
struct File<'m> {
    /// Its place in the order of the manifest.
    position: usize,
    source: Source<'m>,
    job: Arc<Job>,
    /// The time that is left for it.
    left: Duration,
    progress: Result<Begun, String>,
}

impl<'m> Files<'m> {
    /// Decrypts what the keys at hand open.
    pub(crate) fn open(manifest: &'m Manifest, keys: &KeysAtHand, thread: Confined) -> Self {
        let (mut desk, mut room) = (Desk::new(thread), manifest.max_size);
        let mut sources: Vec<_> = sources(manifest).into_iter().enumerate().collect();
        sources.sort_by_cached_key(|(_, source)| source.size(&mut desk));
        let begin = |(position, source)| File::begin(position, source, keys, &mut desk, &mut room);
        let small_first = sources.into_iter().map(begin).collect();
        Self { small_first, desk, room }
    }

    /// Asks programs for the keys of what is still closed, all at once, so that each has to be started once.
    pub(crate) fn open_with_programs(&mut self, keyring: &mut Keyring) {
        let mut closed: Vec<_> = self.small_first.iter_mut().filter_map(File::opening).collect();
        keyring.open_with_programs(&mut closed);
        keyring.dismiss_programs();
    }

    /// Decrypts the rest. What failed is `None`, with its failure told.
    pub(crate) fn finish(mut self, keyring: Keyring, failures: &mut Vec<Failure>) -> Vec<(Source<'m>, Option<Contents>)> {
        let keyring = Arc::new(keyring);
        let finish = |file: File<'m>| match file.progress {
            Ok(Begun::Closed(_)) => file.finish(&keyring, &mut self.desk, &mut self.room),
            _ => file,
        };
        let mut files: Vec<_> = self.small_first.into_iter().map(finish).collect();
        files.sort_by_key(|file| file.position);
        files.into_iter().map(|file| file.end(failures)).collect()
    }
}

impl<'m> File<'m> {
    /// Does what the keys at hand can. What is published of it takes of `room`, in bytes.
    fn begin(position: usize, source: Source<'m>, keys: &KeysAtHand, desk: &mut Desk, room: &mut usize) -> Self {
        let job = Arc::new(source.job());
        let mut left = budget::FILE;
        let (shared, keys, most) = (Arc::clone(&job), keys.clone(), *room);
        let begun = desk.run(&mut left, move || shared.begin(&keys, most));
        let file = Self {
            progress: begun.unwrap_or_else(|problem| Err(job.fail(&problem))),
            position,
            source,
            job,
            left,
        };
        file.occupy(room);
        file
    }

    fn opening(&mut self) -> Option<&mut Opening> {
        match &mut self.progress {
            Ok(Begun::Closed(opening)) => Some(opening),
            _ => None,
        }
    }

    fn finish(mut self, keyring: &Arc<Keyring>, desk: &mut Desk, room: &mut usize) -> Self {
        self.progress = match self.progress {
            Ok(Begun::Closed(opening)) => {
                let (shared, keyring, most) = (Arc::clone(&self.job), Arc::clone(keyring), *room);
                let finished = desk.run(&mut self.left, move || shared.finish(opening, &keyring, most));
                finished
                    .unwrap_or_else(|problem| Err(self.job.fail(&problem)))
                    .map(Begun::Open)
            }
            other => other,
        };
        self.occupy(room);
        self
    }

    /// What is published stays in memory.
    fn occupy(&self, room: &mut usize) {
        if let Ok(Begun::Open(contents)) = &self.progress {
            let sizes = contents.iter().flatten().map(|content| content.len());
            *room = sizes.fold(*room, usize::saturating_sub);
        }
    }

    fn end(self, failures: &mut Vec<Failure>) -> (Source<'m>, Option<Contents>) {
        let contents = match self.progress {
            Ok(Begun::Open(contents)) => Some(contents),
            Ok(Begun::Closed(_)) => None,
            Err(message) => {
                failures.push(self.source.fail(message));
                None
            }
        };
        (self.source, contents)
    }
}

impl<'m> Source<'m> {
    /// The secrets that come from it, in the order of the manifest.
    #[must_use]
    pub(crate) fn secrets(&self) -> &[&'m Secret] {
        &self.secrets
    }

    /// Reads and parses the file, and looks for every wanted key. Needs no key of the host.
    ///
    /// # Errors
    /// With all that is wrong.
    pub(crate) fn check(&self) -> Result<(), Vec<Failure>> {
        let text = job::read(self.path, self.limit, &self.needed()).map_err(|message| vec![self.fail(message)])?;
        let file = SopsFile::parse(self.format, text.expose()).map_err(|error| vec![self.unusable(&error, text.expose())])?;
        let selector = file.selector();
        let missing: Vec<_> = self
            .secrets
            .iter()
            .filter_map(|secret| self.check_key(&selector, secret))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    fn check_key(&self, selector: &Selector<'_, Stored<'_>>, secret: &Secret) -> Option<Failure> {
        match &secret.selection {
            Selection::Whole => None,
            Selection::Key(key) => selector.scalar(key).err().map(|error| self.fail_one(secret, &error.into())),
        }
    }

    /// What has to be known to decrypt it.
    fn job(&self) -> Job {
        Job {
            path: self.path.to_owned(),
            format: self.format,
            limit: self.limit,
            needed: self.needed(),
            wanted: self.secrets.iter().map(|secret| secret.selection.clone()).collect(),
        }
    }

    /// In bytes, as far as that can be told. Of a file on a disk that does not answer, it is taken for the largest.
    fn size(&self, desk: &mut Desk) -> u64 {
        let path = self.path.to_owned();
        let mut left = budget::SIZE;
        let size = desk.run(&mut left, move || fs::metadata(path).map_or(0, |file| file.len()));
        size.unwrap_or(u64::MAX)
    }

    fn unusable(&self, error: &ReadError, text: &[u8]) -> Failure {
        let problem = remedy::unusable(error, text, self.editable());
        self.fail(format!("cannot use {} as a sops file: {problem}", self.needed()))
    }

    fn editable(&self) -> Editable<'_> {
        Editable::new(self.path, self.format)
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn needed(&self) -> String {
        let plural = if self.secrets.len() == 1 { "" } else { "s" };
        format!("{} (needed by secret{plural} {})", self.name(), names(&self.entries()))
    }

    fn entries(&self) -> Vec<String> {
        self.secrets.iter().map(|secret| secret.name.clone()).collect()
    }

    /// Something that concerns the whole file.
    fn fail(&self, message: String) -> Failure {
        Failure {
            message,
            entries: self.entries(),
            sops_file: Some(PathBuf::from(self.path)),
        }
    }

    /// Something that concerns one secret of the file.
    pub(crate) fn fail_one(&self, secret: &Secret, error: &ContentError) -> Failure {
        let problem = remedy::absent(error, self.editable());
        Failure {
            message: format!("secret {} from {}: {problem}", secret.name, self.name()),
            entries: vec![secret.name.clone()],
            sops_file: Some(PathBuf::from(self.path)),
        }
    }
}
