//! Filters: how a value is written into the text of a template, so that the reader of that text gets the value back.

mod escape;
mod filter_kind;
mod json;
mod lines;
mod nix;
mod url;
mod xml;

pub(crate) use filter_kind::NAMES as FILTER_NAMES;
pub use filter_kind::{Filter, FilterError};
