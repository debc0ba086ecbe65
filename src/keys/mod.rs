//! How the data key of a sops file is found with the keys of this host.
//!
//! [`Keyring::load`] reads the key sources that [`KeySources`] names, each once. Nothing else is read: no home directory is
//! searched. [`Keyring::take_notices`] gives what a person should know about the key sources.
//!
//! A [`DataKeyRecovery`] is the search for the data key of one sops file. [`Keyring::open`] tries the keys at hand on the file.
//! [`KeysAtHand::open`] does the same, and can run on another thread. [`Keyring::open_with_programs`] then asks key commands, age
//! plugins, gpg and key services about all files that are still closed. [`Keyring::finish`] gives the data key, or a [`NoKey`],
//! which says why there is none.

mod age;
mod age_recipient;
mod at_hand;
mod damage;
mod data_key;
mod effort;
mod external;
mod failure;
mod foreign;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod group;
mod holder;
mod hybrid;
mod identity;
mod keyring;
mod later;
mod load;
mod new_identity;
mod notice;
mod openpgp;
mod place;
mod problem;
mod programs;
mod recipients;
mod recognize;
mod recovery;
mod remote;
pub(crate) mod report;
mod rsa;
mod shamir;
mod sources;
mod ssh;
mod ssh_keys;
#[cfg(test)]
mod tests;
mod x25519;

pub(crate) use age::MAX_BAD_LINES;
pub(crate) use age_recipient::is_age_recipient;
pub use at_hand::KeysAtHand;
pub use damage::Damage;
pub use foreign::Foreign;
pub use keyring::Keyring;
pub(crate) use load::read_key;
pub(crate) use new_identity::new_identity;
pub use notice::Notice;
pub use place::Place;
pub use problem::{Cause, KeyKind, Problem};
pub(crate) use recipients::{NoRecipients, SshRecipients, converted_identity};
pub use recovery::DataKeyRecovery;
pub use report::no_key::NoKey;
pub use sources::{
    AGE_KEY_COMMAND_VARIABLE, AGE_KEY_VARIABLE, Credential, GpgSource, KeyFile, KeyServices, KeySources,
    SSH_KEY_COMMAND_VARIABLE, ServiceReach, SshKeyFile,
};

pub use crate::system::child_error::ChildError;
pub(crate) use ssh::{LineMark, MAX_BYTES as MAX_SSH_KEY_BYTES, PublicLine, public_key};
