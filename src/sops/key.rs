//! Keys of a manifest: the way from a document down to one value.

use std::fmt;

use super::tree::{shown, shown_path};

/// One step of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into the value of this name.
    Name(String),
    /// To the element with this position, from 0. Comments between the elements count, as they do for sops.
    Index(usize),
}

/// The way from a document down to one value, outermost step first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPath(Vec<Step>);

impl KeyPath {
    /// Reads either spelling: names between slashes, `a/b/c`, or what `sops decrypt --extract` takes, `["a/b"]["c"][0]`. What is not
    /// wholly of the second form is of the first.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(bracketed(text).unwrap_or_else(|| text.split('/').map(|name| Step::Name(name.to_owned())).collect()))
    }

    /// The steps, outermost first.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The first steps.
    #[must_use]
    pub fn first(&self, length: usize) -> Self {
        Self(self.0.iter().take(length).cloned().collect())
    }

    /// The way with other steps in the place of those from `depth` up to `end`.
    pub(super) fn with(&self, depth: usize, end: usize, step: Step) -> Self {
        let rest = self.0.iter().skip(end).cloned();
        let steps = self.0.iter().take(depth).cloned();
        Self(steps.chain([step]).chain(rest).collect())
    }

    /// Whether names between slashes would be read as something else.
    fn wants_brackets(&self) -> bool {
        let is_special = |step: &Step| !matches!(step, Step::Name(name) if !name.contains('/'));
        self.0.iter().any(is_special)
            || self
                .0
                .first()
                .is_some_and(|step| matches!(step, Step::Name(name) if name.starts_with('[')))
    }
}

/// The steps of `["a"]['b'][0]`. Like sops, without escapes: a name ends before its quote and a bracket.
fn bracketed(text: &str) -> Option<Vec<Step>> {
    let (mut steps, mut rest) = (Vec::new(), text);
    while let Some(inside) = rest.strip_prefix('[') {
        let quote = inside.chars().next().filter(|first| matches!(first, '"' | '\''));
        let (step, behind) = match quote {
            Some(quote) => name(inside.get(1..)?, quote)?,
            None => index(inside)?,
        };
        steps.push(step);
        rest = behind;
    }
    (rest.is_empty() && !steps.is_empty()).then_some(steps)
}

/// A position up to its bracket, and what follows.
fn index(text: &str) -> Option<(Step, &str)> {
    let (digits, behind) = text.split_once(']')?;
    Some((Step::Index(digits.parse().ok()?), behind))
}

/// A name up to the first quote with a bracket behind it at which the text ends or the next step begins, and what follows.
fn name(text: &str, quote: char) -> Option<(Step, &str)> {
    let end: String = [quote, ']'].iter().collect();
    let ends = text.match_indices(&end).map(|(position, _)| position);
    ends.filter_map(|position| Some((text.get(..position)?, text.get(position.checked_add(2)?..)?)))
        .find(|(_, behind)| behind.is_empty() || behind.starts_with('['))
        .map(|(name, behind)| (Step::Name(name.to_owned()), behind))
}

impl Step {
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
            let names = self.0.iter().map(|step| match step {
                Step::Name(name) => name.as_bytes(),
                Step::Index(_) => b"",
            });
            return match shown_path(&names.collect::<Vec<_>>()) {
                // It would not be seen.
                empty if empty.is_empty() => f.write_str("\"\""),
                names => f.write_str(&names),
            };
        }
        self.0.iter().try_for_each(|step| match step {
            Step::Name(name) if name.contains("\"]") => write!(f, "['{}']", step.shown()),
            Step::Name(_) => write!(f, "[\"{}\"]", step.shown()),
            Step::Index(index) => write!(f, "[{index}]"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [&str; N]) -> KeyPath {
        KeyPath(names.map(|name| Step::Name(name.to_owned())).to_vec())
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
            assert_eq!(KeyPath::parse(text), key, "{text}");
        }
        let list = KeyPath(vec![Step::Name("a".to_owned()), Step::Index(0)]);
        assert_eq!(KeyPath::parse("[\"a\"][0]"), list);
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        for (key, text) in [
            (names(["a", "b"]), "a/b"),
            (names(["a/b", "c"]), r#"["a/b"]["c"]"#),
            (names(["[0]"]), r#"["[0]"]"#),
            (names(["[a]"]), "[\"[a]\"]"),
            (names(["x\"]y/z"]), r#"['x"]y/z']"#),
            (KeyPath(vec![Step::Name("l".to_owned()), Step::Index(2)]), r#"["l"][2]"#),
        ] {
            assert_eq!(key.to_string(), text);
            assert_eq!(KeyPath::parse(text), key);
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
