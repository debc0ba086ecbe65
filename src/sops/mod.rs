//! Reads and decrypts sops files. This layer knows nothing of manifests, hosts or systemd.
//!
//! [`SopsFile::parse`] reads the text of a file. The data key comes from elsewhere (see [`keys`](crate::keys)).
//! [`SopsFile::decrypt`] authenticates each encrypted value with its path in the file, and all values together with the MAC. A
//! decrypted file is returned only if both checks succeed.

mod cipher;
pub(crate) mod creation_rules;
mod decrypt;
pub mod env_file;
mod error;
mod fields;
mod file;
pub mod format;
pub mod key;
mod key_progress;
mod key_target;
mod mac;
pub mod metadata;
mod name_index;
pub mod number;
mod outline;
pub mod part;
mod path;
mod pattern;
pub mod proof;
pub mod remote;
mod repeated;
mod rules;
mod section;
pub mod select;
mod select_error;
mod survey;
mod text;
pub mod time;
pub mod tree;
mod value;

pub use error::{ContentError, DecryptError, ValuePlace};
pub use file::{Decrypted, SopsFile};
pub use format::SopsFileError;
pub use key_target::KeyTarget;
pub use rules::RuleError;
pub use select_error::SelectError;
pub(crate) use survey::{StoredValue, ValueState};
pub use text::{LongValues, SopsText};
