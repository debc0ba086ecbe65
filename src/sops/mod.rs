//! The sops file format, decrypt side. Knows nothing of manifests, hosts or systemd.
//!
//! A file is [parsed](SopsFile::parse), its data key is got from elsewhere (see [`keys`](crate::keys)), and it is
//! [decrypted](SopsFile::decrypt): every value is authenticated with its place in the file, and the whole with the file's MAC,
//! before anything of it can be read.

mod cipher;
mod decrypt;
mod error;
mod file;
pub mod format;
pub mod key;
mod mac;
pub mod metadata;
pub mod number;
mod pattern;
pub mod proof;
mod rules;
mod section;
pub mod select;
pub mod time;
pub mod tree;
mod value;

pub use cipher::CipherError;
pub use error::{ContentError, DecryptError, ReadError, ValuePlace};
pub use file::{Decrypted, SopsFile};
pub use rules::RuleError;
pub use section::SectionError;
