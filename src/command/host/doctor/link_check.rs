//! Looks for symlinks to secrets that are gone.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::finding::{HostFinding, Subject};
use crate::{
    command::host::{
        installation::Installation,
        patience::{patiently, side_by_side},
    },
    manifest::Manifest,
    system::{account_files::homes, root::Root},
    text::{diagnosis::Diagnosis, printable::shown, shell},
};

/// How many files and directories are looked at below one place.
const MOST: usize = 20_000;
/// How deep directories are looked into.
const DEPTH: usize = 5;

/// The symlinks that lead into an installation and to nothing: that to the live generation, and those at paths of secrets that the
/// configuration no longer has. They are looked for in `/etc`, `/var/lib`, `/srv` and homes.
pub(crate) fn of(installation: &Installation, manifest: &Manifest, root: &Root) -> Vec<HostFinding> {
    let link = root.locate(&manifest.link);
    if link.is_symlink() && !link.exists() {
        let cause = format!("the link {} leads to a generation that is gone", shown(&link));
        return vec![HostFinding::new(
            Subject::Link,
            Diagnosis::new(cause, format!("run: {}", installation.again(manifest))),
        )];
    }
    let targets = [manifest.link.clone(), manifest.mount_point.clone()];
    let declared = declared(manifest, root);
    let searched = side_by_side(&places(root), |place| links_below(place, &targets));
    let mut found: Vec<_> = searched.into_iter().flatten().collect();
    found.sort();
    found.dedup();
    let stale = found.iter().filter(|path| !declared.contains(path));
    stale.map(|path| finding(path)).collect()
}

/// The symlinks below `place` that lead into one of `targets` and to nothing. A place that does not answer has none.
fn links_below(place: &Path, targets: &[PathBuf; 2]) -> Vec<PathBuf> {
    let what = format!("{}, which is searched for links of secrets", shown(place));
    let place = place.to_owned();
    let mut search = LinkSearch {
        targets: targets.clone(),
        left: MOST,
        found: Vec::new(),
    };
    let searched = patiently(&what, move || {
        search.below(&place, DEPTH);
        search.found
    });
    searched.unwrap_or_default()
}

fn finding(path: &Path) -> HostFinding {
    let cause = format!("{} leads to a secret that is not installed any more", shown(path));
    let remedy = format!("if nothing needs it, run: rm {}", shell::path(path));
    HostFinding::new(Subject::Link, Diagnosis::new(cause, remedy))
}

/// The paths at which the configuration has a secret or template. If their symlinks lead to nothing, the secret is missing.
fn declared(manifest: &Manifest, root: &Root) -> Vec<PathBuf> {
    manifest
        .placements()
        .filter_map(|placement| placement.path.as_ref())
        .map(|path| root.locate(path))
        .collect()
}

fn places(root: &Root) -> Vec<PathBuf> {
    let homes = homes(&root.passwd()).into_iter().map(|home| root.locate(home.path));
    let homes = homes.filter(|home| home.starts_with(root.homes()) || home.ends_with("root"));
    ["/etc", "/var/lib", "/srv"]
        .map(|place| root.locate(place))
        .into_iter()
        .chain(homes)
        .collect()
}

/// A search for symlinks.
struct LinkSearch {
    /// What the symlinks lead into.
    targets: [PathBuf; 2],
    /// How many more files are looked at.
    left: usize,
    /// The symlinks that lead there and to nothing.
    found: Vec<PathBuf>,
}

impl LinkSearch {
    /// Looks at what is below a directory, on the same file system.
    fn below(&mut self, directory: &Path, depth: usize) {
        let Ok(status) = fs::metadata(directory) else { return };
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_symlink() {
                self.note(path);
            } else if kind.is_dir() && depth > 1 && entry.metadata().is_ok_and(|inner| inner.dev() == status.dev()) {
                self.below(&path, depth - 1);
            }
        }
    }

    fn note(&mut self, path: PathBuf) {
        let target = fs::read_link(&path).unwrap_or_default();
        if self.targets.iter().any(|into| target.starts_with(into)) && !path.exists() {
            self.found.push(path);
        }
    }
}
