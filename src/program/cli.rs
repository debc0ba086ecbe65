//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Parser, ValueEnum,
    error::{ContextKind, ErrorKind},
};

/// Decrypt the sops files that a configuration declares and publish them under /run/secrets
///
/// Reads one JSON manifest that a NixOS or home-manager module made, finds the host's keys, decrypts the sops files that the
/// manifest names, and publishes the secrets as a new generation. Flags are accepted with one dash or two.
#[derive(Parser, Debug, PartialEq, Eq)]
#[command(name = "sops-install-secrets", version, after_help = EXIT_CODES, args_override_self = true)]
pub struct Arguments {
    /// Check instead of install: the manifest alone, or also that each sops file has the wanted keys; needs no key and no root
    #[arg(long, value_enum, default_value = "off", value_name = "MODE")]
    pub check_mode: CheckMode,

    /// Look up no user or group: all files belong to root, in user mode to the caller
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_name = "BOOL")]
    pub ignore_passwd: bool,

    /// Key services: ask them; leave what only they open to sops-nix-online.service; or complete what a run has left
    #[arg(long, value_enum, default_value = "ask", value_name = "MODE")]
    pub key_services: ServiceMode,

    /// The manifest
    #[arg(value_name = "MANIFEST.json")]
    pub manifest: PathBuf,
}

/// What a run does with the manifest: install it or check it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckMode {
    /// Install.
    Off,
    /// Read and validate the manifest only.
    Manifest,
    /// Also parse each sops file and look for the wanted keys.
    #[value(name = "sopsfile")]
    SopsFile,
}

/// When a run asks key services, and what becomes of the secrets that only they could give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ServiceMode {
    /// They are asked. What they do not open fails, as any file does that no key opens.
    #[default]
    Ask,
    /// They are not asked. A later run completes the set, so what only they could give is no failure, and keeps what is live of it. In an
    /// early phase no later run comes, so there it fails.
    Defer,
    /// They are asked, by the run that completes the set. What they do not open fails, and keeps what is live of it.
    Complete,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed, nothing changed
  2  wrong usage, or a manifest that cannot be used
  3  published, but some secrets (while nothing was published before, or as onFailure says), links, copies or unit requests failed
  4  with -key-services=complete: as 1 or 3, and neither a key service nor a key that comes later could help";

/// The argument with which this program starts itself once more; see `src/install/units/after_switch.rs`.
const AFTER_SWITCH: &str = "--after-switch";
const SINCE: &str = "--since=";

const USAGE: &str = "usage: sops-install-secrets [-check-mode=off|manifest|sopsfile] [-ignore-passwd] [-key-services=ask|defer|complete] MANIFEST.json";

/// The result of parsing a command line.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// The command line asks for a run with these arguments.
    Run(Arguments),
    /// Make the unit requests that a switch has left. Only this program itself passes such arguments.
    AfterSwitch {
        /// When the lists with these requests were written, if this is known.
        since: Option<String>,
        /// The units that had failed before the switch.
        failed: Vec<String>,
    },
    /// The command line asks for a text on standard output: the help or the version.
    Print(String),
}

/// Parses the arguments of the program. The first argument is the name of the program.
///
/// # Errors
///
/// Returns a message of one line if the arguments are wrong.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    if let [_, first, rest @ ..] = arguments.as_slice()
        && first == AFTER_SWITCH
    {
        return Ok(after_switch(rest));
    }
    match Arguments::try_parse_from(two_dashes(arguments)) {
        Ok(arguments) => Ok(Request::Run(arguments)),
        Err(error) if !error.use_stderr() => Ok(Request::Print(error.to_string())),
        Err(error) => Err(one_line(&error)),
    }
}

fn after_switch(arguments: &[OsString]) -> Request {
    let mut failed: Vec<_> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let since = failed.first().and_then(|word| word.strip_prefix(SINCE)).map(str::to_owned);
    failed.drain(..usize::from(since.is_some()));
    Request::AfterSwitch { since, failed }
}

/// Gives a second dash to long flags that have only one. The Nix modules of sops-nix write `-check-mode`, as the flag package of Go
/// allows. The crate `clap` accepts only `--check-mode`.
fn two_dashes(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut literal = false;
    let convert = |argument: OsString| {
        literal = literal || argument == "--";
        let text = argument.to_string_lossy();
        let long_with_one_dash = !literal && text.len() > 2 && text.starts_with('-') && !text.starts_with("--");
        if long_with_one_dash {
            OsString::from(format!("-{text}"))
        } else {
            argument
        }
    };
    arguments.into_iter().map(convert).collect()
}

/// Shortens an error of the crate `clap`, which has several lines, to one line with the usage.
fn one_line(error: &clap::Error) -> String {
    let context = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    match error.kind() {
        ErrorKind::MissingRequiredArgument => format!("no manifest given; {USAGE}"),
        ErrorKind::UnknownArgument if context(ContextKind::InvalidArg).starts_with('-') => {
            format!("unknown flag {}; {USAGE}", typed(&context(ContextKind::InvalidArg)))
        }
        ErrorKind::UnknownArgument => format!("more than one manifest given; {USAGE}"),
        ErrorKind::InvalidValue => {
            let argument = context(ContextKind::InvalidArg);
            let value = context(ContextKind::InvalidValue);
            format!("{} cannot be {value:?}; {USAGE}", typed(&argument))
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            format!("{}; {USAGE}", first.strip_prefix("error: ").unwrap_or(first))
        }
    }
}

/// An argument as somebody types it, from the notation of clap, such as `--check-mode <MODE>`.
fn typed(argument: &str) -> String {
    let name = argument.split([' ', '[', '=']).next().unwrap_or_default();
    match name.strip_prefix("--") {
        Some(flag) => format!("-{flag}"),
        None if name.starts_with('<') => "the name of the manifest".to_owned(),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Request, String> {
        parse(
            std::iter::once("sops-install-secrets")
                .chain(arguments.iter().copied())
                .map(OsString::from),
        )
    }

    #[allow(clippy::unnecessary_wraps, reason = "it is compared with what parse returns")]
    fn run(check_mode: CheckMode, ignore_passwd: bool) -> Result<Request, String> {
        Ok(Request::Run(Arguments {
            check_mode,
            ignore_passwd,
            key_services: ServiceMode::Ask,
            manifest: PathBuf::from("m.json"),
        }))
    }

    #[test]
    fn flags_are_taken_with_one_dash_and_two() {
        assert_eq!(parsed(&["m.json"]), run(CheckMode::Off, false));
        for spelling in [
            ["-check-mode=sopsfile", "-ignore-passwd", "m.json"],
            ["--check-mode=sopsfile", "--ignore-passwd", "m.json"],
            ["-ignore-passwd=true", "-check-mode=sopsfile", "m.json"],
            ["m.json", "-check-mode=sopsfile", "-ignore-passwd"],
        ] {
            assert_eq!(parsed(&spelling), run(CheckMode::SopsFile, true));
        }
        assert_eq!(
            parsed(&["-check-mode", "manifest", "m.json"]),
            run(CheckMode::Manifest, false)
        );
        assert_eq!(
            parsed(&["--check-mode", "off", "-ignore-passwd=false", "m.json"]),
            run(CheckMode::Off, false)
        );
    }

    #[test]
    fn what_a_switch_has_left_is_asked_for_with_the_units_that_had_failed() {
        for (since, time) in [(None, None), (Some("--since=1,2"), Some("1,2"))] {
            let mut arguments = vec![crate::install::units::AFTER_SWITCH];
            arguments.extend(since);
            arguments.extend(["a.service", "b.service"]);
            let wanted = Request::AfterSwitch {
                since: time.map(str::to_owned),
                failed: vec!["a.service".to_owned(), "b.service".to_owned()],
            };
            assert_eq!(parsed(&arguments), Ok(wanted));
        }
    }

    #[test]
    fn of_a_repeated_flag_the_last_counts() {
        let arguments = [
            "-check-mode=off",
            "-ignore-passwd",
            "-check-mode=manifest",
            "-ignore-passwd=false",
            "m.json",
        ];
        assert_eq!(parsed(&arguments), run(CheckMode::Manifest, false));
    }

    #[test]
    fn wrong_usage_is_one_line_with_the_right_one() {
        let fails = |arguments: &[&str], text: &str| {
            assert_eq!(parsed(arguments), Err(format!("{text}; {USAGE}")));
        };
        fails(&[], "no manifest given");
        fails(&["-check-mode=off"], "no manifest given");
        fails(&["-chek-mode=off", "m.json"], "unknown flag -chek-mode");
        fails(&["-x", "m.json"], "unknown flag -x");
        fails(&["a.json", "b.json"], "more than one manifest given");
        fails(&["-check-mode=all", "m.json"], "-check-mode cannot be \"all\"");
        fails(&["-ignore-passwd=maybe", "m.json"], "-ignore-passwd cannot be \"maybe\"");
    }
}
