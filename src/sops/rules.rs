//! Which leaves of a file are encrypted: the six selection rules of the metadata, of which a file has at most one.

use thiserror::Error;

use super::{
    format::{Flaw, SopsFileError},
    pattern::{Pattern, PatternError},
};

/// The `unencrypted_suffix` of a file that names no selection rule.
const DEFAULT_UNENCRYPTED_SUFFIX: &[u8] = b"_unencrypted";

/// The fields of the metadata that hold a selection rule. An empty field counts as missing.
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

/// The rule of a file is a pattern that cannot be followed.
#[derive(Debug, Error)]
#[error("{rule} {problem}")]
pub struct RuleError {
    /// The name of the rule.
    rule: &'static str,
    /// Why.
    problem: PatternError,
}

impl From<RuleError> for SopsFileError {
    fn from(error: RuleError) -> Self {
        Self {
            problem: error.to_string(),
            flaw: Flaw::Pattern,
        }
    }
}

/// The rule of a file.
pub(crate) struct Rule {
    /// The name of the metadata field.
    name: &'static str,
    matcher: Matcher,
    /// True if the matching leaves are encrypted and all others are not; false if it is the other way round.
    encrypts: bool,
}

/// Makes the matcher of a rule from the text of its field.
type Make = fn(&[u8]) -> Result<Matcher, PatternError>;

/// The suffix or pattern of a rule. The variant says what it is compared with.
enum Matcher {
    /// The end of any key on the path.
    Suffix(Vec<u8>),
    /// Any key on the path.
    Key(Pattern),
    /// Any comment directly above the leaf, or directly above a list or map that the leaf is in.
    Comment(Pattern),
}

impl Rule {
    /// The rule of a file with these fields.
    ///
    /// # Errors
    /// When the fields hold more than one rule, or a pattern that is too large.
    pub(crate) fn new(fields: &RuleFields) -> Result<Self, SopsFileError> {
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
                matcher: make(text.unwrap_or_default()).map_err(|problem| RuleError { rule: name, problem })?,
                encrypts: *encrypts,
            }),
            several => {
                let names: Vec<_> = several.iter().map(|(name, ..)| *name).collect();
                Err(SopsFileError::metadata(format!(
                    "the file has more than one of the rules that select what is encrypted: {}",
                    names.join(", ")
                )))
            }
        }
    }

    /// Whether the rule is about keys and matches this one. A match holds for everything below the key, so the caller asks once
    /// for each key, and not again for each leaf.
    ///
    /// # Errors
    /// When that takes too long.
    pub(crate) fn matches_key(&mut self, key: &[u8]) -> Result<bool, RuleError> {
        match &mut self.matcher {
            Matcher::Suffix(suffix) => Ok(key.ends_with(suffix)),
            Matcher::Key(pattern) => pattern.matches(key).map_err(|problem| RuleError {
                rule: self.name,
                problem,
            }),
            Matcher::Comment(_) => Ok(false),
        }
    }

    /// Whether the rule is about comments and matches this one. As in sops, the pattern is matched against the stored text of the
    /// comment, encrypted or not.
    fn matches_comment(&mut self, text: &[u8]) -> Result<bool, RuleError> {
        match &mut self.matcher {
            Matcher::Comment(pattern) => pattern.matches(text).map_err(|problem| RuleError {
                rule: self.name,
                problem,
            }),
            Matcher::Suffix(_) | Matcher::Key(_) => Ok(false),
        }
    }

    /// Whether a leaf or a comment is encrypted. `key_matched`: a key of its path matched; the path of a list element or of a
    /// comment is that of the list or map around it. A comment must already be on the stack `comments`.
    pub(crate) fn selects(&self, key_matched: bool, comments: &CommentStack, is_comment: bool) -> bool {
        let found = match &self.matcher {
            Matcher::Suffix(_) | Matcher::Key(_) => key_matched,
            // With `encrypted_comment_regex`, the comment whose match encrypts what follows is not encrypted itself.
            Matcher::Comment(_) => comments.matched(is_comment && self.encrypts),
        };
        found == self.encrypts
    }
}

/// The comments that are active at a place of the tree: those directly above the place, and those directly above each list and
/// map around it.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommentStack {
    levels: Vec<Level>,
}

/// Whether the active comments of one list or map matched the rule: those since its last item that was no comment.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// Whether an active comment of a list or map around this one matched.
    around: bool,
    /// Whether an active comment other than the latest matched.
    earlier: bool,
    /// Whether the latest comment matched.
    last: bool,
}

impl Level {
    /// Whether any of these comments matched. With `but_the_last`, the latest one does not count.
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

    /// Ends the current list or map.
    pub(crate) fn leave(&mut self) {
        self.levels.pop();
    }

    /// Adds a comment, given its stored text. This must come before [`Rule::selects`] is asked about the comment itself.
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

    /// Forgets the comments of the current list or map, after an item that neither is a comment nor has one as its value.
    pub(crate) fn clear(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            (level.earlier, level.last) = (false, false);
        }
    }

    /// Whether any active comment matched. With `but_the_last`, the latest one does not count.
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
            Rule::new(&fields).err().map(|error| error.problem).as_deref(),
            Some("the file has more than one of the rules that select what is encrypted: encrypted_suffix, unencrypted_regex")
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
