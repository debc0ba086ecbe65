//! The `sops` section of a file: its recipient entries, its selection rule and its MAC.

use super::{
    fields::{maps, named, text, texts},
    format::{Flaw, SopsFileError},
    proof::KeyProof,
    remote::RemoteKey,
    rules::{Rule, RuleFields},
    text, time,
    tree::{Branch, Stored, Value},
};

/// Limit: a file may have at most this many recipient entries, in all key groups together. The search for the data key may have to
/// try each entry, and nobody needs so many entries.
const MOST_KEYS: usize = 10_000;
/// Limit: a file may have at most this many key groups. Each key group has one share. The shares are numbered by a byte, from 1
/// to 255.
const MOST_GROUPS: usize = 255;

/// A recipient entry: a recipient, and the data key (or one share of it) encrypted to this recipient. sops calls such an entry
/// a master key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MasterKey {
    /// An entry for an age recipient: `age1…`, `ssh-ed25519 …`, `ssh-rsa …`, `age1pq1…`, or the recipient of an age plugin.
    Age {
        /// The recipient as the file names it. The name is not needed for decryption.
        recipient: String,
        /// An armoured age file that contains the data key or one share of the data key.
        encrypted: String,
    },
    /// An entry for an OpenPGP key.
    Pgp {
        /// The fingerprint of the OpenPGP key as the file names it. The fingerprint is not needed for decryption.
        fingerprint: String,
        /// An armoured OpenPGP message that contains the data key or one share of the data key.
        encrypted: String,
    },
    /// An entry for a key that a key service holds. The installer itself never speaks to a service.
    Remote(RemoteKey),
}

/// A key group: recipient entries of which any one gives the same share of the data key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyGroup {
    /// The recipient entries, sorted by kind in the order in which sops lists the kinds. Entries of one kind are in the order
    /// of the file.
    pub keys: Vec<MasterKey>,
}

/// The key groups of a file. If there is one group, each of its entries holds the data key. If there are several groups, all
/// entries of a group hold the share of this group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyGroups {
    /// The key groups, at least one.
    pub groups: Vec<KeyGroup>,
    /// The number of shares that make the data key: the field `shamir_threshold`, or 0 if the field is missing. The number
    /// counts only if there are several key groups.
    pub threshold: usize,
}

/// The fields of the `sops` section that decryption needs, and the version, which decryption ignores: the files of all versions
/// 3.x decrypt in the same way. All other fields are left out.
pub struct Metadata {
    /// The recipient entries of the file, by key group.
    pub key_groups: KeyGroups,
    /// The time of the last change: RFC 3339 with whole seconds. sops authenticates the MAC with this text.
    pub last_modified: String,
    /// The MAC as an encrypted token; empty if the file has no MAC.
    pub mac: Vec<u8>,
    /// Whether only encrypted values count for the MAC.
    pub mac_only_encrypted: bool,
    /// The version of sops that wrote the file, as the file names it; empty if the file names none.
    pub version: String,
    /// The selection rule of the file, which decides which leaves are encrypted.
    pub(crate) rule: Rule,
    /// Whether the data of a long value may be missing from a field. This counts only if a long value was kept apart.
    pub(crate) may_be_shortened: bool,
}

impl KeyGroups {
    /// The number of key groups in which at least one entry must be opened to get the data key.
    #[must_use]
    pub fn needed(&self) -> usize {
        match (self.groups.len(), self.threshold) {
            (0 | 1, _) => 1,
            // A file without a threshold needs all its groups, since sops splits the data key among all groups when it writes such
            // a file.
            (count, 0) => count,
            // In Shamir's scheme one share is never enough to make the secret, so a threshold of 1 counts as 2.
            (_, threshold) => threshold.max(2),
        }
    }
}

impl Metadata {
    /// The proof of this file, which shows whether a key is the data key.
    #[must_use]
    pub fn proof(&self) -> KeyProof {
        KeyProof::new(self.mac.clone(), self.last_modified.clone())
    }

    /// Reads the `sops` section in its nested shape. The section of a dotenv or INI file was converted to this shape before. A
    /// field accepts every type that any version of sops accepts for it. For example, a number may stand for a string, a string
    /// for a boolean, and one map for a list of one map.
    ///
    /// # Errors
    /// When something that decryption needs is missing or malformed.
    pub(crate) fn read(section: &Branch<Stored<'_>>) -> Result<Self, SopsFileError> {
        let last_modified =
            text(section, "lastmodified").ok_or_else(|| SopsFileError::metadata("the sops metadata has no \"lastmodified\""))?;
        let last_modified =
            time::to_seconds(&last_modified).ok_or_else(|| wrong("lastmodified", "a time such as 2024-01-31T12:00:00Z"))?;
        Ok(Self {
            key_groups: key_groups(section)?,
            last_modified,
            mac: text(section, "mac").unwrap_or_default().into_bytes(),
            mac_only_encrypted: flag(section, "mac_only_encrypted")?,
            version: text(section, "version").unwrap_or_default(),
            rule: rule(section)?,
            may_be_shortened: section.items.iter().any(|item| may_be_shortened(&item.value)),
        })
    }
}

fn may_be_shortened(value: &Value<Stored<'_>>) -> bool {
    match value {
        Value::Scalar(_, text) => text::may_be_shortened(text),
        Value::List(values) => values.iter().any(may_be_shortened),
        Value::Map(branch) => branch.items.iter().any(|item| may_be_shortened(&item.value)),
        Value::Null | Value::Comment(_) => false,
    }
}

fn rule(section: &Branch<Stored<'_>>) -> Result<Rule, SopsFileError> {
    let field = |name| match named(section, name) {
        Some(Value::Scalar(_, text)) => Some(&**text),
        _ => None,
    };
    Rule::new(&RuleFields {
        unencrypted_suffix: field("unencrypted_suffix"),
        encrypted_suffix: field("encrypted_suffix"),
        unencrypted_regex: field("unencrypted_regex"),
        encrypted_regex: field("encrypted_regex"),
        unencrypted_comment_regex: field("unencrypted_comment_regex"),
        encrypted_comment_regex: field("encrypted_comment_regex"),
    })
}

/// Reads the key groups of a file. Recipient entries directly in the section make one group. The field `key_groups` counts only
/// if the section has no such entries.
fn key_groups(section: &Branch<Stored<'_>>) -> Result<KeyGroups, SopsFileError> {
    let top = key_group(section);
    let groups: Vec<_> = if top.keys.is_empty() {
        maps(section, "key_groups").map(key_group).collect()
    } else {
        vec![top]
    };
    if groups.is_empty() {
        return Err(SopsFileError::metadata("the sops metadata names no recipient"));
    }
    if groups.len() > MOST_GROUPS {
        let problem = format!("the sops metadata names more than {MOST_GROUPS} key groups");
        return Err(SopsFileError::metadata(problem));
    }
    if groups.iter().map(|group| group.keys.len()).sum::<usize>() > MOST_KEYS {
        return Err(SopsFileError {
            problem: format!("the sops metadata names more than {MOST_KEYS} keys"),
            flaw: Flaw::TooManyKeys,
        });
    }
    Ok(KeyGroups {
        groups,
        threshold: threshold(section)?,
    })
}

/// Reads one key group. The entries are sorted by kind, in the order in which sops lists the kinds.
fn key_group(section: &Branch<Stored<'_>>) -> KeyGroup {
    let field = |map, name| text(map, name).unwrap_or_default();
    let mut keys: Vec<_> = remote_keys(section).map(MasterKey::Remote).collect();
    keys.extend(maps(section, "pgp").map(|key| MasterKey::Pgp {
        fingerprint: field(key, "fp"),
        encrypted: field(key, "enc"),
    }));
    keys.extend(maps(section, "age").map(|key| MasterKey::Age {
        recipient: field(key, "recipient"),
        encrypted: field(key, "enc"),
    }));
    KeyGroup { keys }
}

/// Reads the entries whose keys key services hold.
fn remote_keys(section: &Branch<Stored<'_>>) -> impl Iterator<Item = RemoteKey> {
    let field = |map, name| text(map, name).unwrap_or_default();
    let kms = maps(section, "kms").map(move |key| RemoteKey::Kms {
        arn: field(key, "arn"),
        role: field(key, "role"),
        context: texts(key, "context"),
        aws_profile: field(key, "aws_profile"),
        enc: field(key, "enc"),
    });
    let gcp_kms = maps(section, "gcp_kms").map(move |key| RemoteKey::GcpKms {
        resource_id: field(key, "resource_id"),
        enc: field(key, "enc"),
    });
    let hckms = maps(section, "hckms").map(move |key| RemoteKey::Hckms {
        key_id: field(key, "key_id"),
        enc: field(key, "enc"),
    });
    let azure_kv = maps(section, "azure_kv").map(move |key| RemoteKey::AzureKv {
        vault_url: field(key, "vault_url"),
        name: field(key, "name"),
        version: field(key, "version"),
        enc: field(key, "enc"),
    });
    let hc_vault = maps(section, "hc_vault").map(move |key| RemoteKey::HcVault {
        vault_address: field(key, "vault_address"),
        engine_path: field(key, "engine_path"),
        key_name: field(key, "key_name"),
        enc: field(key, "enc"),
    });
    kms.chain(gcp_kms).chain(hckms).chain(azure_kv).chain(hc_vault)
}

/// Reads the field `shamir_threshold`. Returns 0 if the field is missing. Some versions of sops wrote a whole number as `2.0`. sops
/// writes any number if there is one key group, and a negative one then counts as little as any other.
fn threshold(section: &Branch<Stored<'_>>) -> Result<usize, SopsFileError> {
    let Some(text) = text(section, "shamir_threshold").filter(|text| !text.is_empty()) else {
        return Ok(0);
    };
    let number = text.strip_suffix(".0").unwrap_or(&text).parse::<i64>();
    let number = number.map_err(|_| wrong("shamir_threshold", "a whole number"))?;
    Ok(usize::try_from(number).unwrap_or(1))
}

/// Reads a boolean field, in any spelling that Go's `strconv.ParseBool` accepts. A missing or empty field is false.
fn flag(section: &Branch<Stored<'_>>, field: &'static str) -> Result<bool, SopsFileError> {
    match text(section, field).unwrap_or_default().as_str() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(wrong(field, "true or false")),
    }
}

/// The error for a metadata field whose value is not valid. `expected` says what the field needs.
fn wrong(field: &str, expected: &str) -> SopsFileError {
    SopsFileError::metadata(format!("\"{field}\" in the sops metadata is not {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::{SopsFile, format::Format};

    /// The entries of key services in a file, as JSON.
    fn remote(format: Format, text: &str) -> Vec<String> {
        let file = SopsFile::parse(format, text.as_bytes()).unwrap();
        let groups = &file.metadata().key_groups.groups;
        let keys = groups.iter().flat_map(|group| &group.keys);
        keys.map(|key| match key {
            MasterKey::Remote(key) => format!("{} {}", key.name(), serde_json::to_string(key).unwrap()),
            other => format!("{other:?}"),
        })
        .collect()
    }

    const KMS: &str = r#"A+R {"kms":{"arn":"A","role":"R","context":{"Env":"prod","Number":"5"},"aws_profile":"P","enc":"E"}}"#;

    #[test]
    fn all_fields_of_key_services_are_kept_in_all_formats() {
        let yaml = "a: 1\nsops:\n  lastmodified: \"2024-01-01T00:00:00Z\"\n  kms:\n  - arn: A\n    role: R\n    context: {Env: prod, Number: 5, \
            Nothing: null}\n    aws_profile: P\n    enc: E\n  gcp_kms:\n  - {resource_id: G, enc: E}\n  azure_kv:\n  - {vault_url: U, name: N, \
            version: V, enc: E}\n  hc_vault:\n  - {vault_address: S, engine_path: a/b, key_name: K, enc: E}\n  hckms:\n  - {key_id: H, enc: E}\n";
        let others = [
            r#"G {"gcp_kms":{"resource_id":"G","enc":"E"}}"#,
            r#"H {"hckms":{"key_id":"H","enc":"E"}}"#,
            r#"U/keys/N/V {"azure_kv":{"vault_url":"U","name":"N","version":"V","enc":"E"}}"#,
            r#"S/v1/a/b/keys/K {"hc_vault":{"vault_address":"S","engine_path":"a/b","key_name":"K","enc":"E"}}"#,
        ];
        assert_eq!(remote(Format::Yaml, yaml), [&[KMS], others.as_slice()].concat());
        let flat = "lastmodified=2024-01-01T00:00:00Z\nkms__list_0__map_arn=A\nkms__list_0__map_role=R\nkms__list_0__map_enc=E\n\
            kms__list_0__map_context__map_Env=prod\nkms__list_0__map_context__map_Number=5\nkms__list_0__map_aws_profile=P\n";
        let dotenv: String = flat.lines().flat_map(|line| ["sops_", line, "\n"]).collect();
        assert_eq!(remote(Format::Dotenv, &dotenv), [KMS]);
        assert_eq!(remote(Format::Ini, &format!("[sops]\n{flat}")), [KMS]);
        let json = r#"{"sops": {"lastmodified": "2024-01-01T00:00:00Z", "kms": [{"arn": "A", "role": "R", "enc": "E",
            "context": {"Env": "prod", "Number": 5}, "aws_profile": "P"}]}}"#;
        for format in [Format::Json, Format::Binary] {
            assert_eq!(remote(format, json), [KMS]);
        }
    }

    #[test]
    fn what_is_missing_or_null_is_empty() {
        let empty = r#"A {"kms":{"arn":"A","role":"","context":{},"aws_profile":"","enc":"E"}}"#;
        for fields in [
            "",
            r#", "role": null, "context": null, "aws_profile": null"#,
            r#", "role": "", "context": {}, "aws_profile": """#,
        ] {
            let text =
                format!(r#"{{"sops": {{"lastmodified": "2024-01-01T00:00:00Z", "kms": [{{"arn": "A", "enc": "E"{fields}}}]}}}}"#);
            assert_eq!(remote(Format::Json, &text), [empty], "{fields}");
        }
    }
}
