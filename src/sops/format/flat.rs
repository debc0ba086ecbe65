//! The common parts of the two flat formats, dotenv and INI: typed values as text, and nested metadata in flat keys.

use std::{borrow::Cow, iter, mem, num::IntErrorKind};

use super::problem::{EmitError, Flaw, SopsFileError};
use crate::{
    sops::{
        number, time,
        tree::{Branch, Item, Key, Opened, ScalarType, Stored, Value, shown},
    },
    system::plaintext::Plaintext,
};

/// Writes one scalar as dotenv and INI spell it. A float gets a decimal point or an exponent, so that the number does not look
/// like an integer. A time is cut to whole seconds.
pub(crate) fn emit_scalar(kind: ScalarType, text: &Plaintext) -> Plaintext {
    let spelled = str::from_utf8(text.expose()).ok().and_then(|text| match kind {
        ScalarType::Float => text.parse().ok().map(float),
        ScalarType::Boolean => Some(text.to_ascii_lowercase()),
        ScalarType::Time => time::to_seconds(text),
        ScalarType::Text | ScalarType::Integer | ScalarType::Unsigned => None,
    });
    spelled.map_or_else(|| Plaintext::from(text.expose().to_vec()), Plaintext::from)
}

/// Writes a float like Go's `FormatFloat(number, 'G', -1, 64)`, and appends `.0` if the text would look like an integer.
fn float(number: f64) -> String {
    let text = number::compact(number).replace('e', "E");
    let plain = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    if plain { text + ".0" } else { text }
}

/// Writes the value of `key`. Fails if a flat format cannot spell the value; the error names the key.
pub(crate) fn emit_value(key: &[u8], value: &Value<Opened>) -> Result<Plaintext, EmitError> {
    match value {
        Value::Null => Ok(Plaintext::from("<nil>".to_owned())),
        Value::Scalar(kind, text) => Ok(emit_scalar(*kind, text)),
        Value::Comment(_) | Value::List(_) | Value::Map(_) => Err(EmitError(format!(
            "the key \"{}\" is {}, which this format cannot express",
            shown(key),
            value.type_name(),
        ))),
    }
}

/// The text with each pair of the characters `\` and `n` replaced by a line feed.
pub(crate) fn with_line_feeds(text: Stored<'_>) -> Stored<'_> {
    if !text.windows(2).any(|pair| pair == b"\\n") {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest: &[u8] = &text;
    loop {
        rest = match rest {
            [b'\\', b'n', tail @ ..] => {
                out.push(b'\n');
                tail
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                tail
            }
            [] => return Cow::Owned(out),
        };
    }
}

/// Limit: a flat key may have at most this many levels. The metadata that sops writes needs six.
const MAX_DEPTH: usize = 32;
/// Limit: a flat section may have at most this many lines. The limit protects the memory, because a line of many levels takes up to
/// thirty times its length. Real files stay below the limit. For each of at most ten thousand recipient entries, sops writes at
/// most six lines. A KMS context takes one more line for each of its entries.
const MOST_LINES: usize = 100_000;

/// One step of a flat key: a name in a map, or an index in a list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FlatStep<'k> {
    Name(&'k [u8]),
    Index(i64),
}

/// The remaining steps of a flat key, which is split at the separators `__list_` and `__map_`. A name cannot contain a
/// separator, because sops has no escape for separators.
struct Steps<'k> {
    /// Whether the next step is an index, and the text of the key from this step on. `None` after the last step.
    rest: Option<(bool, &'k [u8])>,
}

/// One line of a flat section: a key and its value. The nested form is built level by level. So the line also holds the part of the
/// key that leads to deeper levels.
struct FlatLine<'k, 'a> {
    key: &'k [u8],
    /// The steps (names and indices) of the flat key that come after `step`.
    ahead: Steps<'k>,
    /// The step from the place that is being built to the next level; `None` if the key ends at this place.
    step: Option<FlatStep<'k>>,
    value: Value<Stored<'a>>,
}

/// Converts a section with keys like `age__list_0__map_enc` to its nested form. Comments are dropped, and names are sorted.
pub(crate) fn unflatten(section: Branch<Stored<'_>>) -> Result<Branch<Stored<'_>>, SopsFileError> {
    if section.items.len() > MOST_LINES {
        return Err(SopsFileError::metadata(format!(
            "the sops metadata has more than {MOST_LINES} lines"
        )));
    }
    let named = |item: Item<_>| match item.key {
        Key::Name(key) => Some((key, item.value)),
        Key::Comment(_) | Key::Other(_) => None,
    };
    let (keys, values): (Vec<_>, Vec<_>) = section.items.into_iter().filter_map(named).unzip();
    let mut lines: Vec<_> = keys
        .iter()
        .zip(values)
        .map(|(key, value)| FlatLine::new(key, value))
        .collect();
    match nested(&mut lines, 0)? {
        Value::Map(branch) => Ok(branch),
        _ => Ok(Branch::default()),
    }
}

/// Builds the value at a place that is `depth` steps deep. The keys of all `lines` lead to this place, or below it. The
/// recursion ends at [`MAX_DEPTH`].
fn nested<'a>(lines: &mut [FlatLine<'_, 'a>], depth: usize) -> Result<Value<Stored<'a>>, SopsFileError> {
    lines.iter_mut().for_each(FlatLine::advance);
    lines.sort_by_key(|line| line.step);
    match lines {
        [line] if line.step.is_none() => Ok(mem::replace(&mut line.value, Value::Null)),
        [_, second, ..] if second.step.is_none() => Err(repeated(second.key)),
        [first, ..] if depth >= MAX_DEPTH => Err(too_deep(first.key)),
        [first, ..] if matches!(first.step, Some(FlatStep::Index(_))) => list(lines, depth),
        _ => map(lines, depth),
    }
}

/// The error for a metadata key that occurs twice.
fn repeated(key: &[u8]) -> SopsFileError {
    SopsFileError {
        problem: format!("the metadata key {} occurs twice", shown(key)),
        flaw: Flaw::RepeatedSection,
    }
}

/// The error for a metadata key that has more levels than any real metadata.
fn too_deep(key: &[u8]) -> SopsFileError {
    let start = shown(key.get(..40).unwrap_or(key));
    SopsFileError::metadata(format!("the metadata key {start}… is nested too deeply"))
}

/// Builds a map from lines that are sorted by their next step.
fn map<'a>(lines: &mut [FlatLine<'_, 'a>], depth: usize) -> Result<Value<Stored<'a>>, SopsFileError> {
    let mut items = Vec::new();
    for group in lines.chunk_by_mut(FlatLine::is_beside) {
        let Some(FlatStep::Name(name)) = group.first().and_then(|line| line.step) else {
            let place = place(group, depth);
            return Err(SopsFileError::metadata(format!(
                "the metadata under {place} is there twice, as two types"
            )));
        };
        items.push(Item {
            key: Key::Name(name.to_vec()),
            value: nested(group, depth.saturating_add(1))?,
        });
    }
    items.shrink_to_fit();
    Ok(Value::Map(Branch { items }))
}

/// Builds a list from lines that are sorted by their next index.
fn list<'a>(lines: &mut [FlatLine<'_, 'a>], depth: usize) -> Result<Value<Stored<'a>>, SopsFileError> {
    let mut values = Vec::new();
    for (index, group) in (0..).zip(lines.chunk_by_mut(FlatLine::is_beside)) {
        if group.iter().any(|line| line.step != Some(FlatStep::Index(index))) {
            let place = place(group, depth);
            return Err(SopsFileError::metadata(format!("the metadata list {place} has a gap")));
        }
        values.push(nested(group, depth.saturating_add(1))?);
    }
    values.shrink_to_fit();
    Ok(Value::List(values))
}

/// The name of a place for a message. The keys of all these lines lead through the place, which is `depth` steps deep.
fn place(lines: &[FlatLine<'_, '_>], depth: usize) -> String {
    let key = lines.first().map(|line| line.key).unwrap_or_default();
    let steps = Steps::of(key).take(depth).map(|step| match step {
        FlatStep::Name(name) => format!(".{}", shown(name)),
        FlatStep::Index(index) => format!("[{index}]"),
    });
    iter::once("sops".to_owned()).chain(steps).collect()
}

impl<'k, 'a> FlatLine<'k, 'a> {
    fn new(key: &'k [u8], value: Value<Stored<'a>>) -> Self {
        Self {
            key,
            ahead: Steps::of(key),
            step: None,
            value,
        }
    }

    /// Moves on to the next step of the flat key.
    fn advance(&mut self) {
        self.step = self.ahead.next();
    }

    /// Whether the keys of both lines have the same next step.
    fn is_beside(&self, other: &Self) -> bool {
        self.step == other.step
    }
}

impl<'k> Steps<'k> {
    fn of(key: &'k [u8]) -> Self {
        Self {
            rest: Some((false, key)),
        }
    }
}

impl<'k> Iterator for Steps<'k> {
    type Item = FlatStep<'k>;

    fn next(&mut self) -> Option<FlatStep<'k>> {
        let (is_index, rest) = self.rest?;
        let (token, behind) = split(rest);
        self.rest = behind;
        Some(if is_index {
            FlatStep::Index(index(token))
        } else {
            FlatStep::Name(token)
        })
    }
}

/// Splits a key at its first separator. Returns the text before the separator, whether the separator is `__list_`, and the text
/// behind the separator.
fn split(key: &[u8]) -> (&[u8], Option<(bool, &[u8])>) {
    for (position, _) in key.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        let (token, tail) = key.split_at(position);
        if let Some(tail) = tail.strip_prefix(b"__map_") {
            return (token, Some((false, tail)));
        }
        if let Some(tail) = tail.strip_prefix(b"__list_") {
            return (token, Some((true, tail)));
        }
    }
    (key, None)
}

/// Reads an index as sops does, which ignores the error of Go's `Atoi`. A text that is no number counts as 0. A number out of
/// range counts as the nearest `i64`.
fn index(token: &[u8]) -> i64 {
    let text = str::from_utf8(token).unwrap_or_default();
    text.parse()
        .unwrap_or_else(|error: std::num::ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow => i64::MAX,
            IntErrorKind::NegOverflow => i64::MIN,
            _ => 0,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_spelled_as_sops_spells_them() {
        for (kind, canonical, printed) in [
            (ScalarType::Float, "5", "5.0"),
            (ScalarType::Float, "0.1", "0.1"),
            (ScalarType::Float, "1000000", "1E+06"),
            (ScalarType::Float, "123456", "123456.0"),
            (ScalarType::Float, "1234567.5", "1.2345675E+06"),
            (ScalarType::Float, "0.00001", "1E-05"),
            (ScalarType::Float, "-0", "-0.0"),
            (ScalarType::Float, "+Inf", "+Inf"),
            (ScalarType::Float, "NaN", "NaN"),
            (ScalarType::Boolean, "True", "true"),
            (ScalarType::Time, "2001-12-14T21:59:43.1-05:00", "2001-12-14T21:59:43-05:00"),
            (ScalarType::Integer, "-7", "-7"),
            (ScalarType::Text, "True", "True"),
        ] {
            let text = emit_scalar(kind, &Plaintext::from(canonical.to_owned()));
            assert_eq!(text.expose(), printed.as_bytes());
        }
        let null = emit_value(b"k", &Value::Null).unwrap();
        assert_eq!(null.expose(), b"<nil>");
    }
}
