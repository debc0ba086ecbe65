//! Texts in a template that look like a placeholder, and stand for no secret.

use memchr::memmem;

use super::{
    filter::FILTER_NAMES,
    tokens::{CLOSING, LONGEST, NAME_CLOSING, NAME_OPENING, OPENING, PIPE, Tokens, split_last},
};
use crate::text::{diagnosis::Diagnosis, printable::named, spelling::nearest};

/// The text between two placeholders of a template. Fails if it contains something that looks like a placeholder.
pub(crate) fn plain<'x>(tokens: &Tokens<'_>, text: &'x [u8], from: usize, to: usize) -> Result<&'x [u8], Diagnosis> {
    let between = text.get(from..to).unwrap_or_default();
    let line = |start: usize| {
        let before = text.iter().take(from.saturating_add(start));
        before.filter(|byte| **byte == b'\n').count().saturating_add(1)
    };
    if let Some((start, token)) = left_over(between) {
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
    match left_over_name(between) {
        Some((start, inside)) => Err(of_name(line(start), inside, &names.collect::<Vec<_>>())),
        None => Ok(between),
    }
}

/// Says why `@sops:INSIDE@` stands for no secret, if the secrets have these names.
fn of_name(line: usize, inside: &[u8], names: &[&[u8]]) -> Diagnosis {
    let shown = String::from_utf8_lossy(inside);
    let with_filter = split_last(inside, PIPE);
    if let Some((_, filter)) = with_filter.filter(|(name, _)| names.contains(name)) {
        let filter = named(&String::from_utf8_lossy(filter));
        return Diagnosis::new(
            format!("line {line} contains the placeholder @sops:{shown}@, but there is no filter {filter}"),
            format!("the filters are {FILTER_NAMES}"),
        );
    }
    let name = String::from_utf8_lossy(with_filter.map_or(inside, |(name, _)| name));
    let meant = nearest(&name, names.iter().copied()).map(String::from_utf8_lossy);
    let remedy = meant.map_or_else(
        || "declare the secret, and rebuild".to_owned(),
        |meant| format!("declare the secret, or write {meant}"),
    );
    Diagnosis::new(
        format!(
            "line {line} contains the placeholder @sops:{shown}@, but this manifest has no secret {}",
            named(&name)
        ),
        remedy,
    )
}

/// Finds the first text that looks like a placeholder of the Nix modules, and the position at which it starts.
///
/// The search looks for each closing mark, and from there backwards for an opening mark, but never past an earlier closing mark. So
/// the time grows in proportion to the text.
fn left_over(text: &[u8]) -> Option<(usize, &[u8])> {
    let mut passed = 0;
    for closing in memmem::find_iter(text, CLOSING) {
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

/// Finds the first text that looks like a placeholder with a name: where it starts, and what is between its ends. Only visible characters
/// count, so that a message can show them.
fn left_over_name(text: &[u8]) -> Option<(usize, &[u8])> {
    memmem::find_iter(text, NAME_OPENING).find_map(|start| {
        let behind = text.get(start.saturating_add(NAME_OPENING.len())..)?;
        let behind = behind.get(..LONGEST.min(behind.len()))?;
        let word = behind.split(|byte| !byte.is_ascii_graphic()).next()?;
        let inside = word.get(..word.iter().position(|&byte| byte == NAME_CLOSING)?)?;
        (!inside.is_empty()).then_some((start, inside))
    })
}
