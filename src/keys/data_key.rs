//! Gives the data key of a file, or the reason why no key of this host opens the file.

use super::{keyring::Keyring, recovery::DataKeyRecovery, report::no_key::NoKey};
use crate::{sops::metadata::Metadata, system::plaintext::Plaintext};

impl Keyring {
    /// Returns the data key of a file. All keys of this host must have been tried on the file before. If no key passed the proof of
    /// the file, the result is the key that [`DataKeyRecovery::take_key`] describes.
    ///
    /// # Errors
    ///
    /// [`NoKey`] if no key of this host opens the file. The error explains the reason.
    pub fn finish(&self, mut recovery: DataKeyRecovery) -> Result<Plaintext, NoKey> {
        recovery.take_key().ok_or_else(|| NoKey::new(&recovery, self))
    }

    /// Finds the data key of a single file: tries the keys at hand first, then asks the other programs.
    ///
    /// # Errors
    ///
    /// [`NoKey`] if no key of this host opens the file. The error explains the reason.
    pub fn data_key(&mut self, metadata: &Metadata) -> Result<Plaintext, NoKey> {
        let mut recovery = DataKeyRecovery::new(&metadata.key_groups, metadata.proof());
        self.open(&mut recovery);
        self.open_with_programs(&mut [&mut recovery]);
        self.finish(recovery)
    }
}
