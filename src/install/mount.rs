//! The file system that the generations live on: in memory, never on a disk, and out of reach of swap.

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
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files::{self, DIRECTORY_MODE},
    owner::Owner,
    parents,
    site::{FileSystem, Site, Store},
};
use crate::system::mode::FileMode;

/// Magic number of a tmpfs, from `linux/magic.h`.
const TMPFS: i128 = 0x0102_1994;
/// Magic number of a ramfs.
const RAMFS: i128 = 0x8584_58f6;

/// Flags of our mount: it holds files to read, nothing else.
const FLAGS: MountFlags = MountFlags::NODEV.union(MountFlags::NOSUID).union(MountFlags::NOEXEC);
/// The same flags as `statvfs` reports them.
const SEEN_FLAGS: StatVfsMountFlags = StatVfsMountFlags::NODEV
    .union(StatVfsMountFlags::NOSUID)
    .union(StatVfsMountFlags::NOEXEC);

/// Makes the directory of the mount point if it is missing.
pub(crate) fn make(site: &Site) -> Result<Destination, InstallError> {
    let place = parents::reach(&site.root, &site.mount_point, site.homes)?;
    let made = match site.store {
        // Closed to others until something is mounted over it: whoever can open it can lock it.
        Store::Mounted { .. } => fs::mkdirat(&place.dir, place.name.as_os_str(), Mode::RWXU),
        Store::Directory => files::create_directory(&place.dir, place.name.as_os_str(), Owner::Caller).map(drop),
    };
    match made {
        Ok(()) | Err(Errno::EXIST) => Ok(place),
        Err(cause) => Err(failed("make the directory", &place.path)(cause)),
    }
}

/// Closes `dir`, which will be mounted over, to all other users, so that they cannot lock it. If it has entries, a run that could
/// not mount has published there, and it stays as it is.
pub(crate) fn close(site: &Site, dir: &OwnedFd) -> Result<(), InstallError> {
    let entries = files::list(dir.as_fd()).map_err(failed("read", &site.mount_point))?;
    if !entries.is_empty() {
        return Ok(());
    }
    set(site, dir, site.file_owner(), FileMode::of_bits(0o700))
}

/// The warnings about `dir`, which holds a live generation and is no mount, if it lies in memory and is fit to be used further.
pub(crate) fn stay(site: &Site, dir: &OwnedFd) -> Result<Option<Vec<String>>, InstallError> {
    if !in_memory(site, dir)? {
        return Ok(None);
    }
    own(site, dir)?;
    let remedy = "allow this container to mount, and restart it to move to a mount of its own";
    let warning = warn_of_swap(site, dir, remedy)?;
    Ok(Some(Vec::from_iter(warning)))
}

/// Opens the mount point; `None` if it does not exist. A symlink in its place is an error, because secrets would go where it leads.
pub(crate) fn open(site: &Site) -> Result<Option<OwnedFd>, InstallError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match fs::open(&site.mount_point, flags, Mode::empty()) {
        Ok(root) => Ok(Some(root)),
        Err(Errno::NOENT) => Ok(None),
        Err(cause) => Err(unopened(site, cause)),
    }
}

/// Why the mount point could not be opened.
pub(crate) fn unopened(site: &Site, cause: Errno) -> InstallError {
    if fs::readlink(&site.mount_point, Vec::new()).is_ok() {
        return InstallError::symlinked_mount_point(&site.mount_point);
    }
    failed("open", &site.mount_point)(cause)
}

/// Whether secrets can be written to `dir`; `false` if a file system must be mounted there first. It is an error if secrets must
/// not be written there at all. Changes nothing.
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

/// [`inspect`], which also mends what can be mended, and gives warnings about the rest. `None` when the file system is still to be
/// mounted.
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
            let swap = warn_of_swap(site, dir, "unmount it and run again, or restart the machine")?;
            flags.into_iter().chain(swap).collect()
        }
    };
    Ok(Some(warnings))
}

/// What became of the attempt to mount.
pub(crate) enum Attached {
    /// This kind of file system is mounted now.
    Mounted(&'static str),
    /// Nothing is, and the directory lies in memory already, so that it will do; with warnings about it.
    InMemory(Vec<String>),
}

/// Mounts over `dir`, which is locked. Where mounting is forbidden, a directory in memory will do.
pub(crate) fn attach(site: &Site, dir: &OwnedFd) -> Result<Attached, InstallError> {
    let file_system = match site.store {
        Store::Mounted { file_system, .. } => file_system,
        Store::Directory => return Ok(Attached::InMemory(Vec::new())),
    };
    let (kind, outcome) = match file_system {
        FileSystem::Ramfs => match mount_one(site, c"ramfs", c"mode=0751") {
            // The kernel has no ramfs (mount(2)); a tmpfs is in memory too.
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

/// A tmpfs that is never written to swap, where the kernel knows how (Linux 6.4).
fn mount_tmpfs(site: &Site) -> Result<(), Errno> {
    match mount_one(site, c"tmpfs", c"mode=0751,noswap") {
        Err(Errno::INVAL) => mount_one(site, c"tmpfs", c"mode=0751"),
        outcome => outcome,
    }
}

/// Mounts a file system of the type `kind` at the mount point.
fn mount_one(site: &Site, kind: &CStr, options: &CStr) -> Result<(), Errno> {
    mount(kind, site.mount_point.as_path(), kind, FLAGS, options)
}

/// Gives the mount point the owner and mode of all our directories.
fn own(site: &Site, dir: &OwnedFd) -> Result<(), InstallError> {
    set(site, dir, site.directory_owner(), DIRECTORY_MODE)
}

/// Gives `dir` this owner and mode, if it has others.
fn set(site: &Site, dir: &OwnedFd, owner: Owner, mode: FileMode) -> Result<(), InstallError> {
    let status = fs::fstat(dir).map_err(failed("examine", &site.mount_point))?;
    if owner.has(&status) && FileMode::of_bits(status.st_mode) == mode {
        return Ok(());
    }
    files::secure(dir, owner, mode).map_err(failed("set owner and mode of", &site.mount_point))
}

/// Removes the bits that [`DIRECTORY_MODE`] does not have from the mode of a plain directory. Its owner stays the caller.
fn tighten(site: &Site, dir: &OwnedFd) -> Result<(), InstallError> {
    let status = fs::fstat(dir).map_err(failed("examine", &site.mount_point))?;
    set(
        site,
        dir,
        Owner::Caller,
        FileMode::of_bits(status.st_mode).within(DIRECTORY_MODE),
    )
}

/// Sets nodev, nosuid and noexec on a mount that another program made, and makes it writable. A bind remount changes the flags of
/// this mount alone, not those of the file system (mount(2)).
fn mend_flags(site: &Site, dir: &OwnedFd) -> Result<Option<String>, InstallError> {
    let flags = fs::fstatvfs(dir).map_err(failed("examine", &site.mount_point))?.f_flag;
    if flags.contains(SEEN_FLAGS) && !flags.contains(StatVfsMountFlags::RDONLY) {
        return Ok(None);
    }
    let outcome = mount_remount(site.mount_point.as_path(), MountFlags::BIND | FLAGS, c"");
    Ok(outcome.err().map(|cause| {
        format!(
            "cannot remount {} with nodev,nosuid,noexec: {cause}; programs and devices there are not blocked",
            site.mount_point.display()
        )
    }))
}

/// Whether something is mounted on `dir`: it is on another device than the directory that it is in.
fn is_mount(site: &Site, dir: &OwnedFd) -> Result<bool, InstallError> {
    let examine = |name| fs::statat(dir, name, fs::AtFlags::empty()).map_err(failed("examine", &site.mount_point));
    Ok(examine(c".")?.st_dev != examine(c"..")?.st_dev)
}

/// Magic number of the file system that `dir` is on.
fn magic(site: &Site, dir: &OwnedFd) -> Result<i128, InstallError> {
    let status = fs::fstatfs(dir).map_err(failed("examine", &site.mount_point))?;
    // The type of this field depends on the architecture, and may be signed. The number is in its lower 32 bits.
    Ok(i128::from(status.f_type) & 0xffff_ffff)
}

/// Whether `dir` is on a ramfs or tmpfs.
fn in_memory(site: &Site, dir: &OwnedFd) -> Result<bool, InstallError> {
    Ok(matches!(magic(site, dir)?, RAMFS | TMPFS))
}

/// Warns if the directory is on a disk. In user mode it is used all the same, because a plain user cannot mount.
fn warn_of_disk(site: &Site, dir: &OwnedFd) -> Result<Option<String>, InstallError> {
    let is_on_disk = !in_memory(site, dir)?;
    Ok(is_on_disk.then(|| {
        format!(
            "{} is on a disk: secrets are written to it in plain text; choose a directory below XDG_RUNTIME_DIR (%r)",
            site.mount_point.display()
        )
    }))
}

/// Reports a tmpfs that may be swapped out.
fn warn_of_swap(site: &Site, dir: &OwnedFd, remedy: &str) -> Result<Option<String>, InstallError> {
    let status = fs::fstat(dir).map_err(failed("examine", &site.mount_point))?;
    let (major, minor) = (fs::major(status.st_dev), fs::minor(status.st_dev));
    // If this file cannot be read, the warning is given: one too many is better than one too few.
    let mounts = read_to_string(site.root.mounts()).unwrap_or_default();
    let may_be_swapped = magic(site, dir)? == TMPFS && !has_noswap(&mounts, &format!("{major}:{minor}"));
    Ok(may_be_swapped.then(|| {
        format!(
            "{} is on a tmpfs without noswap: secrets may be written to swap; {remedy} (noswap needs Linux 6.4)",
            site.mount_point.display()
        )
    }))
}

/// Whether the file system of `device` (`major:minor`) is kept out of swap, according to `mounts`, the text of
/// `/proc/self/mountinfo`. By proc(5), the third field of a line is the device, and the last one has the options of the file
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
}
