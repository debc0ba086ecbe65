//! Lines from the terminal that the process belongs to, whatever its standard streams are.

use std::fs::File;
use std::io::{Read as _, Write as _};

use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::plaintext::Plaintext;

/// Control-C.
const INTERRUPT: u8 = 3;
/// The most bytes of an answer, more than the kernel takes for one line.
const MOST_ANSWER: usize = 4096;

/// The terminal of this process.
pub(super) struct Terminal(File);

/// Whether what is typed can be seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    /// As usual.
    Shown,
    /// Only the end of the line.
    Hidden,
}

impl Terminal {
    /// Nothing when there is none, as in a service.
    pub fn open() -> Option<Self> {
        File::options().read(true).write(true).open("/dev/tty").ok().map(Self)
    }

    /// Shows `prompt`, which ends where the answer begins, and waits for a line. Nothing when the person ends it with control-C or
    /// control-D, or the terminal goes away.
    pub fn ask(&self, prompt: &str, echo: Echo) -> Option<Plaintext> {
        let _modes = Modes::set(&self.0, echo)?;
        (&self.0).write_all(prompt.as_bytes()).ok()?;
        let answer = self.line();
        if answer.is_none() {
            let _ = (&self.0).write_all(b"\n");
        }
        answer
    }

    /// A line without its end.
    fn line(&self) -> Option<Plaintext> {
        let mut answer = Plaintext::default();
        let mut chunk = Zeroizing::new([0; MOST_ANSWER]);
        loop {
            let count = (&self.0).read(chunk.as_mut_slice()).ok()?;
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
}

/// The terminal's modes for one question; those before it come back at the end.
struct Modes<'a>(&'a File, Termios);

impl<'a> Modes<'a> {
    /// Whole lines. Control-C does not end the process, which would leave the terminal without echo, but the line. What was typed
    /// before the question is no answer to it.
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
