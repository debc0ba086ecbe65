//! Reads lines from the terminal that this process belongs to, even if its standard streams are something else.

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

/// The byte that the terminal sends for control-C.
const INTERRUPT: u8 = 3;
/// Limit: an answer may have at most this many bytes. The kernel takes fewer bytes for one line.
const MOST_ANSWER: usize = 4096;

/// The time for one answer, after which a question counts as not answered. A person has at least this time for gpg too.
const TIMEOUT: Duration = Duration::from_mins(2);

/// The terminal that this process belongs to.
pub(crate) struct Terminal {
    file: File,
    /// The time that a person has for each answer.
    timeout: Duration,
}

/// Whether the terminal shows what a person types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// The terminal shows the typed text.
    Shown,
    /// The terminal shows only the line break at the end.
    Hidden,
}

impl Terminal {
    /// Opens the terminal of this process. Returns `None` if there is no terminal, as in a service.
    pub(crate) fn open() -> Option<Self> {
        File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()
            .map(|file| Self::new(file, TIMEOUT))
    }

    /// A terminal at which a person has the time `timeout` for each answer.
    pub(crate) fn new(file: File, timeout: Duration) -> Self {
        Self { file, timeout }
    }

    /// Shows `prompt` and waits for a line. Returns `None` if the person presses control-C or control-D or takes too long, if the
    /// terminal goes away, or if this process is told to end.
    pub(crate) fn ask(&self, prompt: &str, echo: Echo) -> Option<Plaintext> {
        let _modes = Modes::set(&self.file, echo)?;
        (&self.file).write_all(prompt.as_bytes()).ok()?;
        let answer = self.line();
        if answer.is_none() {
            let _ = (&self.file).write_all(b"\n");
        }
        answer
    }

    /// Reads a line, without its line end. Returns `None` if there is no complete line before the timeout.
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

    /// Waits until something can be read. Returns `None` if nothing comes before `end`, or if this process is told to end.
    fn wait(&self, end: Instant) -> Option<()> {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap_or_default();
        let mut events = vec![PollFd::new(&self.file, PollFlags::IN)];
        events.extend(stop::event());
        poll(&mut events, Some(&timeout)).ok()?;
        events.first().is_some_and(|line| !line.revents().is_empty()).then_some(())
    }
}

/// The modes that the terminal had before a question. The modes are restored when the value is dropped.
struct Modes<'a>(&'a File, Termios);

impl<'a> Modes<'a> {
    /// Sets the modes for a question: the terminal gives whole lines, and control-C ends the line instead of the process. A
    /// process that ended here would leave the terminal without echo.
    ///
    /// Text that was typed before the question is discarded, since it cannot be an answer.
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
