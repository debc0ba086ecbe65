//! Lines from the terminal that the process belongs to, whatever its standard streams are.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};
use zeroize::Zeroizing;

use crate::system::{plaintext::Plaintext, stop};

/// Control-C.
const INTERRUPT: u8 = 3;
/// The most bytes of an answer, more than the kernel takes for one line.
const MOST_ANSWER: usize = 4096;

/// The time for one answer, the same as with gpg: perhaps nobody sits there.
const TIMEOUT: Duration = Duration::from_mins(2);

/// The terminal of this process.
pub(crate) struct Terminal {
    file: File,
    /// The time for each answer.
    timeout: Duration,
}

/// Whether what is typed can be seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// What is typed is shown.
    Shown,
    /// Only the line break at the end is shown.
    Hidden,
}

impl Terminal {
    /// The terminal of this process. `None` if there is none, as in a service.
    pub(crate) fn open() -> Option<Self> {
        File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()
            .map(|file| Self::new(file, TIMEOUT))
    }

    /// A terminal at which a person has this time for each answer.
    pub(crate) fn new(file: File, timeout: Duration) -> Self {
        Self { file, timeout }
    }

    /// Shows `prompt`, behind which the answer is typed, and waits for a line. `None` if the person presses control-C or control-D, takes
    /// too long, or the terminal goes away.
    pub(crate) fn ask(&self, prompt: &str, echo: Echo) -> Option<Plaintext> {
        let _modes = Modes::set(&self.file, echo)?;
        (&self.file).write_all(prompt.as_bytes()).ok()?;
        let answer = self.line();
        if answer.is_none() {
            let _ = (&self.file).write_all(b"\n");
        }
        answer
    }

    /// A line without its end.
    fn line(&self) -> Option<Plaintext> {
        let mut answer = Plaintext::default();
        let mut chunk = Zeroizing::new([0; MOST_ANSWER]);
        let end = Instant::now() + self.timeout;
        loop {
            self.wait(end)?;
            let count = (&self.file).read(chunk.as_mut_slice()).ok()?;
            answer.push(chunk.get(..count)?);
            match answer.expose().last() {
                _ if count == 0 || answer.len() > MOST_ANSWER => return None,
                Some(&INTERRUPT) => return None,
                Some(b'\n') => break,
                _ => {}
            }
        }
        answer.truncate(answer.len().saturating_sub(1));
        Some(answer)
    }

    /// Waits until there is something to read. Nothing if that is not before `end`, or this process is told to end.
    fn wait(&self, end: Instant) -> Option<()> {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap_or_default();
        let mut events = vec![PollFd::new(&self.file, PollFlags::IN)];
        events.extend(stop::event());
        poll(&mut events, Some(&timeout)).ok()?;
        events.first().is_some_and(|line| !line.revents().is_empty()).then_some(())
    }
}

/// The terminal's modes for one question. Dropping this restores the modes from before.
struct Modes<'a>(&'a File, Termios);

impl<'a> Modes<'a> {
    /// Sets the modes for a question: whole lines are read, and control-C ends the line. If it ended the process, the terminal would stay
    /// without echo. What was typed before the question is discarded, since it is no answer to it.
    fn set(terminal: &'a File, echo: Echo) -> Option<Self> {
        let before = tcgetattr(terminal).ok()?;
        let mut modes = before.clone();
        modes.input_modes |= InputModes::ICRNL;
        modes.local_modes |= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHONL;
        modes.local_modes &= !LocalModes::ISIG;
        if echo == Echo::Hidden {
            modes.local_modes &= !LocalModes::ECHO;
        }
        modes.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(terminal, OptionalActions::Flush, &modes).ok()?;
        Some(Self(terminal, before))
    }
}

impl Drop for Modes<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.0, OptionalActions::Drain, &self.1);
    }
}
