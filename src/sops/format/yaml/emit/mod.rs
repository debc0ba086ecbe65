//! Prints a tree as YAML: turns it into nodes with their comments (`arrange`, with `spell` for scalars), and these into lines.

mod arrange;
mod emitter;
mod spell;
mod style;
mod write;

pub(crate) use emitter::{emit, emit_scalar};
