//! The file systems in memory that Linux has: ramfs and tmpfs.

use std::{ffi::CStr, fs::read_to_string, os::fd::AsFd, path::Path};

use rustix::{
    fs::{self, AtFlags, StatVfsMountFlags, StatxAttributes, StatxFlags},
    io::{Errno, Result},
    mount::{MountFlags, mount as mount_call, mount_remount},
    system::uname,
};

#[cfg(test)]
use super::disk;
use super::{file_system::FileSystem, mount_error::MountError};
use crate::system::{id_maps::IdMaps, root::Root};

/// The magic number of a tmpfs, as statfs(2) reports it (`linux/magic.h`).
const TMPFS: i128 = 0x0102_1994;
/// The magic number of a ramfs, as statfs(2) reports it (`linux/magic.h`).
const RAMFS: i128 = 0x8584_58f6;

/// What messages say of a mount for which [`holds`] says no.
pub(crate) const NOT_IN_MEMORY: &str = "neither ramfs nor tmpfs";

/// The flags of our mount: no device files, no set-user-ID programs, no programs at all. The mount is only for files that are read.
const FLAGS: MountFlags = MountFlags::NODEV.union(MountFlags::NOSUID).union(MountFlags::NOEXEC);
/// The flags in [`FLAGS`], in the form in which statvfs(3) reports them.
const SEEN_FLAGS: StatVfsMountFlags = StatVfsMountFlags::NODEV
    .union(StatVfsMountFlags::NOSUID)
    .union(StatVfsMountFlags::NOEXEC);

/// Mounts `wanted` at `at`, below `root`. Returns the type that was tried last (`ramfs` or `tmpfs`), and what came of it.
#[cfg_attr(
    not(test),
    expect(unused_variables, reason = "only the stand-ins of tests are below a root")
)]
pub(crate) fn mount(wanted: FileSystem, root: &Root, at: &Path) -> (&'static str, std::result::Result<(), MountError>) {
    let (kind, outcome) = match wanted {
        FileSystem::Ramfs => match mount_one(at, c"ramfs", c"mode=0751") {
            // `ENODEV`: the kernel has no ramfs (mount(2)). A tmpfs is also in memory, so a tmpfs is mounted instead.
            Err(Errno::NODEV) => ("tmpfs", mount_tmpfs(at)),
            outcome => ("ramfs", outcome),
        },
        FileSystem::Tmpfs => ("tmpfs", mount_tmpfs(at)),
        #[cfg(test)]
        FileSystem::MemoryDisk => return (disk::KIND, disk::attach(root, at)),
    };
    (kind, outcome.map_err(MountError::from))
}

/// Mounts a tmpfs with `noswap`, so that it is never written to swap. A kernel before Linux 6.4 does not know `noswap`; there, the
/// tmpfs is mounted without the option.
fn mount_tmpfs(at: &Path) -> Result<()> {
    match mount_one(at, c"tmpfs", c"mode=0751,noswap") {
        Err(Errno::INVAL) => mount_one(at, c"tmpfs", c"mode=0751"),
        outcome => outcome,
    }
}

/// Mounts a file system of the type `kind` at `at`, with [`FLAGS`] and `options`.
fn mount_one(at: &Path, kind: &CStr, options: &CStr) -> Result<()> {
    mount_call(kind, at, kind, FLAGS, options)
}

/// Sets nodev, nosuid and noexec on the mount of `dir` at `at`, which another program made, and makes the mount writable. Returns the
/// error if the kernel refuses. A bind remount changes the flags of this mount alone, not the flags of the whole file system (mount(2)).
pub(crate) fn mend(dir: impl AsFd, at: &Path) -> Result<Option<Errno>> {
    let flags = fs::fstatvfs(dir)?.f_flag;
    if flags.contains(SEEN_FLAGS) && !flags.contains(StatVfsMountFlags::RDONLY) {
        return Ok(None);
    }
    Ok(mount_remount(at, MountFlags::BIND | FLAGS, c"").err())
}

/// The magic number of the file system of `dir` (statfs(2)).
fn magic(dir: impl AsFd) -> Result<i128> {
    // The type of this field depends on the architecture, and may be signed. The magic number is in its lower 32 bits.
    Ok(i128::from(fs::fstatfs(dir)?.f_type) & 0xffff_ffff)
}

/// Whether `dir` is on a file system in memory: a ramfs or a tmpfs.
pub(crate) fn holds(dir: impl AsFd) -> Result<bool> {
    Ok(matches!(magic(dir)?, RAMFS | TMPFS))
}

/// The file system in memory on which `dir` lies, by its type and its number: each tmpfs has a number of its own since Linux 5.13. `None` if
/// `dir` is not in memory.
pub(crate) fn instance(dir: impl AsFd) -> Result<Option<String>> {
    let kind = match magic(&dir)? {
        RAMFS => "ramfs",
        TMPFS => "tmpfs",
        _ => return Ok(None),
    };
    Ok(Some(format!("{kind} {:x}", fs::fstatvfs(dir)?.f_fsid)))
}

/// Whether every user could read what is in `_dir`, whatever owners and modes say. Linux always heeds them.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of macOS")]
pub(crate) fn is_open_to_all(_dir: impl AsFd) -> Result<bool> {
    Ok(false)
}

/// Whether `dir` is on a tmpfs without `noswap`, so that what is in it may be written to swap.
pub(crate) fn may_be_swapped(root: &Root, dir: impl AsFd) -> Result<bool> {
    if magic(&dir)? != TMPFS {
        return Ok(false);
    }
    let status = fs::fstat(dir)?;
    let (major, minor) = (fs::major(status.st_dev), fs::minor(status.st_dev));
    // If this file cannot be read, the answer is yes: a needless warning is better than a missing warning.
    let mounts = read_to_string(root.mounts()).unwrap_or_default();
    Ok(!has_noswap(&mounts, &format!("{major}:{minor}")))
}

/// What to do about a tmpfs without `noswap`. Mounting it again helps only if the kernel would take the option now: from Linux 6.4 on,
/// and only in the first user namespace. A ramfs is never swapped out, and needs neither.
pub(crate) fn swap_remedy() -> &'static str {
    if IdMaps::default().are_partial() {
        "a container with users of its own cannot have noswap: set useTmpfs (sops.useTmpfs) to false, so that a ramfs is mounted, \
         and restart the container"
    } else if knows_noswap(&uname().release().to_string_lossy()) {
        "unmount it and run this again, or restart the machine"
    } else {
        "noswap needs Linux 6.4: set useTmpfs (sops.useTmpfs) to false, so that a ramfs is mounted, and restart the machine"
    }
}

/// Whether a kernel of this release (`uname -r`) knows the option `noswap`.
fn knows_noswap(release: &str) -> bool {
    let mut numbers = release
        .split(|character: char| !character.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (6u32, 4u32)
}

/// Whether the file system of `device` (`major:minor`) is mounted with `noswap`, according to `mounts`, the text of
/// `/proc/self/mountinfo`. By proc(5), the third field of a line is the device, and the last field has the options of the file
/// system.
fn has_noswap(mounts: &str, device: &str) -> bool {
    mounts
        .lines()
        .filter(|line| line.split(' ').nth(2) == Some(device))
        .filter_map(|line| line.rsplit(' ').next())
        .any(|options| options.split(',').any(|option| option == "noswap"))
}

/// Whether a file system is mounted at `path` itself. An error of statx(2) counts as no.
pub(crate) fn is_mounted_over(path: &Path) -> bool {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    fs::statx(fs::CWD, path, flags, StatxFlags::empty())
        .is_ok_and(|status| status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noswap_is_read_from_the_options_of_the_right_device() {
        let mounts = "29 1 0:26 / /run rw,nosuid - tmpfs noswap rw,size=1k\n\
                      30 29 0:27 / /run/secrets.d rw - tmpfs tmpfs rw,noswap,mode=751\n";
        assert!(has_noswap(mounts, "0:27"));
        assert!(!has_noswap(mounts, "0:26"));
        assert!(!has_noswap(mounts, "0:2"));
        assert!(!has_noswap("", "0:27"));
    }

    #[test]
    fn noswap_is_known_from_linux_6_4_on() {
        for (release, is_known) in [
            ("6.4.0", true),
            ("6.18.44-fc-v669", true),
            ("7.0", true),
            ("6.3.13-generic", false),
            ("5.15", false),
            ("", false),
        ] {
            assert_eq!(knows_noswap(release), is_known, "{release}");
        }
    }
}
