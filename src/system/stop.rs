//! The wish to end, which SIGTERM and SIGINT tell.
//!
//! A run does not end in the middle of what it does: it hears of the wish where it waits, and decides by the failure policy. So children
//! end by whom they were started, drafts are removed by whom they were written, and what is ready at boot is published.
//!
//! A signal is for the process as a whole, and so is what is kept here.

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

/// Holds a byte as soon as a signal came. Nobody takes it out.
static TOLD: OnceLock<PipeReader> = OnceLock::new();

/// From now on these signals are kept here, and end nothing by themselves.
///
/// # Errors
/// When the system refuses; a signal may then end the process at once, as if this had not been called.
pub(crate) fn listen() -> io::Result<()> {
    let (told, tell) = io::pipe()?;
    for signal in [SIGTERM, SIGINT] {
        pipe::register(signal, tell.try_clone()?)?;
    }
    // Whoever called first is heard.
    let _ = TOLD.set(told);
    Ok(())
}

/// Whether this process was told to end.
pub(crate) fn is_requested() -> bool {
    let now = Timespec::default();
    descriptor().is_some_and(|told| poll(&mut [readable(told)], Some(&now)).is_ok_and(|count| count > 0))
}

/// Can be read from when this process was told to end: for those who wait for something else as well.
pub(crate) fn event() -> Option<PollFd<'static>> {
    descriptor().map(readable)
}

fn descriptor() -> Option<BorrowedFd<'static>> {
    TOLD.get().map(|told| told.as_fd())
}

fn readable(told: BorrowedFd<'static>) -> PollFd<'static> {
    PollFd::from_borrowed_fd(told, PollFlags::IN)
}
