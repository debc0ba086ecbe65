//! The `key` of a secret in a manifest: the steps from a document down to one value.

use std::fmt;

use super::tree::{shown, shown_path};

/// One step of a key, from a map or list to a value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyStep {
    /// The step to the value with this name in a map.
    Name(String),
    /// The step to the element at this position of a list, counted from 0. As in sops, comments in the list count as elements. As
    /// the first step, it leads to the document at this position of the file.
    Index(usize),
}

/// The `key` of a secret: the steps from a document down to one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPath {
    /// The steps of the key, outermost first.
    steps: Vec<KeyStep>,
    /// The text of the key, kept only if it begins with `[`. Such a text may be meant as steps in brackets or as names between
    /// slashes.
    spelling: Option<Spelling>,
}

/// The text of a key that begins with a bracket, such as `["a"][0]`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spelling {
    text: String,
    /// The offset, in bytes, at which the steps in brackets end and other text begins. If there is such an offset, the key was
    /// read as names between slashes. `None` if the whole text is steps in brackets.
    fault: Option<usize>,
}

impl KeyPath {
    /// Reads a key in either of two forms: names between slashes, such as `a/b/c`, or steps in brackets, such as
    /// `["a/b"]["c"][0]`. `sops decrypt --extract` takes steps in brackets. A text that is not completely in brackets is read
    /// as names between slashes.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if !text.starts_with('[') {
            return Self::of_names(text);
        }
        let (steps, rest) = bracketed(text);
        let fault = (!rest.is_empty()).then(|| text.len().saturating_sub(rest.len()));
        Self {
            steps: if fault.is_some() { Self::of_names(text).steps } else { steps },
            spelling: Some(Spelling {
                text: text.to_owned(),
                fault,
            }),
        }
    }

    /// The key of the whole file, which has no steps.
    #[must_use]
    pub fn whole() -> Self {
        std::iter::empty().collect()
    }

    /// Whether the key is that of the whole file.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.steps.is_empty()
    }

    /// Reads a text as names between slashes.
    fn of_names(text: &str) -> Self {
        text.split('/').map(|name| KeyStep::Name(name.to_owned())).collect()
    }

    /// The steps of the key, outermost first.
    #[must_use]
    pub fn steps(&self) -> &[KeyStep] {
        &self.steps
    }

    /// The text of a key that begins with a bracket, for a message.
    pub(crate) fn spelled(&self) -> String {
        let text = self.spelling.as_ref().map(|spelling| shown(spelling.text.as_bytes()));
        text.unwrap_or_else(|| self.to_string())
    }

    /// For a key in brackets: the key that results if the same text is read as names between slashes. `None` if the text is not
    /// completely in brackets.
    pub(crate) fn as_names(&self) -> Option<Self> {
        let spelling = self.spelling.as_ref().filter(|spelling| spelling.fault.is_none());
        spelling.map(|spelling| Self::of_names(&spelling.text))
    }

    /// For a key that begins like steps in brackets but continues otherwise: its text, and the position of the first character
    /// that belongs to no step. The position is counted from 1. `None` for any other key.
    pub(crate) fn malformed(&self) -> Option<(String, usize)> {
        let spelling = self.spelling.as_ref()?;
        let good = spelling.text.get(..spelling.fault?)?;
        Some((shown(spelling.text.as_bytes()), good.chars().count().saturating_add(1)))
    }

    /// The key with each dot read as a slash, and without empty names. `None` if a step is a position, or if nothing would
    /// change.
    pub(crate) fn respelled(&self) -> Option<Self> {
        let names = self.steps.iter().map(|step| match step {
            KeyStep::Name(name) => Some(name.split('.')),
            KeyStep::Index(_) => None,
        });
        let names: Vec<_> = names.collect::<Option<_>>()?;
        let parts = names.into_iter().flatten().filter(|part| !part.is_empty());
        let respelled: Self = parts.map(|part| KeyStep::Name(part.to_owned())).collect();
        (respelled.steps != self.steps).then_some(respelled)
    }

    /// The key that consists of only the first `length` steps.
    #[must_use]
    pub fn first(&self, length: usize) -> Self {
        self.steps.iter().take(length).cloned().collect()
    }

    /// The key after one change: `step` replaces the steps from `depth` up to, but not including, `end`.
    pub(crate) fn with(&self, depth: usize, end: usize, step: KeyStep) -> Self {
        let rest = self.steps.iter().skip(end).cloned();
        let steps = self.steps.iter().take(depth).cloned();
        steps.chain([step]).chain(rest).collect()
    }

    /// Whether the key must be printed in brackets, because its names between slashes would be read as another key.
    fn wants_brackets(&self) -> bool {
        let is_special = |step: &KeyStep| !matches!(step, KeyStep::Name(name) if !name.contains('/'));
        self.steps.iter().any(is_special)
            || self
                .steps
                .first()
                .is_some_and(|step| matches!(step, KeyStep::Name(name) if name.starts_with('[')))
    }
}

/// A key as a message shows it: in quotes, so that a reader sees where the key begins and ends. A key in brackets gets no quotes,
/// because its brackets already show this. An empty key gets no further quotes, because it is already written as `""`.
pub(crate) fn marked(key: &str) -> String {
    if key.starts_with(['[', '"']) {
        key.to_owned()
    } else {
        format!("\"{key}\"")
    }
}

impl FromIterator<KeyStep> for KeyPath {
    fn from_iter<I: IntoIterator<Item = KeyStep>>(steps: I) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            spelling: None,
        }
    }
}

/// Reads steps in brackets, such as `["a"]['b'][0]`. Returns the steps, and the text behind the last step. As in sops, there
/// are no escapes: a name ends at the first closing quote with a bracket behind it.
fn bracketed(text: &str) -> (Vec<KeyStep>, &str) {
    let (mut steps, mut rest) = (Vec::new(), text);
    while let Some((step, behind)) = step(rest) {
        steps.push(step);
        rest = behind;
    }
    (steps, rest)
}

/// Reads one step in brackets. Returns the step, and the text behind the step.
fn step(text: &str) -> Option<(KeyStep, &str)> {
    let inside = text.strip_prefix('[')?;
    let quote = inside.chars().next().filter(|first| matches!(first, '"' | '\''));
    match quote {
        Some(quote) => name(inside.get(1..)?, quote),
        None => index(inside),
    }
}

/// Reads a position up to its closing bracket. Returns the step, and the text behind the step.
fn index(text: &str) -> Option<(KeyStep, &str)> {
    let (digits, behind) = text.split_once(']')?;
    Some((KeyStep::Index(position(digits)?), behind))
}

/// The position that a text of digits spells. As in sops, zeros in front do not count. A number that is too large is a position beyond the
/// end of each list.
fn position(digits: &str) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(usize::MAX))
}

/// Reads a name up to the first closing quote with a bracket behind it. Returns the step, and the text behind the step.
fn name(text: &str, quote: char) -> Option<(KeyStep, &str)> {
    let (name, behind) = text.split_once(&format!("{quote}]"))?;
    Some((KeyStep::Name(name.to_owned()), behind))
}

impl KeyStep {
    /// The position in a list that the step leads to. Between slashes, a position is written like a name.
    pub(crate) fn position(&self) -> Option<usize> {
        match self {
            Self::Index(index) => Some(*index),
            Self::Name(name) => position(name),
        }
    }

    /// The name or the position of the step, for a message.
    fn shown(&self) -> String {
        match self {
            Self::Name(name) => shown(name.as_bytes()),
            Self::Index(index) => index.to_string(),
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.wants_brackets() {
            let names = self.steps.iter().map(|step| match step {
                KeyStep::Name(name) => name.as_bytes(),
                KeyStep::Index(_) => b"",
            });
            return match shown_path(&names.collect::<Vec<_>>()) {
                // An empty name would be invisible in a message, so two quotes are printed.
                empty if empty.is_empty() => f.write_str("\"\""),
                names => f.write_str(&names),
            };
        }
        self.steps.iter().try_for_each(|step| match step {
            KeyStep::Name(name) if name.contains("\"]") => write!(f, "['{}']", step.shown()),
            KeyStep::Name(_) => write!(f, "[\"{}\"]", step.shown()),
            KeyStep::Index(index) => write!(f, "[{index}]"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [&str; N]) -> KeyPath {
        names.map(|name| KeyStep::Name(name.to_owned())).into_iter().collect()
    }

    #[test]
    fn both_spellings_are_read() {
        for (text, key) in [
            ("a/b", names(["a", "b"])),
            (r#"["a"]["b"]"#, names(["a", "b"])),
            (r#"["a/b"]['c']"#, names(["a/b", "c"])),
            (r#"["a[b]"]"#, names(["a[b]"])),
            (r#"["q"x"]"#, names(["q\"x"])),
            (r#"['a"]']"#, names(["a\"]"])),
            (r#"[""]"#, names([""])),
            ("[a]", names(["[a]"])),
            (r#"["a"]b"#, names([r#"["a"]b"#])),
            ("[-1]", names(["[-1]"])),
            ("a//b", names(["a", "", "b"])),
            ("[]", names(["[]"])),
            ("[\"a\"", names(["[\"a\""])),
        ] {
            assert_eq!(KeyPath::parse(text).steps(), key.steps(), "{text}");
        }
        let list = [KeyStep::Name("a".to_owned()), KeyStep::Index(0)];
        assert_eq!(KeyPath::parse("[\"a\"][0]").steps(), list);
    }

    #[test]
    fn a_name_of_digits_is_a_position_in_a_list() {
        for (name, position) in [
            ("0", Some(0)),
            ("10", Some(10)),
            ("99999999999999999999999", Some(usize::MAX)),
            ("007", Some(7)),
            ("+1", None),
            ("-1", None),
            ("", None),
            ("1a", None),
        ] {
            assert_eq!(KeyStep::Name(name.to_owned()).position(), position, "{name}");
            // In brackets, the same texts are positions.
            let text = format!("[{name}]");
            let (steps, rest) = bracketed(&text);
            let in_brackets = steps.first().and_then(KeyStep::position);
            assert_eq!((in_brackets, rest.is_empty()), (position, position.is_some()), "[{name}]");
        }
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        for (key, text) in [
            (names(["a", "b"]), "a/b"),
            (names(["a/b", "c"]), r#"["a/b"]["c"]"#),
            (names(["[0]"]), r#"["[0]"]"#),
            (names(["[a]"]), "[\"[a]\"]"),
            (names(["x\"]y/z"]), r#"['x"]y/z']"#),
            (
                [KeyStep::Name("l".to_owned()), KeyStep::Index(2)].into_iter().collect(),
                r#"["l"][2]"#,
            ),
        ] {
            assert_eq!(key.to_string(), text);
            assert_eq!(KeyPath::parse(text).steps(), key.steps());
        }
    }

    #[test]
    fn the_first_character_that_belongs_to_no_step_is_known() {
        for (text, position) in [
            (r#"["é"]["b""#, Some(6)),
            (r#"["a"]/b"#, Some(6)),
            (r#"["a""#, Some(1)),
            ("[a/b]", Some(1)),
            (r#"["a"] ["b"]"#, Some(6)),
            (r#"["a"]["b"]"#, None),
            ("a[0]", None),
        ] {
            assert_eq!(
                KeyPath::parse(text).malformed().map(|(_, position)| position),
                position,
                "{text}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_key_makes_us_panic(text in "[\\[\\]\"'a/0-9é]{0,12}") {
            let key = KeyPath::parse(&text);
            assert!(!key.to_string().is_empty());
        }
    }
}
