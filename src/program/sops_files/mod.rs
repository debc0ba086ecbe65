//! The distinct sops files of a manifest, each decrypted once.
//!
//! Small files come first, and are attempted side by side. Large files, and small files whose attempt does not succeed, are
//! decrypted one after the other. The size of a file bounds the time for the file. So a person who changes one file cannot delay
//! smaller files for long. Files that the keys at hand open are decrypted before any other program is asked.

mod desk;
mod facts;
mod files;
mod foreign_key;
mod job;
mod reading;
mod source;

pub(crate) use facts::{FileFacts, age_warnings};
pub(crate) use files::Files;
pub(crate) use job::OpenedFile;
pub(crate) use reading::{Awaited, Unopened};
pub(crate) use source::{Source, facts, sources};
