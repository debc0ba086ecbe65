//! Files of environment variables, each form for one reader: what that reader gives back is the value, byte for byte.
//!
//! There is no common grammar: a backslash, a quote, `#` or a line feed means another thing to each reader. So each form has a module
//! of its own, which writes what its reader leaves unchanged, and refuses what the reader has no spelling for.

mod docker;
mod dotenv;
mod error;
mod file;
mod form;
mod misread;
pub(crate) mod sh;
pub(crate) mod systemd;
mod systemd_reader;
mod unwritable;

pub use error::EnvFileError;
pub use file::EnvFile;
pub(crate) use file::is_name;
pub use form::Form;
pub(crate) use misread::misread;
pub use misread::misread_dotenv;
pub use systemd_reader::SystemdReader;
pub(crate) use unwritable::{NOT_UTF8, Take, Unwritable, text};
