//! The distinct sops files of a manifest, each decrypted once.
//!
//! They are done one after the other, small ones first: the time that a file takes is bounded by its size, so nobody can keep a small
//! file waiting for long by what they do to another. What the keys at hand open is done before any program is asked.

mod desk;
mod files;
mod job;
mod source;

pub(crate) use files::Files;
pub(crate) use job::Contents;
pub(crate) use source::{Source, sources};
