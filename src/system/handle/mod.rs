//! Opens what a name in a directory is, a symlink itself included, without reading it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
pub(crate) use linux::{give, open, open_directory, target};
#[cfg(target_os = "macos")]
pub(crate) use macos::{give, open, open_directory, target};
