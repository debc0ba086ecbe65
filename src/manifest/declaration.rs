//! What a manifest declares.

use std::{path::PathBuf, time::Duration};

use crate::sops::{format::Format, key::KeyPath};

/// A whole manifest, valid.
#[derive(Debug)]
pub struct Manifest {
    /// Made by a module of sops-nix: it has no `version`.
    pub is_of_sops_nix: bool,
    /// What is decrypted and published, in the order of the manifest.
    pub secrets: Vec<Secret>,
    /// What is rendered from secrets and published.
    pub templates: Vec<Template>,
    /// Token and name of the secret that it stands for. The secret may be absent from `secrets`.
    pub placeholders: Vec<Placeholder>,
    /// The directory whose numbered children are the generations.
    pub mount_point: PathBuf,
    /// The link to the live generation.
    pub link: PathBuf,
    /// How many generations stay, the live one included; 0 keeps all.
    pub keep_generations: u64,
    /// RSA SSH keys that stand for OpenPGP keys.
    pub ssh_key_paths: Vec<PathBuf>,
    /// A `GnuPG` home.
    pub gnupg_home: Option<PathBuf>,
    /// A file of age identities.
    pub age_key_file: Option<PathBuf>,
    /// SSH keys that stand for age identities.
    pub age_ssh_key_paths: Vec<PathBuf>,
    /// A systemd credential that holds age identities.
    pub age_key_credential: Option<String>,
    /// How long gpg, an age plugin or a key command may take.
    pub key_timeout: Duration,
    /// The most bytes of a sops file, and of all that a run publishes.
    pub max_size: usize,
    /// Use tmpfs where ramfs is the default.
    pub use_tmpfs: bool,
    /// Run as a plain user: no mount, no change of owner, no unit requests.
    pub user_mode: bool,
    /// What is told beyond warnings and errors.
    pub logging: Logging,
}

/// What is told beyond warnings and errors.
#[derive(Debug)]
pub struct Logging {
    /// A line for each SSH key imported.
    pub key_import: bool,
    /// What is added, modified and removed.
    pub secret_changes: bool,
}

/// One secret: where it comes from and where it goes.
#[derive(Debug)]
pub struct Secret {
    /// Its place below the link.
    pub name: String,
    /// The encrypted file.
    pub sops_file: PathBuf,
    /// How that file is written.
    pub format: Format,
    /// Which value of it.
    pub selection: Selection,
    /// Where and whose the published file is.
    pub placement: Placement,
}

/// Which part of a sops file a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The whole file as text.
    Whole,
    /// The value under this key.
    Key(KeyPath),
}

/// One template.
#[derive(Debug)]
pub struct Template {
    /// Its place below `rendered/`.
    pub name: String,
    /// The text to render.
    pub body: Body,
    /// Where and whose the published file is.
    pub placement: Placement,
}

/// Where the text of a template is.
#[derive(Debug)]
pub struct Body {
    /// The file to read; it goes before `content`.
    pub file: Option<PathBuf>,
    /// The text itself; not empty where there is no file.
    pub content: String,
}

/// What a secret and a template have in common: how the published file looks and who hears of a change.
#[derive(Debug)]
pub struct Placement {
    /// Where a link is wanted, when that is not the file's own place.
    pub path: Option<PathBuf>,
    /// The permission bits, at most `0o7777`.
    pub mode: u32,
    /// The owner.
    pub owner: Account,
    /// The group.
    pub group: Account,
    /// Units to restart when the file changes.
    pub restart_units: Vec<String>,
    /// Units to reload when the file changes.
    pub reload_units: Vec<String>,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Account {
    /// To be looked up.
    Name(String),
    /// Taken as it is.
    Id(u32),
}

/// A token of templates.
#[derive(Debug)]
pub struct Placeholder {
    /// What stands in the template; never empty.
    pub token: String,
    /// The name of the secret that takes its place.
    pub secret: String,
}
