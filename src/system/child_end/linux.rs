//! The end of a child on Linux: a descriptor of the process.

use std::{io, os::fd::OwnedFd, process::Child};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// A descriptor of `child` (`pidfd_open`(2)), which becomes readable when the child has ended.
pub(crate) fn watch(child: &Child) -> io::Result<OwnedFd> {
    Ok(pidfd_open(Pid::from_child(child), PidfdFlags::empty())?)
}
