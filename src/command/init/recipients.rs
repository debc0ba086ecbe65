//! Who will be able to open the files: whoever asks, and hosts.

use std::path::{Path, PathBuf};

use crate::{
    command::{
        cli::RecipientForm,
        convert,
        input::Input,
        key_list::{ListedKey, each_once},
    },
    keys::{is_age_recipient, report::recipient::shown_age},
    system::root::{Root, SSHD},
    text::diagnosis::Diagnosis,
};

/// The most bytes of a file with the keys of hosts.
const LARGEST: usize = 16 << 20;
/// What only NixOS has.
const NIXOS: &str = "/etc/NIXOS";
/// The public keys of a host that sshd makes by itself, the better one first. One is enough.
const HOST_KEYS: [&str; 2] = ["ssh_host_ed25519_key.pub", "ssh_host_rsa_key.pub"];

/// How the recipient of an RSA key begins.
const RSA: &str = "ssh-rsa ";

/// The word for whoever types the command.
const YOU: &str = "you";
/// The word for a host.
const HOST: &str = "host";

/// A recipient, and whose it is.
pub(crate) struct NamedRecipient {
    /// A word for whoever has the key: `you`, `you2`, `host`, `host2`.
    pub(crate) who: String,
    /// The recipient, as it stands below `age`.
    pub(crate) recipient: String,
}

impl NamedRecipient {
    /// Whether a host has the key.
    pub(crate) fn is_of_host(&self) -> bool {
        self.who.starts_with(HOST)
    }

    /// Whether it is the recipient of an RSA key.
    pub(crate) fn is_of_rsa_key(&self) -> bool {
        self.recipient.starts_with(RSA)
    }
}

/// The hosts that were found.
#[derive(Default)]
pub(crate) struct Hosts {
    /// Their recipients.
    pub(crate) recipients: Vec<NamedRecipient>,
    /// What was left out.
    pub(crate) remarks: Vec<Diagnosis>,
}

/// The recipients of hosts: those in the files that somebody names, or else of this one, if it is a NixOS host.
///
/// # Errors
///
/// With a message for people, if a file cannot be read, or has no key.
pub(crate) fn of_hosts(named: &[PathBuf], root: &Root) -> Result<Hosts, Diagnosis> {
    let own = HOST_KEYS.map(|name| root.locate(Path::new(SSHD).join(name)));
    let own = own.iter().find(|file| file.exists());
    let files = match (named, own) {
        ([], _) if !root.locate(NIXOS).exists() => return Ok(without_host(SCAN)),
        ([], None) => return Ok(without_host(MAKE)),
        ([], Some(own)) => std::slice::from_ref(own),
        (named, _) => named,
    };
    let (mut keys, mut remarks) = (Vec::new(), Vec::new());
    for file in files {
        let input = Input::read(file, LARGEST, LARGEST)?;
        let found = convert::read_keys(&input);
        let none = convert::none_converted(&input, &found, Some(RecipientForm::Age));
        if let Some(failure) = found.failures.into_iter().chain(none).next() {
            return Err(failure);
        }
        remarks.extend(found.remarks);
        keys.extend(found.keys);
    }
    let (second, first): (Vec<_>, Vec<_>) = keys.iter().partition(|key| is_second(key, &keys));
    remarks.extend(second.into_iter().map(left_out));
    Ok(Hosts {
        recipients: numbered(HOST, first.iter().flat_map(|key| key.of_form(RecipientForm::Age))),
        remarks,
    })
}

/// Whether a key is the RSA key of a host that has another key, too: one is enough.
fn is_second(key: &ListedKey, keys: &[ListedKey]) -> bool {
    let is_rsa = |key: &ListedKey| key.of_form(RecipientForm::Age).all(|recipient| recipient.starts_with(RSA));
    let is_first = |other: &ListedKey| other.host == key.host && !is_rsa(other);
    key.host.is_some() && is_rsa(key) && keys.iter().any(is_first)
}

fn left_out(key: &ListedKey) -> Diagnosis {
    Diagnosis::bare(format!(
        "{} is left out: its host has another key, and one is enough",
        key.title
    ))
}

/// How to name a host.
const SCAN: &str = "to name one, run: ssh-keyscan HOST | sops-nix init --host -";
/// How to name this host, which has no key.
const MAKE: &str = "to name this host, make its SSH key, and begin again; to make the key, run as root: ssh-keygen -A";

/// The answer if no host is known.
fn without_host(remedy: &str) -> Hosts {
    let remark = Diagnosis::new("no host is named, so only you will be able to open the file", remedy);
    Hosts {
        remarks: vec![remark],
        ..Hosts::default()
    }
}

/// Those who type the command, by the recipients that they name.
///
/// # Errors
///
/// With a message for people, if a text is no recipient. A private key is not shown.
pub(crate) fn of_people(recipients: &[String]) -> Result<Vec<NamedRecipient>, Diagnosis> {
    // A comment of an SSH key may have what YAML takes for something else.
    let is_plain = |text: &str| {
        text.chars()
            .all(|character| character.is_ascii_alphanumeric() || " +-./=@_".contains(character))
    };
    match recipients.iter().find(|text| !is_plain(text) || !is_age_recipient(text)) {
        Some(other) => Err(Diagnosis::new(
            format!("{} is no age recipient", shown_age(other)),
            "name a whole one, which begins with age1 or ssh-",
        )),
        None => Ok(numbered(YOU, recipients.iter().map(String::as_str))),
    }
}

/// Gives each recipient a word of its own: the first one gets `word` itself.
fn numbered<'a>(word: &str, recipients: impl Iterator<Item = &'a str>) -> Vec<NamedRecipient> {
    let words = (2..).map(|number| format!("{word}{number}"));
    let words = [word.to_owned()].into_iter().chain(words);
    let named = each_once(recipients).into_iter().zip(words);
    named
        .map(|(recipient, who)| NamedRecipient {
            who,
            recipient: recipient.to_owned(),
        })
        .collect()
}
