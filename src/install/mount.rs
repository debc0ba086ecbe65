//! Mounts and checks the file system for the generations.
//!
//! The file system is in memory, and is protected from swap if the kernel supports this. In user mode, nothing is mounted; if the
//! directory is on a disk, a warning says so.

use std::{
    ffi::CStr,
    fs::read_to_string,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{self, Mode, OFlags, StatVfsMountFlags},
    io::Errno,
    mount::{MountFlags, mount, mount_remount},
    process::geteuid,
    system::uname,
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files::{self, DIRECTORY_MODE},
    owner::Owner,
    parents,
    site::{FileSystem, Site, Store},
};
use crate::{
    system::{id_maps::IdMaps, mode::FileMode, read::reason},
    text::printable::shown,
};

/// The magic number of a tmpfs, as statfs(2) reports it (`linux/magic.h`).
const TMPFS: i128 = 0x0102_1994;
/// The magic number of a ramfs, as statfs(2) reports it (`linux/magic.h`).
const RAMFS: i128 = 0x8584_58f6;

/// The flags of our mount: no device files, no set-user-ID programs, no programs at all. The mount is only for files that are read.
const FLAGS: MountFlags = MountFlags::NODEV.union(MountFlags::NOSUID).union(MountFlags::NOEXEC);
/// The flags in [`FLAGS`], in the form in which statvfs(3) reports them.
const SEEN_FLAGS: StatVfsMountFlags = StatVfsMountFlags::NODEV
    .union(StatVfsMountFlags::NOSUID)
    .union(StatVfsMountFlags::NOEXEC);

/// Makes the directory of the mount point, if the directory is missing. Returns its place.
pub(crate) fn make(site: &Site) -> Result<Destination, InstallError> {
    let place = parents::reach(&site.root, &site.mount_point, site.homes)?;
    // A run that changes nothing makes no call that changes files, not even one that fails because the directory is there.
    if files::status(&place.dir, place.name.as_os_str()).is_ok_and(|there| there.is_some()) {
        return Ok(place);
    }
    let made = match site.store {
        // The directory is closed to other users until a file system is mounted over it: a user who can open a directory can lock it.
        Store::Mounted { .. } => fs::mkdirat(&place.dir, place.name.as_os_str(), Mode::RWXU),
        Store::Directory => files::create_directory(&place.dir, place.name.as_os_str(), Owner::Caller).map(drop),
    };
    match made {
        Ok(()) | Err(Errno::EXIST) => Ok(place),
        Err(cause) => Err(failed("make the directory", &place.path)(cause)),
    }
}

/// Gives `dir` mode 0700 before a file system is mounted over it, so that other users cannot open and lock it. If `dir` is not empty,
/// a run that could not mount has published into it. In that case, `dir` stays unchanged.
pub(crate) fn close(site: &Site, dir: &OwnedFd) -> Result<(), InstallError> {
    let entries = files::list(dir.as_fd()).map_err(failed("read", &site.mount_point))?;
    if !entries.is_empty() {
        return Ok(());
    }
    set(site, dir, site.file_owner(), FileMode::of_bits(0o700))
}

/// Decides whether `dir`, which holds a live generation but has no mount, can stay in use. Returns `None` if it cannot, because it
/// is not in memory. Otherwise returns the warnings about it, which may be none.
pub(crate) fn stay(site: &Site, dir: &OwnedFd) -> Result<Option<Vec<String>>, InstallError> {
    if !in_memory(site, dir)? {
        return Ok(None);
    }
    own(site, dir)?;
    let remedy = "allow this container to mount, and restart it";
    let warning = warn_of_swap(site, dir, remedy)?;
    Ok(Some(Vec::from_iter(warning)))
}

/// Opens the mount point; returns `None` if the mount point does not exist. A symlink is an error, because secrets would be written
/// to the directory that it leads to.
pub(crate) fn open(site: &Site) -> Result<Option<OwnedFd>, InstallError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match fs::open(&site.mount_point, flags, Mode::empty()) {
        Ok(root) => Ok(Some(root)),
        Err(Errno::NOENT) => Ok(None),
        Err(cause) => Err(unopened(site, cause)),
    }
}

/// The error for a mount point that could not be opened. A symlink gets an error of its own.
pub(crate) fn unopened(site: &Site, cause: Errno) -> InstallError {
    if fs::readlink(&site.mount_point, Vec::new()).is_ok() {
        return InstallError::symlinked_mount_point(&site.mount_point);
    }
    failed("open", &site.mount_point)(cause)
}

/// Returns whether secrets can be written to `dir`. `false` means that a file system must be mounted there first. Fails if secrets
/// must never be written to `dir`. Changes nothing.
pub(crate) fn inspect(site: &Site, dir: &OwnedFd) -> Result<bool, InstallError> {
    match site.store {
        Store::Directory => match fs::fstat(dir).map_err(failed("examine", &site.mount_point))?.st_uid {
            owner if owner == geteuid().as_raw() => Ok(true),
            owner => Err(InstallError::foreign_directory(&site.mount_point, owner)),
        },
        Store::Mounted { .. } if !is_mount(site, dir)? => Ok(false),
        Store::Mounted { .. } if in_memory(site, dir)? => Ok(true),
        Store::Mounted { .. } => Err(InstallError::wrong_file_system(&site.mount_point)),
    }
}

/// Does what [`inspect`] does, and also corrects owner, mode and mount flags. Returns warnings about what cannot be corrected, or
/// `None` if the file system is still to be mounted.
pub(crate) fn settle(site: &Site, dir: &OwnedFd) -> Result<Option<Vec<String>>, InstallError> {
    if !inspect(site, dir)? {
        return Ok(None);
    }
    let warnings = match site.store {
        Store::Directory => {
            tighten(site, dir)?;
            Vec::from_iter(warn_of_disk(site, dir)?)
        }
        Store::Mounted { .. } => {
            own(site, dir)?;
            let flags = mend_flags(site, dir)?;
            let swap = warn_of_swap(site, dir, swap_remedy())?;
            flags.into_iter().chain(swap).collect()
        }
    };
    Ok(Some(warnings))
}

/// The result of an attempt to mount.
pub(crate) enum Attached {
    /// A file system of this type (`ramfs` or `tmpfs`) is mounted now.
    Mounted(&'static str),
    /// Mounting is not allowed, but the directory is in memory already, so it is used without a mount. The warnings are about that
    /// directory.
    InMemory(Vec<String>),
}

/// Mounts a file system over `dir`, which this run has locked. If mounting is forbidden, and `dir` is already in memory, `dir` itself
/// is used.
pub(crate) fn attach(site: &Site, dir: &OwnedFd) -> Result<Attached, InstallError> {
    let file_system = match site.store {
        Store::Mounted { file_system, .. } => file_system,
        Store::Directory => return Ok(Attached::InMemory(Vec::new())),
    };
    let (kind, outcome) = match file_system {
        FileSystem::Ramfs => match mount_one(site, c"ramfs", c"mode=0751") {
            // `ENODEV`: the kernel has no ramfs (mount(2)). A tmpfs is also in memory, so a tmpfs is mounted instead.
            Err(Errno::NODEV) => ("tmpfs", mount_tmpfs(site)),
            outcome => ("ramfs", outcome),
        },
        FileSystem::Tmpfs => ("tmpfs", mount_tmpfs(site)),
    };
    match outcome {
        Ok(()) => Ok(Attached::Mounted(kind)),
        Err(Errno::PERM | Errno::ACCESS) if in_memory(site, dir)? => {
            own(site, dir)?;
            let warning = warn_of_swap(site, dir, "allow this container to mount")?;
            Ok(Attached::InMemory(Vec::from_iter(warning)))
        }
        Err(cause @ (Errno::PERM | Errno::ACCESS)) => Err(InstallError::mount_refused(&site.mount_point, kind, cause)),
        Err(cause) => Err(failed("mount", &site.mount_point)(cause)),
    }
}

/// Mounts a tmpfs with `noswap`, so that it is never written to swap. A kernel before Linux 6.4 does not know `noswap`; there, the
/// tmpfs is mounted without the option.
fn mount_tmpfs(site: &Site) -> Result<(), Errno> {
    match mount_one(site, c"tmpfs", c"mode=0751,noswap") {
        Err(Errno::INVAL) => mount_one(site, c"tmpfs", c"mode=0751"),
        outcome => outcome,
    }
}

/// Mounts a file system of the type `kind` at the mount point, with [`FLAGS`] and `options`.
fn mount_one(site: &Site, kind: &CStr, options: &CStr) -> Result<(), Errno> {
    mount(kind, site.mount_point.as_path(), kind, FLAGS, options)
}

/// Gives the mount point the owner and mode that all directories of a generation have.
fn own(site: &Site, dir: &OwnedFd) -> Result<(), InstallError> {
    set(site, dir, site.directory_owner(), DIRECTORY_MODE)
}

/// Gives `dir` the owner `owner` and the mode `mode`, unless `dir` has both already.
fn set(site: &Site, dir: &OwnedFd, owner: Owner, mode: FileMode) -> Result<(), InstallError> {
    let status = fs::fstat(dir).map_err(failed("examine", &site.mount_point))?;
    if owner.has(&status) && FileMode::of_bits(status.st_mode) == mode {
        return Ok(());
    }
    files::secure(dir, owner, mode).map_err(failed("set owner and mode of", &site.mount_point))
}

/// Removes from the mode of a plain directory all bits that [`DIRECTORY_MODE`] does not have. The owner is not changed:
/// [`inspect`] has checked that `dir` belongs to the caller.
fn tighten(site: &Site, dir: &OwnedFd) -> Result<(), InstallError> {
    let status = fs::fstat(dir).map_err(failed("examine", &site.mount_point))?;
    set(
        site,
        dir,
        Owner::Caller,
        FileMode::of_bits(status.st_mode).within(DIRECTORY_MODE),
    )
}

/// Sets nodev, nosuid and noexec on a mount that another program made, and makes the mount writable. Returns a warning if the kernel
/// refuses. A bind remount changes the flags of this mount alone, not the flags of the whole file system (mount(2)).
fn mend_flags(site: &Site, dir: &OwnedFd) -> Result<Option<String>, InstallError> {
    let flags = fs::fstatvfs(dir).map_err(failed("examine", &site.mount_point))?.f_flag;
    if flags.contains(SEEN_FLAGS) && !flags.contains(StatVfsMountFlags::RDONLY) {
        return Ok(None);
    }
    let outcome = mount_remount(site.mount_point.as_path(), MountFlags::BIND | FLAGS, c"");
    Ok(outcome.err().map(|cause| {
        format!(
            "cannot remount {} with nodev,nosuid,noexec: {}; programs and devices there are not blocked",
            shown(&site.mount_point),
            reason(&cause)
        )
    }))
}

/// Whether a file system is mounted on `dir`: then `dir` is on another device than its parent directory.
fn is_mount(site: &Site, dir: &OwnedFd) -> Result<bool, InstallError> {
    let examine = |name| fs::statat(dir, name, fs::AtFlags::empty()).map_err(failed("examine", &site.mount_point));
    Ok(examine(c".")?.st_dev != examine(c"..")?.st_dev)
}

/// The magic number of the file system of `dir` (statfs(2)).
fn magic(site: &Site, dir: &OwnedFd) -> Result<i128, InstallError> {
    let status = fs::fstatfs(dir).map_err(failed("examine", &site.mount_point))?;
    // The type of this field depends on the architecture, and may be signed. The magic number is in its lower 32 bits.
    Ok(i128::from(status.f_type) & 0xffff_ffff)
}

/// Whether `dir` is on a file system in memory: a ramfs or a tmpfs.
fn in_memory(site: &Site, dir: &OwnedFd) -> Result<bool, InstallError> {
    Ok(matches!(magic(site, dir)?, RAMFS | TMPFS))
}

/// Returns a warning if `dir` is on a disk. In user mode such a directory is still used, because a plain user cannot mount.
fn warn_of_disk(site: &Site, dir: &OwnedFd) -> Result<Option<String>, InstallError> {
    let is_on_disk = !in_memory(site, dir)?;
    Ok(is_on_disk.then(|| {
        format!(
            "{} is on a disk, so secrets are on the disk in plain text; choose a directory below XDG_RUNTIME_DIR (%r)",
            shown(&site.mount_point)
        )
    }))
}

/// Returns a warning if `dir` is on a tmpfs without `noswap`, so that secrets may be written to swap. `remedy` is a part of the
/// warning.
fn warn_of_swap(site: &Site, dir: &OwnedFd, remedy: &str) -> Result<Option<String>, InstallError> {
    if magic(site, dir)? != TMPFS {
        return Ok(None);
    }
    let status = fs::fstat(dir).map_err(failed("examine", &site.mount_point))?;
    let (major, minor) = (fs::major(status.st_dev), fs::minor(status.st_dev));
    // If this file cannot be read, the warning is given: a needless warning is better than a missing warning.
    let mounts = read_to_string(site.root.mounts()).unwrap_or_default();
    let may_be_swapped = !has_noswap(&mounts, &format!("{major}:{minor}"));
    Ok(may_be_swapped.then(|| {
        format!(
            "{} is on a tmpfs without noswap, so secrets may be written to swap; {remedy}",
            shown(&site.mount_point)
        )
    }))
}

/// What to do about a tmpfs without `noswap`. Mounting it again helps only if the kernel would take the option now: from Linux 6.4 on,
/// and only in the first user namespace. A ramfs is never swapped out, and needs neither.
fn swap_remedy() -> &'static str {
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
