//! Reads SSH keys, and answers with their recipients.

use std::path::PathBuf;

use super::{
    identity_file,
    ssh_input::{SshInput, read_keys},
};
use crate::{
    command::{
        audience::Audience,
        cli::{ConvertArguments, RecipientForm},
        input::Input,
        key_list::{self, ListedKey},
        reply::Reply,
    },
    text::diagnosis::Diagnosis,
};

/// The most bytes of one file of SSH keys.
const LARGEST: usize = 16 << 20;

/// Does what `sops-nix convert` is asked for.
///
/// # Errors
///
/// With a message for people, if the file of identities cannot be written. Whatever cannot be converted is a failure in the answer.
pub(crate) fn answer(arguments: &ConvertArguments, audience: Audience) -> Result<Reply, Diagnosis> {
    let standard_input = [PathBuf::from("-")];
    let files = if arguments.files.is_empty() {
        &standard_input
    } else {
        arguments.files.as_slice()
    };
    let wanted = key_list::form(arguments.to, audience);
    let mut answer = Reply::default();
    let (mut keys, mut identities) = (Vec::new(), Vec::new());
    for file in files {
        match Input::read(file, LARGEST) {
            Ok(input) => {
                let found = read_keys(&input);
                answer.failures.extend(none_converted(&input, &found, wanted));
                answer.failures.extend(found.failures);
                answer.remarks.extend(found.remarks);
                identities.extend(found.identity);
                keys.extend(found.keys);
            }
            Err(failure) => answer.failures.push(failure),
        }
    }
    if let Some(path) = &arguments.identity_file {
        identity_file::write(path, &identities)?;
    }
    answer.text = key_list::text(&keys, wanted);
    Ok(answer)
}

/// The failure of a file from which nothing is printed, although nothing in it is wrong. `form` is the only form that is printed.
fn none_converted(input: &Input, found: &SshInput, form: Option<RecipientForm>) -> Option<Diagnosis> {
    let has = |key: &ListedKey| form.is_none_or(|form| key.of_form(form).next().is_some());
    if !found.failures.is_empty() || found.keys.iter().any(has) {
        return None;
    }
    let cause = format!("cannot convert {}", input.name);
    Some(match form {
        _ if found.keys.is_empty() && found.remarks.is_empty() => {
            Diagnosis::new(format!("{cause}: it has no SSH key"), "name a file with one")
        }
        Some(RecipientForm::Pgp) => Diagnosis::new(
            format!("{cause}: only RSA keys have an OpenPGP fingerprint"),
            "leave out --to",
        ),
        _ => Diagnosis::new(
            format!("{cause}: age can use none of its keys"),
            "name an ssh-ed25519 key, or an ssh-rsa key of 2048 bits or more",
        ),
    })
}
