//! Asks the other programs that know keys: key commands, age plugins, gpg, and the one that speaks to key services.

pub(crate) mod command;
pub(crate) mod gpg;
pub(crate) mod key_services;
pub(crate) mod plugin;
pub(crate) mod program;
