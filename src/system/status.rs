//! The fields of a file's status whose types depend on the system.

use std::os::fd::AsFd;

use rustix::{
    fs::{Mode, Stat},
    path::Arg,
};

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

/// The inode number of the file `name` in `dir`, and the time at which the file was made; of the open file `dir` itself, if `name` is empty.
/// Whatever is done to the file, both stay. `None` if the file system does not keep that time, or the system does not tell it.
#[cfg(target_os = "linux")]
pub(crate) fn birth(dir: impl AsFd, name: impl Arg) -> Option<String> {
    use rustix::fs::{AtFlags, StatxFlags, statx};

    let mask = StatxFlags::BTIME | StatxFlags::INO;
    let told = statx(dir, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH, mask).ok()?;
    let has_both = StatxFlags::from_bits_retain(told.stx_mask).contains(mask);
    has_both.then(|| format!("{} {}.{:09}", told.stx_ino, told.stx_btime.tv_sec, told.stx_btime.tv_nsec))
}

/// `None`: nothing that needs it is done on macOS.
#[cfg(target_os = "macos")]
pub(crate) fn birth(_dir: impl AsFd, _name: impl Arg) -> Option<String> {
    None
}
