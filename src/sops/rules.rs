//! The six selection rules of the metadata, which decide which leaves of a file are encrypted. A file has at most one of them.

use thiserror::Error;

use super::{
    format::{Flaw, SopsFileError},
    pattern::{Pattern, PatternError},
};

/// The value of `unencrypted_suffix` for a file that names no selection rule.
const DEFAULT_UNENCRYPTED_SUFFIX: &[u8] = b"_unencrypted";

/// The metadata fields that can hold a selection rule. An empty field counts as missing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RuleFields<'a> {
    /// A suffix of keys. Leaves below a key with this suffix are not encrypted, and all other leaves are.
    pub(crate) unencrypted_suffix: Option<&'a [u8]>,
    /// A suffix of keys. Leaves below a key with this suffix are encrypted, and no other leaves are.
    pub(crate) encrypted_suffix: Option<&'a [u8]>,
    /// A pattern of keys. Leaves below a key that matches are not encrypted, and all other leaves are.
    pub(crate) unencrypted_regex: Option<&'a [u8]>,
    /// A pattern of keys. Leaves below a key that matches are encrypted, and no other leaves are.
    pub(crate) encrypted_regex: Option<&'a [u8]>,
    /// A pattern of comments. Leaves below a comment that matches are not encrypted, and all other leaves are.
    pub(crate) unencrypted_comment_regex: Option<&'a [u8]>,
    /// A pattern of comments. Leaves below a comment that matches are encrypted, and no other leaves are.
    pub(crate) encrypted_comment_regex: Option<&'a [u8]>,
}

/// The error for a selection rule whose pattern cannot be followed.
#[derive(Debug, Error)]
#[error("\"{rule}\" in the sops metadata {problem}")]
pub struct RuleError {
    /// The name of the selection rule.
    rule: &'static str,
    /// The reason why the pattern cannot be followed.
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

/// The selection rule of a file.
pub(crate) struct Rule {
    /// The name of the metadata field that holds the rule.
    name: &'static str,
    /// The suffix or the pattern, as the metadata field has it.
    text: Vec<u8>,
    matcher: Matcher,
    /// Whether the matching leaves are encrypted and all others are not. If false, all leaves except the matching ones are
    /// encrypted.
    encrypts: bool,
}

/// A function that makes the matcher of a rule from the text of the metadata field.
type Make = fn(&[u8]) -> Result<Matcher, PatternError>;

/// The suffix or the pattern of a selection rule. The variant tells what the suffix or pattern is compared with.
enum Matcher {
    /// A suffix, compared with the end of every key on the path of a leaf.
    Suffix(Vec<u8>),
    /// A pattern, compared with every key on the path of a leaf.
    Key(Pattern),
    /// A pattern, compared with the comments directly above a leaf, and with those directly above each list or map around the
    /// leaf.
    Comment(Pattern),
}

impl Rule {
    /// The selection rule of a file with these metadata fields.
    ///
    /// # Errors
    /// When more than one field holds a rule, or when a pattern is too large.
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
                text: DEFAULT_UNENCRYPTED_SUFFIX.to_vec(),
                matcher: Matcher::Suffix(DEFAULT_UNENCRYPTED_SUFFIX.to_vec()),
                encrypts: false,
            }),
            [(name, text, make, encrypts)] => Ok(Self {
                name,
                text: text.unwrap_or_default().to_vec(),
                matcher: make(text.unwrap_or_default()).map_err(|problem| RuleError { rule: name, problem })?,
                encrypts: *encrypts,
            }),
            several => {
                let names: Vec<_> = several.iter().map(|(name, ..)| *name).collect();
                Err(SopsFileError::metadata(format!(
                    "the sops metadata has more than one rule that selects values to encrypt: {}",
                    names.join(", ")
                )))
            }
        }
    }

    /// The name of the metadata field that holds the rule, and the suffix or the pattern in it.
    pub(crate) fn field(&self) -> (&'static str, &[u8]) {
        (self.name, &self.text)
    }

    /// Whether the rule is about keys and matches this key. A match holds for everything below the key. So the caller asks once
    /// for each key, and not again for each leaf.
    ///
    /// # Errors
    /// When the match takes too long.
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

    /// Whether the rule is about comments and matches this comment. As in sops, the pattern is compared with the stored text of
    /// the comment, which may be encrypted.
    fn matches_comment(&mut self, text: &[u8]) -> Result<bool, RuleError> {
        match &mut self.matcher {
            Matcher::Comment(pattern) => pattern.matches(text).map_err(|problem| RuleError {
                rule: self.name,
                problem,
            }),
            Matcher::Suffix(_) | Matcher::Key(_) => Ok(false),
        }
    }

    /// Whether the rule selects a leaf or a comment for encryption. `key_matched` says whether the rule matched a key on the
    /// path. A list element or a comment has the path of the list or map around it. A comment must already be on the stack
    /// `comments`.
    pub(crate) fn selects(&self, key_matched: bool, comments: &CommentStack, is_comment: bool) -> bool {
        let found = match &self.matcher {
            Matcher::Suffix(_) | Matcher::Key(_) => key_matched,
            // With `encrypted_comment_regex`, a matching comment selects the items below for encryption, but is not encrypted
            // itself.
            Matcher::Comment(_) => comments.matched(is_comment && self.encrypts),
        };
        found == self.encrypts
    }
}

/// The comments that are active at a place of the tree. An active comment is directly above the place, or directly above a list
/// or map around the place.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommentStack {
    levels: Vec<Level>,
}

/// Whether active comments of one list or map matched the rule. A comment is active until the next item that is no comment has
/// ended.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// Whether an active comment of a list or map further out matched the selection rule.
    around: bool,
    /// Whether an active comment other than the latest comment matched the selection rule.
    earlier: bool,
    /// Whether the latest active comment matched the selection rule.
    last: bool,
}

impl Level {
    /// Whether any active comment of this level, or of a level further out, matched the selection rule. With `but_the_last`,
    /// the latest comment does not count.
    fn matched(self, but_the_last: bool) -> bool {
        self.around || self.earlier || (self.last && !but_the_last)
    }
}

impl CommentStack {
    /// Adds a level to the stack of comments, for a list or map that begins.
    pub(crate) fn enter(&mut self) {
        self.levels.push(Level {
            around: self.matched(false),
            ..Level::default()
        });
    }

    /// Removes a level from the stack of comments, for the list or map that ends.
    pub(crate) fn leave(&mut self) {
        self.levels.pop();
    }

    /// Adds a comment to the current list or map, given the stored text of the comment. This call must come before
    /// [`Rule::selects`] is called for the same comment.
    ///
    /// # Errors
    /// When the match takes too long.
    pub(crate) fn push(&mut self, rule: &mut Rule, text: &[u8]) -> Result<(), RuleError> {
        if let Some(level) = self.levels.last_mut() {
            level.earlier |= level.last;
            level.last = rule.matches_comment(text)?;
        }
        Ok(())
    }

    /// Removes the comments of the current list or map. Callers do so after each item, unless the item is a comment or has a
    /// comment as its value.
    pub(crate) fn clear(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            (level.earlier, level.last) = (false, false);
        }
    }

    /// Whether any active comment matched the selection rule. With `but_the_last`, the latest comment does not count.
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

    /// Whether the rule selects the item below these comments for encryption. If `is_comment` is true, whether the rule selects the
    /// last of these comments.
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
            Some("the sops metadata has more than one rule that selects values to encrypt: encrypted_suffix, unencrypted_regex")
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
