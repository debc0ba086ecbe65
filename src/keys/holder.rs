//! Decides which age plugins may have the identity of an age recipient.

use crate::text::printable::printable;

/// The age plugins that may have the identity of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder<'r> {
    /// No plugin has the identity, because the recipient is one of age itself or an SSH key.
    Nobody,
    /// Only the plugin of this name can have the identity.
    Plugin(&'r str),
    /// Any plugin that keeps keys in hardware may have the identity. The recipient is a tagged one (`age1tag1…`,
    /// `age1tagpq1…`). A tagged recipient does not name the plugin, so that the person who encrypts need not know the plugin.
    AnyHardware,
}

impl<'r> Holder<'r> {
    /// The holder of the identity of `recipient`. The text before the last `1` of an age recipient names the kind of key.
    pub(crate) fn of(recipient: &'r str) -> Self {
        let kind = recipient.rsplit_once('1').and_then(|(kind, _)| kind.strip_prefix("age1"));
        match kind {
            None | Some("pq") => Self::Nobody,
            Some("tag" | "tagpq") => Self::AnyHardware,
            Some(name) => Self::Plugin(name),
        }
    }

    /// Whether the plugin of the name `plugin` may have the identity.
    pub(crate) fn may_be(self, plugin: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::Plugin(name) => name == plugin,
            Self::AnyHardware => true,
        }
    }

    /// Says, for the report, which identity the host lacks to open messages for the recipient. `known` names the plugins for
    /// which the host has identities. Returns `None` if no plugin has the identity, or if a plugin in `known` may have it.
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
