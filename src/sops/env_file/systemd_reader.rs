//! Reads a file of `EnvironmentFile=` as systemd does, to know what systemd would change. Source: `src/basic/env-file.c` of systemd.
//! `tests/readers` compares it with systemd itself.

use super::systemd::is_noncharacter;
use crate::system::plaintext::Plaintext;

/// The variables of a file, in the order of the file: each with its name and its value. They are secret, because a value may have been
/// read as the name of another variable.
pub struct SystemdReader<'t> {
    /// What is not read yet.
    rest: &'t [u8],
}

impl<'t> SystemdReader<'t> {
    /// A reader of this text. It has no NUL character: systemd refuses a file that has one.
    #[must_use]
    pub fn new(text: &'t [u8]) -> Self {
        Self { rest: text }
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Takes all bytes before the first one that `ends`.
    fn take_until(&mut self, ends: impl Fn(u8) -> bool) -> &'t [u8] {
        let end = self.rest.iter().position(|&byte| ends(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        taken
    }

    /// Skips a comment. Before version 254, a backslash at the end of its line makes the next line a part of it.
    fn skip_comment(&mut self) {
        while let Some(byte) = self.take() {
            match byte {
                b'\\' => {
                    self.take();
                }
                b'\n' | b'\r' => return,
                _ => {}
            }
        }
    }

    /// Takes a name, and the `=` behind it. `None` if the line has no `=`: then it is skipped.
    fn name(&mut self) -> Option<Plaintext> {
        // Whatever the first character is, it belongs to the name.
        let whole = self.rest;
        self.take()?;
        let length = self
            .take_until(|byte| byte == b'=' || is_line_end(byte))
            .len()
            .saturating_add(1);
        let name = whole.get(..length)?;
        (self.take()? == b'=').then(|| of_bytes(without_blanks(name)))
    }

    /// Takes a value, and the end of its line. Quoted parts stand one behind the other, and then there may be a part without quotes.
    fn value(&mut self) -> Plaintext {
        let mut value = Plaintext::default();
        loop {
            self.take_until(|byte| !is_blank(byte));
            match self.rest.first() {
                Some(b'\'') => self.single_quoted(&mut value),
                Some(b'"') => self.double_quoted(&mut value),
                Some(byte) if !is_line_end(*byte) => return self.unquoted(value),
                _ => {
                    self.take();
                    return value;
                }
            }
        }
    }

    fn single_quoted(&mut self, value: &mut Plaintext) {
        self.take();
        value.push(self.take_until(|byte| byte == b'\''));
        self.take();
    }

    /// A backslash before one of four characters goes, and so does one before a line feed, together with the line feed.
    fn double_quoted(&mut self, value: &mut Plaintext) {
        self.take();
        loop {
            value.push(self.take_until(|byte| byte == b'"' || byte == b'\\'));
            if self.take() != Some(b'\\') {
                return;
            }
            match self.take() {
                Some(byte @ (b'"' | b'\\' | b'`' | b'$')) => value.push(&[byte]),
                Some(b'\n') => {}
                Some(byte) => value.push(&[b'\\', byte]),
                None => return,
            }
        }
    }

    /// Reads to the end of the line. A backslash goes, and a line end behind it goes too. Blanks at the end go, unless a backslash stands
    /// before them.
    fn unquoted(&mut self, mut value: Plaintext) -> Plaintext {
        let mut kept = 0;
        loop {
            let plain = self.take_until(|byte| byte == b'\\' || is_line_end(byte));
            if !without_blanks(plain).is_empty() {
                kept = value.len().saturating_add(without_blanks(plain).len());
            }
            value.push(plain);
            if self.take() != Some(b'\\') {
                value.truncate(kept);
                return value;
            }
            value.push(self.take().filter(|byte| !is_line_end(*byte)).as_slice());
            kept = value.len();
        }
    }
}

impl Iterator for SystemdReader<'_> {
    type Item = (Plaintext, Plaintext);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.take_until(|byte| !is_blank(byte) && !is_line_end(byte));
            match self.rest.first()? {
                b'#' | b';' => self.skip_comment(),
                _ => {
                    if let Some(name) = self.name() {
                        return Some((name, self.value()));
                    }
                }
            }
        }
    }
}

/// Whether systemd reads this, as a name or a value. One that it does not read makes it refuse the whole file.
pub(crate) fn is_readable(part: &[u8]) -> bool {
    str::from_utf8(part).is_ok_and(|text| !text.chars().any(is_noncharacter))
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The bytes without the blanks at their end.
fn without_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().rev().take_while(|&&byte| is_blank(byte)).count();
    bytes.get(..bytes.len().saturating_sub(blanks)).unwrap_or_default()
}

fn of_bytes(bytes: &[u8]) -> Plaintext {
    let mut text = Plaintext::with_capacity(bytes.len());
    text.push(bytes);
    text
}
