//! The salts of hashes.

use hkdf::Hkdf;
use sha2::Sha512;
use zeroize::Zeroize as _;

use super::{error::TransformError, password::Password};
use crate::system::plaintext::Plaintext;

/// The key from which the salts of all hashes of one sops file are derived. It comes from the data key of the file by HKDF (RFC 5869), so
/// nobody without the data key can compute it, and it does not tell the data key.
pub struct SaltKey(Plaintext);

/// No other use of a data key has this label.
const LABEL: &[u8] = b"sops-install-secrets: salts of password hashes, version 1";

impl SaltKey {
    /// The key for a file with this data key.
    #[must_use]
    pub fn of(data_key: &Plaintext) -> Self {
        let (mut key, _) = Hkdf::<Sha512>::extract(Some(LABEL), data_key.expose());
        let mut kept = Plaintext::with_capacity(key.len());
        kept.push(&key);
        key.as_mut_slice().zeroize();
        Self(kept)
    }

    /// The salts of the secret with the name `secret` on the host with the name `host`, which is empty if nobody says it.
    #[must_use]
    pub fn salts<'s>(&'s self, host: &'s str, secret: &'s str) -> Salts<'s> {
        Salts { key: self, host, secret }
    }
}

/// The salts of one secret on one host.
pub struct Salts<'s> {
    key: &'s SaltKey,
    host: &'s str,
    secret: &'s str,
}

/// The length of a salt, in bytes.
const LENGTH: usize = 16;

impl Salts<'_> {
    /// The salt of a hash of `password`. `transform` is the name of the transform that asks for it. If any of what it is derived from is
    /// another, so is the salt: two secrets, users or hosts with the same password do not have the same hash, and a password that
    /// changes gets a new salt.
    ///
    /// # Errors
    /// Never, for salts as short as these.
    pub(crate) fn salt(&self, transform: &str, password: &Password<'_>) -> Result<[u8; LENGTH], TransformError> {
        let names = [transform, self.host, self.secret].map(str::as_bytes);
        // Each name has its length in front, so that no two lists of names and password are the same bytes.
        let lengths = names.map(|name| u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
        let [transform, host, secret] = names;
        let [transform_length, host_length, secret_length] = &lengths;
        let info = [
            transform_length,
            transform,
            host_length,
            host,
            secret_length,
            secret,
            password.expose(),
        ];
        let key = Hkdf::<Sha512>::from_prk(self.key.0.expose()).map_err(|_| TransformError::Library)?;
        let mut salt = [0; LENGTH];
        key.expand_multi_info(&info, &mut salt).map_err(|_| TransformError::Library)?;
        Ok(salt)
    }
}
