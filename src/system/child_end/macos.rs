//! The end of a child on macOS, which has no descriptors of processes: a thread waits for the child, and then closes a pipe.

use std::{io, os::fd::OwnedFd, process::Child, thread};

use rustix::{
    io::Errno,
    process::{Pid, WaitId, WaitIdOptions, waitid},
};

use crate::system::umask::in_turn;

/// A descriptor that becomes readable when `child` has ended. The child is not waited for in the sense of wait(2): its number belongs
/// to it until the caller waits.
pub(crate) fn watch(child: &Child) -> io::Result<OwnedFd> {
    let (end, open) = in_turn(io::pipe)?;
    let id = Pid::from_child(child);
    let wait = move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(id), options), Err(Errno::INTR)) {}
        drop(open);
    };
    thread::Builder::new().name("watcher".to_owned()).spawn(wait)?;
    Ok(end.into())
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Instant};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    #[test]
    fn the_end_is_seen_and_the_child_can_still_be_waited_for() {
        for script in ["exit 3", "sleep 0.2; exit 3"] {
            let mut child = Command::new("sh").args(["-c", script]).spawn().unwrap();
            let end = watch(&child).unwrap();
            let (start, late) = (Instant::now(), Timespec { tv_sec: 20, tv_nsec: 0 });
            let seen = poll(&mut [PollFd::new(&end, PollFlags::IN)], Some(&late)).unwrap();
            assert_eq!((seen, start.elapsed().as_secs() < 20), (1, true), "{script}");
            assert_eq!(child.wait().unwrap().code(), Some(3), "{script}");
        }
    }

    #[test]
    fn a_child_that_runs_has_not_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let end = watch(&child).unwrap();
        let soon = Timespec {
            tv_sec: 0,
            tv_nsec: 50_000_000,
        };
        assert_eq!(poll(&mut [PollFd::new(&end, PollFlags::IN)], Some(&soon)).unwrap(), 0);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
