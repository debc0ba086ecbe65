//! Makes the entries to publish: the content of each secret and template, with its owner.

use rustix::fs::{Gid, Uid};

use super::{contents::Values, failure::Failure};
use crate::{
    install::{Entry, EntryKind, EntryName, Owner},
    manifest::{Account, Manifest, Placement},
    system::{
        plaintext::Plaintext,
        root::Root,
        users::{Accounts, Ids, UserError},
    },
};

/// Everything that can be published, with its owner looked up, and beside it what has none.
pub(crate) fn owned<'e>(
    manifest: &'e Manifest,
    values: &'e Values<'_>,
    rendered: &'e [Option<Plaintext>],
    mut owners: Owners,
    root: &Root,
) -> (Vec<Entry<'e>>, Vec<Failure>) {
    let secrets = manifest.secrets.iter().filter_map(|secret| {
        let content = values.get(secret.name.as_str())?.expose();
        Some((EntryKind::Secret, &secret.name, content, &secret.placement))
    });
    let templates = manifest.templates.iter().zip(rendered).filter_map(|(template, rendered)| {
        let content = rendered.as_ref()?.expose();
        Some((EntryKind::Template, &template.name, content, &template.placement))
    });
    let mut entries = Vec::with_capacity(manifest.secrets.len().saturating_add(manifest.templates.len()));
    let mut failures = Vec::new();
    for (kind, name, content, placement) in secrets.chain(templates) {
        match owners.of(placement) {
            Ok(owner) => entries.push(entry(kind, name, content, owner, placement, root)),
            Err(problem) => failures.push(unowned(kind, name, &problem)),
        }
    }
    (entries, failures)
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
        restart_units: &placement.restart_units,
        reload_units: &placement.reload_units,
    }
}

fn unowned(kind: EntryKind, name: &EntryName, problem: &UserError) -> Failure {
    let noun = match kind {
        EntryKind::Secret => "secret",
        EntryKind::Template => "template",
    };
    Failure {
        diagnosis: problem.diagnosis().of(format_args!("{noun} {name}")),
        entries: vec![name.to_string()],
        sops_file: None,
    }
}

/// Who owns the published files.
pub(crate) enum Owners {
    /// The caller, in user mode: no owner is looked up or changed.
    Caller,
    /// Root, in the early phase: other users may not exist yet.
    Root,
    /// Whoever the manifest names.
    Named {
        accounts: Accounts,
        /// Whether this is a dry run. A dry activation comes before new users are made, so a user who does not exist is no failure
        /// then.
        dry_run: bool,
    },
}

impl Owners {
    /// Decides by the manifest's mode, and by whether users and groups are looked up at all (`-ignore-passwd`).
    pub(crate) fn new(user_mode: bool, ignore_passwd: bool, accounts: Accounts, dry_run: bool) -> Self {
        match (user_mode, ignore_passwd) {
            (true, _) => Self::Caller,
            (false, true) => Self::Root,
            (false, false) => Self::Named { accounts, dry_run },
        }
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
            (Some(user), Some(group)) => Owner::Ids(Ids { user, group }),
            _ => Owner::NotYet,
        })
    }
}

/// Somebody who exists. In a dry run, who does not exist is somebody whom the activation will make.
fn made<T>(id: Result<T, UserError>, dry_run: bool) -> Result<Option<T>, UserError> {
    match id {
        Err(UserError::NoUser(_) | UserError::NoGroup(_)) if dry_run => Ok(None),
        id => id.map(Some),
    }
}
