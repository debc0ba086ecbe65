//! Keeps what is in memory out of files and away from other processes of the same user.

use rustix::{
    fs::Mode,
    io,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask},
};

/// Forbids core dumps and attaching: a crash leaves no plaintext on the disk, and `gcore` gives the same user nothing.
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

/// Makes a panic report only the place where it arose. The message of a library may contain a piece of the text that it worked
/// on.
pub fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("a fault in sops-install-secrets, at {place}; please report it");
    }));
}

/// Clears the umask, because the program gives the mode of every file and directory that it makes. A plain user's umask may even
/// take away the user's own rights, and then the program could not enter a directory that it has just made.
pub fn ignore_umask() {
    umask(Mode::empty());
}
