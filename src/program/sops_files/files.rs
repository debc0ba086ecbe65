//! Decrypts the sops files of a manifest, step by step.

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

/// The largest file that is decrypted side by side with others: 256 KiB, far more than most files have. A larger file is decrypted
/// alone, so that the memory for several large files is never needed at once.
const SMALL: u64 = 256 << 10;

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
    progress: Result<Begun, Diagnosis>,
}

impl<'m> Files<'m> {
    /// Reads all files, small files first, and decrypts the files that the keys at hand open.
    pub(crate) fn open(manifest: &'m Manifest, keys: &KeysAtHand, thread: Confined) -> Self {
        let (mut desk, mut room) = (Desk::new(thread), manifest.max_size);
        let measured = |(position, source): (usize, Source<'m>)| (source.size(&mut desk), position, source);
        let mut sources: Vec<_> = sources(manifest).into_iter().enumerate().map(measured).collect();
        sources.sort_by_key(|(size, ..)| *size);
        let large = sources.split_off(sources.partition_point(|(size, ..)| *size <= SMALL));
        let most = room;
        let begin = |desk: &mut Desk, (_, position, source)| File::begin(position, source, keys, desk, most);
        let mut small_first = desk.side_by_side(sources, begin);
        for file in &mut small_first {
            file.occupy(&mut room);
        }
        for (_, position, source) in large {
            let mut file = File::begin(position, source, keys, &mut desk, room);
            file.occupy(&mut room);
            small_first.push(file);
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
    /// or its failure.
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
    /// Reads one file, and decrypts it if the keys at hand open it and its contents have at most `room` bytes.
    fn begin(position: usize, source: Source<'m>, keys: &KeysAtHand, desk: &mut Desk, room: usize) -> Self {
        let job = Arc::new(source.job());
        let mut left = budget::FILE;
        let (shared, keys) = (Arc::clone(&job), keys.clone());
        let begun = desk.run(&mut left, move || shared.begin(&keys, room));
        Self {
            progress: begun.unwrap_or_else(|late| Err(job.fail(late))),
            position,
            source,
            job,
            left,
        }
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

    /// Subtracts the size of the file's contents from `room`, because the contents stay in memory until they are published. If there
    /// is not so much room, which other files that were decrypted at the same time may have taken, the file fails.
    fn occupy(&mut self, room: &mut usize) {
        if let Ok(Begun::Open(contents)) = &self.progress {
            let size = contents.iter().flatten().map(|content| content.len()).sum();
            match room.checked_sub(size) {
                Some(rest) => *room = rest,
                None => self.progress = Err(self.job.too_large()),
            }
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
