//! Reads which process holds the lock on a file, in `/proc/locks` (`proc_locks`(5)).

use std::fs::read_to_string;

use rustix::fs::{Stat, major, minor};

use super::root::Root;

/// The number of the process that holds the lock on the file with the status `file`. The number is 0 if this process cannot see
/// that process, which is then in another PID namespace. Returns `None` if the file is not locked.
pub(crate) fn holder(root: &Root, file: &Stat) -> Option<u32> {
    let locks = read_to_string(root.locks()).ok()?;
    let (major, minor) = (major(file.st_dev), minor(file.st_dev));
    holder_in(&locks, &format!("{major:02x}:{minor:02x}:{}", file.st_ino))
}

/// The process that holds the lock on `file`, according to `locks`, the text of `/proc/locks`. `file` has the form
/// `major:minor:inode`, with the first two in hexadecimal. A line with an arrow (`->`) describes a process that waits for the lock.
fn holder_in(locks: &str, file: &str) -> Option<u32> {
    let holds = |line: &&str| line.split_whitespace().nth(5) == Some(file) && !line.contains("->");
    locks.lines().find(holds)?.split_whitespace().nth(4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_a_lock_is_told_from_who_waits_for_it() {
        let locks = "1: FLOCK  ADVISORY  WRITE 7 00:1a:5 0 EOF\n\
                     1: -> FLOCK  ADVISORY  WRITE 8 00:1a:5 0 EOF\n\
                     2: POSIX  ADVISORY  READ 9 08:01:55 128 128\n\
                     3: FLOCK  ADVISORY  WRITE 0 00:1a:6 0 EOF\n\
                     4: -> FLOCK  ADVISORY  WRITE 8 00:1a:7 0 EOF\n";
        assert_eq!(holder_in(locks, "00:1a:5"), Some(7));
        assert_eq!(holder_in(locks, "00:1a:6"), Some(0), "a process that we cannot see");
        for file in ["00:1a:55", "00:1a:7", "0:1a:5"] {
            assert_eq!(holder_in(locks, file), None, "{file}");
        }
    }
}
