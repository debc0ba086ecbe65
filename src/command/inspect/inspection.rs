//! What a sops file tells without a key.

use serde::Serialize;

use crate::{
    keys::report::recipient::service_name,
    sops::{
        SopsFile, SopsFileError, StoredValue, ValueState,
        format::Format,
        key::{KeyPath, KeyStep},
        metadata::{KeyGroup, MasterKey},
        tree::ScalarType,
    },
    text::identity::without_identity,
};

/// What a sops file tells without a key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Inspection {
    /// The file, as it was named.
    pub(crate) file: String,
    /// The format: `yaml`, `json`, `dotenv`, `ini` or `binary`.
    pub(crate) format: String,
    /// The version of sops that wrote the file; empty if the file names none.
    pub(crate) version: String,
    /// The time of the last change, in RFC 3339.
    pub(crate) last_modified: String,
    /// The values that the MAC of the file covers.
    pub(crate) mac: MacCover,
    /// The rule that selects which values are encrypted.
    pub(crate) rule: SelectionRule,
    /// The number of key groups that must be open to decrypt the file.
    pub(crate) needed_groups: usize,
    /// The key groups. Any one recipient opens its group.
    pub(crate) groups: Vec<RecipientGroup>,
    /// The values, in the order of the file.
    pub(crate) values: Vec<InspectedValue>,
}

/// The values that a MAC covers.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum MacCover {
    /// All values.
    All,
    /// The encrypted values alone (`mac_only_encrypted`).
    Encrypted,
    /// There is no MAC, so nothing shows whether the file was changed. This program does not decrypt such a file.
    None,
}

/// A rule that selects which values are encrypted.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct SelectionRule {
    /// The name of the field in the metadata, such as `unencrypted_suffix`.
    pub(crate) field: &'static str,
    /// The suffix or the pattern.
    pub(crate) value: String,
}

/// A key group. Any one of its recipients opens it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct RecipientGroup {
    /// The recipients.
    pub(crate) recipients: Vec<FileRecipient>,
}

/// A recipient of a sops file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct FileRecipient {
    /// The kind: `age`, `pgp`, or the name of a key service.
    pub(crate) kind: &'static str,
    /// The recipient, as the file names it.
    pub(crate) recipient: String,
}

/// One value of a sops file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct InspectedValue {
    /// The number of its document, counted from 1.
    pub(crate) document: usize,
    /// The names and list positions that lead to the value.
    pub(crate) path: Vec<PathStep>,
    /// The type of the value; null if the file does not tell.
    pub(crate) r#type: Option<&'static str>,
    /// Whether the value is encrypted.
    pub(crate) state: ValueState,
    /// The steps of `path`, for people.
    #[serde(skip)]
    pub(crate) key: String,
}

/// One step of a path.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum PathStep {
    /// A name in a map.
    Name(String),
    /// A position in a list, counted from 0.
    Index(usize),
}

impl Inspection {
    /// Inspects the sops file that is named `name`.
    ///
    /// # Errors
    ///
    /// If the selection rule of the file takes too long, or if its keys are too long.
    pub(crate) fn new(name: &str, format: Format, file: &mut SopsFile<'_>) -> Result<Self, SopsFileError> {
        let values = file.survey()?.into_iter().map(InspectedValue::from).collect();
        let (field, value) = file.rule();
        let metadata = file.metadata();
        Ok(Self {
            file: name.to_owned(),
            format: format.to_string(),
            version: metadata.version.clone(),
            last_modified: metadata.last_modified.clone(),
            mac: MacCover::new(metadata.mac.is_empty(), metadata.mac_only_encrypted),
            rule: SelectionRule {
                field,
                value: String::from_utf8_lossy(value).into_owned(),
            },
            needed_groups: metadata.key_groups.needed(),
            groups: metadata.key_groups.groups.iter().map(RecipientGroup::from).collect(),
            values,
        })
    }
}

impl MacCover {
    fn new(is_missing: bool, is_of_encrypted: bool) -> Self {
        match (is_missing, is_of_encrypted) {
            (true, _) => Self::None,
            (false, true) => Self::Encrypted,
            (false, false) => Self::All,
        }
    }
}

impl From<&KeyGroup> for RecipientGroup {
    fn from(group: &KeyGroup) -> Self {
        Self {
            recipients: group.keys.iter().map(FileRecipient::from).collect(),
        }
    }
}

impl From<&MasterKey> for FileRecipient {
    fn from(key: &MasterKey) -> Self {
        let (kind, recipient) = match key {
            MasterKey::Age { recipient, .. } => ("age", recipient.clone()),
            MasterKey::Pgp { fingerprint, .. } => ("pgp", fingerprint.clone()),
            MasterKey::Remote(key) => (service_name(key.service()), key.name()),
        };
        let recipient = without_identity(recipient.trim()).to_owned();
        Self { kind, recipient }
    }
}

impl From<StoredValue> for InspectedValue {
    fn from(value: StoredValue) -> Self {
        Self {
            document: value.document,
            path: path(&value.key),
            r#type: value.kind.map(type_name),
            state: value.state,
            key: value.key.to_string(),
        }
    }
}

fn path(key: &KeyPath) -> Vec<PathStep> {
    let step = |step: &KeyStep| match step {
        KeyStep::Name(name) => PathStep::Name(name.clone()),
        KeyStep::Index(index) => PathStep::Index(*index),
    };
    key.steps().iter().map(step).collect()
}

fn type_name(kind: ScalarType) -> &'static str {
    match kind {
        ScalarType::Text => "string",
        ScalarType::Integer | ScalarType::Unsigned => "integer",
        ScalarType::Float => "float",
        ScalarType::Boolean => "boolean",
        ScalarType::Time => "time",
    }
}
