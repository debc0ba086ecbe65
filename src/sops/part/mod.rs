//! Parts of a sops file that are more than a single value, each written in a form: as JSON, as YAML, as lines, or as a file of
//! environment variables.
//!
//! What a form has no spelling for is an error. What it has a spelling for, its reader gives back as it was encrypted.

mod document;
mod error;
mod fit;
mod form;
mod lines;
mod text;
mod variables;

pub(crate) use document::documents;
pub use error::PartError;
pub(crate) use fit::fit;
pub use form::PartForm;
pub(crate) use lines::lines;
pub(crate) use text::is_text;
pub(crate) use variables::variables;
