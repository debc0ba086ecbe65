//! One key of this host, as the report on a closed file shows it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::keys::{hybrid::by_its_ends, identity::Identity, keyring::Keyring};

/// One key of this host, as the report shows it.
#[derive(Debug)]
pub(crate) struct HostKey {
    /// The recipient to add to a `.sops.yaml`, or a text that says where to find the recipient.
    recipient: String,
    /// The line of the report for this key. The line shows the name of the key and its source.
    pub line: String,
    pub kind: Preference,
    /// Whether a file that is encrypted to the recipient of this key could be opened. The value is `false` if the program that
    /// has the key failed.
    pub is_of_use: bool,
}

/// The kinds of keys, in the order in which they are recommended for a `.sops.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Preference {
    Age,
    Ssh,
    Pgp,
    /// A key that only another program can use: a plugin, gpg, or the one that asks key services.
    Elsewhere,
}

impl HostKey {
    /// The recipient in the form that a person should copy. A very long recipient is given in full only the first time in a run,
    /// and is shortened later.
    pub(crate) fn to_copy(&self, has_shown_long: &AtomicBool) -> String {
        let short = by_its_ends(&self.recipient);
        if short != self.recipient && has_shown_long.swap(true, Ordering::Relaxed) {
            format!("{short} (in full above)")
        } else {
            self.recipient.clone()
        }
    }

    /// All keys of this host: the keys at hand, the keys of plugins, the keys of gpg, and key services. `gpg_works` is false if gpg
    /// failed on this file.
    pub(crate) fn all(keyring: &Keyring, gpg_works: bool) -> Vec<Self> {
        let pgp = keyring.hand.pgp_keys.iter().map(|key| Self {
            recipient: key.0.fingerprint().to_owned(),
            line: format!("pgp {}  from {} (converted)", key.0.fingerprint(), key.1),
            kind: Preference::Pgp,
            is_of_use: true,
        });
        let plugins = keyring.plugins.iter().map(|(identity, place)| Self {
            recipient: format!("the recipient of {place}"),
            line: format!("age-plugin-{}  for {place}", identity.plugin()),
            kind: Preference::Elsewhere,
            is_of_use: !keyring.problems.iter().any(|problem| problem.is_of_program_for(place)),
        });
        let gpg = keyring.gpg.iter().map(|gpg| Self {
            recipient: format!("a fingerprint that {} shows", gpg.listing()),
            line: gpg.to_string(),
            kind: Preference::Elsewhere,
            is_of_use: gpg_works,
        });
        let services = keyring.key_services.iter().map(|services| Self {
            recipient: "a key of a key service that this host may use".to_owned(),
            line: format!("key services  by {}", services.program.display()),
            kind: Preference::Elsewhere,
            // Which of its keys this host may use, only a service knows.
            is_of_use: false,
        });
        let identities = keyring.hand.identities.iter().map(|identity| Self::of_identity(identity));
        identities.chain(pgp).chain(plugins).chain(gpg).chain(services).collect()
    }

    fn of_identity(identity: &Identity) -> Self {
        let converted = if identity.is_converted() { " (converted)" } else { "" };
        Self {
            recipient: identity.recipient().to_owned(),
            line: format!("{}  from {}{converted}", identity.shown(), identity.place()),
            kind: if identity.is_ssh() { Preference::Ssh } else { Preference::Age },
            is_of_use: true,
        }
    }
}
