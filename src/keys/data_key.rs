//! The data key of a file, or why there is none.

use super::{keyring::Keyring, opening::Opening, report::no_key::NoKey};
use crate::{sops::metadata::Metadata, system::plaintext::Plaintext};

impl Keyring {
    /// The data key of a file, when all has been tried.
    ///
    /// # Errors
    ///
    /// [`NoKey`], which explains itself, when no key of this host opens the file.
    pub fn finish(&self, mut opening: Opening) -> Result<Plaintext, NoKey> {
        opening.take_key().ok_or_else(|| NoKey::new(&opening, self))
    }

    /// The data key of a single file, by whatever means this host has.
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
