//! The file systems in memory: mounts one, and recognizes one.

#[cfg(any(target_os = "macos", test))]
mod disk;
#[cfg(any(target_os = "macos", test))]
mod disk_top;
mod file_system;
#[cfg(any(target_os = "macos", test))]
mod hdiutil;
#[cfg(any(target_os = "macos", test))]
mod left_disks;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod mount_error;

#[cfg(test)]
pub(crate) use disk_top::is_memory_disk;
pub use file_system::FileSystem;
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    NOT_IN_MEMORY, holds, instance, is_mounted_over, is_open_to_all, may_be_swapped, mend, mount, swap_remedy,
};
#[cfg(target_os = "macos")]
pub(crate) use macos::{
    NOT_IN_MEMORY, holds, instance, is_mounted_over, is_open_to_all, may_be_swapped, mend, mount, swap_remedy,
};
pub(crate) use mount_error::MountError;
