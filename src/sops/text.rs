//! The text of a sops file while it is read: long values are decoded at once.
//!
//! The data of an encrypted value is Base64 in the file, which is a third longer than the data. So the data of a long value is
//! decoded while the file is read, and is kept apart. In the text, a short [`STAND_IN`] takes its place. Then a large secret is in
//! memory only once, and not beside its Base64.
//!
//! Whoever wrote the file may have put such data where no encrypted value is expected, for example into a comment. So a file that
//! was shortened does not decrypt unless each long value was used and is authentic. Then it has to be read again as it is.

use std::collections::{BTreeMap, btree_map::Entry};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use memchr::memmem;

use super::value::{BASE64, DATA_START};
use crate::{system::plaintext::Plaintext, text::blocks};

/// What takes the place of the data of a long value. It is Base64 as well, so the text keeps its form.
const STAND_IN: &[u8] = b"AAAA";

/// How far back in the text the start of a long value is looked for: 128 KiB, twice as much as is read at a time.
const FAR: usize = 128 << 10;

/// The room for the text at first: 128 KiB. For a longer text the room is doubled, up to the size of the file. All room is wiped in the
/// end, so a file of one long value costs only this much beside its value.
const FIRST_ROOM: usize = 128 << 10;

/// Base64 that goes on, so that it has no padding.
const GOING_ON: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The text of a sops file, which grows while the file is read.
pub struct SopsText {
    /// The size of the file in bytes.
    size: usize,
    /// Whether long values are kept apart from the text.
    shortens: bool,
    text: Plaintext,
    long_values: LongValues,
    /// The long value to which the next piece of the file belongs.
    begun: Option<LongValue>,
}

/// The long values that were kept apart from a text and were not used yet: their data by the places of their stand-ins in the text.
/// A value that is not Base64 has no data, so that it is never used.
#[derive(Default)]
pub struct LongValues(BTreeMap<usize, Option<Vec<u8>>>);

/// A long value while it is read.
struct LongValue {
    /// Where the stand-in begins in the text.
    place: usize,
    data: Vec<u8>,
    /// Base64 that was read and not decoded yet.
    undecoded: Vec<u8>,
}

impl SopsText {
    /// The empty text of a file of `size` bytes. `shortens` says whether long values are kept apart.
    #[must_use]
    pub fn new(size: usize, shortens: bool) -> Self {
        Self {
            size,
            shortens,
            text: Plaintext::with_capacity(size.min(FIRST_ROOM)),
            long_values: LongValues::default(),
            begun: None,
        }
    }

    /// Appends the next piece of the file.
    pub fn push(&mut self, piece: &[u8]) {
        match self.begun.take() {
            Some(value) => self.go_on(value, piece),
            None if self.shortens && piece.iter().copied().all(is_letter) => self.begin(piece),
            None => self.append(piece),
        }
    }

    /// Ends the text, because there are no more pieces.
    pub fn finish(&mut self) {
        if let Some(mut value) = self.begun.take() {
            let (is_valid, rest) = value.end();
            self.end(value, is_valid, &rest);
        }
    }

    /// The text, and the long values that were kept apart from it.
    #[must_use]
    pub fn parts(&mut self) -> (&Plaintext, &mut LongValues) {
        (&self.text, &mut self.long_values)
    }

    /// Whether a long value is kept apart, so that the text differs from the file.
    #[must_use]
    pub fn is_shortened(&self) -> bool {
        self.long_values.count() > 0
    }

    fn append(&mut self, piece: &[u8]) {
        let length = self.text.len().saturating_add(piece.len());
        // A file that has outgrown its size gets its room from `Plaintext::push`.
        if length > self.text.capacity() && length <= self.size {
            let doubled = self.text.capacity().saturating_mul(2);
            self.text.grow(doubled.clamp(length, self.size));
        }
        self.text.push(piece);
    }

    /// Appends a piece that is nothing but Base64. It belongs to a long value if the start of one stands before it. No value begins
    /// at the stand-in of another, which may have lost its padding.
    fn begin(&mut self, piece: &[u8]) {
        let text = self.text.expose();
        let near = text.len().saturating_sub(FAR);
        let last = text.iter().skip(near).rposition(|byte| !is_letter(*byte));
        let place = last.map_or(near, |last| near.saturating_add(last).saturating_add(1));
        let (before, undecoded) = text.split_at(place);
        if !before.ends_with(DATA_START) || self.long_values.0.contains_key(&place) {
            self.append(piece);
            return;
        }
        let value = LongValue {
            place,
            data: Vec::new(),
            undecoded: undecoded.to_vec(),
        };
        self.text.truncate(place);
        self.append(STAND_IN);
        self.go_on(value, piece);
    }

    fn go_on(&mut self, mut value: LongValue, piece: &[u8]) {
        match value.push(piece) {
            Some((is_valid, rest)) => self.end(value, is_valid, &rest),
            None => self.begun = Some(value),
        }
    }

    /// Keeps a long value that has ended. `rest` is what was read behind it.
    fn end(&mut self, value: LongValue, is_valid: bool, rest: &[u8]) {
        self.long_values.0.insert(value.place, is_valid.then_some(value.data));
        self.append(rest);
    }
}

impl LongValue {
    /// Decodes the next piece. Returns the result of [`Self::end`], or `None` if the value goes on.
    fn push(&mut self, piece: &[u8]) -> Option<(bool, Vec<u8>)> {
        self.undecoded.extend_from_slice(piece);
        let rest = self.undecoded.split_off(self.undecoded.len() / 4 * 4);
        if decode(&GOING_ON, &self.undecoded, &mut self.data) {
            self.undecoded = rest;
            return None;
        }
        self.undecoded.extend_from_slice(&rest);
        Some(self.end())
    }

    /// Decodes the end of the value. Returns whether the value is Base64, and what stands behind it.
    fn end(&mut self) -> (bool, Vec<u8>) {
        let letters = blocks::run(&self.undecoded, is_letter);
        let padding = self.undecoded.iter().skip(letters).take_while(|byte| **byte == b'=').count();
        let rest = self.undecoded.split_off(letters.saturating_add(padding));
        let is_valid = decode(&BASE64, &self.undecoded, &mut self.data);
        self.data.shrink_to_fit();
        (is_valid, rest)
    }
}

impl LongValues {
    /// Takes the data for which `field`, a part of `text`, stands in. Returns `None` if `field` is not a stand-in, or stands in for
    /// what is not Base64.
    pub(crate) fn take(&mut self, field: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        let place = field.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        match self.0.entry(place) {
            Entry::Occupied(value) if field == STAND_IN && value.get().is_some() => value.remove(),
            _ => None,
        }
    }

    /// The number of long values that were not used yet.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// Whether `text` may be, or may hold, an encrypted value whose data was kept apart.
pub(crate) fn may_be_shortened(text: &[u8]) -> bool {
    let start = [DATA_START, STAND_IN].concat();
    // A reader may have taken the first letter for the end of an escape.
    let start = start.strip_prefix(b"E").unwrap_or(&start);
    memmem::find(text, start).is_some()
}

/// Appends the bytes that `text` encodes to `data`. Returns `false`, and appends nothing, if `text` is not Base64.
fn decode(base64: &GeneralPurpose, text: &[u8], data: &mut Vec<u8>) -> bool {
    let length = data.len();
    let is_valid = base64.decode_vec(text, data).is_ok();
    if !is_valid {
        data.truncate(length);
    }
    is_valid
}

/// Whether `byte` is in the alphabet of Base64. The padding is not.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    /// A text that is read in pieces of `size` bytes.
    fn read(file: &[u8], size: usize) -> SopsText {
        let mut text = SopsText::new(file.len(), true);
        file.chunks(size).for_each(|piece| text.push(piece));
        text.finish();
        text
    }

    /// The file that was read: the text, with each long value in its place again.
    fn restored(mut text: SopsText) -> String {
        let (text, long_values) = text.parts();
        let mut file = text.expose().to_vec();
        for (place, data) in std::mem::take(&mut long_values.0).into_iter().rev() {
            assert_eq!(file.get(place..place + STAND_IN.len()), Some(STAND_IN));
            let data = BASE64_STANDARD.encode(data.unwrap()).into_bytes();
            file.splice(place..place + STAND_IN.len(), data);
        }
        String::from_utf8(file).unwrap()
    }

    fn token(data: &str) -> String {
        format!("ENC[AES256_GCM,data:{data},iv:aXY=,tag:dGFn,type:str]")
    }

    #[test]
    fn whatever_the_pieces_are_text_and_long_values_make_up_the_file() {
        let data = |length: u8| BASE64_STANDARD.encode((0..length).collect::<Vec<_>>());
        let all: Vec<_> = (40..46).map(|length| format!("key: {}\n", token(&data(length)))).collect();
        let file = all.concat() + &"no:value,".repeat(9);
        for size in 1..=file.len() {
            assert_eq!(restored(read(file.as_bytes(), size)), file, "{size}");
        }
        assert!(read(file.as_bytes(), 16).is_shortened());
        assert!(!read(file.as_bytes(), file.len()).is_shortened());
    }

    #[test]
    fn the_text_of_a_long_value_is_short() {
        let file = format!("{{\"data\":\"{}\"}}", token(&"abcd".repeat(100_000)));
        let mut text = read(file.as_bytes(), 64 << 10);
        assert_eq!(
            text.parts().0.expose(),
            format!("{{\"data\":\"{}\"}}", token("AAAA")).as_bytes()
        );
        let place = file.find("abcd").unwrap();
        assert_eq!(text.parts().1.0.remove(&place).flatten().unwrap().len(), 300_000);
    }

    #[test]
    fn only_the_data_of_an_encrypted_value_is_kept_apart() {
        let letters = "abcd".repeat(100);
        for file in [
            letters.clone(),
            format!("key: {letters}\n"),
            format!("ENC[AES256_GCM,data: {letters}"),
            format!("ENC[AES256_GCM,data:QQ==,iv:{letters}]"),
        ] {
            let mut text = read(file.as_bytes(), 16);
            assert!(!text.is_shortened(), "{file}");
            assert_eq!(text.parts().0.expose(), file.as_bytes());
        }
    }

    #[test]
    fn data_that_is_not_base64_is_never_used() {
        for end in ["A", "A=", "AB=", "A\r\nA=="] {
            let mut text = read(token(&("abcd".repeat(100) + end)).as_bytes(), 16);
            let (text, long_values) = text.parts();
            let text = text.expose();
            let place = DATA_START.len();
            assert!(
                long_values.take(&text[place..place + STAND_IN.len()], text).is_none(),
                "{end:?}"
            );
            assert_eq!(long_values.count(), 1, "{end:?}");
        }
    }

    #[test]
    fn no_value_begins_where_another_has_ended() {
        let letters = "abcd".repeat(20);
        for padding in ["abc=", "ab==", "==", "="] {
            let file = token(&[&letters, padding, &letters].concat());
            for size in 1..=file.len() {
                let mut text = read(file.as_bytes(), size);
                let shown = String::from_utf8(text.parts().0.expose().to_vec()).unwrap();
                assert!(!shown.contains("data:AAAA,"), "{padding} {size}: {shown}");
            }
        }
    }

    #[test]
    fn a_text_has_little_more_room_than_it_needs() {
        let (other, value) = (" ".repeat(FIRST_ROOM + 1), token(&"abcd".repeat(1 << 20)));
        for file in [other.clone() + &value, value + &other] {
            let mut text = read(file.as_bytes(), 64 << 10);
            let text = text.parts().0;
            assert!(text.capacity() <= 2 * text.len(), "{} for {}", text.capacity(), text.len());
        }
        let file = " ".repeat(3 * FIRST_ROOM);
        assert_eq!(read(file.as_bytes(), 64 << 10).parts().0.capacity(), file.len());
    }

    #[test]
    fn a_file_that_outgrows_its_size_is_seldom_moved() {
        let mut text = SopsText::new(0, true);
        let mut rooms: Vec<_> = (0..3000)
            .map(|_| (text.push(&[b' '; 1 << 10]), text.parts().0.capacity()).1)
            .collect();
        rooms.dedup();
        assert!(rooms.len() < 30, "{}", rooms.len());
    }

    #[test]
    fn a_stand_in_is_known_by_its_place() {
        let file = format!("{}\n{}\n", token("AAAA"), token(&"abcd".repeat(100)));
        let mut text = read(file.as_bytes(), 16);
        let (text, long_values) = text.parts();
        let text = text.expose();
        let places: Vec<_> = (0..text.len()).filter(|&at| text[at..].starts_with(STAND_IN)).collect();
        let [other, ours] = *places else { panic!("{places:?}") };
        let mut take = |place: usize| {
            long_values
                .take(&text[place..place + STAND_IN.len()], text)
                .map(|data| data.len())
        };
        assert_eq!(take(other), None);
        assert_eq!(take(ours), Some(300));
        assert_eq!(take(ours), None);
        assert_eq!(long_values.count(), 0);
    }
}
