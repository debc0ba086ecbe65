//! Recognizes the top directory of a memory disk of macOS, by what the system says of its file system.

use std::os::fd::AsFd;

use rustix::{
    fs::{self, AtFlags, Stat},
    io::Result,
};

use super::disk::MARK;
use crate::system::status::mode_bits;

/// The flag of a mount on which every file belongs to whoever looks at it (`MNT_IGNORE_OWNERSHIP` in sys/mount.h).
const OWNERS_IGNORED: u32 = 0x0020_0000;

/// Whether `dir` is the top of a memory disk. The system does not tell a memory disk from another disk, so a disk has to be mounted
/// there, its file system has to be HFS+ (a startup disk is APFS), and it has to contain the file by which this program and sops-nix
/// mark a memory disk. `kind` is the type of the file system, as statfs(2) of macOS names it.
pub(crate) fn is_memory_disk(dir: impl AsFd, kind: &[u8]) -> Result<bool> {
    let is_hfs = kind.split(|byte| *byte == 0).next() == Some(b"hfs");
    let is_top = fs::fstat(&dir)?.st_dev != parent(&dir)?.st_dev;
    let mark = fs::statat(dir, MARK, AtFlags::SYMLINK_NOFOLLOW);
    Ok(is_hfs && is_top && mark.is_ok())
}

/// Whether every user could read what is in `dir`, whatever owners and modes say: the mount ignores owners, and everybody may enter the
/// directory above it. `flags` are those of the mount, as statfs(2) of macOS reports them.
pub(crate) fn is_open_to_all(dir: impl AsFd, flags: u32) -> Result<bool> {
    Ok(flags & OWNERS_IGNORED != 0 && mode_bits(&parent(&dir)?) & 0o011 != 0)
}

/// The status of the directory above `dir`.
fn parent(dir: impl AsFd) -> Result<Stat> {
    fs::statat(dir, c"..", AtFlags::empty())
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{File, Permissions, create_dir, set_permissions},
        os::unix::fs::PermissionsExt as _,
    };

    use super::*;

    #[test]
    fn a_mount_that_ignores_owners_is_closed_by_the_directory_above_alone() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("secrets.d");
        create_dir(&path).unwrap();
        let dir = File::open(&path).unwrap();
        // MNT_LOCAL, MNT_NODEV, MNT_NOSUID and MNT_NOEXEC, and with them MNT_IGNORE_OWNERSHIP.
        let (heeded, ignored) = (0x0000_101c, 0x0020_101c);
        for (mode, flags, expected) in [
            (0o700, ignored, false),
            (0o744, ignored, false),
            (0o710, ignored, true),
            (0o701, ignored, true),
            (0o755, ignored, true),
            (0o700, heeded, false),
            (0o755, heeded, false),
        ] {
            set_permissions(above.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_open_to_all(&dir, flags).unwrap(), expected, "{mode:o} {flags:x}");
        }
    }

    #[test]
    fn a_directory_without_a_mount_is_no_memory_disk() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("secrets.d");
        create_dir(&path).unwrap();
        File::create(path.join(MARK)).unwrap();
        assert!(!is_memory_disk(File::open(&path).unwrap(), b"hfs\0").unwrap());
    }
}
