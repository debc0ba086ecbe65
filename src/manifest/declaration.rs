//! What a valid manifest declares, with typed fields.

use std::{path::PathBuf, time::Duration};

use crate::{
    install::EntryName,
    sops::{format::Format, key::KeyPath},
    system::mode::FileMode,
};

/// A whole manifest, valid.
#[derive(Debug)]
pub struct Manifest {
    /// Made by a module of sops-nix: it has no `version`.
    pub is_of_sops_nix: bool,
    /// What is decrypted and published, in the order of the manifest.
    pub secrets: Vec<Secret>,
    /// What is rendered from secrets and published.
    pub templates: Vec<Template>,
    /// The placeholders that templates may contain. Their secrets may be absent from `secrets`.
    pub placeholders: Vec<Placeholder>,
    /// The directory whose numbered children are the generations.
    pub mount_point: PathBuf,
    /// The link to the live generation.
    pub link: PathBuf,
    /// How many generations stay, the live one included; 0 keeps all.
    pub keep_generations: u64,
    /// The paths of RSA SSH private keys, which are also used as OpenPGP keys.
    pub ssh_key_paths: Vec<PathBuf>,
    /// A `GnuPG` home.
    pub gnupg_home: Option<PathBuf>,
    /// A file of age identities.
    pub age_key_file: Option<PathBuf>,
    /// The paths of SSH private keys, which are also used as age identities.
    pub age_ssh_key_paths: Vec<PathBuf>,
    /// A systemd credential that holds age identities.
    pub age_key_credential: Option<String>,
    /// How long gpg, an age plugin or a key command may take.
    pub key_timeout: Duration,
    /// The most bytes for each of these: one sops file, all secrets together, all rendered templates together.
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

/// One secret: where it comes from and where it goes. While the manifest is checked, the name `N` may be any text.
#[derive(Debug)]
pub struct Secret<N = EntryName> {
    /// Its place below the link.
    pub name: N,
    /// The encrypted file.
    pub sops_file: PathBuf,
    /// How that file is written.
    pub format: Format,
    /// Which part of that file the secret is.
    pub selection: Selection,
    /// Where and whose the published file is.
    pub placement: Placement,
}

impl Secret<String> {
    /// The same with a name that can be installed; `None` if the text is no such name.
    pub(crate) fn named(self) -> Option<Secret> {
        Some(Secret {
            name: EntryName::new(&self.name).ok()?,
            sops_file: self.sops_file,
            format: self.format,
            selection: self.selection,
            placement: self.placement,
        })
    }
}

/// Which part of a sops file a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The whole file as text.
    Whole,
    /// The value under this key.
    Key(KeyPath),
}

/// One template. While the manifest is checked, the name `N` may be any text.
#[derive(Debug)]
pub struct Template<N = EntryName> {
    /// Its place below `rendered/`.
    pub name: N,
    /// The text to render.
    pub body: Body,
    /// Where and whose the published file is.
    pub placement: Placement,
}

impl Template<String> {
    /// The same with a name that can be installed; `None` if the text is no such name.
    pub(crate) fn named(self) -> Option<Template> {
        Some(Template {
            name: EntryName::new(&self.name).ok()?,
            body: self.body,
            placement: self.placement,
        })
    }
}

/// Where the text of a template is.
#[derive(Debug)]
pub struct Body {
    /// The file to read. If there is none, or if it cannot be read, `content` is used.
    pub file: Option<PathBuf>,
    /// The text itself; not empty if there is no `file`.
    pub content: String,
}

/// What secrets and templates have in common: path, mode and owner of the published file, and which units a change concerns.
#[derive(Debug)]
pub struct Placement {
    /// The declared path, at which a symlink is made; `None` if it is the file's own place.
    pub path: Option<PathBuf>,
    /// The permission bits.
    pub mode: FileMode,
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
    /// A name, which is looked up.
    Name(String),
    /// A number, which is used as it is.
    Id(u32),
}

/// A text in templates that is replaced by the value of a secret.
#[derive(Debug)]
pub struct Placeholder {
    /// What stands in the template; never empty.
    pub token: String,
    /// The name of the secret that takes its place.
    pub secret: String,
}
