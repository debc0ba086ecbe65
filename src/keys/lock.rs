//! One way into a file, as the report of a failure shows it.

use super::age::Failure;
use super::identity::Identity;
use super::ssh;
use crate::sops::metadata::{MasterKey, Service};

/// The most characters shown of a name that a file chose. Only post-quantum recipients are longer, by far.
const MAX_NAME: usize = 200;

/// One way into a file.
#[derive(Debug)]
pub(super) struct Lock {
    kind: &'static str,
    /// Whoever could open this, when that is nobody for now.
    unsupported: Option<&'static str>,
    /// The name as people compare it.
    shown: String,
    /// What is wrong with this entry, whoever holds the key.
    fault: Option<String>,
    /// Whether this host holds the key.
    is_ours: bool,
}

impl Lock {
    /// What is to be told of `key`, given how trying it failed, if it was tried.
    pub fn new(key: &MasterKey, failure: Option<Failure>, identities: &[Identity]) -> Self {
        match key {
            MasterKey::Age { recipient, .. } => Self::age(recipient, failure, identities),
            MasterKey::Pgp { fingerprint, .. } => Self::closed("pgp", "OpenPGP", fingerprint),
            MasterKey::Remote { service, name } => {
                let service = service_name(*service);
                Self::closed(service, service, name)
            }
        }
    }

    /// An age recipient.
    fn age(recipient: &str, failure: Option<Failure>, identities: &[Identity]) -> Self {
        let is_ours = identities.iter().any(|identity| identity.is_named(recipient));
        Self {
            kind: "age",
            unsupported: unsupported_age(recipient),
            shown: ssh::shown_recipient(recipient).unwrap_or_else(|| printable(recipient)),
            fault: failure.and_then(|failure| fault(failure, is_ours)),
            is_ours,
        }
    }

    /// A key of a kind that we cannot use.
    fn closed(kind: &'static str, unsupported: &'static str, name: &str) -> Self {
        Self {
            kind,
            unsupported: Some(unsupported),
            shown: printable(name),
            fault: None,
            is_ours: false,
        }
    }

    /// Whoever could open this, when that is nobody for now.
    pub fn unsupported(&self) -> Option<&'static str> {
        self.unsupported
    }

    /// Whether this host holds the key.
    pub fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// The name as people compare it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// One line of the report.
    pub fn line(&self, indent: &str) -> String {
        let note = match (&self.fault, self.unsupported) {
            (Some(fault), _) => format!("  ({fault})"),
            (None, Some(_)) => "  (not supported yet)".to_owned(),
            (None, None) => String::new(),
        };
        format!("{indent}{}  {}{note}", self.kind, self.shown)
    }
}

/// Whoever could open an age recipient, when that is nobody for now. What stands before the last `1` names the kind of key.
fn unsupported_age(recipient: &str) -> Option<&'static str> {
    match recipient.rsplit_once('1')?.0 {
        "age" => None,
        "age1pq" => Some("a post-quantum age key"),
        plugin if plugin.starts_with("age1") => Some("an age plugin"),
        _ => None,
    }
}

/// What is wrong with an age entry, if anything is besides that its key is elsewhere.
fn fault(failure: Failure, is_ours: bool) -> Option<String> {
    Some(match failure {
        Failure::NotOurs if is_ours => "damaged: not encrypted to this recipient".to_owned(),
        Failure::NotOurs => return None,
        Failure::TooLarge => "damaged: too large for a data key".to_owned(),
        Failure::BadArmor => "damaged: not an armored age message".to_owned(),
        Failure::BadHeader => "damaged: not a readable age message".to_owned(),
        Failure::Damaged => "damaged: a key of this host fits, but the content was altered".to_owned(),
        Failure::BadLength => "damaged: what it holds is not as long as a data key".to_owned(),
    })
}

/// The name of a key service as its users know it.
fn service_name(service: Service) -> &'static str {
    match service {
        Service::AwsKms => "AWS KMS",
        Service::GcpKms => "Google Cloud KMS",
        Service::AzureKeyVault => "Azure Key Vault",
        Service::HashicorpVault => "HashiCorp Vault",
        Service::HuaweiKms => "Huawei Cloud KMS",
    }
}

/// A name that a file chose, or the words of a plugin, safe to print: one line, no control characters, not endless.
pub(super) fn printable(name: &str) -> String {
    let name = name.trim();
    let mut text: String = name
        .chars()
        .take(MAX_NAME)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if name.chars().nth(MAX_NAME).is_some() {
        text.push('…');
    }
    text
}
