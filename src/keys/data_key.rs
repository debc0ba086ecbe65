//! The data key of a file, or why there is none.

use super::{keyring::Keyring, opening::Opening, report::no_key::NoKey};
use crate::{sops::metadata::Metadata, system::plaintext::Plaintext};

impl Keyring {
    /// The data key of a file, after all keys were tried on it. If none decrypts the file's MAC, see [`Opening::take_key`].
    ///
    /// # Errors
    ///
    /// [`NoKey`], which explains itself, when no key of this host opens the file.
    pub fn finish(&self, mut opening: Opening) -> Result<Plaintext, NoKey> {
        opening.take_key().ok_or_else(|| NoKey::new(&opening, self))
    }

    /// The data key of a single file: tries the keys at hand, then the programs.
    ///
    /// # Errors
    ///
    /// [`NoKey`], which explains itself, when no key of this host opens the file.
    pub fn data_key(&mut self, metadata: &Metadata) -> Result<Plaintext, NoKey> {
        let mut opening = Opening::new(&metadata.key_groups, metadata.proof());
        self.open(&mut opening);
        self.open_with_programs(&mut [&mut opening]);
        self.finish(opening)
    }
}
