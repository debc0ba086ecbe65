//! Prints a tree as YAML: the tree becomes nodes with comments (`arrange`, with `spell` for scalars), and the nodes become
//! lines.

mod arrange;
mod emitter;
mod spell;
mod style;
mod write;

pub(crate) use emitter::{emit, emit_scalar, emit_values};
