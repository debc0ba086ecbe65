//! The manifest as JSON has it, before it is validated.
//!
//! A missing or null field has the zero value of its type: an empty text, an empty list, 0 or false. The Nix modules of sops-nix were
//! written for a Go program, which reads JSON in this way.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::key_services::RawKeyServices;
use crate::text::spelling::nearest;

/// Reads the text of a manifest. An error names the field in which it occurred. To know the field takes as long as to read the text,
/// so only a text with an error is read in that way.
pub(crate) fn parse(json: &[u8]) -> Result<RawManifest, serde_path_to_error::Error<serde_json::Error>> {
    serde_json::from_slice(json).or_else(|_| parse_by_field(json))
}

/// Does what [`parse`] does, and follows the names of the fields on the way.
fn parse_by_field(json: &[u8]) -> Result<RawManifest, serde_path_to_error::Error<serde_json::Error>> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let mut track = serde_path_to_error::Track::new();
    let manifest = RawManifest::deserialize(serde_path_to_error::Deserializer::new(&mut reader, &mut track));
    let manifest = manifest.and_then(|manifest| reader.end().map(|()| manifest));
    manifest.map_err(|error| serde_path_to_error::Error::new(track.path(), error))
}

/// Fields that this version does not know, by name.
type Unknown = BTreeMap<String, Value>;

/// Says which secrets to install, and how.
#[expect(clippy::struct_excessive_bools, reason = "each of them is a field of the JSON")]
#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields, extend("required" = ["secretsMountPoint", "symlinkPath"])))]
pub(crate) struct RawManifest {
    /// With the number 1, warnings are errors, and what does not change stays the same file. A manifest of sops-nix has no version.
    #[cfg_attr(test, schemars(extend("enum" = [1])))]
    pub version: Option<u64>,
    /// The secrets to decrypt and publish.
    #[serde(deserialize_with = "null_as_default")]
    pub secrets: Vec<RawSecret>,
    /// The templates to render and publish.
    #[serde(deserialize_with = "null_as_default")]
    pub templates: Vec<RawTemplate>,
    /// Directories of the secrets and templates that have rights of their own, by their paths below `symlinkPath`.
    #[serde(deserialize_with = "null_as_default")]
    pub directories: BTreeMap<String, RawDirectory>,
    /// The placeholders, by the names of their secrets. A placeholder is the text in templates that is replaced by the value of the
    /// secret.
    #[serde(deserialize_with = "null_as_default")]
    pub placeholder_by_secret_name: BTreeMap<String, String>,
    /// The absolute path of the directory that holds the generations.
    #[serde(deserialize_with = "null_as_default")]
    pub secrets_mount_point: String,
    /// The absolute path of the symlink to the live generation.
    #[serde(deserialize_with = "null_as_default")]
    pub symlink_path: String,
    /// The path of a file that is written when a new generation is live, for programs that watch.
    #[serde(deserialize_with = "null_as_default")]
    pub watch_file: String,
    /// How many generations to keep, the live one included; 0 keeps all.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub keep_generations: i64,
    /// RSA SSH private keys, for `ssh-rsa` recipients and as OpenPGP keys.
    #[serde(deserialize_with = "null_as_default")]
    pub ssh_key_paths: Vec<String>,
    /// A GnuPG home, whose keys gpg uses.
    #[serde(deserialize_with = "null_as_default")]
    pub gnupg_home: String,
    /// A file with age identities.
    #[serde(deserialize_with = "null_as_default")]
    pub age_key_file: String,
    /// Whether that file may come after the secrets are installed. What only it opens is then left to another run.
    #[serde(deserialize_with = "null_as_default")]
    pub age_key_file_may_come_late: bool,
    /// SSH private keys, for `ssh-ed25519` and `ssh-rsa` recipients, and as age keys.
    #[serde(deserialize_with = "null_as_default")]
    pub age_ssh_key_paths: Vec<String>,
    /// The name of a systemd credential with age identities.
    #[serde(deserialize_with = "null_as_default")]
    pub age_key_credential: String,
    /// Recipients whose private keys this host has. `-check-mode=sopsfile` refuses a sops file that none of them opens.
    #[serde(deserialize_with = "null_as_default")]
    pub host_recipients: Vec<String>,

    /// How key services are asked, such as those of clouds. Without it, none is asked.
    pub key_services: Option<RawKeyServices>,
    /// How many seconds gpg, an age plugin or a key command may take for one answer. The default is 30.
    #[cfg_attr(test, schemars(range(min = 1, max = 86400)))]
    pub key_timeout: Option<u64>,
    /// The largest size in MiB of one sops file, of all secrets together, and of all templates together. The default is 256.
    #[cfg_attr(test, schemars(range(min = 1, max = 1_048_576)))]
    pub max_size: Option<u64>,
    /// Mount a tmpfs with `noswap` instead of a ramfs.
    #[serde(deserialize_with = "null_as_default")]
    pub use_tmpfs: bool,
    /// Run as a plain user: no mount, no change of owner.
    #[serde(deserialize_with = "null_as_default")]
    pub user_mode: bool,
    /// Whether the unit `sops-nix-for-file-systems` installs this manifest, before file systems are mounted.
    #[serde(deserialize_with = "null_as_default")]
    pub for_file_systems: bool,
    /// The file in the directory of the node exporter of Prometheus that each run writes its metrics to.
    #[serde(deserialize_with = "null_as_default")]
    pub metrics_file: String,
    /// After how many days without a change a sops file causes a warning.
    #[cfg_attr(test, schemars(range(min = 1, max = 36500)))]
    pub warn_age: Option<u64>,
    /// The name of this host, which goes into the salts of hashes: so two hosts with the same sops file have different hashes.
    #[serde(deserialize_with = "null_as_default")]
    pub host_name: String,
    /// Publish dummies in the place of all secrets. No sops file is read, and no key is used.
    #[serde(deserialize_with = "null_as_default")]
    pub mock: bool,
    /// The settings for what a run prints in addition to warnings and errors.
    #[serde(deserialize_with = "null_as_default")]
    pub logging: RawLogging,
    #[serde(flatten, skip_serializing)]
    #[cfg_attr(test, schemars(skip))]
    pub unknown: Unknown,
}

/// A value of a sops file, or a whole file.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Secret", deny_unknown_fields, extend("required" = ["name", "sopsFile", "mode"])))]
pub(crate) struct RawSecret {
    /// The path of the secret below `symlinkPath`.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub name: String,
    /// The key of the secret in the file; empty for the whole file. In a dotenv or INI file it counts only with `as`.
    #[serde(deserialize_with = "null_as_default")]
    pub key: String,
    /// The path at which a symlink to the secret is made. Without it, the secret is only at its own place.
    #[serde(deserialize_with = "null_as_default")]
    pub path: String,
    /// What is made at the path: `link` makes a symlink to the secret, and `copy` writes a file with its content, owner and mode. The
    /// default is `link`.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(extend("enum" = ["link", "copy", ""])))]
    pub install: String,
    /// Whether plaintext on a disk is meant, if the path of a copy lies on one. Without it, a copy may lie only in memory.
    #[serde(deserialize_with = "null_as_default")]
    pub copy_to_disk: bool,
    /// The user that the file belongs to. Without an owner, `uid` counts.
    pub owner: Option<String>,
    /// The number of the user that the file belongs to.
    #[cfg_attr(test, schemars(with = "Option<u32>", range(max = 4_294_967_294_u32)))]
    pub uid: Id,
    /// The group that the file belongs to. Without a group, `gid` counts.
    pub group: Option<String>,
    /// The number of the group that the file belongs to.
    #[cfg_attr(test, schemars(with = "Option<u32>", range(max = 4_294_967_294_u32)))]
    pub gid: Id,
    /// The path of the encrypted file.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub sops_file: String,
    /// Only for the Nix module: the hash changes the manifest when the content of the file changes.
    pub sops_file_hash: Option<String>,
    /// The format of the encrypted file. The default is `yaml`.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(extend("enum" = ["yaml", "json", "dotenv", "ini", "binary", ""])))]
    pub format: String,
    /// The form in which the file, or whatever is under the key, is written. Without it, the file is as sops prints it, and the key
    /// leads to a single value.
    #[serde(rename = "as", deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(extend("enum" = ["value", "json", "yaml", "lines", "systemd-env", "docker-env", "dotenv", "sh", ""])))]
    pub form: String,
    /// The permission bits in octal, such as 0400.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(pattern("^0*[0-7]{1,4}$")))]
    pub mode: String,
    /// The path of a file that is written when the secret changes, for programs that watch.
    #[serde(deserialize_with = "null_as_default")]
    pub watch_file: String,
    /// Units to restart when the secret changes.
    #[serde(deserialize_with = "null_as_default")]
    pub restart_units: Vec<String>,
    /// Units to reload when the secret changes.
    #[serde(deserialize_with = "null_as_default")]
    pub reload_units: Vec<String>,
    /// Units that read the secret by `EnvironmentFile=`. If systemd would change a variable of it, there is a warning.
    #[serde(deserialize_with = "null_as_default")]
    pub environment_file_of: Vec<String>,
    /// The content of the secret in a mock. Without it, the secret is a dummy that this program makes.
    pub mock_value: Option<String>,
    /// What happens if the secret fails while secrets are live: `abort` changes nothing, `skip` installs the others without it, and
    /// `keep` installs the others with its live value. The default is `abort`.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(extend("enum" = ["abort", "skip", "keep", ""])))]
    pub on_failure: String,
    /// What becomes of the value: `base64-decode` decodes it; `sha512-crypt`, `yescrypt` and `htpasswd:USER` hash it as a password.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(pattern("^(base64-decode|sha512-crypt|yescrypt|htpasswd:[^:]+|)$")))]
    pub transform: String,
    /// What is taken off the end of the content: `newline` takes all line ends.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(extend("enum" = ["newline", ""])))]
    pub trim: String,
    /// Whether the file or the key may be missing. Then the secret is left out, and this is no failure.
    #[serde(deserialize_with = "null_as_default")]
    pub optional: bool,
    /// Only for the Nix module, which puts secrets with this flag into the manifest of the early phase.
    #[serde(deserialize_with = "null_as_default")]
    pub needed_for_users: bool,
    #[serde(flatten, skip_serializing)]
    #[cfg_attr(test, schemars(skip))]
    pub unknown: Unknown,
}

/// A text with placeholders for secrets.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Template", deny_unknown_fields, extend("required" = ["name", "mode"])))]
pub(crate) struct RawTemplate {
    /// The path of the template below `rendered` in `symlinkPath`.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub name: String,
    /// The text itself, with placeholders. The text is used if `file` is missing or cannot be read.
    #[serde(deserialize_with = "null_as_default")]
    pub content: String,
    /// The path of the file whose text is rendered.
    #[serde(deserialize_with = "null_as_default")]
    pub file: String,
    /// The reader for which the variables in the text are written. Without it, the rendered text is published as it is.
    #[serde(rename = "as", deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(extend("enum" = ["systemd-env", "docker-env", "dotenv", "sh", ""])))]
    pub form: String,
    /// The path of a program that looks at the rendered text before it is published: its argument is a file with the text. If
    /// it fails, so does the template.
    #[serde(deserialize_with = "null_as_default")]
    pub check: String,
    /// The path at which a symlink to the template is made. Without it, the template is only at its own place.
    #[serde(deserialize_with = "null_as_default")]
    pub path: String,
    /// What is made at the path: `link` makes a symlink to the template, and `copy` writes a file with its content, owner and mode. The
    /// default is `link`.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(extend("enum" = ["link", "copy", ""])))]
    pub install: String,
    /// Whether plaintext on a disk is meant, if the path of a copy lies on one. Without it, a copy may lie only in memory.
    #[serde(deserialize_with = "null_as_default")]
    pub copy_to_disk: bool,
    /// The permission bits in octal, such as 0400.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(pattern("^0*[0-7]{1,4}$")))]
    pub mode: String,
    /// The user that the file belongs to. Without an owner, `uid` counts.
    pub owner: Option<String>,
    /// The number of the user that the file belongs to.
    #[cfg_attr(test, schemars(with = "Option<u32>", range(max = 4_294_967_294_u32)))]
    pub uid: Id,
    /// The group that the file belongs to. Without a group, `gid` counts.
    pub group: Option<String>,
    /// The number of the group that the file belongs to.
    #[cfg_attr(test, schemars(with = "Option<u32>", range(max = 4_294_967_294_u32)))]
    pub gid: Id,
    /// The path of a file that is written when the template changes, for programs that watch.
    #[serde(deserialize_with = "null_as_default")]
    pub watch_file: String,
    /// Units to restart when the template changes.
    #[serde(deserialize_with = "null_as_default")]
    pub restart_units: Vec<String>,
    /// Units to reload when the template changes.
    #[serde(deserialize_with = "null_as_default")]
    pub reload_units: Vec<String>,
    /// Units that read the template by `EnvironmentFile=`. If systemd would change a variable of it, there is a warning.
    #[serde(deserialize_with = "null_as_default")]
    pub environment_file_of: Vec<String>,
    #[serde(flatten, skip_serializing)]
    #[cfg_attr(test, schemars(skip))]
    pub unknown: Unknown,
}

/// A directory of secrets or templates.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Directory", deny_unknown_fields, extend("required" = ["mode"])))]
pub(crate) struct RawDirectory {
    /// The permission bits in octal, such as 0750. Only the owner may write.
    #[serde(deserialize_with = "null_as_default")]
    #[cfg_attr(test, schemars(pattern("^0*7[0145][0145]$")))]
    pub mode: String,
    /// The group of the directory. The default is that of all directories.
    pub group: Option<String>,
    #[serde(flatten, skip_serializing)]
    #[cfg_attr(test, schemars(skip))]
    pub unknown: Unknown,
}

/// The settings for what a run prints in addition to warnings and errors.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Logging", deny_unknown_fields))]
pub(crate) struct RawLogging {
    /// Print a line for each SSH key that is converted.
    #[serde(deserialize_with = "null_as_default")]
    pub key_import: bool,
    /// Print which secrets and templates change.
    #[serde(deserialize_with = "null_as_default")]
    pub secret_changes: bool,
    #[serde(flatten, skip_serializing)]
    #[cfg_attr(test, schemars(skip))]
    pub unknown: Unknown,
}

/// The number of a user or group. Only in this field, null and a missing value differ: a missing number means root, but null
/// without a name is reported as a fault.
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

/// The known field whose spelling is nearest to `unknown`; `None` if no field is near enough.
pub(crate) fn nearest_field<T: Default + Serialize>(unknown: &str) -> Option<String> {
    let Value::Object(known) = serde_json::to_value(T::default()).ok()? else {
        return None;
    };
    let field = nearest(unknown, known.keys().map(String::as_bytes))?;
    Some(String::from_utf8_lossy(field).into_owned())
}
