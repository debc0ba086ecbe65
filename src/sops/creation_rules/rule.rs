//! One creation rule: the files that it is for, the recipients, and what is encrypted.

use super::{
    error::RulesError,
    fields::YamlFields,
    recipient::{RecipientKind, RuleRecipient},
};
use crate::{
    sops::{metadata::Service, pattern::Pattern},
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
/// The fields that name recipients directly in a rule, in the order of sops.
const RECIPIENTS: [(&str, RecipientKind); 7] = [
    ("age", RecipientKind::Age),
    ("pgp", RecipientKind::Pgp),
    ("kms", RecipientKind::Remote(Service::AwsKms)),
    ("gcp_kms", RecipientKind::Remote(Service::GcpKms)),
    ("hckms", RecipientKind::Remote(Service::HuaweiKms)),
    ("azure_keyvault", RecipientKind::Remote(Service::AzureKeyVault)),
    ("hc_vault_transit_uri", RecipientKind::Remote(Service::HashicorpVault)),
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
    threshold: usize,
    /// The fields that select what is encrypted, each with its suffix or pattern. Without one, sops encrypts all but what is below
    /// keys that end in `_unencrypted`. By a rule with several, it encrypts nothing.
    selections: Vec<(&'static str, String)>,
    /// Whether the MAC covers the encrypted values alone.
    pub(crate) mac_only_encrypted: bool,
    /// Fields that sops does not know and so ignores, each with the name that was probably meant.
    pub(crate) unknown: Vec<(String, Option<String>)>,
    /// The files that the rule is for. `None` if it is for all.
    path: Option<Pattern>,
}

impl CreationRule {
    pub(crate) fn new(number: usize, fields: &YamlFields<'_>) -> Result<Self, RulesError> {
        let path = fields.text("path_regex")?;
        let rule = Self {
            number,
            groups: groups(fields)?,
            threshold: fields.number("shamir_threshold")?,
            selections: selections(fields)?,
            mac_only_encrypted: fields.flag("mac_only_encrypted")?,
            unknown: unknown(fields),
            path: (!path.is_empty()).then(|| pattern(number, &path)).transpose()?,
        };
        if rule.has_identity() {
            let problem = format!("rule {number} has a private key where a recipient belongs");
            return Err(RulesError::new(problem));
        }
        Ok(rule)
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

    /// Why sops encrypts nothing by this rule, although it uses the other rules of the file. `None` if it does.
    pub(crate) fn fault(&self) -> Option<Diagnosis> {
        let (number, groups) = (self.number, self.groups.len());
        if self.groups.iter().any(Vec::is_empty) {
            let cause = format!("rule {number} names no recipient");
            return Some(Diagnosis::new(cause, "add recipients to that rule"));
        }
        if self.selections.len() > 1 {
            let names: Vec<_> = self.selections.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let cause = format!("rule {number} has more than one of {}", names.join(", "));
            return Some(Diagnosis::new(cause, "remove all but one from that rule"));
        }
        let is_possible = groups < 2 || self.threshold == 0 || (2..=groups).contains(&self.threshold);
        (!is_possible).then(|| {
            let cause = format!("rule {number} wants {} of its {groups} key groups", self.threshold);
            Diagnosis::new(cause, format!("set shamir_threshold to a number from 2 to {groups}"))
        })
    }

    /// The number of key groups that open a file together.
    pub(crate) fn needed(&self) -> usize {
        match self.threshold {
            0 => self.groups.len(),
            threshold => threshold,
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

fn pattern(number: usize, text: &str) -> Result<Pattern, RulesError> {
    let fail = |problem| RulesError::new(format!("\"path_regex\" of rule {number} {problem}"));
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

/// The key groups of a rule. Recipients directly in the rule make one group; they do not count if the rule has `key_groups`.
fn groups(fields: &YamlFields<'_>) -> Result<Vec<Vec<RuleRecipient>>, RulesError> {
    let groups = fields.maps("key_groups", "key group")?;
    if !groups.is_empty() {
        return groups.iter().map(group).collect();
    }
    let mut recipients = Vec::new();
    for (name, kind) in RECIPIENTS {
        let names = fields.texts(name)?;
        recipients.extend(names.iter().map(|name| of_text(kind, name)));
    }
    Ok(vec![recipients])
}

/// A recipient directly in a rule. There, the version of an Azure key may be missing with its slash.
fn of_text(kind: RecipientKind, name: &str) -> RuleRecipient {
    match kind {
        RecipientKind::Remote(Service::AzureKeyVault) if name.trim_end_matches('/').split('/').count() < 6 => {
            RuleRecipient::of_rule(kind, &format!("{}/", name.trim_end_matches('/')))
        }
        _ => RuleRecipient::of_rule(kind, name),
    }
}

/// One key group, with the groups that are merged into it.
fn group(fields: &YamlFields<'_>) -> Result<Vec<RuleRecipient>, RulesError> {
    let mut recipients = Vec::new();
    for merged in fields.maps("merge", "merged key group")? {
        recipients.extend(group(&merged)?);
    }
    for (name, kind) in [
        ("age", RecipientKind::Age),
        ("pgp", RecipientKind::Pgp),
        ("hc_vault", RecipientKind::Remote(Service::HashicorpVault)),
    ] {
        let names = fields.list(name)?;
        recipients.extend(names.iter().map(|name| RuleRecipient::of_rule(kind, name)));
    }
    for key in fields.maps("kms", "key")? {
        let role = Some(key.text("role")?).filter(|role| !role.is_empty());
        let role = role.map(|role| format!("+{role}")).unwrap_or_default();
        let name = key.text("arn")? + &role;
        recipients.push(RuleRecipient::of_rule(RecipientKind::Remote(Service::AwsKms), &name));
    }
    for (list, field, service) in [
        ("gcp_kms", "resource_id", Service::GcpKms),
        ("hckms", "key_id", Service::HuaweiKms),
    ] {
        for key in fields.maps(list, "key")? {
            recipients.push(RuleRecipient::of_rule(RecipientKind::Remote(service), &key.text(field)?));
        }
    }
    for key in fields.maps("azure_keyvault", "key")? {
        let name = format!("{}/keys/{}/{}", key.text("vaultUrl")?, key.text("key")?, key.text("version")?);
        recipients.push(RuleRecipient::of_rule(RecipientKind::Remote(Service::AzureKeyVault), &name));
    }
    Ok(recipients)
}

/// The fields that sops ignores, in the order of their names.
fn unknown(fields: &YamlFields<'_>) -> Vec<(String, Option<String>)> {
    let known = || RECIPIENTS.iter().map(|(name, _)| *name).chain(SELECTIONS).chain(OTHERS);
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let mut unknown: Vec<_> = fields
        .names()
        .filter(|name| *name != b"<<" && !known().any(|known| known.as_bytes() == *name))
        .map(|name| (text(name), nearest(&text(name), known().map(str::as_bytes)).map(text)))
        .collect();
    unknown.sort();
    unknown
}
