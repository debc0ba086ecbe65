//! Finds the keys of this host and of whoever asks, and answers with their recipients.

use std::{mem, path::Path};

use super::{
    audience::Audience,
    cli::{KeysArguments, RecipientForm},
    host,
    key_list::{self, ListedKey, each_once, too_small},
    public_half::public_key_in,
    reply::Reply,
};
use crate::{
    keys::{
        AGE_KEY_COMMAND_VARIABLE, Cause, KeySources, Keyring, Notice, Place, Problem, SSH_KEY_COMMAND_VARIABLE, SshKeyFile,
        SshRecipients, read_key,
    },
    program::{environment::Environment, key_sources},
    system::{
        budget,
        read::{ReadError, Reader},
        root::Root,
    },
    text::diagnosis::Diagnosis,
};

/// Carries out the command `sops-nix keys`.
///
/// # Errors
///
/// Returns a message for people if the manifest cannot be used, or if there is no key.
pub(crate) fn answer(arguments: &KeysArguments, audience: Audience, root: &Root) -> Result<Reply, Diagnosis> {
    let environment = Environment::read();
    let own = environment.keys.home.as_ref().map(|home| home.join(".ssh"));
    let mut sources = match &arguments.manifest {
        Some(path) => {
            let manifest = host::read_manifest(path, Some(environment.runtime_dir_or_any()))?;
            key_sources::sources(&manifest, environment.keys)
        }
        // A configuration is told the keys of the host alone.
        None if arguments.nix => with_named(key_sources::of_host(root), root),
        None => with_named(key_sources::usual(root, environment.keys), root),
    };
    let mut answer = Reply::default();
    let mut keys = Vec::new();
    let mut reader = Reader::new(sources.thread.clone(), budget::KEY_FILES);
    for file in mem::take(&mut sources.ssh_keys) {
        let found = ssh_key(&file, &mut reader);
        answer.remarks.extend(found.remarks);
        let path = file.file.path;
        let title = format!("from {}", Place::File(path.clone()));
        let is_own = own.as_ref().is_some_and(|own| path.starts_with(own));
        let listed = if is_own { ListedKey::of_own_ssh } else { ListedKey::of_ssh };
        keys.extend(found.recipients.map(|recipients| listed(&title, recipients)));
    }
    let mut keyring = Keyring::load(&sources);
    let notices = keyring.take_notices().into_iter();
    // People who ask for their own keys need no notice that these keys are used.
    let notices = notices.filter(|notice| !matches!(notice, Notice::OwnKeys(_)));
    answer
        .remarks
        .extend(notices.map(|notice| Diagnosis::bare(notice.to_string())));
    answer.remarks.extend(not_shown(&sources, &keyring));
    keys.extend(keyring.hand.identities.iter().map(|identity| ListedKey {
        title: format!("age key  from {}", identity.place()),
        host: None,
        recipients: vec![(RecipientForm::Age, identity.recipient().to_owned())],
    }));
    let form = key_list::form(arguments.to, audience).filter(|_| !arguments.nix);
    if keys.is_empty() {
        answer.failures.push(no_key(!answer.remarks.is_empty()));
    } else if !key_list::has_form(&keys, form) {
        let failure = key_list::no_form(&keys, form);
        answer.failures.push(failure.of("cannot show recipients of this host"));
    }
    answer.text = text(&keys, arguments, audience);
    Ok(answer)
}

/// These key sources, and those that the configuration of this host names.
fn with_named(mut sources: KeySources, root: &Root) -> KeySources {
    for installation in host::of_system(root) {
        if let Ok(manifest) = &installation.manifest {
            key_sources::add_named(&mut sources, manifest);
        }
    }
    sources
}

/// The failure if there is no recipient to print. `is_explained` says that the answer has remarks, which explain why.
fn no_key(is_explained: bool) -> Diagnosis {
    if is_explained {
        return Diagnosis::new("no recipient of this host is known", "see the warnings above");
    }
    Diagnosis::new(
        "no key was found on this host",
        "to make one, run: mkdir -p ~/.config/sops/age && age-keygen -o ~/.config/sops/age/keys.txt",
    )
}

/// What was found out about one SSH key.
#[derive(Default)]
struct FoundKey {
    /// The recipients of the key.
    recipients: Option<SshRecipients>,
    /// What people should know about the key.
    remarks: Vec<Diagnosis>,
}

/// The recipients of an SSH key. The result is empty if a default file is missing, because nobody has named that file.
fn ssh_key(key: &SshKeyFile, reader: &mut Reader) -> FoundKey {
    let path = &key.file.path;
    let (text, exposed) = match read_key(&key.file, key.kind(), reader) {
        Ok(read) => read,
        Err(Cause::NoFile(_)) if key.file.is_default => return FoundKey::default(),
        Err(cause) => return without_private_half(path, cause, None, reader),
    };
    let mut found = match SshRecipients::of_private(text.expose()) {
        Ok(recipients) => FoundKey {
            remarks: too_small(&Place::File(path.clone()).to_string(), &recipients)
                .into_iter()
                .collect(),
            recipients: Some(recipients),
        },
        Err(cause) => without_private_half(path, cause, SshRecipients::of_public_half(text.expose()), reader),
    };
    let exposed = exposed.map(|notice| Diagnosis::bare(notice.to_string()));
    found.remarks.extend(exposed);
    found
}

/// What is found out about a key whose private half was not read. `within` is the public half, if the file of the private key
/// contains it. Otherwise, the public key is taken from the `.pub` file beside that file.
///
/// The public half is used only if this user may not read the private key, or does not know its passphrase. A private key that is
/// missing or damaged opens nothing, so its public half is not used.
fn without_private_half(path: &Path, cause: Cause, within: Option<SshRecipients>, reader: &mut Reader) -> FoundKey {
    let is_hidden = matches!(
        cause,
        Cause::EncryptedSshKey | Cause::EncryptedPkcs8 | Cause::File(ReadError::Denied)
    );
    let beside = path.with_added_extension("pub");
    let recipients = within.or_else(|| public_key_in(&beside, reader)).filter(|_| is_hidden);
    let remark = match &recipients {
        Some(_) => half_shown(path, &beside, &cause),
        None => Diagnosis::bare(unusable(path, cause)),
    };
    FoundKey {
        recipients,
        remarks: vec![remark],
    }
}

/// The remark on a key of which the public half is shown.
fn half_shown(path: &Path, beside: &Path, cause: &Cause) -> Diagnosis {
    let (place, beside) = (Place::File(path.to_owned()), Place::File(beside.to_owned()));
    Diagnosis::bare(match cause {
        Cause::File(error) => format!("{place}: {error}, so the public key in {beside} is shown instead"),
        _ => format!(
            "{place}: it is protected by a passphrase, so no secrets are installed with it; only its public half is shown"
        ),
    })
}

fn unusable(path: &Path, cause: Cause) -> String {
    let place = Place::File(path.to_owned());
    Notice::Unusable(Problem { place, cause }).to_string()
}

/// The remarks on keys that only another program knows, and that are therefore not shown.
fn not_shown(sources: &KeySources, keyring: &Keyring) -> Vec<Diagnosis> {
    let commands = [
        (&sources.age_key_command, AGE_KEY_COMMAND_VARIABLE),
        (&sources.ssh_key_command, SSH_KEY_COMMAND_VARIABLE),
    ];
    let commands = commands.into_iter().filter(|(command, _)| command.is_some());
    let commands = commands.map(|(_, variable)| {
        Diagnosis::bare(format!(
            "the key of {variable} is not shown, because the command in this variable is not run here"
        ))
    });
    let plugins = keyring.plugins.iter().map(|(identity, place)| {
        let cause = format!(
            "{place} is not shown: only age-plugin-{} knows its recipient",
            identity.plugin()
        );
        Diagnosis::new(cause, "look for the recipient in a comment near the line, or ask the plugin")
    });
    let gpg = keyring.gpg.iter();
    let gpg = gpg.map(|gpg| {
        Diagnosis::new(
            "the keys of gpg are not shown",
            format!("to list them, run: {}", gpg.listing()),
        )
    });
    commands.chain(plugins).chain(gpg).collect()
}

/// The text for standard output: the recipients of the keys.
fn text(keys: &[ListedKey], arguments: &KeysArguments, audience: Audience) -> String {
    match key_list::form(arguments.to, audience) {
        _ if arguments.nix => nix(keys),
        None if !keys.is_empty() => key_list::text(keys, None) + &rule(keys),
        form => key_list::text(keys, form),
    }
}

/// All recipients as a list in the Nix language. No recipient has a character with a special meaning in that language.
fn nix(keys: &[ListedKey]) -> String {
    let recipients = keys.iter().flat_map(|key| &key.recipients);
    let recipients = each_once(recipients.map(|(_, recipient)| recipient.as_str()));
    let lines: String = recipients
        .into_iter()
        .flat_map(|recipient| ["  \"", recipient, "\"\n"])
        .collect();
    format!("[\n{lines}]\n")
}

/// What people copy to `.sops.yaml`: the recipients that stand below `age`.
fn rule(keys: &[ListedKey]) -> String {
    let recipients = each_once(keys.iter().flat_map(|key| key.of_form(RecipientForm::Age)));
    if recipients.is_empty() {
        return String::new();
    }
    format!(
        "\nfor .sops.yaml, below creation_rules:\n  - age: \"{}\"\n",
        recipients.join(",")
    )
}
