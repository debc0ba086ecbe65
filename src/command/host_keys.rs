//! Finds the keys of this host and of whoever asks, and answers with their recipients.

use std::{mem, path::Path};

use super::{
    audience::Audience,
    cli::{KeysArguments, RecipientForm},
    input::Input,
    key_list::{self, ListedKey, each_once},
    reply::Reply,
};
use crate::{
    keys::{
        AGE_KEY_COMMAND_VARIABLE, Cause, KeySources, Keyring, MAX_SSH_KEY_BYTES, Notice, Place, Problem,
        SSH_KEY_COMMAND_VARIABLE, SshKeyFile, SshRecipients, public_key,
    },
    manifest::Manifest,
    program::{environment::Environment, key_sources},
    system::{read, root::Root},
    text::diagnosis::Diagnosis,
};

/// The most bytes of a manifest that is read.
const LARGEST_MANIFEST: usize = 1 << 28;

/// Does what `sops-nix keys` is asked for.
///
/// # Errors
///
/// With a message for people, if the manifest cannot be used, or if there is no key.
pub(crate) fn answer(arguments: &KeysArguments, audience: Audience, root: &Root) -> Result<Reply, Diagnosis> {
    let environment = Environment::read();
    let mut sources = match &arguments.manifest {
        Some(path) => key_sources::sources(&manifest(path, &environment)?, environment.keys),
        None => key_sources::usual(root, environment.keys),
    };
    let mut answer = Reply::default();
    let mut keys = Vec::new();
    for file in mem::take(&mut sources.ssh_keys) {
        match ssh_key(&file) {
            Ok(key) => keys.extend(key),
            Err(problem) => answer.remarks.push(Diagnosis::bare(problem)),
        }
    }
    let mut keyring = Keyring::load(&sources);
    let notices = keyring.take_notices().into_iter();
    // That the keys of whoever asks are used is no news here.
    let notices = notices.filter(|notice| !matches!(notice, Notice::OwnKeys(_)));
    answer
        .remarks
        .extend(notices.map(|notice| Diagnosis::bare(notice.to_string())));
    answer.remarks.extend(not_shown(&sources, &keyring));
    keys.extend(keyring.hand.identities.iter().map(|identity| ListedKey {
        title: format!("age key  from {}", identity.place()),
        recipients: vec![(RecipientForm::Age, identity.recipient().to_owned())],
    }));
    if keys.is_empty() {
        answer.failures.push(no_key(!answer.remarks.is_empty()));
    }
    answer.text = text(&keys, arguments, audience);
    Ok(answer)
}

/// The failure if there is no recipient to print. `is_explained` says that the remarks tell of sources without one.
fn no_key(is_explained: bool) -> Diagnosis {
    if is_explained {
        return Diagnosis::new("no recipient of this host is known", "see what is named above");
    }
    Diagnosis::new(
        "no key was found on this host",
        "to make one, run: mkdir -p ~/.config/sops/age && age-keygen -o ~/.config/sops/age/keys.txt",
    )
}

fn manifest(path: &Path, environment: &Environment) -> Result<Manifest, Diagnosis> {
    let input = Input::read(path, LARGEST_MANIFEST)?;
    let parsed = Manifest::parse(path, input.text.expose(), Some(environment.runtime_dir_or_any()));
    parsed.map(|(manifest, _)| manifest).map_err(|error| error.diagnosis)
}

/// The recipients of an SSH key. If the private key cannot be read or has a passphrase, those of the public key beside it. `None` if
/// there is no key where nobody has named one.
///
/// # Errors
///
/// With a message for people, if the key cannot be used.
fn ssh_key(key: &SshKeyFile) -> Result<Option<ListedKey>, String> {
    let path = &key.file.path;
    let recipients = match read::read(path, MAX_SSH_KEY_BYTES) {
        Ok(file) => SshRecipients::of_private(file.text.expose()),
        Err(read::ReadError::Missing) if key.file.is_default => return Ok(None),
        Err(read::ReadError::Missing) => Err(Cause::NoFile(key.kind())),
        Err(error) => Err(Cause::File(error)),
    };
    let listed = |recipients| ListedKey::of_ssh(&format!("from {}", path.display()), recipients);
    match recipients {
        Ok(recipients) => Ok(Some(listed(recipients))),
        Err(cause) => match public_half(path) {
            Some(recipients) => Ok(Some(listed(recipients))),
            None => Err(unusable(path, cause)),
        },
    }
}

/// The recipients of the public key beside a private one.
fn public_half(path: &Path) -> Option<SshRecipients> {
    let file = read::read(&path.with_added_extension("pub"), MAX_SSH_KEY_BYTES).ok()?;
    let text = str::from_utf8(file.text.expose()).ok()?;
    SshRecipients::of_line(&public_key(text.lines().next()?)?).ok()
}

fn unusable(path: &Path, cause: Cause) -> String {
    let place = Place::File(path.to_owned());
    Notice::Unusable(Problem { place, cause }).to_string()
}

/// What is not shown, because only another program knows it.
fn not_shown(sources: &KeySources, keyring: &Keyring) -> Vec<Diagnosis> {
    let commands = [
        (&sources.age_key_command, AGE_KEY_COMMAND_VARIABLE),
        (&sources.ssh_key_command, SSH_KEY_COMMAND_VARIABLE),
    ];
    let commands = commands.into_iter().filter(|(command, _)| command.is_some());
    let commands =
        commands.map(|(_, variable)| Diagnosis::bare(format!("the key that the command in {variable} prints is not shown")));
    let plugins = keyring.plugins.iter().map(|(identity, place)| {
        let cause = format!(
            "{place} is not shown: only age-plugin-{} knows its recipient",
            identity.plugin()
        );
        Diagnosis::new(cause, "look for a comment beside it, or ask the plugin")
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

/// What is printed of the keys.
fn text(keys: &[ListedKey], arguments: &KeysArguments, audience: Audience) -> String {
    match key_list::form(arguments.to, audience) {
        _ if arguments.nix => nix(keys),
        None if !keys.is_empty() => key_list::text(keys, None) + &rule(keys),
        form => key_list::text(keys, form),
    }
}

/// All recipients as a list in the Nix language. None of them has a character that is special there.
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
    format!(
        "\nfor .sops.yaml, below creation_rules:\n  - age: \"{}\"\n",
        recipients.join(",")
    )
}
