//! Answers whether everything is encrypted that `.sops.yaml` says.

use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
};

use super::{
    candidate::{self, FileToCheck},
    problem::{self, CheckedFile},
    rule_file::RuleFile,
    site::CheckSite,
};
use crate::{
    command::{
        audience::Audience,
        cli::CheckArguments,
        reply::Reply,
        rule_place::{self, RULE_FILE},
    },
    manifest::without_detours,
    system::read,
    text::{diagnosis::Diagnosis, printable::shown},
};

/// Does what `sops-nix check` is asked for.
///
/// # Errors
///
/// With a message for people, if a directory cannot be read, or there is no file `.sops.yaml`.
pub(crate) fn answer(arguments: &CheckArguments, audience: Audience) -> Result<Reply, Diagnosis> {
    let fail = |error| Diagnosis::bare(format!("cannot find the current directory: {}", read::reason(&error)));
    let current = env::current_dir().map_err(fail)?;
    let of_current = rule_place::nearest(&current, &mut HashMap::new());
    let mut groups = candidate::by_rule_file(candidate::candidates(&arguments.files, &current)?);
    let directories = directories(&arguments.files, &current);
    for directory in directories
        .iter()
        .filter_map(|directory| rule_place::nearest(directory, &mut HashMap::new()))
    {
        groups.entry(Some(directory)).or_default();
    }
    let mut reply = Reply::default();
    let without_rules = groups.remove(&None).unwrap_or_default();
    let named = without_rules.iter().filter(|candidate| candidate.is_named);
    reply.failures.extend(named.map(|candidate| no_rule_file(&candidate.path)));
    if groups.is_empty() && reply.failures.is_empty() {
        return Err(no_rule_file(&current.join(RULE_FILE)));
    }
    let mut checked = Vec::new();
    for (directory, candidates) in &groups {
        let Some(directory) = directory else { continue };
        let site = CheckSite::new(&current, directory, of_current.as_deref());
        match checked_by(&site, candidates, &mut reply) {
            Ok(files) => checked.extend(files),
            Err(failure) => reply.failures.push(failure),
        }
    }
    reply.has_findings = !checked.iter().all(CheckedFile::is_good);
    reply.text = match audience {
        // What is wrong with the rules is said instead.
        Audience::Person if checked.is_empty() && !reply.failures.is_empty() => String::new(),
        Audience::Person => problem::page(&checked),
        Audience::Script => problem::lines(&checked),
    };
    Ok(reply)
}

/// The directories that were named, or the current one if nothing was. Their rules are read even if they are for no file.
fn directories(named: &[PathBuf], current: &Path) -> Vec<PathBuf> {
    let directories = named.iter().map(|name| without_detours(&current.join(name)));
    let directories: Vec<_> = directories.filter(|path| path.is_dir()).collect();
    if named.is_empty() {
        vec![current.to_owned()]
    } else {
        directories
    }
}

/// The failure for a file that no rules are for.
fn no_rule_file(path: &Path) -> Diagnosis {
    let directory = path.parent().unwrap_or(path);
    Diagnosis::new(
        format!("there is no {RULE_FILE} in {}, nor in a directory above it", shown(directory)),
        "to write one, run: sops-nix init",
    )
}

/// The files of these candidates that were checked.
///
/// # Errors
///
/// With a message for people, if the rules cannot be used.
fn checked_by(site: &CheckSite<'_>, candidates: &[FileToCheck], reply: &mut Reply) -> Result<Vec<CheckedFile>, Diagnosis> {
    let mut rules = RuleFile::read(site.directory, site.current)?;
    reply.remarks.extend(rules.remarks());
    reply.failures.extend(rules.faults());
    Ok(candidates
        .iter()
        .filter_map(|candidate| site.check(candidate, &mut rules))
        .collect())
}
