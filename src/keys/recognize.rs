//! Keys of other kinds than those that a source is asked for, known by how they begin.

use super::{foreign::Foreign, problem::Cause};

/// The kinds of SSH keys that age knows.
const KNOWN: [&str; 2] = ["ssh-ed25519", "ssh-rsa"];

/// What is known to be no SSH private key in a form that OpenSSH reads, and is one all the same, or the public half of one.
pub(crate) fn ssh_key(text: &[u8]) -> Option<Cause> {
    let begins = |prefix: &str| text.trim_ascii_start().starts_with(prefix.as_bytes());
    if begins("PuTTY-User-Key-File-") {
        Some(of_kind(kind_of_putty(text), Foreign::Putty))
    } else if begins("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----") {
        Some(Cause::Foreign(Foreign::SshCom))
    } else if begins("SSH PRIVATE KEY FILE FORMAT 1.1\n") {
        Some(Cause::Foreign(Foreign::FirstProtocol))
    } else if begins("---- BEGIN SSH2 PUBLIC KEY ----") {
        Some(Cause::PublicSshKey)
    } else {
        dropbear_key(text).or_else(|| public_key(text))
    }
}

/// What is no SSH key at all, and known.
pub(crate) fn other_key(text: &[u8]) -> Option<Cause> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let foreign = lines.find_map(|line| match line {
        _ if line.starts_with(b"AGE-SECRET-KEY-") || line.starts_with(b"AGE-PLUGIN-") => Some(Foreign::AgeIdentities),
        _ if line.starts_with(b"-----BEGIN PGP PRIVATE KEY BLOCK-----") => Some(Foreign::OpenPgp),
        _ => None,
    });
    foreign.map(Cause::Foreign)
}

/// A key of a kind that age does not know is named by that, since no other form of it would help.
fn of_kind(kind: Option<&str>, form: Foreign) -> Cause {
    match kind.filter(|kind| !KNOWN.contains(kind)) {
        Some(kind) => Cause::UnknownSshKind(kind.to_owned()),
        None => Cause::Foreign(form),
    }
}

/// The kind stands at the end of the first line.
fn kind_of_putty(text: &[u8]) -> Option<&str> {
    let line = text.trim_ascii_start().split(|byte| *byte == b'\n').next()?;
    kind(line.trim_ascii_end().rsplit(|byte| *byte == b' ').next()?)
}

/// Dropbear keeps the bare numbers, behind the kind with its length.
fn dropbear_key(text: &[u8]) -> Option<Cause> {
    let (length, rest) = text.split_first_chunk()?;
    let kind = kind(rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?)?;
    Some(of_kind(Some(kind), Foreign::Dropbear))
}

/// A line as in `.pub` files: the kind, and the key in base64.
fn public_key(text: &[u8]) -> Option<Cause> {
    let mut words = text.trim_ascii_start().split(u8::is_ascii_whitespace);
    let (kind, key) = (kind(words.next()?)?, words.next()?);
    key.starts_with(b"AAAA").then_some(if kind.contains("-cert-v0") {
        Cause::Foreign(Foreign::Certificate)
    } else {
        Cause::PublicSshKey
    })
}

/// The name of a kind of SSH keys. Nothing where it is not named as they are: in a damaged file anything may stand there, a part of the
/// key as well.
pub(crate) fn kind(name: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.@".contains(byte);
    let name = str::from_utf8(name).ok()?;
    let is_kind = ["ssh-", "ecdsa-", "sk-"].iter().any(|prefix| name.starts_with(prefix));
    (is_kind && name.len() <= 64 && name.as_bytes().iter().all(is_plain)).then_some(name)
}
