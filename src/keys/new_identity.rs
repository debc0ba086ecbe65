//! Makes a new age identity.

use ::age::{secrecy::ExposeSecret as _, x25519};

use crate::system::plaintext::Plaintext;

/// A new age identity, from the random numbers of the kernel, with its recipient.
pub(crate) fn new_identity() -> (String, Plaintext) {
    let identity = x25519::Identity::generate();
    let text = identity.to_string();
    let text = Plaintext::from(text.expose_secret().as_bytes().to_vec());
    (identity.to_public().to_string(), text)
}
