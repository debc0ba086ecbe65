//! Decrypts with RSA keys: messages with the padding of PKCS#1 v1.5, which OpenPGP uses, and with OAEP, which age uses.
//!
//! The arithmetic is that of `crypto-bigint`. The time of a computation depends on the sizes of the numbers, and not on their
//! values. So the time tells nothing about the key (RUSTSEC-2023-0071 is about a library without this property).

mod key;
mod padding;
#[cfg(test)]
mod tests;

pub(crate) use key::RsaKey;
