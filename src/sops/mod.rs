//! The sops file format, decrypt side. Knows nothing of manifests, hosts or systemd.

pub mod format;
pub mod metadata;
pub mod number;
pub(crate) mod pattern;
pub(crate) mod rules;
pub(crate) mod section;
pub mod time;
pub mod tree;
pub(crate) mod value;
