//! Google Cloud KMS: which key is meant, what identifies this host, and the one call that opens a data key.

mod account;
mod chain;
mod endpoint;
mod federation;
mod impersonation;
mod instance;
mod jwt;
mod key;
mod kms;
mod oauth;
mod refusal;
mod token;

pub(crate) use self::kms::Google;
