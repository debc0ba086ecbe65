//! Writes texts in which some characters have another spelling.

use crate::sops::env_file::Take;

/// Takes `text`, in which `spell` takes the place of each character that `is_special`.
pub(crate) fn escape(text: &str, is_special: fn(char) -> bool, spell: fn(char, Take<'_>), take: Take<'_>) {
    for part in text.split_inclusive(is_special) {
        let last = part.char_indices().next_back().filter(|(_, last)| is_special(*last));
        let plain = last.map_or(part.len(), |(start, _)| start);
        take(part.as_bytes().get(..plain).unwrap_or_default());
        if let Some((_, last)) = last {
            spell(last, take);
        }
    }
}

/// Takes the last `digits` hexadecimal digits of `number`. Each digit is a part of a constant, so nothing is left in memory.
pub(crate) fn hex(number: u32, digits: u32, take: Take<'_>) {
    for place in (0..digits).rev() {
        let digit = (number >> place.saturating_mul(4)) & 0xF;
        let digit = usize::try_from(digit).unwrap_or_default();
        take(b"0123456789ABCDEF".get(digit..=digit).unwrap_or_default());
    }
}
