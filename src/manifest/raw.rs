//! The manifest as it stands in JSON, before anything in it is believed.
//!
//! Missing and null fields take their zero value, because the Go program that the Nix modules were written for reads them so.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::text::spelling::nearest;

/// Reads the text of a manifest. An error knows the field that it is about.
pub(crate) fn parse(json: &[u8]) -> Result<Manifest, serde_path_to_error::Error<serde_json::Error>> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let mut track = serde_path_to_error::Track::new();
    let manifest = Manifest::deserialize(serde_path_to_error::Deserializer::new(&mut reader, &mut track));
    let manifest = manifest.and_then(|manifest| reader.end().map(|()| manifest));
    manifest.map_err(|error| serde_path_to_error::Error::new(track.path(), error))
}

/// Fields that we do not know, by name.
type Unknown = BTreeMap<String, Value>;

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
pub(crate) struct Manifest {
    pub version: Option<u64>,
    #[serde(deserialize_with = "null_as_default")]
    pub secrets: Vec<Secret>,
    #[serde(deserialize_with = "null_as_default")]
    pub templates: Vec<Template>,
    #[serde(deserialize_with = "null_as_default")]
    pub placeholder_by_secret_name: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    pub secrets_mount_point: String,
    #[serde(deserialize_with = "null_as_default")]
    pub symlink_path: String,
    #[serde(deserialize_with = "null_as_default")]
    pub keep_generations: i64,
    #[serde(deserialize_with = "null_as_default")]
    pub ssh_key_paths: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub gnupg_home: String,
    #[serde(deserialize_with = "null_as_default")]
    pub age_key_file: String,
    #[serde(deserialize_with = "null_as_default")]
    pub age_ssh_key_paths: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub age_key_credential: String,
    pub key_timeout: Option<u64>,
    pub max_size: Option<u64>,
    #[serde(deserialize_with = "null_as_default")]
    pub use_tmpfs: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub user_mode: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub logging: Logging,
    #[serde(flatten, skip_serializing)]
    pub unknown: Unknown,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
pub(crate) struct Secret {
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub key: String,
    #[serde(deserialize_with = "null_as_default")]
    pub path: String,
    pub owner: Option<String>,
    pub uid: Id,
    pub group: Option<String>,
    pub gid: Id,
    #[serde(deserialize_with = "null_as_default")]
    pub sops_file: String,
    /// Of the Nix module's own use: it changes the manifest when the file's content changes.
    pub sops_file_hash: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub format: String,
    #[serde(deserialize_with = "null_as_default")]
    pub mode: String,
    #[serde(deserialize_with = "null_as_default")]
    pub restart_units: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub reload_units: Vec<String>,
    /// Of the Nix module's own use: it has already chosen the manifest that this secret is in.
    #[serde(deserialize_with = "null_as_default")]
    pub needed_for_users: bool,
    #[serde(flatten, skip_serializing)]
    pub unknown: Unknown,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
pub(crate) struct Template {
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub content: String,
    #[serde(deserialize_with = "null_as_default")]
    pub file: String,
    #[serde(deserialize_with = "null_as_default")]
    pub path: String,
    #[serde(deserialize_with = "null_as_default")]
    pub mode: String,
    pub owner: Option<String>,
    pub uid: Id,
    pub group: Option<String>,
    pub gid: Id,
    #[serde(deserialize_with = "null_as_default")]
    pub restart_units: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub reload_units: Vec<String>,
    #[serde(flatten, skip_serializing)]
    pub unknown: Unknown,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
pub(crate) struct Logging {
    #[serde(deserialize_with = "null_as_default")]
    pub key_import: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub secret_changes: bool,
    #[serde(flatten, skip_serializing)]
    pub unknown: Unknown,
}

/// The number of a user or group. The one field whose null is told from its absence: where somebody wrote null for a user, root was not meant.
#[derive(Default, Serialize)]
pub(crate) enum Id {
    #[default]
    Missing,
    Null,
    Number(i64),
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|number| number.map_or(Self::Null, Self::Number))
    }
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The known field that is spelled most like `unknown`, if one is near enough to be what was meant.
pub(crate) fn nearest_field<T: Default + Serialize>(unknown: &str) -> Option<String> {
    let Value::Object(known) = serde_json::to_value(T::default()).ok()? else {
        return None;
    };
    let field = nearest(unknown, known.keys().map(String::as_bytes))?;
    Some(String::from_utf8_lossy(field).into_owned())
}
