//! The transit engine of Vault and OpenBao: which server may be asked, with which token, and the one call that opens a data key.

mod refusal;
mod server;
mod token;
mod transit;

pub(crate) use self::transit::Vault;
