//! Texts in a template that look like a placeholder, and stand for no secret.

use super::{
    filter::FILTER_NAMES,
    marks::{CLOSING, Marks, NAME_CLOSING, NAME_OPENING, OPENING, PIPE},
    tokens::{LONGEST, Tokens, split_last},
};
use crate::text::{diagnosis::Diagnosis, printable::named, spelling::nearest};

/// What stands behind a value in most languages.
const BEHIND_NAMES: &[u8] = b"\"'`,;)]}<>";

/// The text between two placeholders of a template. Fails if it contains something that looks like a placeholder.
pub(crate) fn plain<'x>(tokens: &Tokens<'_>, text: &'x [u8], from: usize, to: usize) -> Result<&'x [u8], Diagnosis> {
    let between = text.get(from..to).unwrap_or_default();
    let line = |start: usize| {
        let before = text.iter().take(from.saturating_add(start));
        before.filter(|byte| **byte == b'\n').count().saturating_add(1)
    };
    if let Some((start, token)) = left_over(&tokens.marks, between) {
        return Err(Diagnosis::new(
            format!(
                "line {} contains the placeholder {}, but no secret of this manifest has that placeholder",
                line(start),
                String::from_utf8_lossy(token)
            ),
            "declare the secret, and rebuild",
        ));
    }
    let Some(names) = tokens.names() else { return Ok(between) };
    // Few templates have such a text, and the names are many.
    if tokens.marks.name_opening.find(between).is_none() {
        return Ok(between);
    }
    let names: Vec<_> = names.collect();
    // The next placeholder may begin with the end of what looks like one, as in `@sops:x@sops:y@`.
    let end = to.saturating_add(usize::from(text.get(to) == Some(&NAME_CLOSING)));
    let is_behind_value = from > 0;
    match left_over_name(
        &tokens.marks,
        text.get(from..end).unwrap_or_default(),
        is_behind_value,
        &names,
    ) {
        Some(found) => Err(found.diagnosis(line(found.start), &names)),
        None => Ok(between),
    }
}

/// A text that looks like a placeholder with a name.
struct LeftOver<'x> {
    /// Where it begins.
    start: usize,
    /// What is between its ends.
    inside: &'x [u8],
    /// Whether its end is there.
    is_closed: bool,
}

impl LeftOver<'_> {
    /// Says why it stands for no secret, if the secrets have these names.
    fn diagnosis(&self, line: usize, names: &[&[u8]]) -> Diagnosis {
        let inside = String::from_utf8_lossy(self.inside);
        if !self.is_closed || !self.inside.iter().all(u8::is_ascii_graphic) {
            return Diagnosis::new(
                format!(
                    "line {line} contains {}, which begins like a placeholder",
                    named(&format!("@sops:{inside}"))
                ),
                "write @sops:NAME@ or @sops:NAME|FILTER@, without blanks",
            );
        }
        let with_filter = split_last(self.inside, PIPE);
        if let Some((_, filter)) = with_filter.filter(|(name, _)| names.contains(name)) {
            let filter = named(&String::from_utf8_lossy(filter));
            return Diagnosis::new(
                format!("line {line} contains the placeholder @sops:{inside}@, but there is no filter {filter}"),
                format!("the filters are {FILTER_NAMES}"),
            );
        }
        let name = String::from_utf8_lossy(with_filter.map_or(self.inside, |(name, _)| name));
        let meant = nearest(&name, names.iter().copied()).map(String::from_utf8_lossy);
        let remedy = meant.map_or_else(
            || "declare the secret, and rebuild".to_owned(),
            |meant| format!("declare the secret, or write {meant}"),
        );
        Diagnosis::new(
            format!(
                "line {line} contains the placeholder @sops:{inside}@, but this manifest has no secret {}",
                named(&name)
            ),
            remedy,
        )
    }
}

/// Finds the first text that looks like a placeholder of the Nix modules, and the position at which it starts.
///
/// The search looks for each closing mark, and from there backwards for an opening mark, but never past an earlier closing mark. So
/// the time grows in proportion to the text.
fn left_over<'x>(marks: &Marks, text: &'x [u8]) -> Option<(usize, &'x [u8])> {
    let mut passed = 0;
    for closing in marks.closing.find_iter(text) {
        let end = closing.saturating_add(CLOSING.len());
        let start = passed.max(end.saturating_sub(LONGEST));
        let candidate = text.get(start..end)?;
        // Only the last word is searched, because a placeholder contains only visible characters. So a message can show what is
        // found.
        let word = candidate.rsplit(|byte| !byte.is_ascii_graphic()).next()?;
        if let Some(opening) = word.windows(OPENING.len()).position(|window| window == OPENING) {
            let token = word.get(opening..)?;
            return Some((end.saturating_sub(token.len()), token));
        }
        passed = end;
    }
    None
}

/// Finds the first text that looks like a placeholder with a name: where it starts, and what is between its ends. Behind a letter or a
/// digit, as in `user@sops:22`, it is the name of a host. So it is where the text begins behind a value, as that of a password, unless it is
/// like one of the `names`. Without an end, it looks like one if it begins with one of the `names`. A quote or a bracket ends it as well, if
/// one of the `names` stands before it: `"@sops:x"` lacks its end.
fn left_over_name<'x>(marks: &Marks, text: &'x [u8], is_behind_value: bool, names: &[&[u8]]) -> Option<LeftOver<'x>> {
    marks.name_opening.find_iter(text).find_map(|start| {
        let before = start.checked_sub(1).and_then(|before| text.get(before));
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"%._-".contains(byte)) {
            return None;
        }
        let behind = text.get(start.saturating_add(NAME_OPENING.len())..)?;
        let behind = behind.get(..LONGEST.min(behind.len()))?;
        let line = behind.split(u8::is_ascii_control).next()?;
        let inside = line.split(|&byte| byte == NAME_CLOSING).next()?;
        let word = inside.split(|byte| byte.is_ascii_whitespace() || *byte == PIPE).next()?;
        let begin = inside.split(|byte| BEHIND_NAMES.contains(byte)).next()?;
        let name = begin.split(|&byte| byte == PIPE).next()?;
        if begin.len() < inside.len() && names.contains(&name) {
            let (inside, is_closed) = (begin, false);
            return Some(LeftOver {
                start,
                inside,
                is_closed,
            });
        }
        let is_closed = inside.len() < line.len() && !inside.is_empty();
        let is_like_name = || nearest(&String::from_utf8_lossy(word), names.iter().copied()).is_some();
        if start == 0 && is_behind_value && !names.contains(&word) && !is_like_name() {
            return None;
        }
        let found = LeftOver {
            start,
            inside,
            is_closed,
        };
        (is_closed || names.contains(&word)).then_some(found)
    })
}
