//! The transit engine of Vault and OpenBao: which server may be asked, with which token or login, and the one call that opens a data key.

mod login;
mod refusal;
mod server;
mod token;
mod transit;

pub(crate) use self::{server::is_any_listed, transit::Vault};
