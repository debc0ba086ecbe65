//! Decrypts with RSA keys: messages with the padding of PKCS#1 v1.5, which OpenPGP uses, and with OAEP, which age uses.
//!
//! The arithmetic is that of `crypto-bigint`. The time that it takes depends on the sizes of the numbers, and not on their
//! values, so it tells nothing about the key (RUSTSEC-2023-0071 is about a library without this property).

mod key;
mod padding;
#[cfg(test)]
mod tests;

pub(crate) use key::RsaKey;
