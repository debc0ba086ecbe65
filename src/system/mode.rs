//! The permission bits of a file, as a type of their own, so that no other number is taken for them.

use rustix::fs::{Mode, Stat};

use super::status;

/// The permission bits of a file (inode(7)): who may read, write and execute the file, and the bits set-user-ID, set-group-ID and
/// sticky. The number is at most `0o7777`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMode(u32);

/// Why a text is not a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadMode {
    /// The text stands for more than `07777`. The value is the mode without the bits that are too high.
    TooHigh(FileMode),
    /// The text is not an octal number.
    NotOctal,
}

impl FileMode {
    /// The mode in which nobody has any right to the file.
    pub const NONE: Self = Self(0);

    /// The permission bits among `bits`; other bits, such as the bits for the type of a file, are left out.
    #[must_use]
    pub const fn of_bits(bits: u32) -> Self {
        Self(bits & 0o7777)
    }

    /// The permission bits of the file with this status.
    #[must_use]
    pub fn of(file: &Stat) -> Self {
        Self::of_bits(status::mode_bits(file))
    }

    /// Reads octal digits, such as `0400`.
    ///
    /// # Errors
    /// When the text has another character, or stands for more than `07777`.
    pub fn from_octal(text: &str) -> Result<Self, BadMode> {
        match u32::from_str_radix(text, 8) {
            Err(_) => Err(BadMode::NotOctal),
            Ok(_) if text.starts_with('+') => Err(BadMode::NotOctal),
            Ok(bits) if bits > 0o7777 => Err(BadMode::TooHigh(Self::of_bits(bits))),
            Ok(bits) => Ok(Self(bits)),
        }
    }

    /// The mode with only those bits that `mask` has too.
    #[must_use]
    pub const fn within(self, mask: Self) -> Self {
        Self(self.0 & mask.0)
    }

    /// The number that system calls take.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl From<FileMode> for Mode {
    fn from(mode: FileMode) -> Self {
        status::mode(mode.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_octal_digits_are_a_mode() {
        for (text, bits) in [("0400", 0o400), ("0000000640", 0o640), ("7777", 0o7777), ("0", 0)] {
            assert_eq!(FileMode::from_octal(text).map(FileMode::bits), Ok(bits), "{text}");
        }
        for text in ["", "+400", "-400", "0o400", "u=r", "8", "400 ", "77777777777777"] {
            assert_eq!(FileMode::from_octal(text), Err(BadMode::NotOctal), "{text}");
        }
    }

    #[test]
    fn a_mode_has_permission_bits_alone() {
        assert_eq!(
            FileMode::from_octal("100644"),
            Err(BadMode::TooHigh(FileMode::of_bits(0o644)))
        );
        assert_eq!(FileMode::of_bits(0o100_644).bits(), 0o644);
    }
}
