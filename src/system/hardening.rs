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

/// A panic tells where it arose and nothing else: what the libraries print with it may hold a piece of the text that they worked on.
pub fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("a fault in sops-install-secrets, at {place}; please report it");
    }));
}

/// Every file and directory is made with the mode that it shall have; a plain user whose umask takes away their own rights could not
/// enter what we just made.
pub fn ignore_umask() {
    umask(Mode::empty());
}
