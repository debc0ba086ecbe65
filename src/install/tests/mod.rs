//! Tests that publish into real directories. As root, they also publish onto real mounts in a mount namespace of their own.

mod changed;
mod declared_paths;
mod directories;
mod files;
mod homes;
mod killing;
mod locking;
mod memory_disk;
mod mounts;
mod pruning;
mod requests;
mod rolling_back;
mod swapping;

use std::{
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::{fs::Gid, process::geteuid};
use tempfile::TempDir;

use super::{changes::Changes, publication::publish_within, units::Channel, *};
use crate::system::{ids::Ids, memory::FileSystem, mode::FileMode, root::Root};

/// The errors, one on each line.
fn said(failed: &Failed) -> String {
    let errors: Vec<_> = failed.errors.iter().map(ToString::to_string).collect();
    errors.join("\n")
}

/// The variable that is set in a process in which a test may mount.
const NAMESPACE: &str = "SOPS_TEST_IN_NAMESPACE";

/// A place to publish to. It is removed at the end of the test.
struct World {
    /// Keeps the temporary directory until the world is dropped.
    _directory: TempDir,
    /// The directory, without symlinks in its path.
    top: PathBuf,
    /// The site: the generations are in `top/secrets.d`, and the link is at `top/secrets`.
    site: Site,
}

impl World {
    /// A world with a plain directory, as a plain user has it.
    fn new() -> Self {
        Self::with(Store::Directory)
    }

    /// A world with a mount point of the kind `store`.
    fn with(store: Store) -> Self {
        let directory = TempDir::new().unwrap();
        let top = directory.path().canonicalize().unwrap();
        let site = site(&top, store);
        Self {
            _directory: directory,
            top,
            site,
        }
    }

    /// Publishes, and makes no unit requests.
    fn publish(&self, entries: &[Entry<'_>]) -> Result<Published, String> {
        publish(&self.site, entries, Extent::Whole, &Channel::Nobody).map_err(|failed| said(&failed))
    }

    /// Publishes, and makes unit requests by lists in `top/nixos`.
    fn publish_with_lists(&self, entries: &[Entry<'_>]) -> Result<Published, String> {
        publish(&self.site, entries, Extent::Whole, &self.lists()).map_err(|failed| said(&failed))
    }

    /// The channel with lists in `top/nixos`.
    fn lists(&self) -> Channel {
        Channel::Lists {
            directory: self.top.join("nixos"),
            dry: false,
            units: None,
            systemctl: None,
        }
    }

    /// The content of the file `name` below the link.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.site.link.join(name)).unwrap()
    }

    /// All files, directories and symlinks below `top/under`, sorted. Each line has the path, and the mode or the target of the
    /// symlink.
    fn tree(&self, under: &str) -> Vec<String> {
        let mut lines = Vec::new();
        describe(&self.top.join(under), &self.top, &mut lines);
        lines.sort();
        lines
    }

    /// The target of the link.
    fn target(&self) -> PathBuf {
        fs::read_link(&self.site.link).unwrap()
    }
}

/// A site with the generations in `top/secrets.d`, and the link at `top/secrets`.
fn site(top: &Path, store: Store) -> Site {
    Site {
        root: Root::new("/"),
        mount_point: top.join("secrets.d"),
        link: top.join("secrets"),
        watch_file: None,
        keep_generations: 1,
        keeps_unchanged: false,
        ledger: None,
        declared: std::collections::HashSet::new(),
        awaited: std::collections::HashSet::new(),
        directories: Directories::default(),
        store,
        homes: Homes::Unknown,
    }
}

/// Adds a line for each file, directory and symlink in `dir` and below, except the lock file.
fn describe(dir: &Path, top: &Path, lines: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.ends_with(lock::NAME) {
            continue;
        }
        let shown = path.strip_prefix(top).unwrap().display().to_string();
        let metadata = path.symlink_metadata().unwrap();
        let mode = metadata.mode() & 0o7777;
        if metadata.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            let target = target.strip_prefix(top).unwrap_or(&target).display().to_string();
            lines.push(format!("{shown} -> {target}"));
        } else if metadata.is_dir() {
            lines.push(format!("{shown}/ {mode:o}"));
            describe(&path, top, lines);
        } else {
            lines.push(format!("{shown} {mode:o}"));
        }
    }
}

/// A secret. To get a secret with another mode, write `Entry { mode: FileMode::of_bits(0o440), ..secret("a", b"x") }`.
fn secret<'a>(name: &str, content: &'a [u8]) -> Entry<'a> {
    Entry {
        kind: EntryKind::Secret,
        name: EntryName::new(name).unwrap(),
        content,
        mode: FileMode::of_bits(0o400),
        owner: Owner::Caller,
        path: None,
        at_path: AtPath::Link,
        watch_file: None,
        restart_units: &[],
        reload_units: &[],
    }
}

/// The owner with these numbers of a user and a group.
fn owned(user: u32, group: u32) -> Owner {
    Owner::Ids(Ids::new(user, group).unwrap())
}

/// A template.
fn template<'a>(name: &str, content: &'a [u8]) -> Entry<'a> {
    Entry {
        kind: EntryKind::Template,
        ..secret(name, content)
    }
}

/// Units by name.
fn units(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Whether this process is root. If not, a message says that the test is skipped. The message goes to standard error directly,
/// because the test harness swallows what `println!` prints.
pub(crate) fn is_root(test: &str) -> bool {
    let root = geteuid().is_root();
    if !root {
        writeln!(std::io::stderr(), "{test}: skipped: needs root").unwrap();
    }
    root
}

/// Runs the test `name` (its path below this module) once more, in a new process with a mount namespace of its own. Returns true in
/// the new process, so that the test goes on there.
fn in_namespace(name: &str) -> bool {
    if std::env::var_os(NAMESPACE).is_some() {
        return true;
    }
    if is_root(name) {
        let status = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                &format!("install::tests::{name}"),
                "--nocapture",
                "--include-ignored",
            ])
            .env(NAMESPACE, "1")
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&status.stdout);
        assert!(
            output.contains("1 passed"),
            "{output}{}",
            String::from_utf8_lossy(&status.stderr)
        );
    }
    false
}

/// Makes a script that can be run at once.
pub(crate) fn script(path: &Path, body: &str) {
    executable(path, &format!("#!/bin/sh\n{body}\n"));
}

/// Makes a file that can be run at once. Another program writes the file. If this process wrote it, a child that another test
/// forks meanwhile would inherit the open file, and the kernel runs no file that is open for writing.
pub(crate) fn executable(path: &Path, content: &str) {
    let source = path.with_extension("source");
    fs::write(&source, content).unwrap();
    let status = Command::new("install")
        .arg("--mode=755")
        .args([&source, path])
        .status()
        .unwrap();
    assert!(status.success());
}

/// A mounted ramfs whose directories belong to root's group.
const RAMFS: Store = Store::Mounted {
    file_system: FileSystem::Ramfs,
    group: Some(Gid::ROOT),
};
