//! The fields of a file's status whose types depend on the system.

use rustix::fs::{Mode, Stat};

/// The bits for the type and the permissions of a file.
#[cfg(target_os = "linux")]
pub(crate) fn mode_bits(status: &Stat) -> u32 {
    status.st_mode
}

/// The bits for the type and the permissions of a file.
#[cfg(target_os = "macos")]
pub(crate) fn mode_bits(status: &Stat) -> u32 {
    u32::from(status.st_mode)
}

/// The permission bits `bits`, for a system call.
#[cfg(target_os = "linux")]
pub(crate) fn mode(bits: u32) -> Mode {
    Mode::from_raw_mode(bits)
}

/// The permission bits `bits`, for a system call.
#[cfg(target_os = "macos")]
pub(crate) fn mode(bits: u32) -> Mode {
    Mode::from_raw_mode(u16::try_from(bits).unwrap_or_default())
}

/// The number of the device that a file lies on.
#[cfg(target_os = "linux")]
pub(crate) fn device(status: &Stat) -> u64 {
    status.st_dev
}

/// The number of the device that a file lies on.
#[cfg(target_os = "macos")]
pub(crate) fn device(status: &Stat) -> u64 {
    u64::from(status.st_dev.cast_unsigned())
}
