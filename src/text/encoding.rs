//! Recognises and repairs texts that were saved in another encoding than UTF-8, or with other line ends than LF.

use std::fmt;

use zeroize::Zeroizing;

/// The byte order mark, which some editors put before UTF-8 text.
pub(crate) const MARK: &[u8] = b"\xEF\xBB\xBF";

/// How a text was saved, if not as UTF-8 with LF as line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The text is UTF-16. The string is the name of this variant of UTF-16 for iconv.
    Utf16(&'static str),
    /// The text begins with a byte order mark.
    Mark,
    /// The lines of the text end in CR LF.
    CarriageReturns,
    /// The lines of the text end in CR alone.
    LoneReturns,
}

impl Encoding {
    /// The fault that must be repaired first in a text; `None` if the text has no fault.
    #[must_use]
    pub fn of(text: &[u8]) -> Option<Self> {
        match text {
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some(Self::Utf16("UTF-16")),
            // In UTF-16 without a byte order mark, one of the two bytes of each ASCII character is 0.
            [one, 0, two, 0, ..] if *one > 0 && *two > 0 => Some(Self::Utf16("UTF-16LE")),
            [0, one, 0, two, ..] if *one > 0 && *two > 0 => Some(Self::Utf16("UTF-16BE")),
            text if text.starts_with(MARK) => Some(Self::Mark),
            text if text.windows(2).any(|pair| pair == b"\r\n") => Some(Self::CarriageReturns),
            text if text.contains(&b'\r') && !text.contains(&b'\n') => Some(Self::LoneReturns),
            _ => None,
        }
    }

    /// The shell command that repairs `file`, a name that is already quoted for the shell. UTF-16 is converted to a new file,
    /// which then replaces the old file. So an interruption leaves the old file whole.
    #[must_use]
    pub fn command(self, file: &str) -> String {
        match self {
            Self::Utf16(kind) => format!("(umask 077; iconv -f {kind} -t UTF-8 {file} > {file}.utf8 && mv {file}.utf8 {file})"),
            Self::Mark => format!(r"sed -i '1s/^\xEF\xBB\xBF//' {file}"),
            Self::CarriageReturns => format!(r"sed -i 's/\r$//' {file}"),
            Self::LoneReturns => format!(r"sed -i 's/\r/\n/g' {file}"),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16(_) => "it was saved as UTF-16, not UTF-8",
            Self::Mark => "it begins with a byte order mark, which an editor put there",
            Self::CarriageReturns => "its lines end in CR LF, as on Windows, not in LF",
            Self::LoneReturns => "its lines end in CR, not in LF",
        })
    }
}

/// The text after all repairs. Returns `None` if there is nothing to repair.
pub(crate) fn mended(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let first = Encoding::of(text)?;
    let mut mended = Zeroizing::new(step(first, text));
    while let Some(encoding) = Encoding::of(&mended) {
        mended = Zeroizing::new(step(encoding, &mended));
    }
    Some(mended)
}

/// Repairs one fault of a text, as the command of [`Encoding::command`] does.
fn step(encoding: Encoding, text: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Utf16(kind) => from_utf16(kind, text),
        Encoding::Mark => text.strip_prefix(MARK).unwrap_or_default().to_vec(),
        Encoding::CarriageReturns => without_returns(text),
        Encoding::LoneReturns => text.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect(),
    }
}

/// The text without CR at the ends of its lines.
fn without_returns(text: &[u8]) -> Vec<u8> {
    let lines = text.split(|byte| *byte == b'\n');
    let lines: Vec<_> = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    lines.join(&b'\n')
}

/// Converts a text from UTF-16 to UTF-8. NUL characters are left out, because with them the result would look like UTF-16
/// again.
fn from_utf16(kind: &str, text: &[u8]) -> Vec<u8> {
    let is_big = kind == "UTF-16BE" || text.starts_with(&[0xFE, 0xFF]);
    let unit = |pair: &[u8]| match pair {
        [one, two] if is_big => u16::from_be_bytes([*one, *two]),
        [one, two] => u16::from_le_bytes([*one, *two]),
        _ => 0,
    };
    let units = text.chunks(2).map(unit).filter(|unit| !matches!(unit, 0 | 0xFEFF));
    let characters = char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER));
    characters.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_and_mended() {
        let utf16 = |unit: fn(u16) -> [u8; 2]| "é=1\r\n".encode_utf16().flat_map(unit).collect::<Vec<_>>();
        let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
        for (text, encoding) in [
            ([b"\xFF\xFE".as_slice(), &little].concat(), Encoding::Utf16("UTF-16")),
            ([b"\xFE\xFF".as_slice(), &big].concat(), Encoding::Utf16("UTF-16")),
            ("\u{FEFF}é=1\r\n".as_bytes().to_vec(), Encoding::Mark),
            ("é=1\r\n".as_bytes().to_vec(), Encoding::CarriageReturns),
            ("é=1\r".as_bytes().to_vec(), Encoding::LoneReturns),
        ] {
            assert_eq!(Encoding::of(&text), Some(encoding));
            assert_eq!(mended(&text).unwrap().as_slice(), "é=1\n".as_bytes(), "{encoding}");
        }
        assert_eq!(Encoding::of(b"A\0B\0"), Some(Encoding::Utf16("UTF-16LE")));
        assert_eq!(Encoding::of(b"\0A\0B"), Some(Encoding::Utf16("UTF-16BE")));
        assert_eq!(mended(b"\0A\0B").unwrap().as_slice(), b"AB");
        for whole in [b"".as_slice(), b"a\n", b"\0\0\0\0", b"a"] {
            assert_eq!(Encoding::of(whole), None);
            assert!(mended(whole).is_none());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_us_panic_or_stay(text: Vec<u8>, pieces in "[\u{FEFF}\r\na\0]{0,20}") {
            mended(&text);
            assert!(mended(pieces.as_bytes()).is_none_or(|text| Encoding::of(&text).is_none()));
        }
    }
}
