//! Assignments that a POSIX shell reads (`. FILE`). Source: POSIX, Shell Command Language, 2.2 Quoting.

use super::unwritable::{Take, Unwritable, without_nul};

/// The variables that bash or dash sets by itself, or does not let anybody set. (`OPTIND` counts options, and dash ends at a word.)
/// Source: bash(1), Shell Variables.
pub(crate) const OWN_NAMES: &[&str] = &[
    "_",
    "BASHOPTS",
    "BASHPID",
    "BASH_ALIASES",
    "BASH_ARGC",
    "BASH_ARGV",
    "BASH_ARGV0",
    "BASH_CMDS",
    "BASH_COMMAND",
    "BASH_LINENO",
    "BASH_SOURCE",
    "BASH_SUBSHELL",
    "BASH_VERSINFO",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "LINENO",
    "OPTIND",
    "PIPESTATUS",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SRANDOM",
    "UID",
];

/// Between single quotes, each character stands for itself. A single quote itself stands outside of them, behind a backslash.
pub(crate) fn write(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    without_nul(value)?;
    take(b"'");
    let mut separator: &[u8] = b"";
    for part in value.split(|&byte| byte == b'\'') {
        take(separator);
        take(part);
        separator = b"'\\''";
    }
    take(b"'");
    Ok(())
}
