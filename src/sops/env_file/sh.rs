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

pub(crate) fn write(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    take(b"'");
    between_single_quotes(value, take)?;
    take(b"'");
    Ok(())
}

/// Between single quotes, each character stands for itself. A single quote itself stands outside of them, behind a backslash.
pub(crate) fn between_single_quotes(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    without_nul(value)?;
    let mut separator: &[u8] = b"";
    for part in value.split(|&byte| byte == b'\'') {
        take(separator);
        take(part);
        separator = b"'\\''";
    }
    Ok(())
}

/// Between double quotes, four characters need a backslash.
pub(crate) fn between_double_quotes(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    without_nul(value)?;
    escape(value, b"\"\\`$", take);
    Ok(())
}

/// Takes the value with a backslash before each of the `special` bytes.
pub(crate) fn escape(value: &[u8], special: &[u8], take: Take<'_>) {
    for part in value.split_inclusive(|byte| special.contains(byte)) {
        match part.split_last() {
            Some((last, rest)) if special.contains(last) => {
                take(rest);
                take(b"\\");
                take(std::slice::from_ref(last));
            }
            _ => take(part),
        }
    }
}
