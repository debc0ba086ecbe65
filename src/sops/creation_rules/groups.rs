//! The key groups of a rule: whom a file is encrypted for.

use super::{
    error::RulesError,
    fields::YamlFields,
    recipient::{RecipientKind, RuleRecipient},
};
use crate::{sops::remote::Service, text::diagnosis::Diagnosis};

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

/// The fields that name recipients directly in a rule.
pub(crate) fn direct_fields() -> impl Iterator<Item = &'static str> {
    RECIPIENTS.iter().map(|(name, _)| *name)
}

/// The key groups of a rule. Recipients directly in the rule make one group; they do not count if the rule has `key_groups`. A
/// field directly in the rule that is of a wrong type is a fault of this rule only, and is added to `faults`.
pub(crate) fn groups(fields: &YamlFields<'_>, faults: &mut Vec<Diagnosis>) -> Result<Vec<Vec<RuleRecipient>>, RulesError> {
    let groups = fields.maps("key_groups", "key group")?;
    if !groups.is_empty() {
        return groups.iter().map(group).collect();
    }
    let mut recipients = Vec::new();
    for (name, kind) in RECIPIENTS {
        let names = match kind {
            RecipientKind::Remote(Service::HuaweiKms) => fields.list(name)?,
            _ => fields.texts(name).unwrap_or_else(|error| {
                faults.push(Diagnosis::new(error.to_string(), "correct that field"));
                Vec::new()
            }),
        };
        recipients.extend(separated(&names).map(|name| of_text(kind, name)));
    }
    Ok(vec![recipients])
}

/// The texts between commas.
fn separated(texts: &[String]) -> impl Iterator<Item = &str> {
    let texts = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
    texts.filter(|text| !text.is_empty())
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

/// One key group, with the groups that are merged into it. Only for age, a text may have several recipients.
fn group(fields: &YamlFields<'_>) -> Result<Vec<RuleRecipient>, RulesError> {
    let mut recipients = Vec::new();
    for merged in fields.maps("merge", "merged key group")? {
        recipients.extend(group(&merged)?);
    }
    let age = fields.list("age")?;
    recipients.extend(separated(&age).map(|name| RuleRecipient::of_rule(RecipientKind::Age, name)));
    for (name, kind) in [
        ("pgp", RecipientKind::Pgp),
        ("hc_vault", RecipientKind::Remote(Service::HashicorpVault)),
    ] {
        let names = fields.list(name)?;
        let names = names.iter().filter(|name| !name.is_empty());
        recipients.extend(names.map(|name| RuleRecipient::of_rule(kind, name)));
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
