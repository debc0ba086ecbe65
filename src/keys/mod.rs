//! From the host's keys to a file's data key.
//!
//! [`Keyring::load`] reads the sources that [`KeySources`] names, each once, and nothing else: no home directory is searched.
//! A file is an [`Opening`]: [`Keyring::open`], or [`KeysAtHand::open`] on another thread, tries the keys at hand, [`Keyring::open_with_programs`] then asks key commands, age
//! plugins and gpg about all that is still closed, and [`Keyring::finish`] gives the data key or a [`NoKey`], which says why there is
//! none. What a person should hear about the sources is in [`Keyring::take_notices`].

mod age;
mod at_hand;
mod data_key;
mod effort;
mod external;
mod failure;
mod foreign;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod holder;
mod hybrid;
mod identity;
mod keyring;
mod load;
mod notice;
mod opening;
mod openpgp;
mod problem;
mod programs;
mod recognize;
pub(crate) mod report;
mod shamir;
mod sources;
mod ssh;
mod ssh_keys;
#[cfg(test)]
mod tests;

pub use at_hand::KeysAtHand;
pub use foreign::Foreign;
pub use keyring::Keyring;
pub use notice::Notice;
pub use opening::Opening;
pub use problem::{Cause, Damage, KeyKind, Place, Problem};
pub use report::no_key::NoKey;
pub use sources::{
    AGE_KEY_COMMAND_VARIABLE, AGE_KEY_VARIABLE, Credential, GpgSource, KeyFile, KeySources, SSH_KEY_COMMAND_VARIABLE, SshKeyFile,
};

pub use crate::system::child::ChildError;
