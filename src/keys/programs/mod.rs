//! What other programs know: key commands, age plugins, gpg.

pub(crate) mod command;
pub(crate) mod gpg;
pub(crate) mod plugin;
pub(crate) mod program;
