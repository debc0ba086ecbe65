//! What the installer asks: one JSON document on standard input.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The version of the conversation that this program has. The installer and this program are made from the same sources, so another
/// version is a mistake of the configuration.
pub(crate) const VERSION: u32 = 1;

/// All entries of all sops files that are still closed, and what the configuration allows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// The version of the conversation: [`VERSION`].
    pub version: u32,
    /// The time for everything that is asked of one service, in seconds.
    #[serde(default = "ten")]
    pub timeout_seconds: u32,
    /// Addresses to which a file may send the credentials of this host: `https://host`, or `https://host:port`.
    #[serde(default)]
    pub allowed_endpoints: Vec<String>,
    /// Addresses of key services of sops, in the order in which they are asked: `unix:///path`, `tcp://host:port`.
    #[serde(default)]
    pub key_services: Vec<String>,
    /// Variables of the configuration.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// A file with further variables, which may be secret.
    #[serde(default)]
    pub environment_file: Option<String>,
    /// The entries. Two that are equal are asked for once.
    pub entries: Vec<Asked>,
}

/// One entry, with the name that the installer knows it by.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The name in the answer.
    pub id: u64,
    /// The key group of a file that the entry is one of. One entry opens it.
    pub group: u64,
    /// The entry.
    pub entry: Entry,
}

/// One entry of the metadata of a sops file, under the name of its list there: a data key that a service has encrypted.
#[derive(Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Entry {
    /// A key of AWS KMS.
    Kms(AwsKey),
    /// A key of Google Cloud KMS.
    GcpKms {
        /// The name of the key: `projects/…/cryptoKeys/…`.
        resource_id: String,
        /// The data key as the service has encrypted it, in base64.
        enc: String,
    },
    /// A key of Azure Key Vault.
    AzureKv(AzureKey),
    /// A key of a transit engine of Vault or OpenBao.
    HcVault(VaultKey),
    /// A key of Huawei Cloud KMS.
    Hckms {
        /// The key: `region:uuid`.
        key_id: String,
        /// The data key as the service has encrypted it.
        enc: String,
    },
}

/// A key of AWS KMS, as the metadata of a file name it.
#[derive(Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub(crate) struct AwsKey {
    /// The ARN of the key or of an alias.
    pub arn: String,
    /// The data key as the service has encrypted it, in base64.
    pub enc: String,
    /// The role to assume before the key is used; may be empty.
    #[serde(default)]
    pub role: String,
    /// The encryption context.
    #[serde(default)]
    pub context: BTreeMap<String, String>,
    /// The profile of the shared files of AWS whose credentials to use; may be empty.
    #[serde(default)]
    pub aws_profile: String,
}

/// A key of Azure Key Vault, as the metadata of a file name it.
#[derive(Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub(crate) struct AzureKey {
    /// The address of the vault.
    pub vault_url: String,
    /// The name of the key.
    pub name: String,
    /// The version of the key; may be empty.
    #[serde(default)]
    pub version: String,
    /// The data key as the service has encrypted it, in base64 for addresses, without padding.
    pub enc: String,
}

/// A key of a transit engine, as the metadata of a file name it.
#[derive(Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub(crate) struct VaultKey {
    /// The address of the server: `https://host:8200`.
    pub vault_address: String,
    /// The path at which the engine is mounted, which may have several segments.
    pub engine_path: String,
    /// The name of the key in the engine.
    pub key_name: String,
    /// The data key as the service has encrypted it: `vault:v1:…`.
    pub enc: String,
}

impl Entry {
    /// The name of the service, for people.
    pub(crate) fn service(&self) -> &'static str {
        match self {
            Self::Kms(_) => "AWS KMS",
            Self::GcpKms { .. } => "Google Cloud KMS",
            Self::AzureKv(_) => "Azure Key Vault",
            Self::HcVault(_) => "Vault transit",
            Self::Hckms { .. } => "Huawei Cloud KMS",
        }
    }

    /// Who is asked for it, as far as the entry says: the service, and its region or its server. One such place may be silent while others are not.
    pub(crate) fn place(&self) -> (&'static str, String) {
        let place = match self {
            Self::Kms(key) => key.arn.split(':').nth(3).unwrap_or_default(),
            Self::GcpKms { .. } => "",
            Self::AzureKv(key) => key.vault_url.as_str(),
            Self::HcVault(key) => key.vault_address.as_str(),
            Self::Hckms { key_id, .. } => key_id.split(':').next().unwrap_or_default(),
        };
        (self.service(), place.to_owned())
    }

    /// The key, in the form in which `.sops.yaml` names it.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Kms(key) => key.arn.clone(),
            Self::GcpKms { resource_id, .. } => resource_id.clone(),
            Self::AzureKv(key) => format!("{}/keys/{}/{}", key.vault_url, key.name, key.version),
            Self::HcVault(key) => format!("{}/v1/{}/keys/{}", key.vault_address, key.engine_path, key.key_name),
            Self::Hckms { key_id, .. } => key_id.clone(),
        }
    }
}

fn ten() -> u32 {
    10
}
