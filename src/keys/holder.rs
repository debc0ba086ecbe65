//! Who may have the identity of an age recipient.

use crate::text::printable::printable;

/// Which age plugins may have the identity of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder<'r> {
    /// No plugin: the key is one of age itself, or an SSH key.
    Nobody,
    /// The one of this name.
    Plugin(&'r str),
    /// Any plugin that keeps its keys in hardware. A tagged recipient does not name the plugin, so whoever encrypts need not know it.
    AnyHardware,
}

impl<'r> Holder<'r> {
    /// The holder of the identity of `recipient`. The text before the last `1` of a recipient names the kind of key.
    pub(crate) fn of(recipient: &'r str) -> Self {
        let kind = recipient.rsplit_once('1').and_then(|(kind, _)| kind.strip_prefix("age1"));
        match kind {
            None | Some("pq") => Self::Nobody,
            Some("tag" | "tagpq") => Self::AnyHardware,
            Some(name) => Self::Plugin(name),
        }
    }

    /// Whether `plugin` may have the identity.
    pub(crate) fn may_be(self, plugin: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::Plugin(name) => name == plugin,
            Self::AnyHardware => true,
        }
    }

    /// What a host lacks to use this recipient, if it has identities of the plugins `known`. `None` if it lacks nothing.
    pub(crate) fn wanted(self, known: &[String]) -> Option<String> {
        match self {
            Self::Plugin(name) => Some(format!("needs an identity of age-plugin-{}", printable(name))),
            Self::AnyHardware => {
                Some("needs an identity of the plugin for its hardware, such as age-plugin-tpm, -yubikey or -se".to_owned())
            }
            Self::Nobody => None,
        }
        .filter(|_| known.iter().all(|plugin| !self.may_be(plugin)))
    }
}
