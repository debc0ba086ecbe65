//! The tree to text: to nodes with their comments (`arrange`, which asks `spell` how to write a scalar), and from there to lines.

mod arrange;
mod emitter;
mod spell;
mod style;
mod write;

pub(crate) use emitter::{emit, emit_scalar};
