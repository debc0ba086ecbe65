//! A process and all that it starts: a process group of its own, which one signal kills.

use std::{
    io,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process_group},
};

use super::{child_end, umask::spawn_closed};

/// How long this process waits for the end of a killed child. A killed process usually ends at once, but a process blocked in the
/// kernel may not.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// A child of this process that leads a process group. When the value is dropped, the whole group is killed.
pub(crate) struct ProcessGroup {
    pub(crate) leader: Child,
    /// A descriptor that becomes readable when the leader has ended.
    end: OwnedFd,
    is_reaped: bool,
}

impl ProcessGroup {
    /// Starts `command` as the leader of a new group.
    ///
    /// # Errors
    ///
    /// If the process cannot be started, or its end cannot be watched.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut leader = spawn_closed(command.process_group(0))?;
        let end = child_end::watch(&leader).inspect_err(|_| {
            let _ = leader.kill();
            let _ = leader.wait();
        })?;
        Ok(Self {
            leader,
            end,
            is_reaped: false,
        })
    }

    /// A descriptor that becomes readable when the leader has ended.
    pub(crate) fn end(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }

    /// Waits for the leader, and leaves the rest of the group alone.
    #[cfg(any(target_os = "macos", test))]
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.is_reaped = true;
        self.leader.wait()
    }

    /// Kills the rest of the group, and then waits for the leader. The order matters: once the leader was waited for, another process
    /// group may get the same number.
    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        self.is_reaped = true;
        let _ = kill_process_group(Pid::from_child(&self.leader), Signal::KILL);
        self.leader.wait()
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if self.is_reaped {
            return;
        }
        let _ = kill_process_group(Pid::from_child(&self.leader), Signal::KILL);
        // A process blocked in the kernel, as by a dead network file system, survives SIGKILL. So the wait is limited, and such a
        // process is left to init.
        let timeout = Timespec::try_from(KILL_TIMEOUT).unwrap_or_default();
        let mut end = [PollFd::from_borrowed_fd(self.end.as_fd(), PollFlags::IN)];
        if poll(&mut end, Some(&timeout)).is_ok_and(|count| count > 0) {
            let _ = self.leader.wait();
        }
    }
}
