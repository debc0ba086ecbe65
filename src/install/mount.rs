//! Mounts and checks the file system for the generations.
//!
//! The file system is in memory, and is protected from swap if the kernel supports this. In user mode, nothing is mounted on Linux; if
//! the directory is on a disk, a warning says so.

use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::{self, Mode, OFlags},
    io::Errno,
    process::geteuid,
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files::{self, DIRECTORY_MODE},
    owner::Owner,
    parents,
    site::{Site, Store},
};
#[cfg(any(target_os = "macos", test))]
use crate::system::stop;
use crate::{
    system::{
        memory::{self, MountError, swap_remedy},
        mode::FileMode,
        read::reason,
    },
    text::printable::shown,
};

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
    shut(site, dir)
}

/// Gives `dir` mode 0700.
pub(crate) fn shut(site: &Site, dir: &OwnedFd) -> Result<(), InstallError> {
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
    if site.directory_owner() == Owner::Caller {
        let owner = fs::fstat(dir).map_err(failed("examine", &site.mount_point))?.st_uid;
        if owner != geteuid().as_raw() {
            return Err(InstallError::foreign_directory(&site.mount_point, owner));
        }
    }
    match site.store {
        Store::Mounted { .. } if !is_mount(site, dir)? => Ok(false),
        Store::Mounted { .. } if !in_memory(site, dir)? => Err(InstallError::wrong_file_system(&site.mount_point)),
        Store::Mounted { .. } if is_open_to_all(site, dir)? => Err(InstallError::owners_ignored(&site.mount_point)),
        Store::Directory | Store::Mounted { .. } => Ok(true),
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
    /// A file system of this type, such as `ramfs`, is mounted now.
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
    let (kind, outcome) = memory::mount(file_system, &site.root, &site.mount_point);
    match outcome {
        Ok(()) => Ok(Attached::Mounted(kind)),
        // The directory stays closed to others until a generation is live in it ([`open_up`]): they could lock it.
        Err(MountError::Refused(_)) if in_memory(site, dir)? => {
            let warning = warn_of_swap(site, dir, "allow this container to mount")?;
            Ok(Attached::InMemory(Vec::from_iter(warning)))
        }
        Err(MountError::Refused(cause)) => Err(InstallError::mount_refused(&site.mount_point, kind, cause)),
        Err(MountError::Failed(cause)) => Err(failed("mount", &site.mount_point)(cause)),
        #[cfg(any(target_os = "macos", test))]
        Err(MountError::Program(_)) if stop::is_requested() => Err(InstallError::stopped(&site.link)),
        #[cfg(any(target_os = "macos", test))]
        Err(MountError::Program(cause)) => Err(InstallError::no_memory_disk(&site.mount_point, &cause)),
    }
}

/// Opens the mount point to others, if it was closed to them because nothing could be mounted there: a generation is about to be live.
pub(crate) fn open_up(site: &Site, dir: &OwnedFd) -> Result<(), InstallError> {
    match site.store {
        Store::Mounted { .. } => own(site, dir),
        Store::Directory => Ok(()),
    }
}

/// Gives the mount point the owner and mode that all directories of a generation have.
fn own(site: &Site, dir: &OwnedFd) -> Result<(), InstallError> {
    set(site, dir, site.directory_owner(), DIRECTORY_MODE)
}

/// Gives `dir` the owner `owner` and the mode `mode`, unless `dir` has both already.
fn set(site: &Site, dir: &OwnedFd, owner: Owner, mode: FileMode) -> Result<(), InstallError> {
    let status = fs::fstat(dir).map_err(failed("examine", &site.mount_point))?;
    if owner.has(&status) && FileMode::of(&status) == mode {
        return Ok(());
    }
    files::secure(dir, owner, mode).map_err(failed("set owner and mode of", &site.mount_point))
}

/// Removes from the mode of a plain directory all bits that [`DIRECTORY_MODE`] does not have. The owner is not changed:
/// [`inspect`] has checked that `dir` belongs to the caller.
fn tighten(site: &Site, dir: &OwnedFd) -> Result<(), InstallError> {
    let status = fs::fstat(dir).map_err(failed("examine", &site.mount_point))?;
    set(site, dir, Owner::Caller, FileMode::of(&status).within(DIRECTORY_MODE))
}

/// Sets nodev, nosuid and noexec on a mount that another program made, and makes the mount writable. Returns a warning if the kernel
/// refuses.
fn mend_flags(site: &Site, dir: &OwnedFd) -> Result<Option<String>, InstallError> {
    let refused = memory::mend(dir, &site.mount_point).map_err(failed("examine", &site.mount_point))?;
    Ok(refused.map(|cause| {
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

/// Whether `dir` is on a file system in memory.
fn in_memory(site: &Site, dir: &OwnedFd) -> Result<bool, InstallError> {
    memory::holds(dir).map_err(failed("examine", &site.mount_point))
}

/// Whether the file system of `dir` does not keep other users from reading what is in it.
fn is_open_to_all(site: &Site, dir: &OwnedFd) -> Result<bool, InstallError> {
    memory::is_open_to_all(dir).map_err(failed("examine", &site.mount_point))
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
    let may_be_swapped = memory::may_be_swapped(&site.root, dir).map_err(failed("examine", &site.mount_point))?;
    Ok(may_be_swapped.then(|| {
        format!(
            "{} is on a tmpfs without noswap, so secrets may be written to swap; {remedy}",
            shown(&site.mount_point)
        )
    }))
}
