//! The request to end this process, by SIGTERM or SIGINT.
//!
//! A signal does not end a run in the middle of a step. The run checks for the request wherever it waits, and then acts by the
//! failure policy. So children are ended, a generation that is being written is removed, and at boot the secrets that are ready are
//! published.
//!
//! A signal concerns the whole process, so the state is global.

use std::{
    io::{self, PipeReader},
    os::fd::{AsFd as _, BorrowedFd},
    sync::OnceLock,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    low_level::pipe,
};

/// The reading end of a pipe that contains a byte as soon as a signal has come. Nobody reads the byte, so the pipe stays readable.
static TOLD: OnceLock<PipeReader> = OnceLock::new();

/// Begins to record SIGTERM and SIGINT. From then on, these signals do not end the process by themselves.
///
/// # Errors
///
/// If the system refuses. In that case, a signal may end the process at once.
pub(crate) fn listen() -> io::Result<()> {
    let (told, tell) = io::pipe()?;
    for signal in [SIGTERM, SIGINT] {
        pipe::register(signal, tell.try_clone()?)?;
    }
    // The result is ignored: if `listen` is called again, the pipe of the first call is still used.
    let _ = TOLD.set(told);
    Ok(())
}

/// Whether this process was told to end by a signal.
pub(crate) fn is_requested() -> bool {
    let now = Timespec::default();
    descriptor().is_some_and(|told| poll(&mut [readable(told)], Some(&now)).is_ok_and(|count| count > 0))
}

/// An event for `poll`, for callers that also wait for something else. The event becomes readable when this process is told to end.
pub(crate) fn event() -> Option<PollFd<'static>> {
    descriptor().map(readable)
}

fn descriptor() -> Option<BorrowedFd<'static>> {
    TOLD.get().map(|told| told.as_fd())
}

fn readable(told: BorrowedFd<'static>) -> PollFd<'static> {
    PollFd::from_borrowed_fd(told, PollFlags::IN)
}
