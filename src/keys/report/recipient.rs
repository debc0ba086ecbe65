//! Shows one recipient entry in the report on a closed file.

use crate::{
    keys::{failure::EntryFailure, group::RecipientEntry, holder::Holder, hybrid::by_its_ends, keyring::Keyring, ssh},
    sops::{
        creation_rules::{RecipientKind, RuleRecipient},
        remote::Service,
    },
    text::{
        identity::without_identity,
        printable::{one_line, printable},
    },
};

/// One recipient entry, as the report shows it.
#[derive(Debug)]
pub(crate) struct RecipientRow {
    kind: &'static str,
    /// The key service that could open the entry, but that this run does not ask. `None` if there is no such service.
    unasked: Option<Service>,
    /// The recipient in the form that messages show.
    shown: String,
    /// The reasons why the entry was not opened, or what this host needs to open the entry.
    notes: Vec<String>,
    /// Whether this host has tried the key of the entry, and can open messages of this kind. If the group of the entry is closed
    /// nevertheless, the message of the entry is damaged.
    is_damaged: bool,
    /// Whether the message of the entry is of a kind that this program cannot open with any key.
    is_foreign: bool,
    /// Whether a program that could have opened the entry failed, or was not asked for want of time.
    has_program_failed: bool,
}

impl RecipientRow {
    /// Makes the report on a recipient entry, whether the entry was opened or not.
    pub(crate) fn new(entry: &RecipientEntry, keyring: &Keyring) -> Self {
        let is_ours = keyring.hand.owns(&entry.key);
        let has = |is_such: fn(&EntryFailure) -> bool| entry.failures.iter().any(is_such);
        let is_foreign = has(|failure| matches!(failure, EntryFailure::Unsupported(_)));
        let is_untried = has(|failure| matches!(failure, EntryFailure::NotTried | EntryFailure::OutOfTime(_)));
        let key = RuleRecipient::from(&entry.key);
        let (kind, shown) = shown_key(key.kind, &key.name);
        let notes = match key.kind {
            RecipientKind::Age => faults(&entry.failures, is_ours, "age").unwrap_or_else(|| wanted(&key.name, keyring)),
            RecipientKind::Pgp => faults(&entry.failures, is_ours, "OpenPGP").unwrap_or_default(),
            RecipientKind::Remote(_) if keyring.key_services.is_none() => vec!["not asked".to_owned()],
            RecipientKind::Remote(_) if !keyring.asks_services() => vec!["not asked before the network is there".to_owned()],
            RecipientKind::Remote(_) => faults(&entry.failures, false, kind).unwrap_or_default(),
        };
        Self {
            kind,
            unasked: match key.kind {
                RecipientKind::Remote(service) if !keyring.asks_services() => Some(service),
                _ => None,
            },
            shown,
            notes,
            is_damaged: is_ours && !is_foreign && !is_untried,
            is_foreign,
            has_program_failed: has(|failure| matches!(failure, EntryFailure::ProgramFailed(_) | EntryFailure::OutOfTime(_))),
        }
    }

    /// The key service that could open the entry, but that this run does not ask. `None` if there is no such service.
    pub(crate) fn unasked(&self) -> Option<Service> {
        self.unasked
    }

    /// Whether this host has tried the key of the entry, and can open messages of this kind. If the group of the entry is closed
    /// nevertheless, the message of the entry is damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Whether the message of the entry is of a kind that this program cannot open with any key.
    pub(crate) fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// Whether a program that could have opened the entry failed, or was not asked for want of time.
    pub(crate) fn has_program_failed(&self) -> bool {
        self.has_program_failed
    }

    /// Whether the report has a note on the entry.
    pub(crate) fn has_notes(&self) -> bool {
        !self.notes.is_empty()
    }

    /// Whether the entry is for an OpenPGP key.
    pub(crate) fn is_pgp(&self) -> bool {
        self.kind == "pgp"
    }

    /// The recipient in the form that messages show.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The line of the report for the entry: the kind of key, the recipient, and the notes.
    pub(crate) fn line(&self, indent: &str) -> String {
        let note = match self.notes.join("; ") {
            notes if notes.is_empty() => notes,
            notes => format!("  ({notes})"),
        };
        format!("{indent}{}  {}{note}", self.kind, self.shown)
    }
}

/// A note that names a plugin: this host lacks an identity of the plugin to open a message for `recipient`. The list is empty if no
/// such identity is missing.
fn wanted(recipient: &str, keyring: &Keyring) -> Vec<String> {
    Holder::of(recipient).wanted(&keyring.plugin_names()).into_iter().collect()
}

/// An age recipient as messages show it. An SSH key is shown by its fingerprint, and a very long recipient by its first and last
/// characters.
pub(crate) fn shown_age(recipient: &str) -> String {
    let recipient = without_identity(recipient);
    ssh::shown_recipient(recipient).unwrap_or_else(|| by_its_ends(&one_line(recipient.trim())))
}

/// The word for a kind of keys, and the name of such a key, as messages show them.
pub(crate) fn shown_key(kind: RecipientKind, name: &str) -> (&'static str, String) {
    match kind {
        RecipientKind::Age => ("age", shown_age(name)),
        RecipientKind::Pgp => ("pgp", printable(without_identity(name))),
        RecipientKind::Remote(service) => (service_name(service), printable(without_identity(name))),
    }
}

/// The notes on the failures of an entry. Returns `None` if the only failure is that the key is not on this host.
fn faults(failures: &[EntryFailure], is_ours: bool, kind: &str) -> Option<Vec<String>> {
    let faults: Vec<_> = failures
        .iter()
        .filter_map(|failure| fault(failure, is_ours && failures.len() == 1, kind))
        .collect();
    (!faults.is_empty()).then_some(faults)
}

fn fault(failure: &EntryFailure, is_ours: bool, kind: &str) -> Option<String> {
    Some(match failure {
        EntryFailure::NotOurs if is_ours => "damaged: not encrypted to this recipient".to_owned(),
        EntryFailure::NotOurs => return None,
        EntryFailure::NotTried => "not all keys of this host were tried, because the limit of tries was reached".to_owned(),
        EntryFailure::TooLarge => "damaged: too large for a data key".to_owned(),
        EntryFailure::BadArmor => format!("damaged: not an armored {kind} message"),
        EntryFailure::BadHeader => format!("damaged: not a readable {kind} message"),
        EntryFailure::Damaged => "damaged: a key of this host fits, but the content was altered".to_owned(),
        EntryFailure::Unsupported(what) => format!("{what} is not supported"),
        EntryFailure::BadLength => "damaged: its content does not have the length of a data key".to_owned(),
        EntryFailure::OutOfTime(words) => (*words).to_owned(),
        // The text is ours and may end with a remedy, so the text is not shortened. Quotes of other programs in the text are
        // already short.
        EntryFailure::NotHeldByProgram(words) | EntryFailure::ProgramFailed(words) => one_line(words),
    })
}

/// The name of a key service, as its users know the service.
pub(crate) fn service_name(service: Service) -> &'static str {
    match service {
        Service::AwsKms => "AWS KMS",
        Service::GcpKms => "Google Cloud KMS",
        Service::AzureKeyVault => "Azure Key Vault",
        Service::HashicorpVault => "HashiCorp Vault",
        Service::HuaweiKms => "Huawei Cloud KMS",
    }
}
