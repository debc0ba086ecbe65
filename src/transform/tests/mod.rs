//! Compares what is made with what other programs make of it.

mod hashes;
mod values;

use super::{SaltKey, Transform, TransformError};
use crate::system::plaintext::Plaintext;

/// What `transform` makes of `value`, in a file with the data key `key`, for this secret on this host.
fn made(transform: &Transform, value: &[u8], (key, host, secret): (u8, &str, &str)) -> Result<Vec<u8>, TransformError> {
    let key = SaltKey::of(&Plaintext::from(vec![key; 32]));
    let value = Plaintext::from(value.to_vec());
    let made = transform.apply(&value, &key.salts(host, secret));
    assert_eq!(transform.check(&value).err(), made.as_ref().err().copied());
    Ok(made?.expose().to_vec())
}

/// The hashes, each with the most bytes that it counts.
fn hashes() -> [(Transform, usize); 3] {
    [
        (Transform::Sha512Crypt, 511),
        (Transform::Yescrypt, 511),
        (Transform::Htpasswd("alice".to_owned()), 72),
    ]
}
