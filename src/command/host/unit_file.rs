//! Reads unit files as systemd does, without asking systemd: a host that cannot boot has files, and no answers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::system::read;

/// The most bytes of a unit file or drop-in that are read: systemd's own limit for a line is 1 MiB.
const LARGEST: usize = 1 << 20;

/// How many files one unit has at most, and how many units of its name a module makes at most: far more than any module does.
const MOST: usize = 50;

/// A unit, as its file and its drop-ins define it.
pub(crate) struct UnitFile {
    /// The name, such as `nginx.service`.
    pub(crate) name: String,
    /// The settings, in order.
    settings: Vec<Setting>,
}

/// One setting of a unit.
struct Setting {
    /// The name, such as `EnvironmentFile`.
    key: String,
    /// What is behind the equals sign, without blanks around it.
    value: String,
}

impl UnitFile {
    /// The values of the setting `key`. An empty value takes back all before it.
    pub(crate) fn values(&self, key: &str) -> Vec<&str> {
        let values = self.settings.iter().filter(|setting| setting.key == key);
        values.fold(Vec::new(), |mut values, setting| {
            if setting.value.is_empty() {
                values.clear();
            } else {
                values.push(&setting.value);
            }
            values
        })
    }

    /// The variables that the unit sets, by `Environment=`.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (String, String)> {
        let words = self.values("Environment").into_iter().filter_map(shlex::split).flatten();
        words.filter_map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
    }
}

/// The units that have a file in one of these directories, by name. If several have one, that of the first counts. An alias is not
/// a unit, and neither is one that is masked.
pub(crate) fn all(directories: &[PathBuf]) -> Vec<UnitFile> {
    let units = named("", directories).into_iter();
    units.map(|(name, path)| read(name, &path, directories)).collect()
}

/// Those units in a directory whose name begins with `prefix`, at most [`MOST`]: a user may have made any number of files.
pub(crate) fn beginning_with(prefix: &str, directory: &Path) -> Vec<UnitFile> {
    let directories = [directory.to_owned()];
    let units = named(prefix, &directories).into_iter().take(MOST);
    units.map(|(name, path)| read(name, &path, &directories)).collect()
}

/// The names and paths of units.
fn named(prefix: &str, directories: &[PathBuf]) -> BTreeMap<String, PathBuf> {
    let mut paths: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in directories.iter().flat_map(|directory| entries(directory)) {
        if let Some(name) = path
            .file_name()
            .and_then(|name| name.to_str())
            .filter(|name| name.starts_with(prefix))
        {
            paths.entry(name.to_owned()).or_insert(path);
        }
    }
    paths.retain(|name, path| is_unit(name) && is_own(name, path));
    paths
}

fn is_unit(name: &str) -> bool {
    const TYPES: [&str; 8] = ["service", "socket", "mount", "automount", "swap", "path", "timer", "target"];
    name.rsplit_once('.').is_some_and(|(_, kind)| TYPES.contains(&kind))
}

/// Whether the file at `path` has the unit `name` itself: an alias is a symlink to a file with another name.
fn is_own(name: &str, path: &Path) -> bool {
    let file = path.canonicalize().ok();
    let found = file.as_deref().and_then(Path::file_name).and_then(|found| found.to_str());
    found.is_some_and(|found| found == name || template(name).as_deref() == Some(found))
}

/// The name of the template of an instance: `a@.service` for `a@b.service`.
fn template(name: &str) -> Option<String> {
    let (prefix, instance) = name.split_once('@')?;
    let (_, kind) = instance.rsplit_once('.')?;
    Some(format!("{prefix}@.{kind}"))
}

fn read(name: String, path: &Path, directories: &[PathBuf]) -> UnitFile {
    let drop_ins = |name: &str| {
        let places = directories.iter().map(|directory| directory.join(format!("{name}.d")));
        places.flat_map(|place| entries(&place)).collect::<Vec<_>>()
    };
    let mut files = vec![path.to_owned()];
    files.extend(template(&name).iter().flat_map(|template| drop_ins(template)));
    files.extend(drop_ins(&name));
    let is_drop_in = |file: &PathBuf| file == path || file.extension().is_some_and(|ending| ending == "conf");
    let texts = files
        .iter()
        .filter(|file| is_drop_in(file))
        .take(MOST)
        .filter_map(|file| text(file));
    UnitFile {
        name,
        settings: texts.flat_map(|text| settings(&text)).collect(),
    }
}

/// The text of a small file; `None` if it cannot be read.
pub(crate) fn text(path: &Path) -> Option<String> {
    let contents = read::read(path, LARGEST).ok()?;
    Some(String::from_utf8_lossy(contents.text.expose()).into_owned())
}

/// What is in a directory, by name.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The settings in the text of a unit file (systemd.syntax(7)). A line that ends in a backslash goes on in the next.
fn settings(text: &str) -> Vec<Setting> {
    let joined = text.replace("\\\n", " ");
    let lines = joined
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', ';', '[']));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| Setting {
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn drop_ins_add_up_and_an_empty_value_takes_back_what_is_before_it() {
        let directory = tempfile::TempDir::new().unwrap();
        let etc = directory.path();
        fs::create_dir(etc.join("a.service.d")).unwrap();
        fs::write(
            etc.join("a.service"),
            "[Unit]\n# After=c\nAfter=b \\\n  c\n[Service]\nExecStart=x\n",
        )
        .unwrap();
        fs::write(etc.join("a.service.d/o.conf"), "[Service]\nExecStart=\nExecStart=y\n").unwrap();
        fs::write(etc.join("a.service.d/readme"), "ExecStart=z\n").unwrap();
        symlink("a.service", etc.join("alias.service")).unwrap();
        symlink("/dev/null", etc.join("masked.service")).unwrap();
        let units = all(&[etc.to_owned()]);
        let names: Vec<_> = units.iter().map(|unit| unit.name.as_str()).collect();
        assert_eq!(names, ["a.service"]);
        let unit = units.first().unwrap();
        assert_eq!(unit.values("ExecStart"), ["y"]);
        assert_eq!(unit.values("After"), ["b    c"]);
    }
}
