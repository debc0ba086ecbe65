//! The `sops` section of a file: who can open it, which leaves are encrypted, the document's MAC.

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
