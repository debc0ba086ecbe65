//! Lists keys with their recipients: each form for people, one form for scripts.

use std::collections::HashSet;

use super::{audience::Audience, cli::RecipientForm, layout::columns};
use crate::{keys::SshRecipients, text::diagnosis::Diagnosis};

/// A key, and the recipients that belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ListedKey {
    /// What the key is, and where it was found.
    pub(crate) title: String,
    /// The host that the line of a public key names; `None` if it names none.
    pub(crate) host: Option<String>,
    /// The recipients, each with its form. One recipient may have two forms: an RSA key stands below `age` as the SSH key itself.
    pub(crate) recipients: Vec<(RecipientForm, String)>,
}

impl ListedKey {
    /// An SSH key. `place` says where it was found.
    pub(crate) fn of_ssh(place: &str, recipients: SshRecipients) -> Self {
        let SshRecipients { shown, age, ssh, pgp } = recipients;
        let below_age = age.or_else(|| ssh.clone());
        let forms = [
            (RecipientForm::Age, below_age),
            (RecipientForm::Ssh, ssh),
            (RecipientForm::Pgp, pgp),
        ];
        Self {
            title: format!("{shown}  {place}"),
            host: None,
            recipients: forms
                .into_iter()
                .filter_map(|(form, recipient)| Some((form, recipient?)))
                .collect(),
        }
    }

    /// An SSH key of a person, who uses it with sops: sops opens files with the key itself, and not with what it is converted to.
    pub(crate) fn of_own_ssh(place: &str, recipients: SshRecipients) -> Self {
        let native = SshRecipients {
            age: recipients.age.filter(|_| recipients.ssh.is_none()),
            ..recipients
        };
        Self::of_ssh(place, native)
    }

    /// The recipients of this form.
    pub(crate) fn of_form(&self, form: RecipientForm) -> impl Iterator<Item = &str> {
        let wanted = self.recipients.iter().filter(move |(other, _)| *other == form);
        wanted.map(|(_, recipient)| recipient.as_str())
    }
}

/// The form of the recipients that are printed. `None` if all forms are printed, because a person has asked for no single form.
pub(crate) fn form(asked: Option<RecipientForm>, audience: Audience) -> Option<RecipientForm> {
    match audience {
        Audience::Person => asked,
        Audience::Script => Some(asked.unwrap_or(RecipientForm::Age)),
    }
}

/// Whether any recipient of the keys is printed. Only recipients of `form` are printed, or recipients of all forms if it is `None`.
pub(crate) fn has_form(keys: &[ListedKey], form: Option<RecipientForm>) -> bool {
    keys.iter()
        .any(|key| form.is_none_or(|form| key.of_form(form).next().is_some()))
}

/// The reason why nothing is printed: the keys have no recipient of the form `form`.
pub(crate) fn no_form(keys: &[ListedKey], form: Option<RecipientForm>) -> Diagnosis {
    match form {
        Some(RecipientForm::Pgp) => Diagnosis::new("only RSA keys have an OpenPGP fingerprint", "leave out --to"),
        Some(RecipientForm::Ssh) if has_form(keys, Some(RecipientForm::Age)) => {
            Diagnosis::new("none of its keys is an SSH key", "leave out --to")
        }
        _ => Diagnosis::new(
            "age can use none of its keys",
            "name an ssh-ed25519 key, or an ssh-rsa key of 2048 bits or more",
        ),
    }
}

/// The remark on an RSA key that is too small for age, and so has only an OpenPGP fingerprint.
pub(crate) fn too_small(place: &str, recipients: &SshRecipients) -> Option<Diagnosis> {
    let cause = format!("{place} has no age recipient: age takes no RSA key of fewer than 2041 bits");
    recipients.ssh.is_none().then(|| Diagnosis::bare(cause))
}

/// The list of keys. Each recipient of `form` stands once, on a line of its own. Without a form, each key has a paragraph.
pub(crate) fn text(keys: &[ListedKey], form: Option<RecipientForm>) -> String {
    match form {
        None => keys.iter().map(paragraph).collect::<Vec<_>>().join("\n"),
        Some(form) => lines(keys, form),
    }
}

/// All recipients of a form, each once.
fn lines(keys: &[ListedKey], form: RecipientForm) -> String {
    let recipients = each_once(keys.iter().flat_map(|key| key.of_form(form)));
    recipients.into_iter().flat_map(|recipient| [recipient, "\n"]).collect()
}

/// The texts in their order, without those that have occurred before.
pub(crate) fn each_once<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut seen = HashSet::new();
    texts.filter(|text| seen.insert(*text)).collect()
}

/// A key with all its recipients. They are never shortened, since people copy them.
fn paragraph(key: &ListedKey) -> String {
    let row = |(form, recipient): &(RecipientForm, String)| vec![name(*form).to_owned(), recipient.clone()];
    let rows: Vec<_> = key.recipients.iter().map(row).collect();
    format!("{}\n{}", key.title, columns("  ", &rows))
}

fn name(form: RecipientForm) -> &'static str {
    match form {
        RecipientForm::Age => "age",
        RecipientForm::Ssh => "ssh",
        RecipientForm::Pgp => "pgp",
    }
}
