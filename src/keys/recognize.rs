//! Recognizes keys of kinds that a key source should not hold, by the beginning of their text.

use super::{foreign::Foreign, problem::Cause};
use crate::text::encoding::Encoding;

/// The kinds of SSH keys that age knows.
const KNOWN: [&str; 2] = ["ssh-ed25519", "ssh-rsa"];

/// The cause to report if `text` is a public SSH key, or an SSH private key in a form that OpenSSH does not read. Returns `None`
/// for other texts.
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

/// The cause to report if `text` is a key of another kind than SSH: age identities or an OpenPGP key. Returns `None` for other
/// texts.
pub(crate) fn other_key(text: &[u8]) -> Option<Cause> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let foreign = lines.find_map(|line| match line {
        _ if line.starts_with(b"AGE-SECRET-KEY-") || line.starts_with(b"AGE-PLUGIN-") => Some(Foreign::AgeIdentities),
        _ if line.starts_with(b"-----BEGIN PGP PRIVATE KEY BLOCK-----") => Some(Foreign::OpenPgp),
        _ => None,
    });
    foreign.map(Cause::Foreign)
}

/// The cause to report for an SSH key of the kind `kind` in the file format `form`. If age does not know the kind, the cause
/// names the kind, since converting the key to another format would not help.
fn of_kind(kind: Option<&str>, form: Foreign) -> Cause {
    match kind.filter(|kind| !KNOWN.contains(kind)) {
        Some(kind) => Cause::UnknownSshKind(kind.to_owned()),
        None => Cause::Foreign(form),
    }
}

/// The kind of a `PuTTY` key, which is the last word of the first line.
fn kind_of_putty(text: &[u8]) -> Option<&str> {
    let line = text.trim_ascii_start().split(|byte| *byte == b'\n').next()?;
    kind(line.trim_ascii_end().rsplit(|byte| *byte == b' ').next()?)
}

/// The cause to report for a Dropbear key. Returns `None` if `text` is no such key. A Dropbear key begins with the length of the
/// kind (4 bytes, big-endian), then the kind. The numbers of the key follow.
fn dropbear_key(text: &[u8]) -> Option<Cause> {
    let (length, rest) = text.split_first_chunk()?;
    let kind = kind(rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?)?;
    Some(of_kind(Some(kind), Foreign::Dropbear))
}

/// The cause to report for a public key. Returns `None` if `text` is no such key. The text of a public key is a line as in a
/// `.pub` file: the kind, then the key in base64.
fn public_key(text: &[u8]) -> Option<Cause> {
    let mut words = text.trim_ascii_start().split(u8::is_ascii_whitespace);
    let (kind, key) = (kind(words.next()?)?, words.next()?);
    // The key begins with the length of its kind, in four bytes. The first three bytes are zero, which is `AAAA` in base64.
    key.starts_with(b"AAAA").then_some(if kind.contains("-cert-v0") {
        Cause::Foreign(Foreign::Certificate)
    } else {
        Cause::PublicSshKey
    })
}

/// The cause to report if the encoding of a key text makes the text unreadable. Returns `None` for a byte order mark and for CR
/// LF line ends, which do no harm.
pub(crate) fn unreadable(text: &[u8]) -> Option<Cause> {
    match Encoding::of(text.trim_ascii())? {
        encoding @ (Encoding::Utf16(_) | Encoding::LoneReturns) => Some(Cause::Encoding(encoding)),
        Encoding::Mark | Encoding::CarriageReturns => None,
    }
}

/// The name of a kind of SSH key. Returns `None` if `name` is not spelled like such a kind: messages show the name, and in a
/// damaged file `name` can hold any bytes, even a part of the key.
pub(crate) fn kind(name: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.@".contains(byte);
    let name = str::from_utf8(name).ok()?;
    let is_kind = ["ssh-", "ecdsa-", "sk-"].iter().any(|prefix| name.starts_with(prefix));
    (is_kind && name.len() <= 64 && name.as_bytes().iter().all(is_plain)).then_some(name)
}
