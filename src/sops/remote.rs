//! Recipient entries whose key a key service holds, such as that of a cloud.

use std::collections::BTreeMap;

use serde::Serialize;

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
    /// `HashiCorp` Vault, or `OpenBao`.
    HashicorpVault,
    /// Huawei Cloud KMS.
    HuaweiKms,
}

/// A recipient entry whose key a key service holds. As JSON, the entry is what `sops-key-services` reads: the name of its list in
/// the metadata, and the fields that sops writes there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RemoteKey {
    /// An entry for a key of AWS KMS.
    Kms {
        /// The ARN of the key or of an alias.
        arn: String,
        /// The role that has to be assumed before the key is used; empty for none.
        role: String,
        /// The encryption context.
        context: BTreeMap<String, String>,
        /// The profile whose credentials are used; empty for none.
        aws_profile: String,
        /// The data key, or a share of it, as the service has encrypted it.
        enc: String,
    },
    /// An entry for a key of Google Cloud KMS.
    GcpKms {
        /// The name of the key: `projects/…/cryptoKeys/…`.
        resource_id: String,
        /// The data key, or a share of it, as the service has encrypted it.
        enc: String,
    },
    /// An entry for a key of Azure Key Vault.
    AzureKv {
        /// The address of the vault.
        vault_url: String,
        /// The name of the key.
        name: String,
        /// The version of the key; may be empty.
        version: String,
        /// The data key, or a share of it, as the service has encrypted it.
        enc: String,
    },
    /// An entry for a key of a transit engine of Vault or `OpenBao`.
    HcVault {
        /// The address of the server.
        vault_address: String,
        /// The path at which the engine is mounted.
        engine_path: String,
        /// The name of the key in the engine.
        key_name: String,
        /// The data key, or a share of it, as the service has encrypted it.
        enc: String,
    },
    /// An entry for a key of Huawei Cloud KMS.
    Hckms {
        /// The key: `region:uuid`.
        key_id: String,
        /// The data key, or a share of it, as the service has encrypted it.
        enc: String,
    },
}

impl RemoteKey {
    /// The key service that holds the key.
    #[must_use]
    pub fn service(&self) -> Service {
        match self {
            Self::Kms { .. } => Service::AwsKms,
            Self::GcpKms { .. } => Service::GcpKms,
            Self::AzureKv { .. } => Service::AzureKeyVault,
            Self::HcVault { .. } => Service::HashicorpVault,
            Self::Hckms { .. } => Service::HuaweiKms,
        }
    }

    /// The name of the key at the key service, as sops prints the name.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Kms { arn, role, .. } if role.is_empty() => arn.clone(),
            Self::Kms { arn, role, .. } => format!("{arn}+{role}"),
            Self::GcpKms { resource_id, .. } => resource_id.clone(),
            Self::AzureKv {
                vault_url,
                name,
                version,
                ..
            } => format!("{vault_url}/keys/{name}/{version}"),
            Self::HcVault {
                vault_address,
                engine_path,
                key_name,
                ..
            } => format!("{vault_address}/v1/{engine_path}/keys/{key_name}"),
            Self::Hckms { key_id, .. } => key_id.clone(),
        }
    }
}
