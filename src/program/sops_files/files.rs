//! The sops files of a manifest on their way to being decrypted.

use std::{sync::Arc, time::Duration};

use super::{
    desk::Desk,
    job::{Begun, Job, WantedContents},
    source::{Source, sources},
};
use crate::{
    keys::{DataKeyRecovery, Keyring, KeysAtHand},
    manifest::Manifest,
    program::failure::Failure,
    system::{budget, confinement::Confined},
    text::diagnosis::Diagnosis,
};

/// The sops files of a manifest while they are decrypted.
pub(crate) struct Files<'m> {
    small_first: Vec<File<'m>>,
    desk: Desk,
    /// How many bytes may still be published.
    room: usize,
}

/// One sops file while it is decrypted.
pub(crate) struct File<'m> {
    /// Its place in the order of the manifest.
    position: usize,
    source: Source<'m>,
    job: Arc<Job>,
    /// The time that is left for it.
    left: Duration,
    progress: Result<Begun, Diagnosis>,
}

impl<'m> Files<'m> {
    /// Decrypts the files that the keys at hand open.
    pub(crate) fn open(manifest: &'m Manifest, keys: &KeysAtHand, thread: Confined) -> Self {
        let (mut desk, mut room) = (Desk::new(thread), manifest.max_size);
        let mut sources: Vec<_> = sources(manifest).into_iter().enumerate().collect();
        sources.sort_by_cached_key(|(_, source)| source.size(&mut desk));
        let begin = |(position, source)| File::begin(position, source, keys, &mut desk, &mut room);
        let small_first = sources.into_iter().map(begin).collect();
        Self { small_first, desk, room }
    }

    /// Asks programs for the data keys of the files that are still closed: for all files at once, so that each program is started
    /// only once.
    pub(crate) fn open_with_programs(&mut self, keyring: &mut Keyring) {
        let mut closed: Vec<_> = self.small_first.iter_mut().filter_map(File::recovery).collect();
        keyring.open_with_programs(&mut closed);
        keyring.dismiss_programs();
    }

    /// Decrypts the rest. Each file is what its secrets are, or its failure.
    pub(crate) fn finish(mut self, keyring: Keyring) -> Vec<(Source<'m>, Result<WantedContents, Failure>)> {
        let keyring = Arc::new(keyring);
        let finish = |file: File<'m>| match file.progress {
            Ok(Begun::Closed(_)) => file.finish(&keyring, &mut self.desk, &mut self.room),
            _ => file,
        };
        let mut files: Vec<_> = self.small_first.into_iter().map(finish).collect();
        files.sort_by_key(|file| file.position);
        files.into_iter().map(File::end).collect()
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
            progress: begun.unwrap_or_else(|late| Err(job.fail(late))),
            position,
            source,
            job,
            left,
        };
        file.occupy(room);
        file
    }

    fn recovery(&mut self) -> Option<&mut DataKeyRecovery> {
        match &mut self.progress {
            Ok(Begun::Closed(recovery)) => Some(recovery),
            _ => None,
        }
    }

    fn finish(mut self, keyring: &Arc<Keyring>, desk: &mut Desk, room: &mut usize) -> Self {
        self.progress = match self.progress {
            Ok(Begun::Closed(recovery)) => {
                let (shared, keyring, most) = (Arc::clone(&self.job), Arc::clone(keyring), *room);
                let finished = desk.run(&mut self.left, move || shared.finish(recovery, &keyring, most));
                finished.unwrap_or_else(|late| Err(self.job.fail(late))).map(Begun::Open)
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

    fn end(self) -> (Source<'m>, Result<WantedContents, Failure>) {
        let contents = match self.progress {
            Ok(Begun::Open(contents)) => Ok(contents),
            Ok(Begun::Closed(_)) => Ok(WantedContents::new()),
            Err(diagnosis) => Err(self.source.fail(diagnosis)),
        };
        (self.source, contents)
    }
}
