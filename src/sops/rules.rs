//! Which leaves of a file are encrypted: the six selection rules of the metadata, of which a file has at most one.

use thiserror::Error;

use super::pattern::{Pattern, PatternError};

/// The suffix that applies where a file names no rule.
const DEFAULT_UNENCRYPTED_SUFFIX: &[u8] = b"_unencrypted";

/// The rules as the metadata has them. An empty one counts as none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RuleFields<'a> {
    /// Leaves below a key with this suffix are not encrypted, all others are.
    pub(crate) unencrypted_suffix: Option<&'a [u8]>,
    /// Leaves below a key with this suffix are encrypted, no others are.
    pub(crate) encrypted_suffix: Option<&'a [u8]>,
    /// Leaves below a key that this matches are not encrypted, all others are.
    pub(crate) unencrypted_regex: Option<&'a [u8]>,
    /// Leaves below a key that this matches are encrypted, no others are.
    pub(crate) encrypted_regex: Option<&'a [u8]>,
    /// Leaves below a comment that this matches are not encrypted, all others are.
    pub(crate) unencrypted_comment_regex: Option<&'a [u8]>,
    /// Leaves below a comment that this matches are encrypted, no others are.
    pub(crate) encrypted_comment_regex: Option<&'a [u8]>,
}

/// Why a file's rule cannot be followed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RuleError {
    /// More than one, by their names.
    #[error("the file has more than one of the rules that select what is encrypted: {}", .0.join(", "))]
    Several(Vec<&'static str>),
    /// One whose pattern is too much, by its name.
    #[error("{0} {1}")]
    Pattern(&'static str, PatternError),
}

/// The rule of a file.
pub(crate) struct Rule {
    /// The field that it stands in.
    name: &'static str,
    matcher: Matcher,
    /// Whether what matches is encrypted, and all else is not; or the other way round.
    encrypts: bool,
}

/// How a rule is made of its field's text.
type Make = fn(&[u8]) -> Result<Matcher, PatternError>;

/// What a rule looks at.
enum Matcher {
    /// The end of any key on the path.
    Suffix(Vec<u8>),
    /// Any key on the path.
    Key(Pattern),
    /// Any comment above the leaf or above what it is in.
    Comment(Pattern),
}

impl Rule {
    /// The rule of a file with these fields.
    ///
    /// # Errors
    /// When there is more than one, or a pattern that is too large.
    pub(crate) fn new(fields: &RuleFields) -> Result<Self, RuleError> {
        let suffix: Make = |text| Ok(Matcher::Suffix(text.to_vec()));
        let key: Make = |pattern| Pattern::new(pattern).map(Matcher::Key);
        let comment: Make = |pattern| Pattern::new(pattern).map(Matcher::Comment);
        let mut present = Vec::from([
            ("unencrypted_suffix", fields.unencrypted_suffix, suffix, false),
            ("encrypted_suffix", fields.encrypted_suffix, suffix, true),
            ("unencrypted_regex", fields.unencrypted_regex, key, false),
            ("encrypted_regex", fields.encrypted_regex, key, true),
            ("unencrypted_comment_regex", fields.unencrypted_comment_regex, comment, false),
            ("encrypted_comment_regex", fields.encrypted_comment_regex, comment, true),
        ]);
        present.retain(|(_, text, _, _)| text.is_some_and(|text| !text.is_empty()));
        match present.as_slice() {
            [] => Ok(Self {
                name: "unencrypted_suffix",
                matcher: Matcher::Suffix(DEFAULT_UNENCRYPTED_SUFFIX.to_vec()),
                encrypts: false,
            }),
            [(name, text, make, encrypts)] => Ok(Self {
                name,
                matcher: make(text.unwrap_or_default()).map_err(|error| RuleError::Pattern(name, error))?,
                encrypts: *encrypts,
            }),
            several => Err(RuleError::Several(several.iter().map(|(name, ..)| *name).collect())),
        }
    }

    /// Whether the rule is one about keys and matches this one. What it matches it matches with all that is below, so each key is asked
    /// about once, and not again for each leaf.
    ///
    /// # Errors
    /// When that takes too long.
    pub(crate) fn matches_key(&mut self, key: &[u8]) -> Result<bool, RuleError> {
        match &mut self.matcher {
            Matcher::Suffix(suffix) => Ok(key.ends_with(suffix)),
            Matcher::Key(pattern) => pattern.matches(key).map_err(|error| RuleError::Pattern(self.name, error)),
            Matcher::Comment(_) => Ok(false),
        }
    }

    /// Whether the rule is one about comments and matches this one's stored text.
    fn matches_comment(&mut self, text: &[u8]) -> Result<bool, RuleError> {
        match &mut self.matcher {
            Matcher::Comment(pattern) => pattern.matches(text).map_err(|error| RuleError::Pattern(self.name, error)),
            Matcher::Suffix(_) | Matcher::Key(_) => Ok(false),
        }
    }

    /// Whether a leaf is encrypted, told whether a key on its path matched. The path of a list element or a comment is that of what it is
    /// in; a comment is on the stack itself.
    pub(crate) fn selects(&self, key_matched: bool, comments: &CommentStack, is_comment: bool) -> bool {
        let found = match &self.matcher {
            Matcher::Suffix(_) | Matcher::Key(_) => key_matched,
            // A comment that begins an encrypted part is not encrypted itself.
            Matcher::Comment(_) => comments.matched(is_comment && self.encrypts),
        };
        found == self.encrypts
    }
}

/// The comments that are active at a place of the tree: those directly above it, and above each list and map that it is in.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommentStack {
    levels: Vec<Level>,
}

/// Whether comments of one list or map matched, since its last item that was none.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// Any of those around it.
    around: bool,
    /// Any but the last.
    earlier: bool,
    /// The last.
    last: bool,
}

impl Level {
    /// Whether any did, the very last one left out if `but_the_last`.
    fn matched(self, but_the_last: bool) -> bool {
        self.around || self.earlier || (self.last && !but_the_last)
    }
}

impl CommentStack {
    /// Begins a list or map.
    pub(crate) fn enter(&mut self) {
        self.levels.push(Level {
            around: self.matched(false),
            ..Level::default()
        });
    }

    /// Ends it.
    pub(crate) fn leave(&mut self) {
        self.levels.pop();
    }

    /// Meets a comment, by its stored text, before the comment itself is asked about.
    ///
    /// # Errors
    /// When the rule takes too long.
    pub(crate) fn push(&mut self, rule: &mut Rule, text: &[u8]) -> Result<(), RuleError> {
        if let Some(level) = self.levels.last_mut() {
            level.earlier |= level.last;
            level.last = rule.matches_comment(text)?;
        }
        Ok(())
    }

    /// Has passed an item that is no comment, and whose value is none.
    pub(crate) fn clear(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            (level.earlier, level.last) = (false, false);
        }
    }

    /// Whether any active comment matched, the very last one left out if `but_the_last`.
    fn matched(&self, but_the_last: bool) -> bool {
        self.levels.last().is_some_and(|level| level.matched(but_the_last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(fill: impl FnOnce(&mut RuleFields)) -> Rule {
        let mut fields = RuleFields::default();
        fill(&mut fields);
        Rule::new(&fields).unwrap()
    }

    fn selected(rule: &mut Rule, path: &[&str]) -> bool {
        let key_matched = path.iter().any(|key| rule.matches_key(key.as_bytes()).unwrap());
        rule.selects(key_matched, &CommentStack::default(), false)
    }

    /// Whether what stands below these comments is encrypted, or the last of them.
    fn reached(rule: &Rule, comments: &CommentStack, is_comment: bool) -> bool {
        rule.selects(false, comments, is_comment)
    }

    #[test]
    fn without_a_rule_the_default_suffix_keeps_everything_below_it_in_the_clear() {
        let mut rule = rule(|_| {});
        assert!(selected(&mut rule, &["a", "b"]));
        assert!(!selected(&mut rule, &["a_unencrypted", "b"]));
        assert!(!selected(&mut rule, &["a", "b_unencrypted"]));
        assert!(selected(&mut rule, &["a_unencrypted_not"]));
        assert!(selected(&mut rule, &[]));
    }

    #[test]
    fn an_empty_rule_counts_as_none() {
        let mut rule = rule(|fields| {
            fields.unencrypted_suffix = Some(b"");
            fields.encrypted_regex = Some(b"^data$");
        });
        assert!(selected(&mut rule, &["data", "x_unencrypted"]));
        assert!(!selected(&mut rule, &["metadata"]));
        assert!(!selected(&mut rule, &[]));
    }

    #[test]
    fn two_rules_are_refused_by_name() {
        let fields = RuleFields {
            encrypted_suffix: Some(b"_x"),
            unencrypted_regex: Some(b"y"),
            ..RuleFields::default()
        };
        assert_eq!(
            Rule::new(&fields).err(),
            Some(RuleError::Several(vec!["encrypted_suffix", "unencrypted_regex"]))
        );
    }

    #[test]
    fn suffixes_and_patterns_look_at_every_key_of_the_path() {
        let mut suffix = rule(|fields| fields.encrypted_suffix = Some(b"_enc"));
        assert!(selected(&mut suffix, &["a_enc", "b"]) && !selected(&mut suffix, &["a", "b"]));
        let mut pattern = rule(|fields| fields.unencrypted_regex = Some(b"^pub"));
        assert!(!selected(&mut pattern, &["public", "b"]) && selected(&mut pattern, &["a", "b"]));
    }

    #[test]
    fn a_pattern_that_go_refuses_matches_nothing() {
        let mut encrypted = rule(|fields| fields.encrypted_regex = Some(b"^(data"));
        let mut unencrypted = rule(|fields| fields.unencrypted_regex = Some(b"^(data"));
        assert!(!selected(&mut encrypted, &["data"]));
        assert!(selected(&mut unencrypted, &["data"]));
    }

    #[test]
    fn a_comment_reaches_into_the_item_below_it_and_no_further() {
        let mut rule = rule(|fields| fields.encrypted_comment_regex = Some(b"enc"));
        let mut comments = CommentStack::default();
        comments.enter();
        comments.push(&mut rule, b" enc").unwrap();
        assert!(reached(&rule, &comments, false));
        assert!(!reached(&rule, &comments, true), "the comment itself");
        comments.push(&mut rule, b" other").unwrap();
        assert!(reached(&rule, &comments, true), "a comment below it");
        comments.enter();
        comments.push(&mut rule, b" inner").unwrap();
        assert!(reached(&rule, &comments, true));
        comments.clear();
        assert!(reached(&rule, &comments, false));
        comments.leave();
        comments.clear();
        assert!(!reached(&rule, &comments, false));
    }

    #[test]
    fn a_comment_that_begins_an_unencrypted_part_is_part_of_it() {
        let mut rule = rule(|fields| fields.unencrypted_comment_regex = Some(b"plain"));
        let mut comments = CommentStack::default();
        comments.enter();
        assert!(reached(&rule, &comments, false));
        comments.push(&mut rule, b"plain").unwrap();
        assert!(!reached(&rule, &comments, true));
        assert!(!reached(&rule, &comments, false));
    }
}
