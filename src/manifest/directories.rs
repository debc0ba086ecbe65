//! Reads the field `directories`: the rights of directories of secrets and templates.

use std::collections::BTreeMap;

use super::{declaration::Directory, findings::Findings, named_entry::NamedEntry, raw::RawDirectory};
use crate::{install::EntryName, system::mode::FileMode, text::printable::named};

/// The bits that each of these modes has: its owner has to write in the directory.
const OWNERS: u32 = 0o700;
/// The bits that a mode may have besides. Whoever else could write in a directory could take the place of a secret, and stop the next run.
const OTHERS: u32 = 0o055;

/// The right of everybody to enter a directory.
const EVERYBODY: u32 = 0o001;
/// The right of its group to enter a directory.
const GROUP: u32 = 0o010;

/// Reads the directories, each with its name. In `user_mode`, no group is changed.
pub(crate) fn directories(raw: BTreeMap<String, RawDirectory>, user_mode: bool, findings: &mut Findings) -> Vec<Directory> {
    let read = raw
        .into_iter()
        .filter_map(|(name, raw)| directory(&name, raw, user_mode, findings));
    read.collect()
}

fn directory(name: &str, raw: RawDirectory, user_mode: bool, findings: &mut Findings) -> Option<Directory> {
    let what = NamedEntry::Directory(name);
    let is_usable = |mode: &FileMode| mode.bits() & OWNERS == OWNERS && mode.bits() & !(OWNERS | OTHERS) == 0;
    let mode = FileMode::from_octal(&raw.mode).ok().filter(is_usable);
    if mode.is_none() {
        findings.error(
            format!(
                "{what} has the mode {}, but its owner has to write in it, and nobody else may",
                named(&raw.mode)
            ),
            "set a mode such as \"0700\", \"0750\" or \"0755\"",
        );
    }
    let closed_but_for_group = mode.filter(|mode| mode.bits() & EVERYBODY == 0 && mode.bits() & GROUP != 0);
    if let Some(mode) = closed_but_for_group.filter(|_| !user_mode && raw.group.is_none()) {
        findings.error(
            format!(
                "{what} has the mode \"{:04o}\", with which only a group can enter it, but no group",
                mode.bits()
            ),
            "set its group",
        );
    }
    if user_mode && raw.group.is_some() {
        findings.error(
            format!("{what} has a group, but a run in user mode gives nothing to others"),
            "remove group",
        );
    }
    match EntryName::new(name) {
        Ok(name) => Some(Directory {
            name,
            mode: mode?,
            group: raw.group,
        }),
        Err(fault) => {
            findings.error(
                format!("the name of {what} {fault}"),
                "write the beginning of the names of its secrets, such as \"db\" for \"db/password\"",
            );
            None
        }
    }
}
