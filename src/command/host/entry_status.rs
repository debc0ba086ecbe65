//! What is there of one secret or template.

use std::{
    fs::{self, Metadata},
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Gid, Uid},
    process::geteuid,
};
use serde::Serialize;

use super::installation::{HostPhase, Installation};
use crate::{
    install::{
        AtPath, EntryName, PlaceInGeneration, is_copy_of,
        record::{Record, RecordedRun},
    },
    manifest::{Account, Manifest, Placement, Secret, Template},
    sops::{env_file::Form, key::KeyPath, part::PartForm},
    system::{
        mode::FileMode,
        root::Root,
        users::{Accounts, name_of_group, name_of_user},
    },
    transform::Transform,
};

/// What is there of one secret or template.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct EntryStatus {
    /// Whether it is a secret or a template.
    pub(crate) kind: &'static str,
    /// Its name.
    pub(crate) name: String,
    /// Whether it is there.
    pub(crate) state: EntryState,
    /// Where programs read it.
    pub(crate) path: String,
    /// The user that the file belongs to; if it is missing, the user that it is to belong to.
    pub(crate) owner: String,
    /// The group that the file belongs to; if it is missing, the group that it is to belong to.
    pub(crate) group: String,
    /// The permission bits in octal; if the file is missing, those that it is to have.
    pub(crate) mode: String,
    /// The sops file that a secret comes from.
    pub(crate) sops_file: Option<String>,
    /// The key of a secret in its sops file; empty if the secret is the whole file.
    pub(crate) key: Option<String>,
    /// The form in which it is written; null if it is as sops prints it, or as the text of the template has it.
    #[serde(rename = "as")]
    pub(crate) form: Option<&'static str>,
    /// What becomes of the value in the sops file; missing if it is installed as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) transform: Option<String>,
    /// The units that are restarted when it changes.
    pub(crate) restart_units: Vec<String>,
    /// The units that are reloaded when it changes.
    pub(crate) reload_units: Vec<String>,
    /// Its place in a generation.
    #[serde(skip)]
    pub(crate) place: String,
}

/// Whether a secret or template is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum EntryState {
    /// It is there, as the manifest says.
    Installed,
    /// The live generation does not have it.
    Missing,
    /// It is an optional secret whose sops file or key is missing, or a template that needs one.
    Absent,
    /// Only a key service can give it, or a key that is not there yet, so it is left to the unit that comes later.
    Deferred,
    /// The live generation has it, but the path of its option does not lead to it.
    Unlinked,
    /// The live generation has it, but what is at the path of its option is no copy of it.
    Uncopied,
    /// The file has another owner, group or mode than the manifest says.
    Differs,
    /// This user may not look.
    Hidden,
}

impl EntryState {
    /// The word for it, as JSON has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Missing => "missing",
            Self::Absent => "absent",
            Self::Deferred => "deferred",
            Self::Unlinked => "unlinked",
            Self::Uncopied => "uncopied",
            Self::Differs => "differs",
            Self::Hidden => "hidden",
        }
    }

    /// What a sentence says of it.
    pub(crate) fn adjective(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Missing => "missing",
            Self::Absent => "optional, and left out",
            Self::Deferred => "deferred until sops-nix-online.service",
            Self::Unlinked => "not linked",
            Self::Uncopied => "not copied",
            Self::Differs => "not as the manifest says",
            Self::Hidden => "hidden from this user",
        }
    }

    /// Whether somebody has to do something about it.
    pub(crate) fn is_fault(self) -> bool {
        !matches!(self, Self::Installed | Self::Absent | Self::Deferred | Self::Hidden)
    }
}

/// What is there of each entry of a manifest, secrets first. `record` is that of the last run.
pub(crate) fn of_all<'r>(
    installation: &Installation,
    manifest: &Manifest,
    record: Option<&'r Record>,
    root: &'r Root,
) -> Vec<EntryStatus> {
    let mut view = View {
        run: record.map(|record| &record.run),
        may_defer: manifest.may_defer(),
        link: root.locate(&manifest.link),
        root,
        owners: match installation.phase {
            HostPhase::User => Declared::Callers,
            _ if installation.call.is_early => Declared::Root,
            _ => Declared::Named(Accounts::default()),
        },
    };
    let secrets = manifest.secrets.iter().map(|secret| view.secret(secret)).collect::<Vec<_>>();
    let has_optional = manifest.secrets.iter().any(|secret| secret.is_optional);
    let templates = manifest
        .templates
        .iter()
        .map(|template| view.template(template, has_optional));
    secrets.into_iter().chain(templates).collect()
}

/// Whom files are to belong to.
enum Declared {
    /// Whoever runs the installer.
    Callers,
    /// Root.
    Root,
    /// Those whom the manifest names.
    Named(Accounts),
}

/// What the entries of one manifest have in common.
struct View<'r> {
    /// The link to the live generation.
    link: PathBuf,
    root: &'r Root,
    owners: Declared,
    /// What the last run has done; `None` if nobody told this user.
    run: Option<&'r RecordedRun>,
    /// Whether something may be left to the unit that asks key services, or waits for a key.
    may_defer: bool,
}

impl View<'_> {
    fn secret(&mut self, secret: &Secret) -> EntryStatus {
        let place = PlaceInGeneration::of_secret(&secret.name);
        EntryStatus {
            sops_file: Some(secret.sops_file.to_string_lossy().into_owned()),
            key: Some(secret.selection.key().map_or_else(String::new, KeyPath::to_string)),
            form: secret.selection.form().map(PartForm::name),
            transform: secret.transform.as_ref().map(Transform::name),
            ..self.entry("secret", &secret.name, &place, &secret.placement, secret.is_optional)
        }
    }

    /// `may_be_absent` says whether the template can need an optional secret.
    fn template(&mut self, template: &Template, may_be_absent: bool) -> EntryStatus {
        let place = PlaceInGeneration::of_template(&template.name);
        EntryStatus {
            form: template.form.map(Form::name),
            ..self.entry("template", &template.name, &place, &template.placement, may_be_absent)
        }
    }

    /// What it means that a secret or template is not there that may be left out. Others than root may not read the record that tells.
    fn absence(&self, place: &PlaceInGeneration<'_>) -> EntryState {
        match self.run {
            Some(run) if run.absent.contains(place.as_str()) => EntryState::Absent,
            Some(run) if run.deferred.contains(place.as_str()) => EntryState::Deferred,
            None if !geteuid().is_root() => EntryState::Hidden,
            _ => EntryState::Missing,
        }
    }

    fn entry(
        &mut self,
        kind: &'static str,
        name: &EntryName,
        place: &PlaceInGeneration<'_>,
        placement: &Placement,
        may_be_absent: bool,
    ) -> EntryStatus {
        let file = self.link.join(place);
        let path = placement.path.as_ref().map(|path| self.root.locate(path));
        let found = fs::metadata(&file);
        let state = match &found {
            Ok(found) => self.state(&file, found, path.as_deref(), placement),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => EntryState::Hidden,
            Err(_) if may_be_absent || self.may_defer => self.absence(place),
            Err(_) => EntryState::Missing,
        };
        let found = found.ok();
        let [owner, group] = self.accounts(found.as_ref(), placement);
        let mode = found.map_or(placement.mode, |found| FileMode::of_bits(found.mode()));
        EntryStatus {
            kind,
            name: name.to_string(),
            state,
            path: path.unwrap_or(file).to_string_lossy().into_owned(),
            owner,
            group,
            mode: format!("{:04o}", mode.bits()),
            sops_file: None,
            key: None,
            form: None,
            transform: None,
            restart_units: placement.restart_units.clone(),
            reload_units: placement.reload_units.clone(),
            place: place.as_str().to_owned(),
        }
    }

    /// The state of an entry whose file `found` is at `file` in the live generation. `path` is that of its option.
    fn state(&mut self, file: &Path, found: &Metadata, path: Option<&Path>, placement: &Placement) -> EntryState {
        let lost = |path| match placement.at_path {
            AtPath::Link => lost(path, found),
            AtPath::Copy { .. } => uncopied(path, file),
        };
        if let Some(state) = path.and_then(lost) {
            return state;
        }
        if self.is_as_declared(found, placement) {
            EntryState::Installed
        } else {
            EntryState::Differs
        }
    }

    /// Whether a file has the mode, the owner and the group that the manifest says.
    fn is_as_declared(&mut self, found: &Metadata, placement: &Placement) -> bool {
        let numbers = match &mut self.owners {
            Declared::Callers => None,
            Declared::Root => Some((Ok(0), Ok(0))),
            Declared::Named(accounts) => Some((
                number(&placement.owner, accounts, true),
                number(&placement.group, accounts, false),
            )),
        };
        let belongs = numbers.is_none_or(|numbers| numbers == (Ok(found.uid()), Ok(found.gid())));
        belongs && FileMode::of_bits(found.mode()) == placement.mode
    }

    /// The names of owner and group: those of the file, or else those that the manifest says.
    fn accounts(&self, found: Option<&Metadata>, placement: &Placement) -> [String; 2] {
        if let Some(found) = found {
            return [
                name_of_user(Uid::from_raw(found.uid())),
                name_of_group(Gid::from_raw(found.gid())),
            ];
        }
        match &self.owners {
            Declared::Callers => Default::default(),
            Declared::Root => [name_of_user(Uid::ROOT), name_of_group(Gid::ROOT)],
            Declared::Named(_) => [
                declared(&placement.owner, |id| name_of_user(Uid::from_raw(id))),
                declared(&placement.group, |id| name_of_group(Gid::from_raw(id))),
            ],
        }
    }
}

/// The state of an entry whose path does not lead to its file `found`, as far as this user may see. `None` if the path leads there.
fn lost(path: &Path, found: &Metadata) -> Option<EntryState> {
    match fs::metadata(path) {
        Ok(there) if (there.dev(), there.ino()) == (found.dev(), found.ino()) => None,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Some(EntryState::Hidden),
        Ok(_) | Err(_) => Some(EntryState::Unlinked),
    }
}

/// The state of an entry at whose path there is no copy of its `file`, as far as this user may see. `None` if there is one.
fn uncopied(path: &Path, file: &Path) -> Option<EntryState> {
    match is_copy_of(path, file) {
        Ok(true) => None,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Some(EntryState::Hidden),
        Ok(false) | Err(_) => Some(EntryState::Uncopied),
    }
}

/// The number of a user or group of a manifest; an error if nobody has the name.
fn number(account: &Account, accounts: &mut Accounts, is_user: bool) -> Result<u32, ()> {
    match account {
        Account::Id(id) => Ok(*id),
        Account::Name(name) if is_user => accounts.user(name).map(Uid::as_raw).map_err(drop),
        Account::Name(name) => accounts.group(name).map(Gid::as_raw).map_err(drop),
    }
}

fn declared(account: &Account, name: impl Fn(u32) -> String) -> String {
    match account {
        Account::Name(name) => name.clone(),
        Account::Id(id) => name(*id),
    }
}
