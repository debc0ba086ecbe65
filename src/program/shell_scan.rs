//! Finds out whether a word may stand at a place in a shell script.
//!
//! Quotes, comments and command substitutions are followed from the beginning of the script (POSIX, Shell Command Language, 2.2, 2.3 and
//! 2.6). Where that would need a whole shell, such as behind a here-document, the answer is no for all that follows.

/// What a part of a script stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Parentheses, with or without a dollar sign before them: words, as at the top.
    Parentheses,
    /// Braces behind a dollar sign.
    Braces,
    SingleQuotes,
    DoubleQuotes,
    Comment,
}

/// The state behind a part of a script.
pub(crate) struct ShellScan {
    /// What is open, the innermost last.
    open: Vec<Inside>,
    /// The byte before.
    before: u8,
    is_escaped: bool,
    /// Whether something came that is not followed here.
    is_lost: bool,
}

/// Limit: what is nested more deeply than any script is not followed.
const DEEPEST: usize = 64;

impl ShellScan {
    /// The state at the beginning of a script.
    pub(crate) fn new() -> Self {
        Self {
            open: Vec::new(),
            before: b'\n',
            is_escaped: false,
            is_lost: false,
        }
    }

    /// Whether a word with quotes of its own may stand here.
    pub(crate) fn takes_word(&self) -> bool {
        let is_among_words = matches!(self.open.last(), None | Some(Inside::Parentheses));
        is_among_words && !self.is_escaped && !self.is_lost && self.before != b'$'
    }

    /// Goes on behind `text`.
    pub(crate) fn pass(&mut self, text: &[u8]) {
        for &byte in text {
            if self.is_lost {
                return;
            }
            self.step(byte);
        }
    }

    /// Goes on behind a value, which is part of a word.
    pub(crate) fn pass_value(&mut self) {
        (self.before, self.is_escaped) = (b'x', false);
    }

    fn step(&mut self, byte: u8) {
        let before = std::mem::replace(&mut self.before, byte);
        if self.is_escaped {
            (self.before, self.is_escaped) = (b'x', false);
            return;
        }
        match (self.open.last(), byte) {
            (Some(Inside::Comment), b'\n')
            | (Some(Inside::SingleQuotes), b'\'')
            | (Some(Inside::DoubleQuotes), b'"')
            | (Some(Inside::Parentheses), b')')
            | (Some(Inside::Braces), b'}') => {
                self.open.pop();
            }
            (Some(Inside::Comment | Inside::SingleQuotes), _) => {}
            (_, b'`') | (Some(Inside::Braces), b'"' | b'\'') => self.is_lost = true,
            (_, b'\\') => self.is_escaped = true,
            (_, b'(') if before == b'$' => self.push(Inside::Parentheses),
            (_, b'{') if before == b'$' => self.push(Inside::Braces),
            (Some(Inside::DoubleQuotes | Inside::Braces), _) => {}
            // A here-document, and quotes with escapes of their own.
            (_, b'<') if before == b'<' => self.is_lost = true,
            (_, b'\'') if before == b'$' => self.is_lost = true,
            (_, b'\'') => self.push(Inside::SingleQuotes),
            (_, b'"') => self.push(Inside::DoubleQuotes),
            (_, b'(') => self.push(Inside::Parentheses),
            (_, b'#') if before.is_ascii_whitespace() || b";|&()".contains(&before) => self.push(Inside::Comment),
            _ => {}
        }
    }

    fn push(&mut self, inside: Inside) {
        self.is_lost = self.open.len() >= DEEPEST;
        self.open.push(inside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_may_stand_where_a_shell_takes_one() {
        for (script, expected) in [
            ("", true),
            ("a=", true),
            ("a -p", true),
            ("# don't\na ", true),
            ("a '' ", true),
            ("a \"b\"", true),
            ("\"$(a ", true),
            ("\"$(a)\" ", true),
            ("\"${x}\" ", true),
            ("a \\' ", true),
            ("a#' ", false),
            ("a '", false),
            ("a \"", false),
            ("a \"b\nc ", false),
            ("\"$(a \"", false),
            ("# ", false),
            ("`a ", false),
            ("a `b` ", false),
            ("a $'", false),
            ("a $'b' ", false),
            ("${x:-", false),
            ("\"${x:-\"a\"}\" ", false),
            ("cat <<E\n", false),
            ("a \\", false),
            ("a $", false),
        ] {
            let mut scan = ShellScan::new();
            scan.pass(script.as_bytes());
            assert_eq!(scan.takes_word(), expected, "{script:?}");
        }
    }
}
