//! Which leaves of a file are encrypted: the six selection rules of the metadata, of which a file has at most one.

use thiserror::Error;

use super::pattern::Pattern;

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

/// More than one rule in a file, by their names.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the file has more than one of the rules that select what is encrypted: {}", .0.join(", "))]
pub struct RuleError(Vec<&'static str>);

/// The rule of a file.
pub(crate) struct Rule {
    matcher: Matcher,
    /// Whether what matches is encrypted, and all else is not; or the other way round.
    encrypts: bool,
}

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
    /// When there is more than one.
    pub(crate) fn new(fields: &RuleFields) -> Result<Self, RuleError> {
        let suffix: fn(&[u8]) -> Matcher = |text| Matcher::Suffix(text.to_vec());
        let key: fn(&[u8]) -> Matcher = |pattern| Matcher::Key(Pattern::new(pattern));
        let comment: fn(&[u8]) -> Matcher = |pattern| Matcher::Comment(Pattern::new(pattern));
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
                matcher: suffix(DEFAULT_UNENCRYPTED_SUFFIX),
                encrypts: false,
            }),
            [(_, text, matcher, encrypts)] => Ok(Self {
                matcher: matcher(text.unwrap_or_default()),
                encrypts: *encrypts,
            }),
            several => Err(RuleError(several.iter().map(|(name, ..)| *name).collect())),
        }
    }

    /// Whether the leaf at `path` is encrypted. The path of a list element or a comment is that of what it is in; a comment is
    /// on the stack itself.
    pub(crate) fn selects(&self, path: &[impl AsRef<[u8]>], comments: &CommentStack, is_comment: bool) -> bool {
        let mut keys = path.iter().map(AsRef::as_ref);
        let found = match &self.matcher {
            Matcher::Suffix(suffix) => keys.any(|key| key.ends_with(suffix)),
            Matcher::Key(pattern) => keys.any(|key| pattern.matches(key)),
            // A comment that begins an encrypted part is not encrypted itself.
            Matcher::Comment(_) => comments.matched(is_comment && self.encrypts),
        };
        found == self.encrypts
    }

    /// Whether the rule is one about comments and matches this one's stored text.
    fn matches_comment(&self, text: &[u8]) -> bool {
        matches!(&self.matcher, Matcher::Comment(pattern) if pattern.matches(text))
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
    /// Any but the last.
    earlier: bool,
    /// The last.
    last: bool,
}

impl CommentStack {
    /// Begins a list or map.
    pub(crate) fn enter(&mut self) {
        self.levels.push(Level::default());
    }

    /// Ends it.
    pub(crate) fn leave(&mut self) {
        self.levels.pop();
    }

    /// Meets a comment, by its stored text, before the comment itself is asked about.
    pub(crate) fn push(&mut self, rule: &Rule, text: &[u8]) {
        if let Some(level) = self.levels.last_mut() {
            *level = Level {
                earlier: level.earlier || level.last,
                last: rule.matches_comment(text),
            };
        }
    }

    /// Has passed an item that is no comment, and whose value is none.
    pub(crate) fn clear(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            *level = Level::default();
        }
    }

    /// Whether any active comment matched, the very last one left out if `but_the_last`.
    fn matched(&self, but_the_last: bool) -> bool {
        let Some((top, below)) = self.levels.split_last() else {
            return false;
        };
        below.iter().any(|level| level.earlier || level.last) || top.earlier || (top.last && !but_the_last)
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

    /// The path of what stands at the top.
    const ROOT: &[&[u8]] = &[];

    fn selected(rule: &Rule, path: &[&str]) -> bool {
        rule.selects(path, &CommentStack::default(), false)
    }

    #[test]
    fn without_a_rule_the_default_suffix_keeps_everything_below_it_in_the_clear() {
        let rule = rule(|_| {});
        assert!(selected(&rule, &["a", "b"]));
        assert!(!selected(&rule, &["a_unencrypted", "b"]));
        assert!(!selected(&rule, &["a", "b_unencrypted"]));
        assert!(selected(&rule, &["a_unencrypted_not"]));
        assert!(selected(&rule, &[]));
    }

    #[test]
    fn an_empty_rule_counts_as_none() {
        let rule = rule(|fields| {
            fields.unencrypted_suffix = Some(b"");
            fields.encrypted_regex = Some(b"^data$");
        });
        assert!(selected(&rule, &["data", "x_unencrypted"]));
        assert!(!selected(&rule, &["metadata"]));
        assert!(!selected(&rule, &[]));
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
            Some(RuleError(vec!["encrypted_suffix", "unencrypted_regex"]))
        );
    }

    #[test]
    fn suffixes_and_patterns_look_at_every_key_of_the_path() {
        let suffix = rule(|fields| fields.encrypted_suffix = Some(b"_enc"));
        assert!(selected(&suffix, &["a_enc", "b"]) && !selected(&suffix, &["a", "b"]));
        let pattern = rule(|fields| fields.unencrypted_regex = Some(b"^pub"));
        assert!(!selected(&pattern, &["public", "b"]) && selected(&pattern, &["a", "b"]));
    }

    #[test]
    fn a_pattern_that_go_refuses_matches_nothing() {
        let encrypted = rule(|fields| fields.encrypted_regex = Some(b"^(data"));
        let unencrypted = rule(|fields| fields.unencrypted_regex = Some(b"^(data"));
        assert!(!selected(&encrypted, &["data"]));
        assert!(selected(&unencrypted, &["data"]));
    }

    #[test]
    fn a_comment_reaches_into_the_item_below_it_and_no_further() {
        let rule = rule(|fields| fields.encrypted_comment_regex = Some(b"enc"));
        let mut comments = CommentStack::default();
        comments.enter();
        comments.push(&rule, b" enc");
        assert!(rule.selects(&["a"], &comments, false));
        assert!(!rule.selects(ROOT, &comments, true), "the comment itself");
        comments.push(&rule, b" other");
        assert!(rule.selects(ROOT, &comments, true), "a comment below it");
        comments.enter();
        comments.push(&rule, b" inner");
        assert!(rule.selects(&["a", "b"], &comments, true));
        comments.clear();
        assert!(rule.selects(&["a", "b"], &comments, false));
        comments.leave();
        comments.clear();
        assert!(!rule.selects(&["c"], &comments, false));
    }

    #[test]
    fn a_comment_that_begins_an_unencrypted_part_is_part_of_it() {
        let rule = rule(|fields| fields.unencrypted_comment_regex = Some(b"plain"));
        let mut comments = CommentStack::default();
        comments.enter();
        assert!(rule.selects(&["a"], &comments, false));
        comments.push(&rule, b"plain");
        assert!(!rule.selects(ROOT, &comments, true));
        assert!(!rule.selects(&["a"], &comments, false));
    }
}
