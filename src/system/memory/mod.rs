//! The file systems in memory: mounts one, and recognizes one.

#[cfg(any(target_os = "macos", test))]
mod disk;
mod file_system;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod mount_error;

pub use file_system::FileSystem;
#[cfg(target_os = "linux")]
pub(crate) use linux::{NOT_IN_MEMORY, holds, is_mounted_over, is_open_to_all, may_be_swapped, mend, mount, swap_remedy};
#[cfg(target_os = "macos")]
pub(crate) use macos::{NOT_IN_MEMORY, holds, is_mounted_over, is_open_to_all, may_be_swapped, mend, mount, swap_remedy};
pub(crate) use mount_error::MountError;
