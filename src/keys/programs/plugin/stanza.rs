//! Reads and writes stanzas, which a plugin and its client exchange: `-> NAME ARGUMENT…`, then the body in base64.
//!
//! The format is that of the stanzas in the age header, <https://c2sp.org/age>. The body may hold a file key or a PIN. The
//! `age-core` crate also reads and writes stanzas, but leaves copies of the body in memory, so the crate is not used here.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use zeroize::Zeroizing;

use crate::system::plaintext::Plaintext;

/// The number of characters in a full line of a body. The first line that is not full ends the body.
const LINE: usize = 64;
/// The number of bytes that a full line of a body encodes.
const LINE_BYTES: usize = 48;

/// A stanza that a plugin sent.
pub(crate) struct Command {
    /// The first word of the stanza, such as `file-key`.
    pub name: String,
    /// The words of the first line of the stanza that follow its name.
    pub arguments: Vec<String>,
    /// The decoded body of the stanza: a text for a person, or a file key.
    pub body: Plaintext,
}

/// The error for a text that is no stanza, and cannot become a stanza when more bytes come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Parses the first stanza of `text`. Returns the stanza and its length in bytes. Returns `None` if the end of the stanza has not
/// come yet.
///
/// # Errors
///
/// [`Malformed`] if `text` does not begin with a stanza.
pub(crate) fn read(text: &[u8]) -> Result<Option<(Command, usize)>, Malformed> {
    let mut lines = text
        .split_inclusive(|byte| *byte == b'\n')
        .map_while(|line| line.strip_suffix(b"\n"));
    let Some(head) = lines.next() else { return Ok(None) };
    let mut words = words(head)?.into_iter();
    let name = words.next().ok_or(Malformed)?;
    let mut length = head.len() + 1;
    let mut body = Plaintext::default();
    for line in lines {
        length += line.len() + 1;
        decode(line, &mut body)?;
        if line.len() < LINE {
            let arguments = words.collect();
            return Ok(Some((Command { name, arguments, body }, length)));
        }
    }
    Ok(None)
}

/// The words of the first line of a stanza.
fn words(line: &[u8]) -> Result<Vec<String>, Malformed> {
    let words = line.strip_prefix(b"-> ").ok_or(Malformed)?.split(|byte| *byte == b' ');
    words.map(|word| word_of(word).ok_or(Malformed)).collect()
}

/// A word of the first line of a stanza. Returns `None` if the bytes are empty or are not printable ASCII.
fn word_of(bytes: &[u8]) -> Option<String> {
    let is_word = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
    is_word.then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// Decodes a line of the body of a stanza, and appends the bytes to `body`. Only canonical base64 is accepted.
fn decode(line: &[u8], body: &mut Plaintext) -> Result<(), Malformed> {
    if line.len() > LINE {
        return Err(Malformed);
    }
    let mut bytes = Zeroizing::new([0; LINE]);
    let count = BASE64_STANDARD_NO_PAD
        .decode_slice(line, bytes.as_mut_slice())
        .map_err(|_| Malformed)?;
    body.push(bytes.get(..count).unwrap_or_default());
    Ok(())
}

/// Appends a stanza to `text`. `head` is the name of the stanza and its arguments.
pub(crate) fn write<'a>(text: &mut Plaintext, head: impl IntoIterator<Item = &'a [u8]>, body: &[u8]) {
    text.push(b"->");
    for word in head {
        text.push(b" ");
        text.push(word);
    }
    text.push(b"\n");
    let mut encoded = Zeroizing::new([0; LINE]);
    for chunk in body.chunks(LINE_BYTES) {
        // The buffer has room for one encoded chunk, so encoding cannot fail.
        let count = BASE64_STANDARD_NO_PAD
            .encode_slice(chunk, encoded.as_mut_slice())
            .unwrap_or_default();
        text.push(encoded.get(..count).unwrap_or_default());
        text.push(if count == LINE { b"\n" } else { b"" });
    }
    text.push(b"\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads all of `text` by `age-core`'s parser, which shares no code with ours.
    fn by_age(text: &[u8]) -> Option<(String, Vec<String>, Vec<u8>)> {
        let (rest, stanza) = age_core::format::read::age_stanza(text).ok()?;
        let args = stanza.args.iter().map(|arg| (*arg).to_owned()).collect();
        rest.is_empty().then(|| (stanza.tag.to_owned(), args, stanza.body()))
    }

    fn by_us(text: &[u8]) -> Option<(String, Vec<String>, Vec<u8>)> {
        let (command, length) = read(text).ok()??;
        (length == text.len()).then(|| (command.name, command.arguments, command.body.expose().to_vec()))
    }

    #[test]
    fn what_is_written_is_what_age_reads() {
        for length in [0, 1, 2, 16, 47, 48, 49, 95, 96, 97, 1000] {
            let body: Vec<u8> = (0..=255).cycle().take(length).collect();
            let mut text = Plaintext::default();
            write(&mut text, [b"name".as_slice(), b"1", b"+/="], &body);
            let expected = ("name".to_owned(), vec!["1".to_owned(), "+/=".to_owned()], body);
            assert_eq!(by_age(text.expose()), Some(expected.clone()), "{length}");
            assert_eq!(by_us(text.expose()), Some(expected), "{length}");
        }
    }

    #[test]
    fn what_age_refuses_is_refused() {
        let full = "A".repeat(64);
        for text in [
            "-> a\n\n".to_owned(),
            "-> a b\nQUJD\n".to_owned(),
            format!("-> a\n{full}\n\n"),
            "-> a\nQUJD=\n".to_owned(),
            "-> a\nQUI=\n".to_owned(),
            "-> a\nQUJ\n".to_owned(),
            "-> a\nQ\n".to_owned(),
            "-> a\nQ U\n".to_owned(),
            "-> a\nQ_U-\n".to_owned(),
            format!("-> a\n{full}A\n"),
            "-> a  b\n\n".to_owned(),
            "-> a \n\n".to_owned(),
            "-> \n\n".to_owned(),
            "->\n\n".to_owned(),
            "a\n\n".to_owned(),
            "-> \u{e9}\n\n".to_owned(),
            "-> a\tb\n\n".to_owned(),
            "-> a\r\n\r\n".to_owned(),
            "\n\n".to_owned(),
        ] {
            assert_eq!(by_us(text.as_bytes()), by_age(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn a_part_of_a_stanza_is_no_stanza_yet() {
        let text = format!("-> a b\n{}\nQUJD\n", "A".repeat(64));
        for length in 0..text.len() {
            assert!(matches!(read(&text.as_bytes()[..length]), Ok(None)), "{length}");
        }
        assert!(matches!(read(format!("{text}-> x").as_bytes()), Ok(Some((_, length))) if length == text.len()));
    }
}
