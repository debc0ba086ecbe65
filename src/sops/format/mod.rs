//! The five file formats: each reads a text into a tree, and prints a tree as text.

mod binary;
mod dotenv;
mod flat;
mod formats;
mod ini;
mod json;
mod limits;
mod output;
mod problem;
#[cfg(test)]
mod testing;
mod yaml;

pub(crate) use flat::{unflatten, with_line_feeds};
pub use formats::Format;
pub(crate) use ini::repeated as repeated_in_ini;
pub(crate) use json::emit_values as emit_json;
pub use problem::{EmitError, Flaw, ParseError, SopsFileError};
pub(crate) use yaml::emit_values as emit_yaml;
