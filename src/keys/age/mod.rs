//! Reads age identities, and opens the age messages that hold data keys.

pub(crate) mod ends;
mod identities;
mod message;
mod plugin_identity;

pub(crate) use identities::{IdentityLine, MAX_BAD_LINES, MAX_IDENTITY_BYTES, foreign_content, lines, words};
pub(crate) use message::AgeMessage;
pub(crate) use plugin_identity::PluginIdentity;
