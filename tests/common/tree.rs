//! Lists the content of a directory as text, for a comparison.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Lists everything below `path`, one line each, sorted by name: mode, owner and group, name, and the target of a symlink or the
/// content of a file. Returns the empty string if `path` does not exist. The record of the last run is left out, because it has the
/// time of the run.
pub fn tree(path: &Path) -> String {
    let mut text = String::new();
    describe(path, "", &mut text);
    text
}

fn describe(dir: &Path, prefix: &str, text: &mut String) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names.retain(|name| name != ".last-run.json");
    for name in names {
        let path = dir.join(&name);
        let status = path.symlink_metadata().unwrap();
        let (mode, uid, gid) = (status.mode() & 0o7777, status.uid(), status.gid());
        if status.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            writeln!(text, "link {uid}:{gid} {prefix}{name} -> {}", target.display()).unwrap();
        } else if status.is_dir() {
            writeln!(text, "{mode:04o} {uid}:{gid} {prefix}{name}/").unwrap();
            describe(&path, &format!("{prefix}{name}/"), text);
        } else {
            let content = fs::read(&path).unwrap();
            writeln!(text, "{mode:04o} {uid}:{gid} {prefix}{name} \"{}\"", content.escape_ascii()).unwrap();
        }
    }
}
