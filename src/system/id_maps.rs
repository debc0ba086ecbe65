//! The numbers of users and groups that exist in the user namespace of this process.
//!
//! A container with users of its own has only the numbers that were given to it. chown(2) refuses any other number with `EINVAL`
//! (`user_namespaces`(7)). On macOS, every number counts as mapped.

use std::{cell::OnceCell, fs};

use rustix::fs::{Gid, Uid};

/// How many numbers the first user namespace has: all but the highest, which chown(2) reads as "leave unchanged".
#[cfg(target_os = "linux")]
const ALL: u64 = u32::MAX as u64;

/// The numbers of users and groups that files can be given to. The kernel is asked when the first number is looked up.
#[derive(Default)]
pub(crate) struct IdMaps {
    users: OnceCell<Ranges>,
    groups: OnceCell<Ranges>,
}

/// Ranges of numbers: the first number of each, and how many numbers it has. `None` if they are not known. In that case, every number
/// counts as mapped, and chown(2) decides.
struct Ranges(Option<Vec<(u64, u64)>>);

impl IdMaps {
    /// Whether a file can be given to `user`. Root is always mapped: this program runs as root where it gives files to users.
    pub(crate) fn has_user(&self, user: Uid) -> bool {
        user.is_root() || self.users().has(user.as_raw())
    }

    /// Whether a file can be given to `group`. The group of root is always mapped.
    pub(crate) fn has_group(&self, group: Gid) -> bool {
        group.is_root() || self.groups().has(group.as_raw())
    }

    /// Whether some numbers are missing: then this process is in a user namespace of a container.
    #[cfg(target_os = "linux")]
    pub(crate) fn are_partial(&self) -> bool {
        self.users().are_partial() || self.groups().are_partial()
    }

    fn users(&self) -> &Ranges {
        self.users.get_or_init(|| Ranges::read("/proc/self/uid_map"))
    }

    fn groups(&self) -> &Ranges {
        self.groups.get_or_init(|| Ranges::read("/proc/self/gid_map"))
    }
}

impl Ranges {
    fn read(path: &str) -> Self {
        Self::parse(&fs::read_to_string(path).unwrap_or_default())
    }

    /// Reads lines of three numbers: the first number inside, the first number outside, and how many numbers.
    fn parse(text: &str) -> Self {
        let range = |line: &str| {
            let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
            match numbers.as_slice() {
                [first, _outside, count] => Some((*first, *count)),
                _ => None,
            }
        };
        let ranges: Option<Vec<_>> = text.lines().map(range).collect();
        Self(ranges.filter(|ranges| !ranges.is_empty()))
    }

    fn has(&self, number: u32) -> bool {
        let number = u64::from(number);
        self.0.as_ref().is_none_or(|ranges| {
            ranges
                .iter()
                .any(|(first, count)| number.checked_sub(*first).is_some_and(|place| place < *count))
        })
    }

    #[cfg(target_os = "linux")]
    fn are_partial(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|ranges| ranges.iter().fold(0, |sum: u64, (_, count)| sum.saturating_add(*count)) < ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_ranges() {
        let ranges = Ranges::parse("         0     100000      1000\n      2000       2000          1\n");
        for (number, is_mapped) in [
            (0, true),
            (999, true),
            (1000, false),
            (1999, false),
            (2000, true),
            (2001, false),
            (u32::MAX, false),
        ] {
            assert_eq!(ranges.has(number), is_mapped, "{number}");
        }
        assert!(ranges.are_partial());
    }

    #[test]
    fn the_first_namespace_has_all_numbers() {
        let ranges = Ranges::parse("         0          0 4294967295\n");
        assert!(ranges.has(0) && ranges.has(u32::MAX - 1) && !ranges.are_partial());
    }

    #[test]
    fn what_cannot_be_read_rules_no_number_out() {
        for text in ["", "0 0", "a b c", "0 0 1\n-1 0 1", "0 0 99999999999999999999"] {
            let ranges = Ranges::parse(text);
            assert!(ranges.has(7) && !ranges.are_partial(), "{text:?}");
        }
    }
}
