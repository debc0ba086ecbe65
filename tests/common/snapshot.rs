//! Copies of directories, from which the same state is restored again and again.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};

use super::is_root;

/// The content of some directories. Mounts below these directories stay, and their content is restored too.
pub struct Snapshot {
    roots: Vec<PathBuf>,
    nodes: Vec<Node>,
}

/// One directory, file or symlink.
struct Node {
    path: PathBuf,
    mode: u32,
    owner: (u32, u32),
    kind: Kind,
}

enum Kind {
    Directory,
    File(Vec<u8>),
    Link(PathBuf),
}

impl Snapshot {
    /// Records the current content of these directories.
    pub fn take(roots: &[PathBuf]) -> Self {
        let mut nodes = Vec::new();
        for root in roots {
            collect(root, &mut nodes);
        }
        Self {
            roots: roots.to_vec(),
            nodes,
        }
    }

    /// Restores the recorded content, and removes everything that was added since.
    pub fn restore(&self) {
        self.roots.iter().for_each(|root| self.clear(root));
        self.nodes.iter().for_each(Node::put);
    }

    /// Empties a directory. Directories that existed before are kept, because something may be mounted on them.
    fn clear(&self, dir: &Path) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let is_directory = path.symlink_metadata().unwrap().is_dir();
            let was_directory = |node: &Node| node.path == path && matches!(node.kind, Kind::Directory);
            if is_directory && self.nodes.iter().any(was_directory) {
                self.clear(&path);
            } else if is_directory {
                fs::remove_dir_all(&path).unwrap();
            } else {
                fs::remove_file(&path).unwrap();
            }
        }
    }
}

/// Adds everything below `dir` to `nodes`, parents first.
fn collect(dir: &Path, nodes: &mut Vec<Node>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let status = path.symlink_metadata().unwrap();
        let kind = if status.is_symlink() {
            Kind::Link(fs::read_link(&path).unwrap())
        } else if status.is_dir() {
            Kind::Directory
        } else {
            Kind::File(fs::read(&path).unwrap())
        };
        let is_directory = matches!(kind, Kind::Directory);
        nodes.push(Node {
            path: path.clone(),
            mode: status.mode() & 0o7777,
            owner: (status.uid(), status.gid()),
            kind,
        });
        if is_directory {
            collect(&path, nodes);
        }
    }
}

impl Node {
    fn put(&self) {
        match &self.kind {
            Kind::Directory if self.path.is_dir() => {}
            Kind::Directory => fs::create_dir(&self.path).unwrap(),
            Kind::File(content) => fs::write(&self.path, content).unwrap(),
            Kind::Link(target) => symlink(target, &self.path).unwrap(),
        }
        if is_root() {
            lchown(&self.path, Some(self.owner.0), Some(self.owner.1)).unwrap();
        }
        if !matches!(self.kind, Kind::Link(_)) {
            fs::set_permissions(&self.path, Permissions::from_mode(self.mode)).unwrap();
        }
    }
}
