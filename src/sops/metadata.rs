//! The `sops` section of a file: who can open it, which leaves are encrypted, the document's MAC.

use thiserror::Error;

use super::{
    proof::KeyProof,
    rules::{Rule, RuleError, RuleFields},
    section::SectionError,
    time,
    tree::{Branch, Key, Stored, Value},
};

/// The most keys of a file, in all groups together.
const MOST_KEYS: usize = 10_000;
/// The most groups: a share has its number, which is not 0, in one byte.
const MOST_GROUPS: usize = 255;

/// One way to the data key (or to one share of it).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MasterKey {
    /// An age recipient: `age1…`, `ssh-ed25519 …`, `ssh-rsa …`, `age1pq1…`, or one of a plugin.
    Age {
        /// The recipient as the file names it; it plays no part in decryption.
        recipient: String,
        /// An armoured age file that holds the data key.
        encrypted: String,
    },
    /// An OpenPGP key.
    Pgp {
        /// Its fingerprint as the file names it; it plays no part in decryption.
        fingerprint: String,
        /// An armoured OpenPGP message that holds the data key.
        encrypted: String,
    },
    /// A key held by a key service that is asked over the network.
    Remote {
        /// Which one.
        service: Service,
        /// The key's name at the service, as sops prints it.
        name: String,
    },
}

/// The key services that sops knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// AWS KMS.
    AwsKms,
    /// Google Cloud KMS.
    GcpKms,
    /// Azure Key Vault.
    AzureKeyVault,
    /// `HashiCorp` Vault.
    HashicorpVault,
    /// Huawei Cloud KMS.
    HuaweiKms,
}

/// Keys of which any one opens the group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyGroup {
    /// In the order of the file.
    pub keys: Vec<MasterKey>,
}

/// How the data key is shared out. With one group, the group's key is the data key; with more, each group holds a share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyGroups {
    /// At least one.
    pub groups: Vec<KeyGroup>,
    /// How many groups are needed; counts only with more than one group.
    pub threshold: usize,
}

/// Everything that the `sops` section says and decryption needs. Unknown fields are ignored, and so is the version: every 3.x file
/// decrypts in the same way.
pub struct Metadata {
    /// Who can open the file.
    pub key_groups: KeyGroups,
    /// When sops wrote it, in the form that authenticates the MAC: RFC 3339 with seconds.
    pub last_modified: String,
    /// The MAC, encrypted; empty where there is none.
    pub mac: Vec<u8>,
    /// Only encrypted values count for the MAC.
    pub mac_only_encrypted: bool,
    /// Which leaves are encrypted.
    pub(crate) rule: Rule,
}

/// Why the `sops` section cannot be used.
#[derive(Debug, Error)]
pub enum MetadataError {
    /// It is missing, doubled or not a map.
    #[error(transparent)]
    Section(#[from] SectionError),
    /// A field that must be there is not.
    #[error("the sops metadata has no {0}")]
    Missing(&'static str),
    /// A field has a value that it cannot have.
    #[error("{field} in the sops metadata is not {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// More than one selection rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// More keys than anybody has: trying them all would take a long time.
    #[error("the sops metadata names more than {MOST_KEYS} keys")]
    TooManyKeys,
    /// More groups than there are shares.
    #[error("the sops metadata names more than {MOST_GROUPS} key groups")]
    TooManyGroups,
    /// Nobody could open the file.
    #[error("the sops metadata names no key")]
    NoKeys,
}

impl Metadata {
    /// What tells the file's own data key from any other.
    #[must_use]
    pub fn proof(&self) -> KeyProof {
        KeyProof::new(self.mac.clone(), self.last_modified.clone())
    }

    /// Reads the section, in the one shape that all formats are brought to. The types are taken as loosely as any version of sops
    /// takes them: a number where a string is wanted, a string for a boolean, one value for a list of one.
    ///
    /// # Errors
    /// When something that decryption needs is missing or malformed.
    pub(crate) fn read(section: &Branch<Stored<'_>>) -> Result<Self, MetadataError> {
        let last_modified = text(section, "lastmodified").ok_or(MetadataError::Missing("lastmodified"))?;
        let last_modified = time::to_seconds(&last_modified).ok_or(MetadataError::Field {
            field: "lastmodified",
            expected: "an RFC 3339 time",
        })?;
        Ok(Self {
            key_groups: key_groups(section)?,
            last_modified,
            mac: text(section, "mac").unwrap_or_default().into_bytes(),
            mac_only_encrypted: flag(section, "mac_only_encrypted")?,
            rule: rule(section)?,
        })
    }
}

fn rule(section: &Branch<Stored<'_>>) -> Result<Rule, RuleError> {
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

/// Lists of keys at the top make one group; only where they are all empty, `key_groups` counts.
fn key_groups(section: &Branch<Stored<'_>>) -> Result<KeyGroups, MetadataError> {
    let top = key_group(section);
    let groups: Vec<_> = if top.keys.is_empty() {
        maps(section, "key_groups").map(key_group).collect()
    } else {
        vec![top]
    };
    if groups.is_empty() {
        return Err(MetadataError::NoKeys);
    }
    if groups.len() > MOST_GROUPS {
        return Err(MetadataError::TooManyGroups);
    }
    if groups.iter().map(|group| group.keys.len()).sum::<usize>() > MOST_KEYS {
        return Err(MetadataError::TooManyKeys);
    }
    Ok(KeyGroups {
        groups,
        threshold: threshold(section)?,
    })
}

/// In the order in which sops itself lists the kinds.
fn key_group(section: &Branch<Stored<'_>>) -> KeyGroup {
    let field = |map, name| text(map, name).unwrap_or_default();
    let remote = |service, name| MasterKey::Remote { service, name };
    let mut keys = Vec::new();
    keys.extend(maps(section, "kms").map(|key| remote(Service::AwsKms, field(key, "arn"))));
    keys.extend(maps(section, "gcp_kms").map(|key| remote(Service::GcpKms, field(key, "resource_id"))));
    keys.extend(maps(section, "hckms").map(|key| remote(Service::HuaweiKms, field(key, "key_id"))));
    keys.extend(maps(section, "azure_kv").map(|key| {
        let name = format!(
            "{}/keys/{}/{}",
            field(key, "vault_url"),
            field(key, "name"),
            field(key, "version")
        );
        remote(Service::AzureKeyVault, name)
    }));
    keys.extend(maps(section, "hc_vault").map(|key| {
        let name = format!(
            "{}/v1/{}/keys/{}",
            field(key, "vault_address"),
            field(key, "engine_path"),
            field(key, "key_name")
        );
        remote(Service::HashicorpVault, name)
    }));
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

/// Some versions wrote it as `2.0`.
fn threshold(section: &Branch<Stored<'_>>) -> Result<usize, MetadataError> {
    let Some(text) = text(section, "shamir_threshold").filter(|text| !text.is_empty()) else {
        return Ok(0);
    };
    text.strip_suffix(".0")
        .unwrap_or(&text)
        .parse()
        .map_err(|_| MetadataError::Field {
            field: "shamir_threshold",
            expected: "a whole number",
        })
}

/// The spellings of Go's `strconv.ParseBool`, empty for false.
fn flag(section: &Branch<Stored<'_>>, field: &'static str) -> Result<bool, MetadataError> {
    match text(section, field).unwrap_or_default().as_str() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(MetadataError::Field {
            field,
            expected: "true or false",
        }),
    }
}

/// A field's text, whatever scalar it is.
fn text(map: &Branch<Stored<'_>>, field: &str) -> Option<String> {
    match named(map, field)? {
        Value::Scalar(_, text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

/// The maps of a list, or a map that stands alone.
fn maps<'m, 's>(map: &'m Branch<Stored<'s>>, field: &str) -> impl Iterator<Item = &'m Branch<Stored<'s>>> {
    let elements = match named(map, field) {
        Some(Value::List(elements)) => elements.as_slice(),
        Some(single @ Value::Map(_)) => std::slice::from_ref(single),
        _ => &[],
    };
    elements.iter().filter_map(|element| match element {
        Value::Map(branch) => Some(branch),
        _ => None,
    })
}

/// By its exact name, else in any case. In JSON a name may be there more than once: the last counts, as in sops.
fn named<'m, 's>(map: &'m Branch<Stored<'s>>, field: &str) -> Option<&'m Value<Stored<'s>>> {
    let last = |is_field: fn(&[u8], &[u8]) -> bool| {
        let found = map
            .items
            .iter()
            .rfind(|item| matches!(&item.key, Key::Name(name) if is_field(name, field.as_bytes())));
        found.map(|item| &item.value)
    };
    last(|name, field| name == field).or_else(|| last(<[u8]>::eq_ignore_ascii_case))
}
