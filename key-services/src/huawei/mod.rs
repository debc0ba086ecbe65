//! Huawei Cloud KMS: where the key is, what identifies this host, its project, and the one call that opens a data key.

mod call;
mod chain;
mod endpoint;
mod instance;
mod key;
mod kms;
mod profile;
mod project;
mod refusal;
mod signature;

pub(crate) use self::kms::Huawei;
