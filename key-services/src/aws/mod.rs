//! AWS KMS: addresses, credentials, signatures, and the one call that opens a data key.

mod arn;
mod call;
mod chain;
mod container;
mod endpoint;
mod instance;
mod kms;
mod process;
mod profiles;
mod refusal;
mod signature;
mod sts;
mod xml;

pub(crate) use self::kms::Aws;
