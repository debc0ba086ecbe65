//! Encrypts documents as sops does, with a data key that the targets know.

use aes_gcm::{AeadInPlace as _, AesGcm, KeyInit as _, Nonce, aead::consts::U32, aes::Aes256};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha512};
use sops_install_secrets::{
    sops::tree::{Branch, Item, Key, Opened, ScalarType, Value},
    system::plaintext::Plaintext,
};

/// The time of the last change. The MAC is authenticated with this time.
const LAST_MODIFIED: &str = "2026-01-02T03:04:05Z";

/// The data key with which everything here is sealed.
#[must_use]
pub fn data_key() -> Plaintext {
    Plaintext::from(vec![7; 32])
}

/// Encrypts `text` as a token of the type `kind`. `associated` is the path of the value, with which the token is authenticated.
#[must_use]
pub fn token(text: &[u8], associated: &[u8], kind: &str) -> Vec<u8> {
    let cipher = AesGcm::<Aes256, U32>::new(&[7; 32].into());
    let nonce = [9; 32];
    let mut data = text.to_vec();
    let tag = cipher.encrypt_in_place_detached(Nonce::from_slice(&nonce), associated, &mut data);
    let tag = tag.map(|tag| tag.to_vec()).unwrap_or_default();
    let [data, iv, tag] = [&data[..], &nonce, &tag].map(|part| BASE64_STANDARD.encode(part));
    format!("ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:{kind}]").into_bytes()
}

/// The MAC over these canonical texts, in the form in which a file has it.
#[must_use]
pub fn mac<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Vec<u8> {
    let mut hash = Sha512::new();
    texts.into_iter().for_each(|text| hash.update(text));
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02X}")).collect();
    token(hash.as_bytes(), LAST_MODIFIED.as_bytes(), "str")
}

/// Encrypts documents in place, as sops does for a file without a rule. Everything is encrypted, except values below a key that
/// ends with `_unencrypted`. Comments are not encrypted, which is allowed. Returns the metadata.
pub fn seal(documents: &mut [Branch<Opened>]) -> Vec<(&'static str, Vec<u8>)> {
    let mut texts = Vec::new();
    for document in documents {
        map(document, &mut Vec::new(), &mut texts);
    }
    Vec::from([
        ("age", Vec::new()),
        ("lastmodified", LAST_MODIFIED.into()),
        ("mac", mac(texts.iter().map(Vec::as_slice))),
        ("version", "3.13.2".into()),
    ])
}

fn map(branch: &mut Branch<Opened>, path: &mut Vec<Vec<u8>>, texts: &mut Vec<Vec<u8>>) {
    for Item { key, value } in &mut branch.items {
        if let Key::Name(name) = key {
            path.push(name.clone());
            self::value(value, path, texts);
            path.pop();
        }
    }
}

fn value(value: &mut Value<Opened>, path: &mut Vec<Vec<u8>>, texts: &mut Vec<Vec<u8>>) {
    match value {
        Value::Map(branch) => map(branch, path, texts),
        Value::List(values) => values.iter_mut().for_each(|value| self::value(value, path, texts)),
        Value::Scalar(kind, text) => {
            texts.push(text.expose().to_vec());
            let in_the_clear = path.iter().any(|key| key.ends_with(b"_unencrypted"));
            if !in_the_clear && !(*kind == ScalarType::Text && text.is_empty()) {
                let mut associated = path.join(&b':');
                associated.push(b':');
                *text = Plaintext::from(token(text.expose(), &associated, type_name(*kind))).into();
                *kind = ScalarType::Text;
            }
        }
        Value::Null | Value::Comment(_) => {}
    }
}

/// The name of the kind in a token.
fn type_name(kind: ScalarType) -> &'static str {
    match kind {
        ScalarType::Text => "str",
        ScalarType::Integer | ScalarType::Unsigned => "int",
        ScalarType::Float => "float",
        ScalarType::Boolean => "bool",
        ScalarType::Time => "time",
    }
}
