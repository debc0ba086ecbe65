//! One creation rule: the files that it is for, the recipients, and what is encrypted.

use super::{
    error::RulesError,
    fields::YamlFields,
    groups::{direct_fields, groups},
    recipient::RuleRecipient,
};
use crate::{
    sops::pattern::Pattern,
    text::{diagnosis::Diagnosis, identity::has_identity, spelling::nearest},
};

/// The fields that select what is encrypted in a file. A rule may have one of them.
const SELECTIONS: [&str; 6] = [
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
];
/// The other fields of a rule.
const OTHERS: [&str; 5] = [
    "path_regex",
    "aws_profile",
    "key_groups",
    "shamir_threshold",
    "mac_only_encrypted",
];

/// One creation rule.
pub(crate) struct CreationRule {
    /// Its number among the rules, counted from 1.
    pub(crate) number: usize,
    /// The key groups.
    pub(crate) groups: Vec<Vec<RuleRecipient>>,
    /// The number of groups that open a file together; 0 if the rule leaves it to sops, which then wants all.
    threshold: i64,
    /// The fields that select what is encrypted, each with its suffix or pattern. Without one, sops encrypts all but what is below
    /// keys that end in `_unencrypted`. By a rule with several, it encrypts nothing.
    selections: Vec<(&'static str, String)>,
    /// Whether the MAC covers the encrypted values alone.
    pub(crate) mac_only_encrypted: bool,
    /// Fields that sops does not know and so ignores, each with the name that was probably meant.
    pub(crate) unknown: Vec<(String, Option<String>)>,
    /// The files that the rule is for. `None` if it is for all.
    path: Option<Pattern>,
    /// Why sops encrypts nothing by this rule, or not what the rule says, although it uses the other rules of the file.
    faults: Vec<Diagnosis>,
}

impl CreationRule {
    pub(crate) fn new(number: usize, fields: &YamlFields<'_>) -> Result<Self, RulesError> {
        let path = fields.text("path_regex")?;
        let mut faults = Vec::new();
        let mut rule = Self {
            number,
            groups: groups(fields, &mut faults)?,
            threshold: fields.number("shamir_threshold")?,
            selections: selections(fields)?,
            mac_only_encrypted: fields.flag("mac_only_encrypted")?,
            unknown: unknown(fields),
            path: (!path.is_empty())
                .then(|| pattern_of("path_regex", number, &path))
                .transpose()?,
            faults,
        };
        let found = [
            rule.identity_fault(),
            rule.pattern_fault()?,
            rule.selection_fault(),
            rule.group_fault(),
            rule.threshold_fault(),
        ];
        rule.faults.extend(found.into_iter().flatten());
        Ok(rule)
    }

    /// Why sops encrypts nothing by this rule, or not what the rule says, although it uses the other rules of the file.
    pub(crate) fn faults(&self) -> &[Diagnosis] {
        &self.faults
    }

    /// Adds a reason why sops encrypts nothing by this rule.
    pub(crate) fn add_fault(&mut self, fault: Diagnosis) {
        self.faults.push(fault);
    }

    /// A private key among the texts that messages show.
    fn identity_fault(&self) -> Option<Diagnosis> {
        let cause = format!("rule {} has a private key where a recipient belongs", self.number);
        self.has_identity()
            .then(|| Diagnosis::new(cause, "replace it by its recipient"))
    }

    /// A pattern that is no regular expression. sops ignores one that selects values, and then encrypts nothing or everything.
    fn pattern_fault(&self) -> Result<Option<Diagnosis>, RulesError> {
        let number = self.number;
        let is_bad_path = self.path.as_ref().is_some_and(|path| !path.is_valid());
        let mut bad = is_bad_path.then_some("path_regex");
        for (name, text) in self.selections.iter().filter(|(name, _)| name.ends_with("_regex")) {
            if !pattern_of(name, number, text)?.is_valid() {
                bad = bad.or(Some(name));
            }
        }
        Ok(bad.map(|name| {
            let cause = format!("\"{name}\" of rule {number} is no regular expression");
            Diagnosis::new(cause, "correct the pattern")
        }))
    }

    /// Several fields that select what is encrypted.
    fn selection_fault(&self) -> Option<Diagnosis> {
        let names: Vec<_> = self.selections.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let cause = format!("rule {} has more than one of {}", self.number, names.join(", "));
        (names.len() > 1).then(|| Diagnosis::new(cause, "remove all but one from that rule"))
    }

    /// A key group without a recipient.
    fn group_fault(&self) -> Option<Diagnosis> {
        let number = self.number;
        let empty = (1..).zip(&self.groups).find(|(_, group)| group.is_empty())?.0;
        Some(match self.groups.len() {
            // A field that is of a wrong type may have been meant for a recipient.
            1 if !self.faults.is_empty() => return None,
            1 => Diagnosis::new(format!("rule {number} names no recipient"), "add recipients to that rule"),
            _ => {
                let cause = format!("key group {empty} of rule {number} names no recipient");
                Diagnosis::new(cause, "add recipients to that group, or remove the group")
            }
        })
    }

    /// A number of key groups that sops refuses.
    fn threshold_fault(&self) -> Option<Diagnosis> {
        let (number, count) = (self.number, self.groups.len());
        let is_possible = count < 2 || self.threshold == 0 || (2..=count).contains(&self.needed());
        (!is_possible).then(|| {
            let cause = format!("rule {number} wants {} of its {count} key groups", self.threshold);
            Diagnosis::new(cause, format!("set shamir_threshold to a number from 2 to {count}"))
        })
    }

    /// Whether there is a private key among the texts that messages show.
    fn has_identity(&self) -> bool {
        let recipients = self.groups.iter().flatten().map(|recipient| &recipient.name);
        let fields = self.unknown.iter().map(|(field, _)| field);
        let selections = self.selections.iter().map(|(_, text)| text);
        recipients.chain(fields).chain(selections).any(|text| has_identity(text))
    }

    /// Whether the rule names files. If not, it is for all files that somebody encrypts, and does not say which those are.
    pub(crate) fn names_files(&self) -> bool {
        self.path.is_some()
    }

    /// The field that selects what is encrypted, with its suffix or pattern; `None` if the rule leaves it to sops.
    pub(crate) fn selection(&self) -> Option<&(&'static str, String)> {
        self.selections.first()
    }

    /// The number of key groups that open a file together.
    pub(crate) fn needed(&self) -> usize {
        match self.threshold {
            0 => self.groups.len(),
            threshold => usize::try_from(threshold).unwrap_or_default(),
        }
    }

    /// Whether the rule is for the file at `path`, counted from the directory of `.sops.yaml`.
    pub(crate) fn is_for(&mut self, path: &[u8]) -> Result<bool, RulesError> {
        let (number, Some(pattern)) = (self.number, &mut self.path) else {
            return Ok(true);
        };
        let fail = |problem: &str| RulesError::new(format!("\"path_regex\" of rule {number} {problem}"));
        if !pattern.is_valid() {
            return Err(fail("is no regular expression"));
        }
        pattern.matches(path).map_err(|problem| fail(&problem.to_string()))
    }
}

fn pattern_of(name: &str, number: usize, text: &str) -> Result<Pattern, RulesError> {
    let fail = |problem| RulesError::new(format!("\"{name}\" of rule {number} {problem}"));
    Pattern::new(text.as_bytes()).map_err(fail)
}

fn selections(fields: &YamlFields<'_>) -> Result<Vec<(&'static str, String)>, RulesError> {
    let mut found = Vec::new();
    for name in SELECTIONS {
        found.push((name, fields.text(name)?));
    }
    found.retain(|(_, text)| !text.is_empty());
    Ok(found)
}

/// The fields that sops ignores, in the order of their names.
fn unknown(fields: &YamlFields<'_>) -> Vec<(String, Option<String>)> {
    let known = || direct_fields().chain(SELECTIONS).chain(OTHERS);
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let mut unknown: Vec<_> = fields
        .names()
        .filter(|name| *name != b"<<" && !known().any(|known| known.as_bytes() == *name))
        .map(|name| (text(name), nearest(&text(name), known().map(str::as_bytes)).map(text)))
        .collect();
    unknown.sort();
    unknown
}
