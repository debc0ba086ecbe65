//! Finds the SSH keys in what a command is given: one private key, or lines with public keys.

use std::path::Path;

use crate::{
    command::{input::Input, key_list::ListedKey},
    keys::{
        Cause, Foreign, MAX_SSH_KEY_BYTES, NoRecipients, Place, Problem, PublicLine, SshRecipients, converted_identity,
        public_key,
    },
    system::plaintext::Plaintext,
    text::{diagnosis::Diagnosis, printable::printable, shell},
};

/// The SSH keys in one text.
#[derive(Default)]
pub(crate) struct SshInput {
    /// The keys, with their recipients.
    pub(crate) keys: Vec<ListedKey>,
    /// The age identity that a private key is converted to, with its recipient.
    pub(crate) identity: Option<(String, Plaintext)>,
    /// What cannot be converted, though it should.
    pub(crate) failures: Vec<Diagnosis>,
    /// The keys that were left out, because age does not know their kind.
    pub(crate) remarks: Vec<Diagnosis>,
}

/// Finds the keys in a text. A text with a PEM block, or in a form of another program, is one private key.
pub(crate) fn read_keys(input: &Input) -> SshInput {
    let text = input.text.expose();
    if is_of_lines(text) {
        return read_lines(input, &String::from_utf8_lossy(text));
    }
    match private(input) {
        Ok(found) => found,
        Err(cause) => SshInput {
            failures: vec![fault(input, cause)],
            ..SshInput::default()
        },
    }
}

/// Whether a text consists of lines with public keys: it is not a private key, in whatever form.
fn is_of_lines(text: &[u8]) -> bool {
    let is_private = |line: &[u8]| {
        let marks: [&[u8]; 6] = [
            b"-----BEGIN ",
            b"---- BEGIN ",
            b"PuTTY-User-Key-File-",
            b"SSH PRIVATE KEY FILE",
            b"AGE-",
            b"\0",
        ];
        marks.iter().any(|mark| line.trim_ascii_start().starts_with(mark))
    };
    !text.split(|byte| *byte == b'\n').any(is_private)
}

/// Reads a private key.
fn private(input: &Input) -> Result<SshInput, Cause> {
    let text = input.text.expose();
    if text.len() > MAX_SSH_KEY_BYTES {
        return Err(Cause::NoSshKey);
    }
    let recipients = SshRecipients::of_private(text)?;
    let identity = converted_identity(text)?;
    Ok(SshInput {
        remarks: too_small(&input.name, &recipients).into_iter().collect(),
        identity: recipients.age.clone().zip(identity),
        keys: vec![ListedKey::of_ssh(&format!("from {}", input.name), recipients)],
        ..SshInput::default()
    })
}

/// Reads the public keys of all lines. Empty lines and comments are left out.
fn read_lines(input: &Input, text: &str) -> SshInput {
    let mut found = SshInput::default();
    let lines = (1_usize..).zip(text.lines().map(str::trim));
    for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let place = format!("line {number} of {}", input.name);
        match public_key(line).map(|line| (line.kind, title(&line, &place), SshRecipients::of_line(&line))) {
            Some((_, title, Ok(recipients))) => {
                found.remarks.extend(too_small(&place, &recipients));
                found.keys.push(ListedKey::of_ssh(&title, recipients));
            }
            Some((kind, _, Err(NoRecipients::OtherKind))) => found.remarks.push(left_out(&place, kind)),
            Some((_, _, Err(NoRecipients::Damaged))) => found.failures.push(damaged(&place)),
            None => found.failures.push(no_key(&place)),
        }
    }
    found
}

/// Where a public key was found: its comment or its host, if it has one, and its line.
fn title(line: &PublicLine<'_>, place: &str) -> String {
    let host = Some(line.before).filter(|before| !before.contains(['"', '=', ' ']));
    match [line.comment, host.unwrap_or_default()]
        .into_iter()
        .find(|name| !name.is_empty())
    {
        Some(name) => format!("{}, {place}", printable(name)),
        None => place.to_owned(),
    }
}

fn left_out(place: &str, kind: &str) -> Diagnosis {
    Diagnosis::bare(format!("{place} is left out: age does not know keys of kind {kind}"))
}

/// The remark on an RSA key that has only an OpenPGP fingerprint.
fn too_small(place: &str, recipients: &SshRecipients) -> Option<Diagnosis> {
    let cause = format!("{place} has no age recipient: age takes no RSA key of fewer than 2048 bits");
    recipients.ssh.is_none().then(|| Diagnosis::bare(cause))
}

fn damaged(place: &str) -> Diagnosis {
    Diagnosis::new(
        format!("cannot convert {place}: it is a damaged SSH public key"),
        "copy it again",
    )
}

fn no_key(place: &str) -> Diagnosis {
    Diagnosis::new(format!("cannot convert {place}: it has no SSH key"), "correct or remove it")
}

/// What is wrong with a text that is not of lines.
fn fault(input: &Input, cause: Cause) -> Diagnosis {
    let path = input.path.as_deref().unwrap_or(Path::new("-"));
    let file = shell::path(path);
    let problem = Problem {
        place: Place::File(path.to_owned()),
        cause,
    };
    let remedy = match &problem.cause {
        Cause::EncryptedSshKey => Some(format!(
            "its public key has the same recipients, run: sops-nix convert {file}.pub"
        )),
        Cause::PublicSshKey => Some(format!(
            "convert it to a line, run: ssh-keygen -i -m {} -f {file}",
            form(input.text.expose())
        )),
        Cause::Foreign(Foreign::AgeIdentities) => Some(format!("to print their recipients, run: age-keygen -y {file}")),
        Cause::NoSshKey | Cause::DamagedSshKey(_) => Some("restore it, or name another key".to_owned()),
        _ => problem.remedy(),
    };
    Diagnosis {
        cause: format!("cannot convert {}: {}", input.name, problem.cause),
        remedy,
    }
}

/// The name that ssh-keygen has for the form of a public key that is not a line.
fn form(text: &[u8]) -> &'static str {
    let begins = |mark: &str| text.trim_ascii_start().starts_with(mark.as_bytes());
    match () {
        () if begins("---- BEGIN SSH2") => "RFC4716",
        () if begins("-----BEGIN RSA") => "PEM",
        () => "PKCS8",
    }
}
