//! Why no file system was mounted.

use rustix::io::Errno;

/// Why no file system was mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MountError {
    /// Mounting is not allowed, as in some containers.
    Refused(Errno),
    /// The system gave another error.
    Failed(Errno),
    /// A program that makes the file system failed. The value names the program, and says why.
    #[cfg(any(target_os = "macos", test))]
    Program(String),
}

impl From<Errno> for MountError {
    fn from(cause: Errno) -> Self {
        match cause {
            Errno::PERM | Errno::ACCESS => Self::Refused(cause),
            _ => Self::Failed(cause),
        }
    }
}
