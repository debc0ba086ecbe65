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
    "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "ntfs3", "overlay", "ramfs", "reiserfs",
    "tmpfs", "vfat", "xfs", "zfs",
];

/// One mount.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where it is mounted.
    pub(crate) place: PathBuf,
    /// The type of its file system.
    pub(crate) kind: String,
}

/// All mounts that this process sees, in the order in which they were mounted.
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

    /// The mount on which `path` lies, a path without symlinks.
    pub(crate) fn of(&self, path: &Path) -> Option<&Mount> {
        let around = self.0.iter().filter(|mount| path.starts_with(&mount.place));
        // Of several mounts on one place, the last is seen.
        around.max_by_key(|mount| mount.place.components().count())
    }
}

impl Mount {
    /// Reads a line of `/proc/self/mountinfo` (`proc_pid_mountinfo`(5)).
    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ');
        let place = plain(fields.nth(4)?);
        // Fields that are optional end with a hyphen.
        let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
        Some(Self {
            place: OsString::from_vec(place).into(),
            kind: String::from_utf8_lossy(kind).into_owned(),
        })
    }

    /// Whether its file system is in memory.
    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.kind.as_str(), "tmpfs" | "ramfs")
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

    #[test]
    fn a_path_lies_on_the_deepest_mount_around_it_and_on_the_last_of_several() {
        let text = b"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                     22 21 0:5 / /home rw - autofs systemd-1 rw\n\
                     23 22 0:6 / /home rw shared:2 master:1 - nfs4 server:/home rw\n\
                     24 21 0:7 /sub /my\\040disk\\134x rw - btrfs /dev/sdb rw\n\
                     broken\n";
        let mounts = Mounts::parse(text);
        let found = |path: &str| {
            let mount = mounts.of(Path::new(path)).unwrap();
            (mount.place.to_str().unwrap(), mount.kind.as_str(), mount.is_local())
        };
        assert_eq!(found("/etc/x"), ("/", "ext4", true));
        assert_eq!(found("/home/alice/x"), ("/home", "nfs4", false));
        assert_eq!(found("/homes/alice"), ("/", "ext4", true));
        assert_eq!(found("/my disk\\x/y"), ("/my disk\\x", "btrfs", true));
        assert_eq!(Mounts::parse(b"").of(Path::new("/")), None);
    }
}
