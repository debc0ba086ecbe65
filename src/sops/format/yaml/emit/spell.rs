//! Decides how a YAML scalar is written: its text, its tag and its style.

use std::{cell::Cell, iter};

use base64::{Engine, engine::general_purpose::STANDARD};
use memchr::memchr2_iter;

use crate::{
    sops::{
        format::yaml::{
            character::{find_break, is_break, is_printable},
            resolve::{self, Meaning},
        },
        number,
        tree::{Opened, ScalarType},
    },
    system::plaintext::Plaintext,
    text::blocks,
};

/// How many characters of base64 fit on one line of a `!!binary` value.
const BASE64_LINE: usize = 70;

/// A YAML scalar, ready to be written.
pub(crate) struct Scalar<'t> {
    /// The tag to write before the text; empty for most scalars.
    pub(crate) tag: &'static str,
    /// The text without quotes and escapes. It is taken out when it is printed.
    pub(crate) text: Cell<ScalarText<'t>>,
    /// The length of the text in bytes.
    pub(crate) length: usize,
    pub(crate) style: Style,
    /// Whether the text of the YAML scalar contains a line break.
    pub(crate) multiline: bool,
}

/// The text of a scalar. The text may be secret, so an owned text is wiped after use.
pub(crate) enum ScalarText<'t> {
    Borrowed(&'t str),
    Owned(Opened),
}

impl Default for ScalarText<'_> {
    fn default() -> Self {
        Self::Borrowed("")
    }
}

impl ScalarText<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => str::from_utf8(text.expose()).unwrap_or_default(),
        }
    }
}

/// The style of a scalar: without quotes, in quotes, or as a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Plain style: the text has no quotes.
    Plain,
    /// Single quotes (`'`), which allow no escapes.
    Single,
    /// Double quotes (`"`), which allow escapes.
    Double,
    /// Literal style: the text is an indented block below the mark `|`.
    Literal,
}

impl<'t> Scalar<'t> {
    fn new(text: ScalarText<'t>, style: Style) -> Self {
        Self {
            tag: "",
            length: text.as_str().len(),
            text: Cell::new(text),
            style,
            multiline: false,
        }
    }
}

/// The YAML scalar `null`.
pub(crate) fn null<'t>() -> Scalar<'t> {
    Scalar::new(ScalarText::Borrowed("null"), Style::Plain)
}

/// The YAML scalar `true` or `false`.
pub(crate) fn boolean<'t>(value: bool) -> Scalar<'t> {
    let text = if value { "true" } else { "false" };
    Scalar::new(ScalarText::Borrowed(text), Style::Plain)
}

/// The YAML scalar for a value, given the type and the canonical text of the value.
pub(crate) fn scalar(kind: ScalarType, canonical: &[u8]) -> Scalar<'_> {
    let plain = str::from_utf8(canonical).unwrap_or_default();
    match kind {
        ScalarType::Text => text(canonical),
        ScalarType::Boolean => boolean(plain == "True"),
        ScalarType::Float => Scalar::new(float(plain), Style::Plain),
        ScalarType::Integer | ScalarType::Unsigned | ScalarType::Time => Scalar::new(ScalarText::Borrowed(plain), Style::Plain),
    }
}

fn float(canonical: &str) -> ScalarText<'_> {
    match canonical.parse() {
        Err(_) => ScalarText::Borrowed(canonical),
        Ok(f64::INFINITY) => ScalarText::Borrowed(".inf"),
        Ok(f64::NEG_INFINITY) => ScalarText::Borrowed("-.inf"),
        Ok(number) if number.is_nan() => ScalarText::Borrowed(".nan"),
        Ok(number) => ScalarText::Owned(Plaintext::from(number::compact(number)).into()),
    }
}

/// The YAML scalar for a string.
pub(crate) fn text(bytes: &[u8]) -> Scalar<'_> {
    let Ok(text) = str::from_utf8(bytes) else {
        return binary(bytes);
    };
    Scalar {
        // The tag keeps other readers of YAML from taking the string `<<` for the merge key, which includes another map.
        tag: if text == "<<" { "!!merge" } else { "" },
        style: style(text),
        multiline: find_break(text).is_some(),
        ..Scalar::new(ScalarText::Borrowed(text), Style::Plain)
    }
}

/// The YAML scalar for a string that was decrypted. The scalar keeps the string, and does not borrow it.
pub(crate) fn opened<'t>(string: Opened) -> Scalar<'t> {
    let Scalar {
        tag,
        text,
        length,
        style,
        multiline,
    } = text(string.expose());
    let made = match text.into_inner() {
        ScalarText::Owned(made) => Some(made),
        ScalarText::Borrowed(_) => None,
    };
    Scalar {
        tag,
        text: Cell::new(ScalarText::Owned(made.unwrap_or(string))),
        length,
        style,
        multiline,
    }
}

/// The scalar for a string that is not valid UTF-8: base64 with the tag `!!binary`.
fn binary<'t>(bytes: &[u8]) -> Scalar<'t> {
    let digits = Plaintext::from(STANDARD.encode(bytes));
    let multiline = digits.len() > BASE64_LINE;
    let mut text = Plaintext::with_capacity(digits.len() + digits.len() / BASE64_LINE + 1);
    for line in digits.expose().chunks(BASE64_LINE) {
        text.push(line);
        text.push(if multiline { b"\n" } else { b"" });
    }
    let style = if multiline { Style::Literal } else { Style::Plain };
    Scalar {
        tag: "!!binary",
        multiline,
        ..Scalar::new(ScalarText::Owned(text.into()), style)
    }
}

/// The style of a string:
///
/// - A string with a line feed becomes a block if a block can express the string. Otherwise it is in double quotes.
/// - Any other string is in double quotes if it needs escapes, contains a tab, contains a space beside a line break, or would be
///   read as another type.
/// - Otherwise, a string is in single quotes if it begins or ends with a space, contains a line break, or would be read as a mark
///   of the grammar.
/// - Any other string has no quotes.
fn style(text: &str) -> Style {
    let has_any = |texts: [&str; 5]| texts.iter().any(|part| text.contains(part));
    let break_after_space = has_any([" \n", " \r", " \u{85}", " \u{2028}", " \u{2029}"]);
    let escapes = blocks::find(text, is_no_letter, |character| character != '\t' && !is_printable(character)).is_some();
    if text.contains('\n') {
        let block = !text.ends_with(' ') && !break_after_space && !escapes;
        return if block { Style::Literal } else { Style::Double };
    }
    let space_after_break = has_any(["\n ", "\r ", "\u{85} ", "\u{2028} ", "\u{2029} "]);
    let unquotable = escapes || break_after_space || space_after_break || text.contains('\t');
    if unquotable || reads_otherwise(text) {
        return Style::Double;
    }
    let spaced = text.starts_with(' ') || text.ends_with(' ') || find_break(text).is_some();
    if spaced || has_indicator(text) {
        Style::Single
    } else {
        Style::Plain
    }
}

/// Whether a character that begins with this byte in UTF-8 may have to be escaped.
pub(crate) fn is_no_letter(byte: u8) -> bool {
    !matches!(byte, b' '..=b'~')
}

/// Whether YAML would read a part of the unquoted `text` as a mark of its grammar, such as `: ` or ` #`.
fn has_indicator(text: &str) -> bool {
    let is_mark = |place: usize| {
        let (before, rest) = text.split_at_checked(place)?;
        let mut characters = rest.chars();
        Some(is_indicator(
            before.chars().next_back(),
            characters.next()?,
            characters.next(),
        ))
    };
    // Behind the first character, only `:` and `#` can be marks.
    let mut places = iter::once(0).chain(memchr2_iter(b':', b'#', text.as_bytes()));
    places.any(|place| is_mark(place).unwrap_or(false)) || text.starts_with("---") || text.starts_with("...")
}

/// Whether a scalar without quotes must not contain this character between these neighbours.
fn is_indicator(previous: Option<char>, character: char, next: Option<char>) -> bool {
    let before_blank = next.is_none_or(|next| matches!(next, ' ' | '\t'));
    match (previous, character) {
        (None, first) if ",[]{}&*!#|>'\"%@`".contains(first) => true,
        (None, '?' | '-') | (_, ':') => before_blank,
        (Some(previous), '#') => matches!(previous, ' ' | '\t') || is_break(previous),
        _ => false,
    }
}

/// Whether sops, or another reader of YAML 1.1, would read the unquoted `text` as another type than a string. Other readers know
/// more types than sops does.
fn reads_otherwise(text: &str) -> bool {
    !matches!(resolve::meaning(text, true), Meaning::Text) || is_old_boolean(text) || is_sexagesimal(text).unwrap_or(false)
}

/// Whether the text is a boolean of YAML 1.1 that sops reads as a string, such as `yes` or `off`.
fn is_old_boolean(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF"
    )
}

/// Whether the text is a number to base 60, such as `190:20:30.15`. A text without `:` gives `None`, which also means no.
fn is_sexagesimal(text: &str) -> Option<bool> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let (first, places) = whole.split_once(':')?;
    let is_digit = |character: char| character.is_ascii_digit();
    let is_number = |text: &str| text.chars().all(|character| is_digit(character) || character == '_');
    let is_place = |place: &str| match place.as_bytes() {
        [_] => place.starts_with(is_digit),
        [b'0'..=b'5', _] => place.ends_with(is_digit),
        _ => false,
    };
    Some(first.starts_with(is_digit) && is_number(first) && places.split(':').all(is_place) && is_number(fraction))
}
