//! Access control lists of files, which give users rights that the mode does not show.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
pub(crate) use linux::{are_known, is_on_directory, is_on_file, remove};
#[cfg(target_os = "macos")]
pub(crate) use macos::{are_known, is_on_directory, is_on_file, remove};
