//! YAML, as sops reads and writes it.
//!
//! Reading and writing follow the library that sops uses (go-yaml v3, a descendant of libyaml) where its behaviour can be seen:
//! the grammar of YAML 1.1, its own rules for what a plain scalar means, and its way to attach comments to nodes, because a
//! comment's place in the tree is authenticated when it is decrypted.

mod character;
mod emit;
mod read;
mod resolve;
#[cfg(test)]
mod tests;
mod timestamp;

pub(crate) use emit::{emit, emit_scalar};
pub(crate) use read::parse;
