//! The unit files of a new configuration, which systemd has not loaded yet.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::requests::UnitRequests;

/// Whether `switch-to-configuration` finds the unit `name` in the directory `units`: by the unit's own file, or by the file of its
/// template.
pub(crate) fn is_found(units: &Path, name: &str) -> bool {
    file_of(units, name).is_some()
}

/// Replaces each alias by the own name of its unit. Until now, the alias may have belonged to another unit. A switch knows units by
/// their own names only.
pub(crate) fn name_by_own_names(units: &Path, requests: &mut UnitRequests) {
    for name in requests.restart.iter_mut().chain(&mut requests.reload) {
        if let Some(own) = own_name(units, name) {
            *name = own;
        }
    }
    requests.deduplicate();
}

/// The own name of the unit `name`. If `name` is an alias, it is a link to the file that has the own name. A masked unit is a link
/// to another place.
fn own_name(units: &Path, name: &str) -> Option<String> {
    let file = fs::canonicalize(file_of(units, name)?).ok()?;
    let found = file.file_name()?.to_str()?;
    let own = match (found.split_once("@."), name.split_once('@')) {
        (Some((prefix, kind)), Some((_, instance))) => {
            format!("{prefix}@{}.{kind}", instance.strip_suffix(kind)?.strip_suffix('.')?)
        }
        _ => found.to_owned(),
    };
    is_found(units, &own).then_some(own)
}

/// The file of the unit `name`, or of its template. For the template, `switch-to-configuration` takes everything after the first dot
/// of the instance as the type of the unit. So it does not find `t@a.b.service`, whose instance contains a dot.
fn file_of(units: &Path, name: &str) -> Option<PathBuf> {
    let template = || {
        let (prefix, instance) = name.rsplit_once('@')?;
        let (_, kind) = instance.split_once('.')?;
        Some(units.join(format!("{prefix}@.{kind}")))
    };
    let own = (!name.contains('/')).then(|| units.join(name))?;
    Some(own)
        .filter(|file| file.exists())
        .or_else(|| template().filter(|file| file.exists()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn an_alias_is_named_by_its_unit() {
        let directory = TempDir::new().unwrap();
        let units = directory.path().join("units");
        fs::create_dir(&units).unwrap();
        // NixOS makes the directory in this way: a link to the file of each unit, and a link to that link for each alias.
        for unit in ["real.service", "real@.service"] {
            fs::write(directory.path().join(unit), "").unwrap();
            symlink(directory.path().join(unit), units.join(unit)).unwrap();
        }
        for (alias, unit) in [
            ("alias.service", "real.service"),
            ("alias@.service", "real@.service"),
            ("masked.service", "/dev/null"),
        ] {
            symlink(unit, units.join(alias)).unwrap();
        }
        for (name, own) in [
            ("real.service", Some("real.service")),
            ("alias.service", Some("real.service")),
            ("real@a.service", Some("real@a.service")),
            ("alias@a\\x2db.service", Some("real@a\\x2db.service")),
            ("alias@.service", Some("real@.service")),
            ("alias@a.b.service", None),
            ("masked.service", None),
            ("missing.service", None),
        ] {
            assert_eq!(own_name(&units, name).as_deref(), own, "{name}");
        }
    }
}
