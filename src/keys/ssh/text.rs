//! Reads the text of an SSH private key: a PEM block, which holds a key in the form of OpenSSH, PKCS#1 or PKCS#8.

use base64::{Engine, prelude::BASE64_STANDARD};
use pkcs1::{
    UintRef,
    der::{Decode, asn1::OctetStringRef, oid::ObjectIdentifier},
};
use pkcs8::PrivateKeyInfo;
use ssh_key::{PrivateKey, PublicKey};
use zeroize::Zeroizing;

use super::{
    numbers::{ed25519_key, rsa_key},
    openssh,
};
use crate::keys::{damage::Damage, foreign::Foreign, problem::Cause, recognize};

/// Limit: an SSH private key file may have at most this many bytes. The largest key that OpenSSH accepts, 16384-bit RSA, has 13
/// KiB.
pub(crate) const MAX_BYTES: usize = 16 << 10;

/// The identifiers of the supported kinds of keys in PKCS#8: ed25519 (RFC 8410) and RSA (RFC 8017).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// The identifiers of kinds of keys in PKCS#8 that are not supported, each with the name that messages use.
const OTHERS: [(ObjectIdentifier, &str); 5] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.2.1"), "ecdsa"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), "ssh-dss"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"), "rsassa-pss"),
    (ObjectIdentifier::new_unwrap("1.3.101.110"), "x25519"),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "ed448"),
];

/// Reads an SSH private key.
///
/// # Errors
///
/// The [`Cause`] to report if the text is no SSH private key, or the key is damaged, encrypted or of an unsupported kind.
pub(crate) fn private_key(text: &[u8]) -> Result<PrivateKey, Cause> {
    // Some forms of keys are binary. So the text is first parsed as a key, and its encoding is examined only if parsing fails.
    parse(text).map_err(|cause| match cause {
        Cause::NoSshKey | Cause::DamagedSshKey(_) => recognize::unreadable(text).unwrap_or(cause),
        cause => cause,
    })
}

/// The public half of a private key in the form of OpenSSH, even if the key has a passphrase. `None` for other forms.
pub(crate) fn public_half(text: &[u8]) -> Option<PublicKey> {
    match pem(str::from_utf8(text).ok()?)? {
        ("OPENSSH PRIVATE KEY", Some(body)) => openssh::public_half(&decode(body).ok()?).map(PublicKey::from),
        _ => None,
    }
}

fn parse(text: &[u8]) -> Result<PrivateKey, Cause> {
    if let Some(cause) = recognize::ssh_key(text) {
        return Err(cause);
    }
    let unknown = || recognize::other_key(text).unwrap_or(Cause::NoSshKey);
    let (label, body) = str::from_utf8(text).ok().and_then(pem).ok_or_else(unknown)?;
    if let Some(cause) = refused(label) {
        return Err(cause);
    }
    let body = body.ok_or(Cause::DamagedSshKey(Damage::NoEnd))?;
    match label {
        "OPENSSH PRIVATE KEY" => openssh::key(&decode(body)?),
        "RSA PRIVATE KEY" if is_encrypted(body) => Err(Cause::EncryptedSshKey),
        "RSA PRIVATE KEY" => pkcs1_key(&decode(body)?).ok_or(Cause::DamagedSshKey(Damage::Form)),
        "PRIVATE KEY" => pkcs8_key(&decode(body)?),
        _ => Err(unknown()),
    }
}

/// The cause to report for a PEM block whose label already shows that the block holds no usable key.
fn refused(label: &str) -> Option<Cause> {
    match label {
        "ENCRYPTED PRIVATE KEY" => Some(Cause::EncryptedPkcs8),
        "EC PRIVATE KEY" => Some(Cause::UnknownSshKind("ecdsa".to_owned())),
        "DSA PRIVATE KEY" => Some(Cause::UnknownSshKind("ssh-dss".to_owned())),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Some(Cause::PublicSshKey),
        "CERTIFICATE" => Some(Cause::Foreign(Foreign::Certificate)),
        _ => None,
    }
}

/// The label and the body of the first PEM block with a private key. If no block has a private key, the first block is taken.
/// The body is `None` if the block has no end.
///
/// Text before and after the block is ignored, as by OpenSSH and Go.
fn pem(text: &str) -> Option<(&str, Option<&str>)> {
    let is_private = |block: &(&str, _)| block.0.ends_with("PRIVATE KEY");
    blocks(text).find(is_private).or_else(|| blocks(text).next())
}

/// The PEM blocks of a text, each with its label and its body. The body is `None` if the block has no end.
///
/// A block begins at the beginning of a line. Blanks and tabs before the block are accepted, though Go refuses them.
fn blocks(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let marks = text.match_indices("-----BEGIN ");
    let begins_line = |at: usize| {
        let before = text.get(..at).map(|before| before.trim_end_matches([' ', '\t']));
        before.is_some_and(|before| before.is_empty() || before.ends_with('\n'))
    };
    marks.filter(move |(at, _)| begins_line(*at)).filter_map(|(at, mark)| {
        let (label, rest) = text.get(at + mark.len()..)?.split_once("-----")?;
        let end = format!("\n-----END {label}-----");
        Some((label, rest.split_once(&end).map(|(body, _)| body)))
    })
}

/// Whether the header of a PEM block says that the key is encrypted with a passphrase.
fn is_encrypted(body: &str) -> bool {
    body.lines()
        .any(|line| line.starts_with("Proc-Type:") && line.contains("ENCRYPTED"))
}

/// Decodes the base64 in the body of a PEM block. Lines with a colon are header lines, and are skipped.
fn decode(body: &str) -> Result<Zeroizing<Vec<u8>>, Cause> {
    // The buffer has room for the whole text from the start: a growing buffer would leave copies of the key in memory.
    let mut text = Zeroizing::new(Vec::with_capacity(body.len()));
    for line in body.lines().filter(|line| !line.contains(':')) {
        text.extend(line.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    }
    let mut bytes = Zeroizing::new(vec![0; body.len()]);
    let length = BASE64_STANDARD
        .decode_slice(&*text, &mut bytes)
        .map_err(|_| Cause::DamagedSshKey(Damage::Base64))?;
    bytes.truncate(length);
    Ok(bytes)
}

/// Reads a key in PKCS#8, the form that `openssl genpkey` writes.
pub(crate) fn pkcs8_key(der: &[u8]) -> Result<PrivateKey, Cause> {
    let damaged = Cause::DamagedSshKey(Damage::Form);
    let Ok(info) = PrivateKeyInfo::from_der(der) else {
        return Err(damaged);
    };
    match info.algorithm.oid {
        ED25519 => pkcs8_ed25519(info.private_key).ok_or(damaged),
        RSA => pkcs1_key(info.private_key).ok_or(damaged),
        other => Err(Cause::UnknownSshKind(
            OTHERS
                .iter()
                .find(|(oid, _)| *oid == other)
                .map_or_else(|| other.to_string(), |(_, name)| (*name).to_owned()),
        )),
    }
}

/// Makes an ed25519 key from its seed. PKCS#8 holds the seed as an octet string within another octet string (RFC 8410, 7).
fn pkcs8_ed25519(der: &[u8]) -> Option<PrivateKey> {
    ed25519_key(OctetStringRef::from_der(der).ok()?.as_bytes())
}

/// Reads an RSA key in the form PKCS#1. Returns `None` if the data are not such a key.
pub(crate) fn pkcs1_key(der: &[u8]) -> Option<PrivateKey> {
    let key = pkcs1::RsaPrivateKey::from_der(der).ok()?;
    let numbers = [
        key.modulus,
        key.public_exponent,
        key.private_exponent,
        key.coefficient,
        key.prime1,
        key.prime2,
    ];
    rsa_key(numbers.map(|number: UintRef<'_>| number.as_bytes()))
}
