//! Tells whether a later run could open a file that no key of this run opens: with key services, or with a key file that was not there yet.

use super::{group::RecipientEntry, keyring::Keyring, recovery::DataKeyRecovery};
use crate::sops::metadata::MasterKey;

impl Keyring {
    /// Whether keys that come later could open a closed file: with the key groups that are open, those in which such keys may have an entry
    /// are enough.
    #[must_use]
    pub fn later_run_could_open(&self, recovery: &DataKeyRecovery) -> bool {
        let could_be_open = |entries: &[RecipientEntry]| entries.iter().any(|entry| self.may_come_later(&entry.key));
        let groups = recovery.groups().iter();
        let groups = groups
            .filter(|group| group.is_open() || could_be_open(&group.entries))
            .count();
        let has_closed = recovery.closed().iter().any(|(_, key)| self.may_come_later(key));
        has_closed && groups >= recovery.needed()
    }

    /// Whether what opens such an entry is not here in this run, and may be in a later one. A file of age identities has none for recipients
    /// that are SSH keys.
    fn may_come_later(&self, key: &MasterKey) -> bool {
        match key {
            MasterKey::Age { recipient, .. } => self.awaits_key_file && !recipient.starts_with("ssh-"),
            MasterKey::Pgp { .. } => false,
            MasterKey::Remote(_) => self.key_services.is_some(),
        }
    }
}
