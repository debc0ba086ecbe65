//! What is made at a declared path.

/// What is made at a declared path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtPath {
    /// A symlink to the file in the live generation.
    #[default]
    Link,
    /// A file of its own, with the content, the owner and the mode of the file in the live generation.
    Copy {
        /// Whether the copy may lie on a file system that is not in memory, where it outlives a restart as plaintext.
        to_disk: bool,
    },
}

impl AtPath {
    /// Whether it is a copy.
    pub(crate) fn is_copy(self) -> bool {
        self != Self::Link
    }
}
