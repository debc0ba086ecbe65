//! The request to end this process, which comes by SIGTERM or SIGINT.
//!
//! A signal does not end a run in the middle of a step. The run checks for the request where it waits, and then decides by the
//! failure policy. So the code that started a child ends it, the code that wrote a draft removes it, and at boot the secrets that
//! are ready are published.
//!
//! A signal concerns the whole process, so its state is global.

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

/// A pipe that holds a byte as soon as a signal has come. Nobody reads the byte, so the pipe stays readable.
static TOLD: OnceLock<PipeReader> = OnceLock::new();

/// Records these signals from now on. They no longer end the process by themselves.
///
/// # Errors
/// When the system refuses; a signal may then end the process at once, as if this had not been called.
pub(crate) fn listen() -> io::Result<()> {
    let (told, tell) = io::pipe()?;
    for signal in [SIGTERM, SIGINT] {
        pipe::register(signal, tell.try_clone()?)?;
    }
    // After a second call, the pipe of the first is still the one that counts.
    let _ = TOLD.set(told);
    Ok(())
}

/// Whether this process was told to end.
pub(crate) fn is_requested() -> bool {
    let now = Timespec::default();
    descriptor().is_some_and(|told| poll(&mut [readable(told)], Some(&now)).is_ok_and(|count| count > 0))
}

/// An event for `poll`, for callers that wait for something else as well. It becomes readable when this process is told to end.
pub(crate) fn event() -> Option<PollFd<'static>> {
    descriptor().map(readable)
}

fn descriptor() -> Option<BorrowedFd<'static>> {
    TOLD.get().map(|told| told.as_fd())
}

fn readable(told: BorrowedFd<'static>) -> PollFd<'static> {
    PollFd::from_borrowed_fd(told, PollFlags::IN)
}
