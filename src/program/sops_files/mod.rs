//! The distinct sops files of a manifest, each decrypted once.
//!
//! Files are decrypted one after the other, small ones first. The size of a file bounds the time that it takes, so whoever changes
//! one file cannot delay a smaller one for long. Files that the keys at hand open are decrypted before any program is asked.

mod desk;
mod files;
mod job;
mod source;

pub(crate) use files::Files;
pub(crate) use job::WantedContents;
pub(crate) use source::{Source, sources};
