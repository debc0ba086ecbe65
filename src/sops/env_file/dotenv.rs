//! The files that `node --env-file`, the npm package `dotenv` and python-dotenv read. The three differ, so a value is spelled in a way
//! that all of them understand. Sources: `src/node_dotenv.cc` of Node.js 20, `lib/main.js` of dotenv 18, and `parser.py` and
//! `variables.py` of python-dotenv 1.2.

use super::unwritable::{Take, Unwritable, text};

/// The most bytes of a variable with its name. A child process gets none that is longer: Linux takes 128 KiB with `=` and a NUL
/// (`MAX_ARG_STRLEN`, execve(2)).
pub(crate) const MOST: usize = 131_070;

/// A value stands between quotes of the kind that changes nothing in it, or without any. No reader but one knows an escape for quotes.
pub(crate) fn write(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    let text = text(value)?;
    if text.contains('\r') {
        return Err("a carriage return");
    }
    if text.contains("${") {
        return Err("\"${\", for which python-dotenv puts in another variable,");
    }
    let quote: &[u8] = if fits_single_quotes(text) {
        b"'"
    } else if fits_double_quotes(text) {
        b"\""
    } else if is_plain(text) {
        b""
    } else {
        return Err("quotes and other special characters together");
    };
    for part in [quote, value, quote] {
        take(part);
    }
    Ok(())
}

/// python-dotenv knows two escapes between single quotes, of a backslash and of a single quote; the others know none.
fn fits_single_quotes(text: &str) -> bool {
    !text.contains('\'') && has_no_escape(text, "\\'")
}

/// Between double quotes, python-dotenv knows many escapes, and the others a few of them.
fn fits_double_quotes(text: &str) -> bool {
    !text.contains('"') && has_no_escape(text, "\\'\"abfnrtv")
}

/// Whether no backslash in the text stands before one of `escaped`, or before the closing quote.
fn has_no_escape(text: &str, escaped: &str) -> bool {
    let mut behind = text.split('\\').skip(1);
    // Between two backslashes, and behind one at the end, the part is empty.
    behind.all(|part| part.chars().next().is_some_and(|next| !escaped.contains(next)))
}

/// Whether the text is the same without quotes: all of it is printable ASCII or a letter of another script, it has no `#`, and it
/// neither begins with a quote nor begins or ends with a space.
fn is_plain(text: &str) -> bool {
    let is_edge = |character: Option<char>| character.is_some_and(|c| c.is_ascii_graphic() || c.is_alphanumeric());
    text.chars()
        .all(|c| c != '#' && (c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric()))
        && !text.starts_with(['\'', '"', '`'])
        && is_edge(text.chars().next())
        && is_edge(text.chars().next_back())
}
