//! Reads the paths of a manifest: makes them plain, and expands `%r` in user mode.

use std::{
    fmt,
    path::{Component, Path, PathBuf},
};

use super::findings::Findings;
use crate::text::printable::named;

/// How the paths of the manifest are read.
pub(crate) enum Paths<'a> {
    /// Paths are taken literally.
    Literal,
    /// The paths are for user mode: `%r` and `%%` in them are replaced. The value is the directory that replaces `%r`, if it is
    /// known.
    Expanded(Option<&'a Path>),
}

impl Paths<'_> {
    /// Reads a path that must be given. `what` is the name of the field, for messages.
    pub(crate) fn absolute(&self, what: impl fmt::Display + Copy, raw: &str, findings: &mut Findings) -> PathBuf {
        if raw.is_empty() {
            findings.error(format!("{what} is missing"), format!("set {what} to an absolute path"));
        }
        self.optional(what, raw, findings).unwrap_or_default()
    }

    /// Reads a path that may be missing. `what` is the name of the field, for messages.
    pub(crate) fn optional(&self, what: impl fmt::Display + Copy, raw: &str, findings: &mut Findings) -> Option<PathBuf> {
        if raw.is_empty() {
            return None;
        }
        let path = PathBuf::from(self.expand(what, raw, findings));
        if path.components().any(|part| part == Component::ParentDir) {
            findings.forgivable(
                format!("{what} is {}, which contains \"..\"", named(raw)),
                "each \"..\" removes the part before it",
                "write the path without \"..\"",
            );
        }
        let path = without_detours(&path);
        let fault = if !path.is_absolute() {
            Some("is not an absolute path")
        } else if raw.contains('\0') {
            Some("contains a NUL character")
        } else if path.file_name().is_none() {
            Some("is the root directory")
        } else {
            None
        };
        if let Some(fault) = fault {
            findings.error(
                format!("{what} is {}, which {fault}", named(raw)),
                "set an absolute path other than \"/\"",
            );
            return None;
        }
        Some(path)
    }

    /// In user mode, replaces `%r` by the run-time directory, and `%%` by a percent sign. All other text stays unchanged.
    fn expand(&self, what: impl fmt::Display + Copy, raw: &str, findings: &mut Findings) -> String {
        let Self::Expanded(runtime_dir) = *self else {
            return raw.to_owned();
        };
        let uses_runtime_dir = raw.split("%%").any(|part| part.contains("%r"));
        if uses_runtime_dir && runtime_dir.is_none() {
            findings.error(
                if cfg!(target_os = "macos") {
                    format!("{what} contains %r, but getconf DARWIN_USER_TEMP_DIR names no directory")
                } else {
                    format!("{what} contains %r, but XDG_RUNTIME_DIR is not set")
                },
                "log in, or run this in a user service",
            );
        }
        let runtime_dir = runtime_dir.unwrap_or(Path::new("/")).to_string_lossy();
        raw.split("%%")
            .map(|part| part.replace("%r", &runtime_dir))
            .collect::<Vec<_>>()
            .join("%")
    }
}

/// Removes `.`, `..` and repeated slashes from a path, so that two spellings of one path become equal.
pub(crate) fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}
