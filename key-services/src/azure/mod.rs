//! Azure Key Vault: which vaults are asked, what identifies this host, and the one call that opens a data key.

mod assertion;
mod chain;
mod challenge;
mod cloud;
mod entra;
mod keys;
mod managed;
mod refusal;
mod token;
mod vault;

pub(crate) use self::keys::Azure;
