//! Makes the entries to publish, each from its content and its owner.

use rustix::fs::{Gid, Uid};

use super::{contents::Values, failure::Failure, mock};
use crate::{
    install::{Directories, Entry, EntryKind, EntryName, Owner, PlaceInGeneration, Site},
    manifest::{Account, Manifest, OnFailure, Placement},
    system::{
        ids::Ids,
        plaintext::Plaintext,
        root::Root,
        users::{Accounts, UserError},
    },
    text::{diagnosis::Diagnosis, printable::named},
};

/// What is published, with its owners.
pub(crate) struct Owned<'e> {
    /// The entries of secrets and templates, and that of the mark of a mock.
    pub(crate) entries: Vec<Entry<'e>>,
    /// The directories that have rights of their own.
    pub(crate) directories: Directories,
    /// A failure for each entry whose owner, or the group of whose directory, cannot be found.
    pub(crate) failures: Vec<Failure>,
}

/// Makes the entries of all secrets and templates that have a content, and that of the mark of a mock.
pub(crate) fn owned<'e>(
    manifest: &'e Manifest,
    values: &'e Values<'_>,
    rendered: &'e [Option<Plaintext>],
    mut owners: Owners,
    site: &Site,
) -> Owned<'e> {
    let root = &site.root;
    let (directories, without_group) = owners.directories(manifest, site);
    // A live value that is kept would still need its owner. So only a secret that may be left out can do without.
    let secrets = manifest.secrets.iter().filter_map(|secret| {
        let content = values.get(secret.name.as_str())?.expose();
        let is_tolerated = secret.on_failure == OnFailure::Skip;
        Some((EntryKind::Secret, &secret.name, content, &secret.placement, is_tolerated))
    });
    let templates = manifest.templates.iter().zip(rendered).filter_map(|(template, rendered)| {
        let content = rendered.as_ref()?.expose();
        Some((EntryKind::Template, &template.name, content, &template.placement, false))
    });
    let mut entries = Vec::with_capacity(manifest.entry_count().saturating_add(1));
    let mut failures = Vec::new();
    for (kind, name, content, placement, is_tolerated) in secrets.chain(templates) {
        let owner = match above(&without_group, kind, name) {
            Some(problem) => Err(problem.clone()),
            None => owners.of(placement).map_err(|problem| problem.diagnosis()),
        };
        match owner {
            Ok(owner) => entries.push(entry(kind, name, content, owner, placement, root)),
            Err(problem) => failures.push(unowned(kind, name, problem, is_tolerated)),
        }
    }
    if failures.is_empty() || !entries.is_empty() {
        entries.extend(mock::mark(manifest, owners.of_own_files()));
    }
    Owned {
        entries,
        directories,
        failures,
    }
}

/// Why there is no directory for an entry. `without_group` has the directories whose group cannot be found.
fn above<'d>(without_group: &'d [(&EntryName, Diagnosis)], kind: EntryKind, name: &EntryName) -> Option<&'d Diagnosis> {
    let place = match kind {
        EntryKind::Secret => PlaceInGeneration::of_secret(name),
        EntryKind::Template => PlaceInGeneration::of_template(name),
    };
    let is_above = |directory: &EntryName| place.parents().any(|parent| parent == directory.as_str());
    let mut above = without_group.iter().filter(|(directory, _)| is_above(directory));
    above.next().map(|(_, problem)| problem)
}

fn entry<'e>(
    kind: EntryKind,
    name: &EntryName,
    content: &'e [u8],
    owner: Owner,
    placement: &'e Placement,
    root: &Root,
) -> Entry<'e> {
    Entry {
        kind,
        name: name.clone(),
        content,
        mode: placement.mode,
        owner,
        path: placement.path.as_ref().map(|path| root.locate(path)),
        at_path: placement.at_path,
        watch_file: placement.watch_file.as_ref().map(|path| root.locate(path)),
        restart_units: &placement.restart_units,
        reload_units: &placement.reload_units,
    }
}

fn unowned(kind: EntryKind, name: &EntryName, problem: Diagnosis, is_tolerated: bool) -> Failure {
    let noun = match kind {
        EntryKind::Secret => "secret",
        EntryKind::Template => "template",
    };
    Failure {
        diagnosis: problem.of(format_args!("{noun} {}", named(name.as_str()))),
        kind,
        entries: vec![name.to_string()],
        sops_file: None,
        is_tolerated,
    }
}

/// The rule that gives published files their owners.
pub(crate) enum Owners {
    /// In user mode, all files belong to the caller. No owner is looked up or changed.
    Caller,
    /// In the early phase, all files belong to root, because other users may not exist yet.
    Root,
    /// The manifest names the owner of each file.
    Named {
        accounts: Accounts,
        /// Whether this is a dry run. A dry activation runs before new users are made. So in a dry run, a missing user is no failure.
        dry_run: bool,
    },
}

impl Owners {
    /// Chooses the rule. `user_mode` comes from the manifest. `ignore_passwd` forbids to look up users and groups (`-ignore-passwd`).
    pub(crate) fn new(user_mode: bool, ignore_passwd: bool, accounts: Accounts, dry_run: bool) -> Self {
        match (user_mode, ignore_passwd) {
            (true, _) => Self::Caller,
            (false, true) => Self::Root,
            (false, false) => Self::Named { accounts, dry_run },
        }
    }

    /// The owner of a file that no manifest names: the user who installs.
    pub(crate) fn of_own_files(&self) -> Owner {
        match self {
            Self::Caller => Owner::Caller,
            Self::Root | Self::Named { .. } => Owner::Ids(Ids::ROOT),
        }
    }

    /// The directories that have rights of their own, and those whose group cannot be found, each with the reason.
    fn directories<'m>(&mut self, manifest: &'m Manifest, site: &Site) -> (Directories, Vec<(&'m EntryName, Diagnosis)>) {
        let (mut directories, mut without_group) = (Directories::default(), Vec::new());
        for directory in &manifest.directories {
            match self.of_directory(directory.group.as_deref(), site) {
                Ok(owner) => directories.set(&directory.name, owner, directory.mode),
                Err(problem) => {
                    let what = format!("directory {}", named(directory.name.as_str()));
                    without_group.push((&directory.name, problem.diagnosis().of(what)));
                }
            }
        }
        (directories, without_group)
    }

    /// The owner of a directory: it belongs to whoever installs. Without a `group`, it is that of all directories.
    fn of_directory(&mut self, group: Option<&str>, site: &Site) -> Result<Owner, UserError> {
        let (Self::Named { accounts, dry_run }, Some(group)) = (self, group) else {
            return Ok(site.directory_owner());
        };
        Ok(match made(accounts.group(group), *dry_run)? {
            Some(group) => Owner::Ids(accounts.mapped(Ids { user: Uid::ROOT, group })?),
            None => Owner::NotYet,
        })
    }

    fn of(&mut self, placement: &Placement) -> Result<Owner, UserError> {
        let (accounts, dry_run) = match self {
            Self::Caller => return Ok(Owner::Caller),
            Self::Root => return Ok(Owner::Ids(Ids::ROOT)),
            Self::Named { accounts, dry_run } => (accounts, *dry_run),
        };
        let user = match &placement.owner {
            Account::Name(name) => accounts.user(name),
            Account::Id(id) => Ok(Uid::from_raw(*id)),
        };
        let group = match &placement.group {
            Account::Name(name) => accounts.group(name),
            Account::Id(id) => Ok(Gid::from_raw(*id)),
        };
        Ok(match (made(user, dry_run)?, made(group, dry_run)?) {
            (Some(user), Some(group)) => Owner::Ids(accounts.mapped(Ids { user, group })?),
            _ => Owner::NotYet,
        })
    }
}

/// The number of a user or group. In a dry run, a missing user or group is `None` and no error, because the activation will make it.
fn made<T>(id: Result<T, UserError>, dry_run: bool) -> Result<Option<T>, UserError> {
    match id {
        Err(UserError::NoUser(_) | UserError::NoGroup(_)) if dry_run => Ok(None),
        id => id.map(Some),
    }
}
