//! Asks the other programs that know keys: key commands, age plugins and gpg.

pub(crate) mod command;
pub(crate) mod gpg;
pub(crate) mod plugin;
pub(crate) mod program;
