//! From the host's keys to a file's data key.
//!
//! [`Keyring::load`] reads the sources that [`KeySources`] names, each once, and nothing else: no home directory is searched.
//! A file is an [`Opening`]: [`Keyring::open`], or [`KeysAtHand::open`] on another thread, tries the keys at hand, [`Keyring::open_with_programs`] then asks key commands, age
//! plugins and gpg about all that is still closed, and [`Keyring::finish`] gives the data key or a [`NoKey`], which says why there is
//! none. What a person should hear about the sources is in [`Keyring::take_notices`].

mod age;
mod at_hand;
mod effort;
mod failure;
mod foreign;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod holder;
mod hybrid;
mod identity;
mod load;
mod opening;
mod openpgp;
mod problem;
mod programs;
mod recognize;
pub(crate) mod report;
mod shares;
mod sources;
mod ssh;
mod ssh_keys;
#[cfg(test)]
mod tests;

use std::{
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use age::PluginIdentity;
pub use at_hand::KeysAtHand;
use failure::Failure;
pub use foreign::Foreign;
pub use opening::Opening;
pub use problem::{Cause, Damage, KeyKind, Place, Problem};
use programs::{command::KeyCommand, gpg::Gpg};
pub use report::{no_key::NoKey, notice::Notice};
pub use sources::{Credential, GpgSource, KeyFile, KeySources, SshKeyFile};

pub use crate::system::child::ChildError;
use crate::{sops::metadata::Metadata, system::plaintext::Plaintext};

/// The variable that holds age identities as text.
pub const AGE_KEY_VARIABLE: &str = "SOPS_AGE_KEY";
/// The variable that names a command which prints age identities.
pub const AGE_KEY_COMMAND_VARIABLE: &str = "SOPS_AGE_KEY_CMD";
/// The variable that names a command which prints an SSH private key.
pub const SSH_KEY_COMMAND_VARIABLE: &str = "SOPS_AGE_SSH_PRIVATE_KEY_CMD";

/// The keys of this host, ready to open files.
#[derive(Default)]
pub struct Keyring {
    hand: KeysAtHand,
    plugins: Vec<(PluginIdentity, Place)>,
    commands: Vec<KeyCommand>,
    gpg: Option<Gpg>,
    /// Why gpg is not asked again in this run.
    gpg_is_given_up: Option<Failure>,
    may_ask: bool,
    timeout: Duration,
    /// When all programs together have taken too long.
    late_at: Option<Instant>,
    notices: Vec<Notice>,
    /// All that was found unusable, also what is not worth a notice.
    problems: Vec<Problem>,
    /// The sources among them that nobody set.
    unasked: Vec<Place>,
    /// Whether a recipient of more than a line was shown in full, for somebody to copy.
    has_shown_long: AtomicBool,
}

impl Keyring {
    /// What a person should hear about the sources, in the order in which they were read. Each is told once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Whether somebody set the source that has this problem.
    fn is_set(&self, problem: &Problem) -> bool {
        !self.unasked.contains(&problem.place.source())
    }

    /// The keys in memory as they are now.
    #[must_use]
    pub fn at_hand(&self) -> KeysAtHand {
        self.hand.clone()
    }

    /// Tries the keys at hand on a file.
    pub fn open(&self, opening: &mut Opening) {
        self.hand.open(opening);
    }

    /// Ends what was started to open files, such as an agent of gpg.
    pub fn dismiss_programs(&mut self) {
        if let Some(gpg) = &mut self.gpg {
            gpg.end_services();
        }
    }

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
