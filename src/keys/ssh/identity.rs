//! Opens the age stanzas that name an SSH key: the types `ssh-ed25519` and `ssh-rsa` of age.

use std::sync::OnceLock;

use ::age::DecryptError;
use age_core::{
    format::{FileKey, Stanza},
    primitives::{aead_decrypt, hkdf},
};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use curve25519_dalek::MontgomeryPoint;
use sha2::{Digest, Sha256};
use ssh_key::{HashAlg, PrivateKey, private::Ed25519Keypair};
use zeroize::Zeroizing;

use super::{
    conversion::scalar,
    recipient::{recipient, shown},
};
use crate::keys::{
    rsa::RsaKey,
    x25519::{FILE_KEY, file_key, product},
};

/// The label that age ties to each use of an ed25519 key.
const ED25519_LABEL: &[u8] = b"age-encryption.org/v1/ssh-ed25519";
/// The label that age ties to each use of an RSA key.
const RSA_LABEL: &[u8] = b"age-encryption.org/v1/ssh-rsa";

/// An SSH key that opens the age stanzas that name it.
pub(crate) struct SshIdentity {
    key: PrivateKey,
    /// The public half of an ed25519 key in the form in which it is used for age, computed on first use.
    point: OnceLock<MontgomeryPoint>,
    /// The public key in the form of a `.pub` file, without comment.
    recipient: String,
    /// The public key as it is hashed into stanzas.
    public: Vec<u8>,
    /// The tag that names the key in a stanza: the beginning of a hash of the public key.
    tag: String,
    /// An RSA key, made ready on first use, because making it ready takes longer than reading the key. `None` if the numbers of the
    /// key do not belong together.
    rsa: OnceLock<Option<Box<RsaKey>>>,
}

impl SshIdentity {
    /// Returns `None` if the public half of the key cannot be encoded.
    pub(crate) fn new(key: PrivateKey) -> Option<Self> {
        let public = key.public_key().to_bytes().ok()?;
        Some(Self {
            recipient: recipient(key.public_key())?,
            tag: BASE64_STANDARD_NO_PAD.encode(Sha256::digest(&public).get(..4)?),
            point: OnceLock::new(),
            rsa: OnceLock::new(),
            public,
            key,
        })
    }

    /// The public key in the form of a `.pub` file, without comment.
    pub(crate) fn recipient(&self) -> &str {
        &self.recipient
    }

    /// The kind and the fingerprint of the key, for messages.
    pub(crate) fn shown(&self) -> String {
        shown(self.kind(), &self.key.fingerprint(HashAlg::Sha256))
    }

    /// The beginning of the first line of each stanza that names the key.
    pub(crate) fn line(&self) -> String {
        format!("-> {} {}", self.kind(), self.tag)
    }

    /// Whether the stanza names the key.
    pub(crate) fn is_named_by(&self, stanza: &Stanza) -> bool {
        stanza.tag == self.kind() && stanza.args.first() == Some(&self.tag)
    }

    /// The kind of the key, which is also the type of its stanzas.
    fn kind(&self) -> &'static str {
        if self.key.algorithm().is_rsa() {
            "ssh-rsa"
        } else {
            "ssh-ed25519"
        }
    }

    /// The file key in a stanza that is encrypted to `pair`. Returns `None` if the stanza does not open.
    fn open_ed25519(&self, pair: &Ed25519Keypair, stanza: &Stanza) -> Option<FileKey> {
        let share: [u8; 32] = BASE64_STANDARD_NO_PAD.decode(stanza.args.get(1)?).ok()?.try_into().ok()?;
        let scalar = scalar(pair.private.as_ref());
        let public = self.point.get_or_init(|| MontgomeryPoint::mul_base_clamped(*scalar));
        let shared = Zeroizing::new(product(&MontgomeryPoint(share), *scalar));
        let tweaked = Zeroizing::new(product(&shared, hkdf(&self.public, ED25519_LABEL, &[])));
        let salt = [share, public.to_bytes()].concat();
        let key = Zeroizing::new(hkdf(&salt, ED25519_LABEL, tweaked.as_bytes()));
        file_key(&Zeroizing::new(aead_decrypt(&key, FILE_KEY, &stanza.body).ok()?))
    }

    /// The RSA key, made ready on the first call.
    fn rsa(&self) -> Option<&RsaKey> {
        let make_ready = || RsaKey::new(self.key.key_data().rsa()?).map(Box::new);
        self.rsa.get_or_init(make_ready).as_deref()
    }

    /// Whether the key was made ready already.
    #[cfg(test)]
    pub(crate) fn is_ready(&self) -> bool {
        self.rsa.get().is_some()
    }
}

impl ::age::Identity for SshIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if !self.is_named_by(stanza) {
            return None;
        }
        let opened = if let Some(pair) = self.key.key_data().ed25519() {
            self.open_ed25519(pair, stanza)
        } else {
            let message = self.rsa()?.decrypt_oaep(&stanza.body, RSA_LABEL);
            message.and_then(|bytes| file_key(&bytes))
        };
        Some(opened.ok_or(DecryptError::DecryptionFailed))
    }
}
