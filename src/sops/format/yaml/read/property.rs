//! Reads YAML anchors, tags and directives.

use std::borrow::Cow;

use super::{
    cursor::Mark,
    scanner::{Scanner, problem},
    token::Token,
};
use crate::sops::format::problem::ParseError;

/// Whether the name of an anchor, a tag handle or a directive may contain this byte.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

impl<'a> Scanner<'a> {
    /// Reads the characters in the name of an anchor, a tag handle or a directive.
    fn scan_name(&mut self) -> &'a str {
        let start = self.cursor.skip_while(|cursor| is_name(cursor.at(0)));
        self.cursor.slice(start, self.cursor.mark.offset)
    }

    /// Reads the mark and the name of an anchor (`&name`) or an alias (`*name`). Returns the name.
    pub(crate) fn scan_anchor(&mut self) -> Result<&'a str, ParseError> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let name = self.scan_name();
        let next = self.cursor.at(0);
        let ends = self.cursor.is_word_end(0) || matches!(next, b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            let problem_text = "the name of an anchor or an alias wants letters and digits";
            return Err(problem(start, problem_text));
        }
        Ok(name)
    }

    /// Reads a tag, such as `!!str`.
    pub(crate) fn scan_tag(&mut self) -> Result<Token<'a>, ParseError> {
        let start = self.cursor.mark;
        let token = if self.cursor.at(1) == b'<' {
            self.scan_verbatim_tag(start)?
        } else {
            self.scan_short_tag(start)?
        };
        if !self.cursor.is_word_end(0) {
            return Err(problem(start, "a tag wants a blank behind it"));
        }
        Ok(token)
    }

    /// Reads a tag of the form `!<uri>`. Errors name the line of `start`.
    fn scan_verbatim_tag(&mut self, start: Mark) -> Result<Token<'a>, ParseError> {
        self.cursor.skip_many(2);
        let suffix = self.scan_uri(start)?;
        if suffix.is_empty() || self.cursor.at(0) != b'>' {
            return Err(problem(start, "a tag is not closed by '>'"));
        }
        self.cursor.skip();
        Ok(Token::Tag { handle: "", suffix })
    }

    /// Reads a tag of the form `!suffix`, `!!suffix` or `!name!suffix`, or `!` alone.
    fn scan_short_tag(&mut self, start: Mark) -> Result<Token<'a>, ParseError> {
        let handle = self.scan_handle();
        if handle.len() > 1 && handle.ends_with('!') {
            let suffix = self.scan_uri(start)?;
            if suffix.is_empty() {
                return Err(problem(start, "a tag has no name"));
            }
            return Ok(Token::Tag { handle, suffix });
        }
        let (handle, name) = handle.split_at_checked(1).unwrap_or((handle, ""));
        let rest = self.scan_uri(start)?;
        let suffix = match (name, rest.as_ref()) {
            ("", "") => {
                return Ok(Token::Tag {
                    handle: "",
                    suffix: Cow::Borrowed("!"),
                });
            }
            ("", _) => rest,
            (name, "") => Cow::Borrowed(name),
            (name, rest) => Cow::Owned(format!("{name}{rest}")),
        };
        Ok(Token::Tag { handle, suffix })
    }

    /// Reads a tag handle: `!`, `!!` or `!name!`. Returns `!name` if no second `!` follows the name.
    fn scan_handle(&mut self) -> &'a str {
        let start = self.cursor.mark.offset;
        if self.cursor.at(0) == b'!' {
            self.cursor.skip();
            self.scan_name();
        }
        if self.cursor.at(0) == b'!' {
            self.cursor.skip();
        }
        self.cursor.slice(start, self.cursor.mark.offset)
    }

    /// Reads the characters of a URI, possibly none, and decodes the escapes `%XX`.
    fn scan_uri(&mut self, start: Mark) -> Result<Cow<'a, str>, ParseError> {
        let from = self.cursor.skip_while(|cursor| {
            let byte = cursor.at(0);
            is_name(byte) || b";/?:@&=+$,.!~*'()[]%".contains(&byte)
        });
        let raw = self.cursor.slice(from, self.cursor.mark.offset);
        if !raw.contains('%') {
            return Ok(Cow::Borrowed(raw));
        }
        match decode_percent(raw) {
            Some(text) => Ok(Cow::Owned(text)),
            None => Err(problem(start, "a tag has a wrong '%' escape")),
        }
    }

    /// Reads a directive, `%YAML` or `%TAG`, up to the end of the line.
    pub(crate) fn scan_directive(&mut self) -> Result<Token<'a>, ParseError> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let name = self.scan_name();
        self.cursor.skip_blanks();
        let token = match name {
            "YAML" => self.scan_version(start)?,
            "TAG" => self.scan_tag_directive(start)?,
            _ => return Err(problem(start, "unknown directive")),
        };
        self.cursor.skip_blanks();
        if self.cursor.at(0) == b'#' {
            self.cursor.skip_line();
        }
        if !self.cursor.is_line_end(0) {
            return Err(problem(start, "unexpected text behind a directive"));
        }
        self.cursor.skip_break();
        Ok(token)
    }

    /// Reads the version behind `%YAML`, which must be 1.1.
    fn scan_version(&mut self, start: Mark) -> Result<Token<'a>, ParseError> {
        let from = (self.cursor).skip_while(|cursor| matches!(cursor.at(0), b'0'..=b'9' | b'.'));
        let version = self.cursor.slice(from, self.cursor.mark.offset);
        match version.split_once('.') {
            Some(("1" | "01", "1" | "01")) => Ok(Token::Version),
            _ => Err(problem(start, "the document wants another version of YAML than 1.1")),
        }
    }

    /// Reads the handle and the prefix behind `%TAG`.
    fn scan_tag_directive(&mut self, start: Mark) -> Result<Token<'a>, ParseError> {
        let handle = self.scan_handle();
        let blank = self.cursor.is_blank(0);
        self.cursor.skip_blanks();
        let prefix = self.scan_uri(start)?;
        if !handle.ends_with('!') || !blank || prefix.is_empty() || !self.cursor.is_word_end(0) {
            return Err(problem(start, "a %TAG directive wants a handle and a prefix"));
        }
        Ok(Token::TagDirective { handle, prefix })
    }
}

/// Decodes the escapes `%XX`. Returns `None` if an escape is not hexadecimal, or the result is not UTF-8.
fn decode_percent(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut parts = raw.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}
