//! Reads SSH keys, and answers with their recipients.

use std::path::PathBuf;

use super::ssh_input::{SshInput, read_keys};
use crate::{
    command::{
        audience::Audience,
        cli::{ConvertArguments, RecipientForm},
        identity_file,
        input::Input,
        key_list,
        reply::Reply,
    },
    system::plaintext::Plaintext,
    text::diagnosis::Diagnosis,
};

/// Limit: a file of SSH keys has at most 16 MiB.
const LARGEST: usize = 16 << 20;

/// Carries out the command `sops-nix convert`. Whatever cannot be converted is a failure in the answer.
pub(crate) fn answer(arguments: &ConvertArguments, audience: Audience) -> Reply {
    let standard_input = [PathBuf::from("-")];
    let files = if arguments.files.is_empty() {
        &standard_input
    } else {
        arguments.files.as_slice()
    };
    let wanted = key_list::form(arguments.to, audience);
    let mut answer = Reply::default();
    let (mut keys, mut identities) = (Vec::new(), Vec::<(String, Plaintext)>::new());
    for file in files {
        match Input::read(file, LARGEST, LARGEST) {
            Ok(input) => {
                let found = read_keys(&input);
                answer.failures.extend(none_converted(&input, &found, wanted));
                answer.failures.extend(found.failures);
                answer.remarks.extend(found.remarks);
                let is_new = |found: &(String, Plaintext)| identities.iter().all(|(recipient, _)| *recipient != found.0);
                let identity = found.identity.filter(is_new);
                identities.extend(identity);
                keys.extend(found.keys);
            }
            Err(failure) => answer.failures.push(failure),
        }
    }
    if let Some(path) = &arguments.identity_file {
        let written = match answer.failures.as_slice() {
            [] => identity_file::write(path, &identities),
            _ => Err(identity_file::not_written(path)),
        };
        answer.failures.extend(written.err());
    }
    answer.text = key_list::text(&keys, wanted);
    answer
}

/// The failure of a file from which nothing is printed, although nothing in it is wrong. `form` is the only form that is printed.
pub(crate) fn none_converted(input: &Input, found: &SshInput, form: Option<RecipientForm>) -> Option<Diagnosis> {
    if !found.failures.is_empty() || key_list::has_form(&found.keys, form) {
        return None;
    }
    let failure = if found.keys.is_empty() && found.remarks.is_empty() {
        Diagnosis::new("it has no SSH key", "name a file with one")
    } else {
        key_list::no_form(&found.keys, form)
    };
    Some(failure.of(format_args!("cannot convert {}", input.name)))
}
