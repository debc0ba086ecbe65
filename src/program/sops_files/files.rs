//! Decrypts the sops files of a manifest, step by step.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    desk::Desk,
    job::{Begun, Job, OpenedFile},
    reading::Unopened,
    source::{Source, sizes, sources},
};
use crate::{
    keys::{DataKeyRecovery, Keyring, KeysAtHand},
    manifest::Manifest,
    system::{budget, confinement::Confined},
    text::diagnosis::Diagnosis,
};

/// Limit: a file of at most 64 KiB is small, and is decrypted side by side with others. Most files are small. A larger file is
/// decrypted alone, so that the memory for several large files is never needed at once.
const SMALL: usize = 64 << 10;
/// Limit: the contents of one small file have at most 1 MiB.
const SHORT: usize = 1 << 20;
/// Limit: the contents of all small files together have at most 8 MiB. These contents are kept in memory before it is known whether
/// they may be published.
const KEPT: usize = 8 << 20;

/// The sops files of a manifest while they are decrypted.
pub(crate) struct Files<'m> {
    small_first: Vec<File<'m>>,
    desk: Desk,
    /// How many more bytes of secrets may be published.
    room: usize,
}

/// One sops file while it is decrypted.
pub(crate) struct File<'m> {
    /// The position of the file in the order of the manifest.
    position: usize,
    source: Source<'m>,
    job: Arc<Job>,
    /// The time that is left for the file.
    left: Duration,
    /// `None` until the work on the file has given a result that counts.
    progress: Option<Result<Begun, Unopened>>,
}

impl<'m> Files<'m> {
    /// Reads all files, small files first, and decrypts the files that the keys at hand open. Small files are attempted side by
    /// side. A small file whose attempt does not succeed is done once more in its turn, alone. So its result does not depend on the
    /// files that were worked on at the same time.
    pub(crate) fn open(manifest: &'m Manifest, keys: &KeysAtHand, thread: Confined) -> Self {
        let (mut desk, mut room) = (Desk::new(thread), manifest.max_size);
        let sources = sources(manifest);
        let sizes = sizes(&sources, &mut desk);
        let files = sources.into_iter().enumerate();
        let files = files.map(|(position, source)| File::new(position, source));
        let mut files: Vec<_> = sizes.into_iter().zip(files).collect();
        files.sort_by_key(|(size, _)| *size);
        let small = files.iter_mut().take_while(|(size, _)| *size <= SMALL as u64);
        let small = small.map(|(_, file)| file).collect();
        let kept = Arc::new(AtomicUsize::new(room.min(KEPT)));
        desk.side_by_side(small, |desk, files, give_back| {
            File::attempt(files, give_back, keys, desk, &kept)
        });
        let mut small_first: Vec<_> = files.into_iter().map(|(_, file)| file).collect();
        for file in &mut small_first {
            file.begin(keys, &mut desk, &mut room);
        }
        Self { small_first, desk, room }
    }

    /// Asks other programs for the data keys of the files that are not open yet. The programs are asked about all files at once, so
    /// that each program is started only once.
    pub(crate) fn open_with_programs(&mut self, keyring: &mut Keyring) {
        let mut closed: Vec<_> = self.small_first.iter_mut().filter_map(File::recovery).collect();
        keyring.open_with_programs(&mut closed);
        keyring.dismiss_programs();
    }

    /// Decrypts the files whose data keys the programs gave. Returns all files in the order of the manifest, each with its contents
    /// or the reason why it gives nothing.
    pub(crate) fn finish(mut self, keyring: Keyring) -> Vec<(Source<'m>, Result<OpenedFile, Unopened>)> {
        let keyring = Arc::new(keyring);
        let finish = |file: File<'m>| match file.progress {
            Some(Ok(Begun::Closed(_))) => file.finish(&keyring, &mut self.desk, &mut self.room),
            _ => file,
        };
        let mut files: Vec<_> = self.small_first.into_iter().map(finish).collect();
        files.sort_by_key(|file| file.position);
        files.into_iter().map(File::end).collect()
    }
}

impl<'m> File<'m> {
    fn new(position: usize, source: Source<'m>) -> Self {
        Self {
            position,
            job: Arc::new(source.job()),
            source,
            left: budget::FILE,
            progress: None,
        }
    }

    /// Reads small files, and decrypts those that the keys at hand open. If a file takes too long, that failure is its result. In these
    /// cases, a file has no result yet, and is decrypted again later, alone:
    ///
    /// - It fails for another reason.
    /// - It needs more memory than small files may use.
    /// - It needs more tries of keys than a single file has for itself.
    ///
    /// `give_back` takes the files that are not begun, before others are waited for. `kept` is the number of bytes that the contents of
    /// all small files together may still take. Returns whether more files may be decrypted side by side.
    fn attempt<'f>(
        files: Vec<&'f mut Self>,
        give_back: &dyn Fn(Vec<&'f mut Self>),
        keys: &KeysAtHand,
        desk: &mut Desk,
        kept: &Arc<AtomicUsize>,
    ) -> bool {
        let (begun, rest) = desk.hand_over(files, |file| {
            let (job, keys, kept) = (file.source.job().of_at_most(SMALL), keys.apart(), Arc::clone(kept));
            move || attempt(&job, &keys, &kept)
        });
        give_back(rest);
        let mut goes_on = true;
        for (file, mut pending) in begun {
            match desk.wait_for(&mut pending, Instant::now(), &mut file.left, file.job.progress()) {
                Ok(Attempt::Done(begun)) => file.progress = Some(Ok(begun)),
                Ok(Attempt::Again) => {}
                Ok(Attempt::Full) => goes_on = false,
                Err(late) => {
                    file.progress = Some(Err(file.job.fail(late).into()));
                    goes_on = false;
                    // Nothing else was begun: the thread is still busy with this file.
                    break;
                }
            }
        }
        goes_on
    }

    /// Reads the file, unless an attempt has given a result already. Decrypts the file if the keys at hand open it, and if its
    /// contents have at most `room` bytes. Subtracts the size of the contents from `room`.
    fn begin(&mut self, keys: &KeysAtHand, desk: &mut Desk, room: &mut usize) {
        if self.progress.is_none() {
            let (shared, keys, most) = (Arc::clone(&self.job), keys.clone(), *room);
            let begun = desk.run(&mut self.left, self.job.progress(), move || shared.begin(&keys, most));
            self.progress = Some(begun.unwrap_or_else(|late| Err(self.job.fail(late).into())));
        }
        self.occupy(room);
    }

    fn recovery(&mut self) -> Option<&mut DataKeyRecovery> {
        match &mut self.progress {
            Some(Ok(Begun::Closed(recovery))) => Some(recovery),
            _ => None,
        }
    }

    fn finish(mut self, keyring: &Arc<Keyring>, desk: &mut Desk, room: &mut usize) -> Self {
        self.progress = match self.progress {
            Some(Ok(Begun::Closed(recovery))) => {
                let (shared, keyring, most) = (Arc::clone(&self.job), Arc::clone(keyring), *room);
                let progress = self.job.progress();
                let finished = desk.run(&mut self.left, progress, move || shared.finish(recovery, &keyring, most));
                let finished = finished.unwrap_or_else(|late| Err(self.job.fail(late).into()));
                Some(finished.map(Begun::Open))
            }
            other => other,
        };
        self.occupy(room);
        self
    }

    /// Subtracts the size of the file's contents from `room`, because the contents stay in memory until they are published. If less
    /// room is left, the file fails. Other files that were decrypted at the same time may have taken the room.
    fn occupy(&mut self, room: &mut usize) {
        if let Some(Ok(Begun::Open(file))) = &self.progress {
            match room.checked_sub(size(file)) {
                Some(rest) => *room = rest,
                None => self.progress = Some(Err(self.job.too_large().into())),
            }
        }
    }

    fn end(self) -> (Source<'m>, Result<OpenedFile, Unopened>) {
        let opened = match self.progress {
            Some(Ok(Begun::Open(file))) => Ok(file),
            // The work on every file has ended, so this does not happen.
            Some(Ok(Begun::Closed(_))) | None => Err(self.job.fail(Diagnosis::bare("it was not opened")).into()),
            Some(Err(error)) => Err(error),
        };
        (self.source, opened)
    }
}

/// What an attempt with a small file gives.
enum Attempt {
    Done(Begun),
    /// The file has to be decrypted again, alone.
    Again,
    /// So has this one, because its contents are more than may be kept.
    Full,
}

/// An attempt with a small file, with keys that have tries for this file alone.
fn attempt(job: &Job, keys: &KeysAtHand, kept: &AtomicUsize) -> Attempt {
    match job.begin(keys, SHORT) {
        Ok(Begun::Open(file)) if !take(kept, size(&file)) => Attempt::Full,
        Ok(Begun::Closed(_)) if keys.lacked_tries() => Attempt::Again,
        Ok(begun) => Attempt::Done(begun),
        Err(_) => Attempt::Again,
    }
}

/// The size of the contents of one file, in bytes.
fn size(file: &OpenedFile) -> usize {
    file.contents.iter().flatten().map(|content| content.len()).sum()
}

/// Subtracts `size` from `left`. Returns `false`, and subtracts nothing, if less is left.
fn take(left: &AtomicUsize, size: usize) -> bool {
    let less = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size));
    less.is_ok()
}
