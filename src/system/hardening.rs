//! Keeps the memory of this process out of files, and away from other processes of the same user.

#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::{
    fs::Mode,
    io,
    process::{Resource, Rlimit, setrlimit, umask},
};

/// Forbids core dumps, and forbids other processes of the same user to attach to this process, as debuggers do. So a crash leaves
/// no plaintext on the disk, and `gcore` cannot read the memory. On macOS, debuggers are kept away only by the system itself: they need
/// a permission that root gives.
///
/// # Errors
///
/// If the kernel refuses.
pub fn forbid_dumps() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)
}

/// Makes a panic report only the place in the source where it arose. The message of the panic is not printed, because the message of
/// a library may contain a part of a secret.
pub fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("a fault in sops-install-secrets, at {place}; please report it");
    }));
}

/// Clears the umask, because the program sets the mode of every file and directory itself. A plain user's umask may even remove the
/// user's own rights. In that case, the program could not enter a directory that it has just made.
pub fn ignore_umask() {
    umask(Mode::empty());
}
