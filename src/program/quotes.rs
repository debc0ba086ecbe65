//! Finds out whether a place in a text is between quotes.
//!
//! The text may be of any language, so the rule is simple: a quote opens at the beginning of a word, or anywhere, it closes at the next of
//! its kind, and none stays open at the end of a line. A backslash makes the next character an ordinary one, but between single quotes.

/// The quotes around a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotes {
    /// Single quotes.
    Single,
    /// Double quotes.
    Double,
}

/// The state behind a part of a text.
pub(crate) struct QuoteScan {
    open: Option<Quotes>,
    /// Whether a quote opens anywhere, and not only where a word begins.
    opens_anywhere: bool,
    /// The byte before, as far as it counts.
    before: u8,
}

impl QuoteScan {
    /// The state at the beginning of a text in which a quote opens where a word begins.
    pub(crate) fn at_words() -> Self {
        Self {
            open: None,
            opens_anywhere: false,
            before: b'\n',
        }
    }

    /// The state at the beginning of a text in which a quote opens anywhere.
    pub(crate) fn anywhere() -> Self {
        Self {
            opens_anywhere: true,
            ..Self::at_words()
        }
    }

    /// The quotes that are open.
    pub(crate) fn open(&self) -> Option<Quotes> {
        self.open
    }

    /// Goes on behind `text`.
    pub(crate) fn pass(&mut self, text: &[u8]) {
        for &byte in text {
            let is_escaped = self.before == b'\\' && self.open != Some(Quotes::Single);
            let opens = !is_escaped && (self.opens_anywhere || begins_word(self.before));
            self.open = match (byte, self.open) {
                (b'\n', _) | (b'"', Some(Quotes::Double)) if !is_escaped => None,
                (b'\'', Some(Quotes::Single)) => None,
                (b'"', None) if opens => Some(Quotes::Double),
                (b'\'', None) if opens => Some(Quotes::Single),
                (_, open) => open,
            };
            // A backslash that is escaped escapes nothing.
            self.before = if is_escaped { b' ' } else { byte };
        }
    }

    /// Goes on behind a value, which is part of a word.
    pub(crate) fn pass_value(&mut self) {
        self.before = b'x';
    }
}

/// Whether a word begins behind the byte.
fn begins_word(before: u8) -> bool {
    before.is_ascii_whitespace() || b"=:,;([{<>|&".contains(&before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_between_the_quotes_that_are_open_on_its_line() {
        let (single, double) = (Some(Quotes::Single), Some(Quotes::Double));
        for (text, open) in [
            ("", None),
            ("A=", None),
            ("A=\"", double),
            ("A='", single),
            ("{\"a\":\"", double),
            ("{\"a\":", None),
            ("{\"it's\": \"so\", \"b\":[\"", double),
            ("# don't: ", None),
            ("\"a\\\"b ", double),
            ("\"a\\\\\" ", None),
            ("\"a\\\\\" \"", double),
            ("'a\\' ", None),
            ("'a\"b ", single),
            ("\"a\nb: ", None),
            ("\"a\nb: \"", double),
            ("\"Bearer ", double),
            ("export A='x' B=\"", double),
            ("<a b=\"", double),
            ("<a b=\"c\">", None),
            ("a\\\"", None),
        ] {
            let mut scan = QuoteScan::at_words();
            scan.pass(text.as_bytes());
            assert_eq!(scan.open(), open, "{text:?}");
        }
    }
}
