//! Whom a file is encrypted for: a recipient as a rule names it, and as a sops file does.

use crate::sops::{metadata::MasterKey, remote::Service};

/// The kinds of recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecipientKind {
    /// An age recipient.
    Age,
    /// The fingerprint of an OpenPGP key.
    Pgp,
    /// A key that a key service holds.
    Remote(Service),
}

/// A recipient, by its kind and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleRecipient {
    /// The kind.
    pub(crate) kind: RecipientKind,
    /// The name, as sops prints it.
    pub(crate) name: String,
}

impl RuleRecipient {
    /// The recipient of a kind with this name, as a rule spells it. sops ignores blanks around every name, and within a fingerprint
    /// or the name of a cloud's key.
    pub(crate) fn of_rule(kind: RecipientKind, name: &str) -> Self {
        let name = name.trim();
        let name = match kind {
            RecipientKind::Pgp | RecipientKind::Remote(Service::AwsKms | Service::GcpKms) => name.replace(' ', ""),
            RecipientKind::Remote(Service::HashicorpVault) => name.trim_end_matches('/').to_owned(),
            RecipientKind::Age | RecipientKind::Remote(_) => name.to_owned(),
        };
        Self { kind, name }
    }

    /// Whether a recipient of a file is the one that this rule means. A rule may leave out the version of an Azure key, and then its
    /// name ends in a slash.
    pub(crate) fn means(&self, of_file: &Self) -> bool {
        let is_versionless = self.kind == RecipientKind::Remote(Service::AzureKeyVault) && self.name.ends_with('/');
        self.kind == of_file.kind && (self.name == of_file.name || is_versionless && of_file.name.starts_with(&self.name))
    }
}

impl From<&MasterKey> for RuleRecipient {
    fn from(key: &MasterKey) -> Self {
        let (kind, name) = match key {
            MasterKey::Age { recipient, .. } => (RecipientKind::Age, recipient.clone()),
            MasterKey::Pgp { fingerprint, .. } => (RecipientKind::Pgp, fingerprint.clone()),
            MasterKey::Remote(key) => (RecipientKind::Remote(key.service()), key.name()),
        };
        Self {
            kind,
            name: name.trim().to_owned(),
        }
    }
}
