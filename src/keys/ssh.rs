//! SSH private keys as age identities.

use std::path::Path;

use ::age::x25519;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bech32::{Bech32, Hrp};
use pkcs1::der::Decode;
use sha2::{Digest, Sha512};
use ssh_key::private::{KeypairData, RsaKeypair, RsaPrivateKey};
use ssh_key::public::RsaPublicKey;
use ssh_key::{Fingerprint, HashAlg, LineEnding, Mpint, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use super::identity::Identity;
use super::notice::{Cause, Place};

/// The most bytes of an SSH private key. A 16384-bit RSA key has 13 KiB.
pub(super) const MAX_BYTES: usize = 64 << 10;

/// The identities that the SSH private key `text` stands for: of an ed25519 key first the converted age identity, then the key as
/// it is; of an RSA key only the key as it is.
pub(super) fn identities(path: &Path, text: &[u8]) -> Result<Vec<Identity>, Cause> {
    let place = Place::File(path.to_owned());
    let key = private_key(text)?;
    let mut identities = Vec::new();
    match key.key_data() {
        KeypairData::Ed25519(pair) => {
            let converted = convert(pair.private.as_ref()).ok_or(Cause::DamagedSshKey)?;
            identities.push(Identity::from_conversion(converted, place.clone()));
        }
        KeypairData::Rsa(_) => {}
        KeypairData::Encrypted(_) => return Err(Cause::EncryptedSshKey),
        _ => return Err(Cause::UnknownSshKind(key.algorithm().as_str().to_owned())),
    }
    identities.push(Identity::from_ssh(key, place).ok_or(Cause::DamagedSshKey)?);
    Ok(identities)
}

/// The age identity of an ed25519 seed. Its scalar is the one with which ed25519 signs, before clamping, which X25519 does itself.
fn convert(seed: &[u8; 32]) -> Option<x25519::Identity> {
    let mut digest = Zeroizing::new([0; 64]);
    Sha512::new_with_prefix(seed).finalize_into(digest.as_mut_slice().into());
    let hrp = Hrp::parse("AGE-SECRET-KEY-").ok()?;
    let text = Zeroizing::new(bech32::encode_upper::<Bech32>(hrp, digest.get(..32)?).ok()?);
    text.parse().ok()
}

/// The key for the stanzas that name it. The text form is the only way into the age library, which alone knows how to use it.
pub(super) fn native(key: &PrivateKey) -> Option<::age::ssh::Identity> {
    let text = key.to_openssh(LineEnding::LF).ok()?;
    ::age::ssh::Identity::from_buffer(text.as_bytes(), None).ok()
}

/// The recipient of this key as a `.sops.yaml` takes it, without comment.
pub(super) fn recipient(key: &PublicKey) -> Option<String> {
    PublicKey::from(key.key_data().clone()).to_openssh().ok()
}

/// A recipient of a sops file as people compare it, if it is an SSH public key.
pub(super) fn shown_recipient(recipient: &str) -> Option<String> {
    let key = PublicKey::from_openssh(recipient).ok()?;
    Some(shown(
        key.algorithm().as_str(),
        &key.fingerprint(HashAlg::Sha256),
    ))
}

/// An SSH public key as people compare it.
pub(super) fn shown(kind: &str, fingerprint: &Fingerprint) -> String {
    format!("{kind} {fingerprint}")
}

/// Reads a private key in the form of OpenSSH, or an RSA key in that of PKCS#1.
fn private_key(text: &[u8]) -> Result<PrivateKey, Cause> {
    let text = str::from_utf8(text).map_err(|_| Cause::NoSshKey)?;
    if text.trim_ascii_start().starts_with("ssh-") {
        return Err(Cause::PublicSshKey);
    }
    let (label, body) = pem(text).ok_or(Cause::NoSshKey)?;
    match label {
        "OPENSSH PRIVATE KEY" => {
            PrivateKey::from_bytes(&decode(body)?).map_err(|_| Cause::DamagedSshKey)
        }
        "ENCRYPTED PRIVATE KEY" => Err(Cause::EncryptedSshKey),
        _ if body.contains("ENCRYPTED") => Err(Cause::EncryptedSshKey),
        "RSA PRIVATE KEY" => pkcs1_key(&decode(body)?).ok_or(Cause::DamagedSshKey),
        "EC PRIVATE KEY" => Err(Cause::UnknownSshKind("ecdsa".to_owned())),
        "DSA PRIVATE KEY" => Err(Cause::UnknownSshKind("ssh-dss".to_owned())),
        "PRIVATE KEY" => Err(Cause::Pkcs8),
        _ => Err(Cause::NoSshKey),
    }
}

/// The label and the body of the first PEM block. Lenient about line lengths and what stands around it, as sshd is.
fn pem(text: &str) -> Option<(&str, &str)> {
    let (_, text) = text.split_once("-----BEGIN ")?;
    let (label, text) = text.split_once("-----")?;
    let (body, _) = text.split_once("-----END ")?;
    Some((label, body))
}

/// Decodes the body of a PEM block.
fn decode(body: &str) -> Result<Zeroizing<Vec<u8>>, Cause> {
    let mut text = Zeroizing::new(Vec::with_capacity(body.len()));
    text.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut bytes = Zeroizing::new(vec![0; body.len()]);
    let length = BASE64_STANDARD
        .decode_slice(&*text, &mut bytes)
        .map_err(|_| Cause::DamagedSshKey)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// An RSA key in the older form, brought into that of OpenSSH.
fn pkcs1_key(der: &[u8]) -> Option<PrivateKey> {
    let key = pkcs1::RsaPrivateKey::from_der(der).ok()?;
    let number = |number: pkcs1::UintRef<'_>| Mpint::from_positive_bytes(number.as_bytes()).ok();
    let public = RsaPublicKey {
        e: number(key.public_exponent)?,
        n: number(key.modulus)?,
    };
    let private = RsaPrivateKey {
        d: number(key.private_exponent)?,
        iqmp: number(key.coefficient)?,
        p: number(key.prime1)?,
        q: number(key.prime2)?,
    };
    PrivateKey::try_from(KeypairData::Rsa(RsaKeypair { public, private })).ok()
}
