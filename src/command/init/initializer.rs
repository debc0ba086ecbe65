//! Decides what is to be written, and writes it.

use std::{
    collections::HashMap,
    env,
    path::{Component, Path, PathBuf},
};

use super::{
    first_file,
    new_file::{Naming, NewFile, failed},
    output::{self, HandledFile, SetUp},
    own_key::OwnKey,
    recipients::{self, NamedRecipient},
    rule_text,
};
use crate::{
    command::{
        audience::Audience,
        cli::InitArguments,
        question::Person,
        reply::Reply,
        rule_place::{self, RULE_FILE},
    },
    program::{environment::Environment, remedy},
    sops::format::Format,
    system::root::Root,
    text::{diagnosis::Diagnosis, printable::shown},
};

/// Does what `sops-nix init` is asked for. Everything is decided and encrypted before anything gets its name.
///
/// # Errors
///
/// With a message for people, if something cannot be found, encrypted or written.
pub(crate) fn answer(arguments: &InitArguments, audience: Audience, root: &Root) -> Result<Reply, Diagnosis> {
    let file = without_dots(&arguments.file);
    let file = file.as_path();
    let format = usable_format(file)?;
    first_file::find_sops()?;
    let current = env::current_dir().map_err(|error| failed("find", Path::new("."), &error))?;
    let mut person = Person::at_terminal();
    let rules = rules(&current, &mut person)?;
    let naming = may_write(file, &mut person)?;
    let mut written = SetUp {
        rules: HandledFile::new(&rules.path, rules.naming.is_some()),
        file: HandledFile::new(file, naming.is_some()),
        ..SetUp::default()
    };
    let mut reply = Reply::default();
    let (mut new_files, mut new_key) = (Vec::new(), None);
    if let Some(naming) = rules.naming {
        let hosts = recipients::of_hosts(&arguments.host, root)?;
        reply.remarks = hosts.remarks;
        let (own, key) = own(arguments)?;
        written.key = key.as_ref().map(HandledFile::of_key);
        new_key = key;
        written.recipients = own.into_iter().chain(hosts.recipients).collect();
        let text = rule_text::text(&file.to_string_lossy(), &written.recipients);
        new_files.push(NewFile::write(&rules.path, text.as_bytes(), naming)?);
    } else {
        reply.remarks.extend(unused(arguments, &rules.path, root)?);
    }
    if let Some(naming) = naming {
        let usable_rules = new_files.first().map_or(&rules.path, |new| &new.path);
        let text = first_file::encrypted(usable_rules, file, format)?;
        new_files.push(NewFile::write(file, text.expose(), naming)?);
    }
    new_key.map_or(Ok(()), |key| key.write())?;
    // The rules come last: if the file cannot get its name, they are not written either.
    new_files.into_iter().rev().try_for_each(NewFile::publish)?;
    reply.text = output::text(&written, format, audience);
    Ok(reply)
}

/// The recipients of whoever asks, and the key of the only one if it was looked for.
fn own(arguments: &InitArguments) -> Result<(Vec<NamedRecipient>, Option<OwnKey>), Diagnosis> {
    if !arguments.recipient.is_empty() {
        return Ok((recipients::of_people(&arguments.recipient)?, None));
    }
    let key = OwnKey::find_or_make(Environment::read().keys)?;
    Ok((recipients::of_people(std::slice::from_ref(&key.recipient))?, Some(key)))
}

/// The remarks on recipients that are named, but not in the rules that are kept.
///
/// # Errors
///
/// With a message for people, if a named recipient cannot be used.
fn unused(arguments: &InitArguments, rules: &Path, root: &Root) -> Result<Vec<Diagnosis>, Diagnosis> {
    let mut named = recipients::of_people(&arguments.recipient)?;
    let mut remarks = Vec::new();
    if !arguments.host.is_empty() {
        let hosts = recipients::of_hosts(&arguments.host, root)?;
        named.extend(hosts.recipients);
        remarks.extend(hosts.remarks);
    }
    let known = rule_text::recipients_in(rules);
    let missing = named.iter().filter(|named| !known.contains(&named.recipient));
    let missing: Vec<_> = missing.map(|named| named.recipient.as_str()).collect();
    let cause = format!(
        "{} is kept, so these recipients are not in it: {}",
        shown(rules),
        missing.join(", ")
    );
    remarks.extend((!missing.is_empty()).then(|| Diagnosis::new(cause, "add them to its rule")));
    Ok(remarks)
}

/// How a file may be written: it is not there, or whoever asks wants another one in its place. `None` if the file is kept, as what a
/// symlink leads to is.
///
/// # Errors
///
/// With a message for people, if something else than a file is there.
fn may_write(path: &Path, person: &mut Person) -> Result<Option<Naming>, Diagnosis> {
    match path.symlink_metadata() {
        Err(_) => Ok(Some(Naming::First)),
        Ok(found) if found.is_file() => {
            let is_wanted = person.says_yes(&format!("{} exists. Overwrite it?", shown(path)));
            Ok(is_wanted.then_some(Naming::Replacing))
        }
        Ok(found) if found.is_symlink() && path.is_file() => Ok(None),
        Ok(_) => Err(Diagnosis::new(
            format!("{} is no regular file", shown(path)),
            "remove it, or name another file",
        )),
    }
}

/// The path as rules have it: `a/b` for `./a//b`.
fn without_dots(path: &Path) -> PathBuf {
    let parts = path.components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

/// The format of the first file, by its name.
///
/// # Errors
///
/// With a message for people, if the name leads elsewhere, or stands for a format without names.
fn usable_format(file: &Path) -> Result<Format, Diagnosis> {
    let is_below = file.components().all(|part| matches!(part, Component::Normal(_)));
    match remedy::of_ending(file) {
        format @ (Format::Yaml | Format::Json) if is_below => Ok(format),
        _ => Err(Diagnosis::new(
            format!(
                "cannot make {}: the first file is a .yaml or .json file below this directory",
                shown(file)
            ),
            "name one such as secrets/web.yaml",
        )),
    }
}

/// The file with the rules.
struct Rules {
    path: PathBuf,
    /// How it is to be written. `None` if it is there, and is kept.
    naming: Option<Naming>,
}

/// The file with the rules: the one that sops finds, unless whoever asks wants a new one in its place.
///
/// # Errors
///
/// With a message for people, if something else than a file has its name.
fn rules(current: &Path, person: &mut Person) -> Result<Rules, Diagnosis> {
    let above = rule_place::nearest(current, &mut HashMap::new()).filter(|directory| directory != current);
    Ok(match above {
        Some(directory) => Rules {
            path: directory.join(RULE_FILE),
            naming: None,
        },
        None => Rules {
            path: PathBuf::from(RULE_FILE),
            naming: may_write(Path::new(RULE_FILE), person)?,
        },
    })
}
