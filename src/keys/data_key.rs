//! The data key of a file, or why there is none.

use super::{keyring::Keyring, recovery::DataKeyRecovery, report::no_key::NoKey};
use crate::{sops::metadata::Metadata, system::plaintext::Plaintext};

impl Keyring {
    /// The data key of a file, after all keys were tried on it. If none decrypts the file's MAC, see [`DataKeyRecovery::take_key`].
    ///
    /// # Errors
    ///
    /// [`NoKey`], which explains itself, when no key of this host opens the file.
    pub fn finish(&self, mut recovery: DataKeyRecovery) -> Result<Plaintext, NoKey> {
        recovery.take_key().ok_or_else(|| NoKey::new(&recovery, self))
    }

    /// The data key of a single file: tries the keys at hand, then the programs.
    ///
    /// # Errors
    ///
    /// [`NoKey`], which explains itself, when no key of this host opens the file.
    pub fn data_key(&mut self, metadata: &Metadata) -> Result<Plaintext, NoKey> {
        let mut recovery = DataKeyRecovery::new(&metadata.key_groups, metadata.proof());
        self.open(&mut recovery);
        self.open_with_programs(&mut [&mut recovery]);
        self.finish(recovery)
    }
}
