//! YAML files, as sops reads and writes them.
//!
//! sops uses the Go library go-yaml v3, a descendant of libyaml. This module behaves like the library wherever a difference could
//! be seen. The grammar is that of YAML 1.1. The meaning of a scalar without quotes, and the rules that attach comments to nodes,
//! are those of go-yaml. The place of a comment matters, because sops authenticates an encrypted comment together with its place
//! in the tree.

mod character;
mod emit;
mod read;
mod resolve;
#[cfg(test)]
mod tests;
mod timestamp;

pub(crate) use emit::{emit, emit_scalar, emit_values};
pub(crate) use read::parse;
