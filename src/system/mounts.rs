//! Finds the file system on which a path lies, in the list of mounts, and so without touching the file system itself.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use super::root::Root;

/// The types of file systems that answer without a server, and without a program of a user. On any other, such as NFS, FUSE or an
/// automount, a look at a file may take forever.
const LOCAL: &[&str] = &[
    "bcachefs", "btrfs", "devtmpfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "ntfs3", "overlay", "ramfs",
    "reiserfs", "tmpfs", "vfat", "xfs", "zfs",
];

/// One mount.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Its number.
    id: u64,
    /// The number of the mount in which it is mounted.
    parent: u64,
    /// Where it is mounted.
    pub(crate) place: PathBuf,
    /// The type of its file system.
    pub(crate) kind: String,
    /// Where its file system comes from, such as the path of a disk.
    source: String,
    /// The directory of the file system that is mounted.
    inside: PathBuf,
}

/// All mounts that this process sees.
#[derive(Debug)]
pub(crate) struct Mounts(Vec<Mount>);

impl Mounts {
    /// The mounts now. There are none if the system does not tell.
    pub(crate) fn now(root: &Root) -> Self {
        Self::parse(&fs::read(root.mounts()).unwrap_or_default())
    }

    /// Reads the text of `/proc/self/mountinfo`.
    fn parse(text: &[u8]) -> Self {
        Self(text.split(|byte| *byte == b'\n').filter_map(Mount::parse).collect())
    }

    /// The mounts through which the way to `path`, a path without symlinks, leads from the root on. `path` lies on the last of them.
    /// Mounts that others cover are left out.
    pub(crate) fn on_the_way(&self, path: &Path) -> Vec<&Mount> {
        let is_outermost = |mount: &&Mount| {
            let is_inside = |outer: &Mount| outer.id == mount.parent && outer.id != mount.id;
            mount.place == Path::new("/") && !self.0.iter().any(is_inside)
        };
        let mut way: Vec<&Mount> = Vec::new();
        let mut next = self.0.iter().find(is_outermost);
        // Each mount is passed at most once, so that no text makes an endless way.
        for _ in &self.0 {
            let Some(mount) = next else { break };
            way.retain(|outer| outer.place != mount.place);
            way.push(mount);
            let inside = |inner: &&Mount| inner.parent == mount.id && inner.id != mount.id && path.starts_with(&inner.place);
            // Of several in one mount, the way comes to that with the shortest path first.
            let inner = self.0.iter().filter(inside);
            next = inner.min_by_key(|inner| inner.place.components().count());
        }
        way
    }
}

impl Mount {
    /// Reads a line of `/proc/self/mountinfo` (`proc_pid_mountinfo`(5)).
    fn parse(line: &[u8]) -> Option<Self> {
        let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
        let mut fields = line.split(|byte| *byte == b' ');
        let mut number = || text(fields.next()?).parse().ok();
        let (id, parent) = (number()?, number()?);
        let inside = plain(fields.nth(1)?);
        let place = plain(fields.next()?);
        // Fields that are optional end with a hyphen.
        let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
        let (kind, source) = (text(fields.next()?), text(fields.next()?));
        Some(Self {
            id,
            parent,
            place: OsString::from_vec(place).into(),
            kind,
            source,
            inside: OsString::from_vec(inside).into(),
        })
    }

    /// Which file system it is, and where in it `path` lies: its type, its source, and the path in it. A unit may have a mount of its own of
    /// a part of the same file system, which tells the same.
    pub(crate) fn location(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.place).unwrap_or(Path::new(""));
        format!("{} {} {}", self.kind, self.source, self.inside.join(below).display())
    }

    /// Which file system it is, and which part of it is mounted: its type, its source, and the directory in it.
    pub(crate) fn mounted(&self) -> String {
        format!("{} {} {}", self.kind, self.source, self.inside.display())
    }

    /// Whether its file system answers without a server.
    pub(crate) fn is_local(&self) -> bool {
        LOCAL.contains(&self.kind.as_str())
    }
}

/// The text of a field, in which the kernel writes spaces, tabs, line ends and backslashes as three octal digits.
fn plain(field: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = field;
    while let Some((first, others)) = rest.split_first() {
        let escaped = others.get(..3).filter(|_| *first == b'\\');
        let byte = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        text.push(byte.unwrap_or(*first));
        rest = if byte.is_some() {
            others.get(3..).unwrap_or_default()
        } else {
            others
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of the mounts on the way to `path`.
    fn way<'m>(mounts: &'m Mounts, path: &str) -> Vec<&'m str> {
        let way = mounts.on_the_way(Path::new(path));
        way.iter().map(|mount| mount.place.to_str().unwrap()).collect()
    }

    #[test]
    fn the_way_to_a_path_leads_through_the_mounts_that_are_seen() {
        let text = b"22 21 0:5 / /home rw - autofs systemd-1 rw\n\
                     23 22 0:6 / /home rw shared:2 master:1 - nfs4 server:/home rw\n\
                     20 20 0:1 / / rw - rootfs rootfs rw\n\
                     21 20 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                     24 21 0:7 /sub /my\\040disk\\134x rw - btrfs /dev/sdb rw\n\
                     25 21 8:2 / /data/inner rw - ext4 /dev/sdc rw\n\
                     26 21 0:8 / /data rw - nfs4 server:/data rw\n\
                     27 23 0:9 / /home/alice rw - ext4 /dev/sdd rw\n\
                     broken\n";
        let mounts = Mounts::parse(text);
        assert_eq!(way(&mounts, "/etc/x"), ["/"]);
        assert_eq!(way(&mounts, "/homes/alice"), ["/"]);
        assert_eq!(way(&mounts, "/my disk\\x/y"), ["/", "/my disk\\x"]);
        // The inner mount is covered.
        assert_eq!(way(&mounts, "/data/inner/x"), ["/", "/data"]);
        assert_eq!(way(&mounts, "/home/alice/x"), ["/", "/home", "/home/alice"]);
        let kinds = |path| {
            let way = mounts.on_the_way(Path::new(path));
            way.iter()
                .map(|mount| (mount.kind.clone(), mount.is_local()))
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds("/home/x"), [("ext4".to_owned(), true), ("nfs4".to_owned(), false)]);
        let disk = mounts.on_the_way(Path::new("/my disk\\x")).pop().unwrap();
        assert_eq!(disk.location(Path::new("/my disk\\x/in/key")), "btrfs /dev/sdb /sub/in/key");
        assert_eq!(disk.mounted(), "btrfs /dev/sdb /sub");
        assert!(way(&Mounts::parse(b""), "/").is_empty());
    }

    #[test]
    fn mounts_in_a_ring_are_no_endless_way() {
        let ring = b"1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / /a rw - ext4 b rw\n\
                     3 2 0:3 / /a rw - ext4 c rw\n2 3 0:4 / /a rw - ext4 d rw\n";
        assert!(way(&Mounts::parse(ring), "/a/b").len() <= 4);
    }
}
