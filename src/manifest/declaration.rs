//! The typed fields of a valid manifest.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    install::{AtPath, EntryName},
    keys::KeyServices,
    sops::{env_file::Form, format::Format, key::KeyPath, part::PartForm},
    system::mode::FileMode,
    transform::Transform,
};

/// The place, in a generation of a mock, of the file that marks all secrets of the generation as dummies.
pub const MOCK_MARK: &str = ".MOCK";

/// A valid manifest, with typed fields.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is a setting of its own")]
pub struct Manifest {
    /// Whether a module of sops-nix made the manifest: such a manifest has no `version`.
    pub is_of_sops_nix: bool,
    /// The secrets to decrypt and publish, in the order of the manifest.
    pub secrets: Vec<Secret>,
    /// The templates to render and publish, in the order of the manifest.
    pub templates: Vec<Template>,
    /// The directories that have rights of their own.
    pub directories: Vec<Directory>,
    /// The placeholders that templates may contain. The secret of a placeholder may be missing from `secrets`.
    pub placeholders: Vec<Placeholder>,
    /// The absolute path of the directory that holds the generations, in numbered subdirectories.
    pub mount_point: PathBuf,
    /// The absolute path of the link to the live generation.
    pub link: PathBuf,
    /// The absolute path of the file that is written when a new generation is live, for programs that watch.
    pub watch_file: Option<PathBuf>,
    /// How many generations are kept, the live generation included; 0 keeps all.
    pub keep_generations: u64,
    /// The paths of RSA SSH private keys, which are also used as OpenPGP keys.
    pub ssh_key_paths: Vec<PathBuf>,
    /// The path of a `GnuPG` home, the directory with the keys of gpg.
    pub gnupg_home: Option<PathBuf>,
    /// The path of a file of age identities.
    pub age_key_file: Option<PathBuf>,
    /// Whether that file may come after the secrets are installed, so that another run completes them.
    pub age_key_file_may_come_late: bool,
    /// The paths of SSH private keys, which are also used as age identities.
    pub age_ssh_key_paths: Vec<PathBuf>,
    /// The name of a systemd credential that contains age identities.
    pub age_key_credential: Option<String>,
    /// Recipients whose private keys this host has; empty if nobody says. Only checks use them.
    pub host_recipients: Vec<String>,
    /// How key services are asked; `None` if none is asked.
    pub key_services: Option<KeyServices>,
    /// The time for one answer of gpg, an age plugin or a key command.
    pub key_timeout: Duration,
    /// The size limit in bytes. It holds for each sops file, for all secrets together, and for all rendered templates together.
    pub max_size: usize,
    /// Whether the generations are on a tmpfs; the default is a ramfs.
    pub use_tmpfs: bool,
    /// Whether to run for a plain user: without a mount, without a change of owner, and without unit requests.
    pub user_mode: bool,
    /// The phase in which this manifest is installed.
    pub phase: Phase,
    /// The path of the file to which each run writes its metrics, for the node exporter of Prometheus.
    pub metrics_file: Option<PathBuf>,
    /// After how many days without a change a sops file causes a warning; `None` if no file does.
    pub warn_age: Option<u64>,
    /// The name of this host, which goes into the salts of hashes; empty if nobody says it.
    pub host_name: String,
    /// Whether dummies are published in the place of all secrets.
    pub is_mock: bool,
    /// The settings for reports in addition to warnings and errors.
    pub logging: Logging,
}

impl Manifest {
    /// The placements of all secrets and templates.
    pub(crate) fn placements(&self) -> impl Iterator<Item = &Placement> {
        let secrets = self.secrets.iter().map(|secret| &secret.placement);
        secrets.chain(self.templates.iter().map(|template| &template.placement))
    }

    /// The file of age identities, if it may come after the secrets are installed.
    pub(crate) fn late_key_file(&self) -> Option<&Path> {
        self.age_key_file.as_deref().filter(|_| self.age_key_file_may_come_late)
    }

    /// Whether a run may leave something to another one, which has keys that it has not.
    pub(crate) fn may_defer(&self) -> bool {
        self.key_services.is_some() || self.late_key_file().is_some()
    }

    /// How many secrets and templates there are.
    pub(crate) fn entry_count(&self) -> usize {
        self.secrets.len().saturating_add(self.templates.len())
    }
}

/// The phase of an activation, as far as the manifest determines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The phase of file systems: a separate unit installs the manifest before file systems are mounted.
    FileSystems,
    /// The early or the regular phase. The command line says which of the two it is.
    AsCalled,
}

/// The settings for reports in addition to warnings and errors.
#[derive(Debug)]
pub struct Logging {
    /// Whether to print a line for each SSH key that is imported.
    pub key_import: bool,
    /// Whether to print which secrets and templates are added, modified and removed.
    pub secret_changes: bool,
}

/// One secret: where it comes from and where it goes. `N` is the type of the name: `String`
/// while the manifest is checked, [`EntryName`] afterwards.
#[derive(Debug)]
pub struct Secret<N = EntryName> {
    /// The place of the secret below the link, as a relative path.
    pub name: N,
    /// The path of the sops file.
    pub sops_file: PathBuf,
    /// The format of the sops file.
    pub format: Format,
    /// The part of the sops file that is the secret.
    pub selection: Selection,
    /// The content of the secret in a mock; `None` if this program makes a dummy.
    pub mock_value: Option<String>,
    /// What happens if the secret fails while a generation is live.
    pub on_failure: OnFailure,
    /// What becomes of the selected part; `None` if it is published as it is.
    pub transform: Option<Transform>,
    /// What is taken off the end of the content.
    pub trim: Trim,
    /// Whether the sops file or the key may be missing. Then the secret is left out, and this is no failure.
    pub is_optional: bool,
    /// The declared path, owner, mode and units of the published file.
    pub placement: Placement,
}

/// What happens if a secret fails while a generation is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing is changed.
    Abort,
    /// The others are published without this secret.
    Skip,
    /// The others are published, and this secret keeps its live value. A secret without a live value is left out.
    Keep,
}

/// What is taken off the end of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trim {
    /// Nothing.
    Nothing,
    /// All line ends: `\n` and `\r\n`.
    LineEnds,
}

impl Secret<String> {
    /// The same secret, with its name as an [`EntryName`]. `None` if the name cannot be installed.
    pub(crate) fn named(self) -> Option<Secret> {
        Some(Secret {
            name: EntryName::new(&self.name).ok()?,
            sops_file: self.sops_file,
            format: self.format,
            selection: self.selection,
            mock_value: self.mock_value,
            on_failure: self.on_failure,
            transform: self.transform,
            trim: self.trim,
            is_optional: self.is_optional,
            placement: self.placement,
        })
    }
}

/// The part of a sops file that is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The whole file, as text.
    Whole,
    /// The single value at this key.
    Key(KeyPath),
    /// The single value at this key, which is a string: a transform takes it.
    Text(KeyPath),
    /// Whatever is at this key, written in this form.
    Part(KeyPath, PartForm),
}

impl Selection {
    /// The key, unless it is the whole file.
    pub(crate) fn key(&self) -> Option<&KeyPath> {
        match self {
            Self::Key(key) | Self::Text(key) | Self::Part(key, _) => Some(key).filter(|key| !key.is_whole()),
            Self::Whole => None,
        }
    }

    /// The same, if it is a string.
    pub(crate) fn into_text(self) -> Self {
        match self {
            Self::Key(key) => Self::Text(key),
            other => other,
        }
    }

    /// The form, if it is not written as sops prints it.
    pub(crate) fn form(&self) -> Option<PartForm> {
        match self {
            Self::Part(_, form) => Some(*form),
            Self::Whole | Self::Key(_) | Self::Text(_) => None,
        }
    }
}

/// One template. `N` is the type of the name: `String`
/// while the manifest is checked, [`EntryName`] afterwards.
#[derive(Debug)]
pub struct Template<N = EntryName> {
    /// The place of the template below `rendered/`, as a relative path.
    pub name: N,
    /// The text to render.
    pub body: Body,
    /// For which reader the variables in the text are written. `None` if the rendered text is published as it is.
    pub form: Option<Form>,
    /// The path of the program that looks at the rendered text before it is published.
    pub check: Option<PathBuf>,
    /// The declared path, owner, mode and units of the published file.
    pub placement: Placement,
}

impl Template<String> {
    /// The same template, with its name as an [`EntryName`]. `None` if the name cannot be installed.
    pub(crate) fn named(self) -> Option<Template> {
        Some(Template {
            name: EntryName::new(&self.name).ok()?,
            body: self.body,
            form: self.form,
            check: self.check,
            placement: self.placement,
        })
    }
}

/// The source of the text of a template.
#[derive(Debug)]
pub struct Body {
    /// The path of the file with the text. If there is no file, or the file cannot be read, `content` is used.
    pub file: Option<PathBuf>,
    /// The text itself. The text is not empty if there is no `file`.
    pub content: String,
}

/// The properties that secrets and templates have in common: declared path, mode, owner and group of the published file, and the
/// units that use it.
#[derive(Debug)]
pub struct Placement {
    /// The declared path, at which a symlink or a copy is made; `None` if no path is declared, or if the path is the file's own place.
    pub path: Option<PathBuf>,
    /// What is made at the declared path.
    pub at_path: AtPath,
    /// The permission bits.
    pub mode: FileMode,
    /// The user that the file belongs to.
    pub owner: Account,
    /// The group that the file belongs to.
    pub group: Account,
    /// The absolute path of the file that is written when the published file changes, for programs that watch.
    pub watch_file: Option<PathBuf>,
    /// Units to restart when the file changes.
    pub restart_units: Vec<String>,
    /// Units to reload when the file changes.
    pub reload_units: Vec<String>,
    /// Units that read the file by `EnvironmentFile=`.
    pub environment_file_of: Vec<String>,
}

/// A directory of secrets or templates that has rights of its own.
#[derive(Debug)]
pub struct Directory {
    /// The place of the directory below the link, as a relative path.
    pub name: EntryName,
    /// The permission bits. Nobody but the owner may write.
    pub mode: FileMode,
    /// The name of its group; `None` for the group of all directories.
    pub group: Option<String>,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Account {
    /// The name of the user or group, which is looked up.
    Name(String),
    /// The number of the user or group, which is used without a look-up.
    Id(u32),
}

/// A placeholder: the text in a template that is replaced by the value of a secret.
#[derive(Debug)]
pub struct Placeholder {
    /// The text of the placeholder in the template; never empty.
    pub token: String,
    /// The name of the secret whose value replaces the placeholder.
    pub secret: String,
}
