//! Finds the SSH keys in what a command is given: one private key, or lines with public keys.

use std::{os::unix::fs::MetadataExt as _, path::Path};

use super::ssh_line::{LineOutcome, key_of_line};
use crate::{
    command::{
        input::Input,
        key_list::{ListedKey, too_small},
    },
    keys::{Cause, Foreign, MAX_BAD_LINES, MAX_SSH_KEY_BYTES, Place, Problem, SshRecipients, converted_identity, public_key},
    system::plaintext::Plaintext,
    text::{diagnosis::Diagnosis, encoding::MARK, shell},
};

/// The SSH keys in one text.
#[derive(Default)]
pub(crate) struct SshInput {
    /// The keys, with their recipients.
    pub(crate) keys: Vec<ListedKey>,
    /// The age identity that a private key is converted to, with its recipient.
    pub(crate) identity: Option<(String, Plaintext)>,
    /// What cannot be converted, although it should be.
    pub(crate) failures: Vec<Diagnosis>,
    /// The keys that were left out although nothing is wrong with them, such as keys of a kind that age does not know.
    pub(crate) remarks: Vec<Diagnosis>,
}

/// Finds the keys in a text. A text with a PEM block, or in a form that another program writes, counts as one private key.
pub(crate) fn read_keys(input: &Input) -> SshInput {
    let text = unmarked(input);
    if is_of_lines(text) {
        return read_lines(input, &String::from_utf8_lossy(text));
    }
    if holds_several(text) {
        return SshInput {
            failures: vec![several(input)],
            ..SshInput::default()
        };
    }
    let is_private = |cause: &Cause| {
        matches!(
            cause,
            Cause::EncryptedSshKey
                | Cause::EncryptedPkcs8
                | Cause::Foreign(
                    Foreign::Putty | Foreign::SshCom | Foreign::Dropbear | Foreign::FirstProtocol | Foreign::AgeIdentities
                )
        )
    };
    match private(input) {
        Ok(mut found) => {
            found.remarks.extend(misnamed(input));
            found
        }
        Err(cause) => SshInput {
            remarks: misnamed(input).filter(|_| is_private(&cause)).into_iter().collect(),
            failures: vec![fault(input, cause)],
            ..SshInput::default()
        },
    }
}

/// Whether a text counts as lines with public keys. That is the case if no line begins a private key of any known form.
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

/// The text without a byte order mark.
fn unmarked(input: &Input) -> &[u8] {
    let text = input.text.expose();
    text.strip_prefix(MARK).unwrap_or(text)
}

/// Whether a text with a private key contains a second key. A PEM block of a key counts as a key, and so does a line with a public
/// key.
fn holds_several(text: &[u8]) -> bool {
    let begins_key = |line: &&[u8]| {
        let Ok(line) = str::from_utf8(line) else { return false };
        let line = line.trim();
        let is_block = ["-----BEGIN ", "---- BEGIN "].iter().any(|mark| line.starts_with(mark)) && line.contains("KEY");
        let is_line = !line.starts_with('#') && public_key(line).is_some();
        is_block || is_line || line.starts_with("PuTTY-User-Key-File-")
    };
    text.split(|byte| *byte == b'\n').filter(begins_key).nth(1).is_some()
}

fn several(input: &Input) -> Diagnosis {
    Diagnosis::new(
        format!("cannot convert {}: it holds several keys", input.name),
        "give each a file of its own",
    )
}

/// Reads a private key.
fn private(input: &Input) -> Result<SshInput, Cause> {
    let text = unmarked(input);
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
    let mut keys = Vec::new();
    let (mut failures, mut remarks) = (LineList::default(), LineList::default());
    let lines = (1_usize..).zip(text.lines().map(str::trim));
    for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let place = format!("line {number} of {}", input.name);
        match key_of_line(line, &place) {
            LineOutcome::Key(key, remark) => {
                remarks.extend(remark);
                keys.push(key);
            }
            LineOutcome::LeftOut(remark) => remarks.extend([remark]),
            LineOutcome::Bad(failure) => failures.extend([failure]),
        }
    }
    SshInput {
        keys,
        failures: failures.told(|count| format!("{count} more lines of {} cannot be converted", input.name)),
        remarks: remarks.told(|count| format!("{count} more lines of {} are left out", input.name)),
        ..SshInput::default()
    }
}

/// Messages about lines. The first ones are kept, and the others are only counted.
#[derive(Default)]
struct LineList {
    first: Vec<Diagnosis>,
    others: usize,
}

impl LineList {
    fn extend(&mut self, lines: impl IntoIterator<Item = Diagnosis>) {
        for line in lines {
            if self.first.len() < MAX_BAD_LINES {
                self.first.push(line);
            } else {
                self.others = self.others.saturating_add(1);
            }
        }
    }

    /// All messages. If some messages were only counted, `rest` makes the last message, from their number.
    fn told(self, rest: impl FnOnce(usize) -> String) -> Vec<Diagnosis> {
        let mut told = self.first;
        if self.others > 0 {
            told.push(Diagnosis::bare(rest(self.others)));
        }
        told
    }
}

/// The remark on a private key in a file that people take for a public one.
fn misnamed(input: &Input) -> Option<Diagnosis> {
    let is_public = input.path.as_ref()?.extension()? == "pub";
    is_public.then(|| {
        Diagnosis::new(
            format!("{} is a private key, although its name is that of a public key", input.name),
            "rename the file; if anybody else has read it, replace the key",
        )
    })
}

/// The failure of a text that does not consist of lines with public keys.
fn fault(input: &Input, cause: Cause) -> Diagnosis {
    let path = input.path.as_deref().unwrap_or(Path::new("-"));
    let file = shell::path(path);
    let problem = Problem {
        place: Place::File(path.to_owned()),
        cause,
    };
    let remedy = match &problem.cause {
        Cause::EncryptedSshKey if path.with_added_extension("pub").exists() => Some(format!(
            "its public key gives the same recipients; to convert that key, run: sops-nix convert {file}.pub"
        )),
        // ssh-keygen reads no private key that others can read.
        Cause::EncryptedSshKey if path.metadata().is_ok_and(|key| key.mode() & 0o077 != 0) => Some(format!(
            "its public key gives the same recipients; to convert that key, run: chmod 600 {file} && ssh-keygen -y -f {file} | sops-nix convert"
        )),
        Cause::EncryptedSshKey if input.path.is_some() => Some(format!(
            "its public key gives the same recipients; to convert that key, run: ssh-keygen -y -f {file} | sops-nix convert"
        )),
        Cause::PublicSshKey if input.path.is_some() => Some(format!(
            "to print the key as a line, which can be converted, run: ssh-keygen -i -m {} -f {file}",
            form(input.text.expose())
        )),
        Cause::Foreign(Foreign::AgeIdentities) if input.path.is_some() => {
            Some(format!("to print their recipients, run: age-keygen -y {file}"))
        }
        Cause::NoSshKey | Cause::DamagedSshKey(_) => Some("restore the key, or name another one".to_owned()),
        Cause::UnknownSshKind(_) => problem.remedy(),
        // A command about standard input would name no file.
        _ if input.path.is_none() => {
            Some("write the key to a file, and give the path of that file; sops-nix then says what to type".to_owned())
        }
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
