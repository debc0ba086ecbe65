//! The types of file systems in memory.

/// The type of a file system in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// A ramfs, which is never swapped out and has no limit of size.
    Ramfs,
    /// A tmpfs, mounted with `noswap` if the kernel knows that option (Linux 6.4).
    Tmpfs,
    /// A memory disk of macOS with the file system HFS+.
    #[cfg(any(target_os = "macos", test))]
    MemoryDisk,
}

#[cfg(target_os = "linux")]
impl FileSystem {
    /// The file system for the secrets of the whole host, which root installs. `tmpfs` says whether a tmpfs is preferred.
    #[must_use]
    pub fn of_host(tmpfs: bool) -> Self {
        if tmpfs { Self::Tmpfs } else { Self::Ramfs }
    }

    /// The file system for the secrets of a plain user. `None` if a plain user cannot mount one.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        None
    }
}

#[cfg(target_os = "macos")]
impl FileSystem {
    /// The file system for the secrets of the whole host, which root installs. There is no tmpfs.
    #[must_use]
    pub fn of_host(_tmpfs: bool) -> Self {
        Self::MemoryDisk
    }

    /// The file system for the secrets of a plain user. `None` if a plain user cannot mount one.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        Some(Self::MemoryDisk)
    }
}
