//! Keeps what is in memory out of files and away from other processes of the same user.

use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
};

/// No core dumps, and no attaching: a crash leaves no plaintext on the disk, and `gcore` by the same user gets nothing.
///
/// # Errors
/// When the kernel refuses.
pub fn forbid_dumps() -> nix::Result<()> {
    prctl::set_dumpable(false)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)
}
