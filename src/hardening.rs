//! Keeps what is in memory out of files and away from other processes of the same user.

use rustix::{
    fs::Mode,
    io,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask},
};

/// No core dumps, and no attaching: a crash leaves no plaintext on the disk, and `gcore` by the same user gets nothing.
///
/// # Errors
/// When the kernel refuses.
pub fn forbid_dumps() -> io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)
}

/// Every file and directory is made with the mode that it shall have; a plain user whose umask takes away their own rights could not
/// enter what we just made.
pub fn ignore_umask() {
    umask(Mode::empty());
}
