//! Finds the calls of the installer in units and scripts, and what each is given.
//!
//! The units and the activation script are what the host itself runs. So they name the manifest of each phase, also on a host where no
//! run has ever succeeded, and with the modules of sops-nix. A record of a run would name it only after a run.

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
};

use clap::ValueEnum as _;

use super::unit_file;
use crate::{program::cli::ServiceMode, system::root::Root};

/// The file name of the installer.
const PROGRAM: &str = "sops-install-secrets";

/// What the name of the script with the commands before an installation has in it.
const COMMANDS_BEFORE: &str = "sops-nix-pre-install";

/// How many scripts are looked into for one unit. The unit of the module calls one that calls another, and a user may have written a
/// unit that calls thousands.
const MOST: usize = 20;

/// One call of the installer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    /// The path of the manifest.
    pub(crate) manifest: PathBuf,
    /// Whether no user is looked up (`-ignore-passwd`).
    pub(crate) is_early: bool,
    /// When it asks key services (`-key-services`).
    pub(crate) mode: ServiceMode,
    /// The variables that the script of the call sets. A value that the shell would compute is left out.
    pub(crate) variables: Vec<(String, String)>,
    /// The directories that the script of the call puts before the search path.
    pub(crate) search_path: Vec<PathBuf>,
    /// Whether commands of the configuration run before it (`sops.preInstall`). They may bring the keys.
    pub(crate) follows_commands: bool,
}

/// The calls that `text` makes, itself or by scripts of ours that it calls.
pub(crate) fn calls(text: &str, root: &Root) -> Vec<Call> {
    follow(text, root, &mut BTreeSet::new())
}

/// Whether a script or the commands of a unit run those of `sops.preInstall`.
pub(crate) fn names_commands_before(text: &str) -> bool {
    text.contains(COMMANDS_BEFORE)
}

/// The calls in `text`. `seen` has the scripts that were looked into.
fn follow(text: &str, root: &Root, seen: &mut BTreeSet<PathBuf>) -> Vec<Call> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let mut calls: Vec<Call> = lines.flat_map(|line| in_line(line, root, seen)).collect();
    let variables = variables(text);
    let has_commands = names_commands_before(text);
    for call in &mut calls {
        call.follows_commands |= has_commands;
        call.variables.extend(variables.iter().cloned());
        call.search_path.extend(text.lines().filter_map(search_path).flatten());
    }
    calls
}

fn in_line(line: &str, root: &Root, seen: &mut BTreeSet<PathBuf>) -> Vec<Call> {
    let words: Vec<&str> = words(line).collect();
    let is_program = |word: &&str| Path::new(word).file_name().is_some_and(|name| name == PROGRAM);
    if let Some(position) = words.iter().position(is_program) {
        return call(words.get(position..).unwrap_or_default()).into_iter().collect();
    }
    let mut calls = Vec::new();
    for script in words.iter().filter(|word| is_script(word)).map(|script| root.locate(script)) {
        if seen.len() < MOST && seen.insert(script.clone()) {
            let text = unit_file::text(&script).filter(|text| text.starts_with("#!"));
            calls.extend(text.iter().flat_map(|text| follow(text, root, seen)));
        }
    }
    calls
}

/// Whether a word is the path of a script that a module made: its name in the store is `HASH-sops-nix…`.
fn is_script(word: &str) -> bool {
    let name = Path::new(word).file_name().unwrap_or_default().to_string_lossy();
    word.starts_with('/') && name.contains("sops-")
}

/// The words of a line of shell or of a unit, without quotes, and without what stands before a command of a unit (systemd.service(5)).
fn words(line: &str) -> impl Iterator<Item = &str> {
    let ends = |character: char| character.is_whitespace() || "=\"'`;|&<>()".contains(character);
    line.split(ends).filter(|word| !word.is_empty()).map(|word| {
        let path = word.trim_start_matches(['-', '+', '!', '@', ':']);
        if path.starts_with('/') { path } else { word }
    })
}

/// The call that the words make, from the installer on.
fn call(words: &[&str]) -> Option<Call> {
    let manifest = words.iter().skip(1).rfind(|word| word.starts_with('/'))?;
    Some(Call {
        manifest: PathBuf::from(manifest),
        is_early: words.iter().any(|word| word.trim_start_matches('-') == "ignore-passwd"),
        mode: mode(words).unwrap_or_default(),
        ..Call::default()
    })
}

/// When the installer asks key services, if the words say it.
fn mode(words: &[&str]) -> Option<ServiceMode> {
    let flag = words.iter().position(|word| word.trim_start_matches('-') == "key-services")?;
    ServiceMode::from_str(words.get(flag.checked_add(1)?)?, false).ok()
}

/// The variables that a script sets for the installer: lines `export NAME='VALUE'`.
fn variables(text: &str) -> Vec<(String, String)> {
    let exports = text.lines().filter_map(|line| line.trim_start().strip_prefix("export "));
    exports.filter_map(variable).collect()
}

/// The directories of a line `export PATH='DIRECTORIES'${PATH:+":$PATH"}`.
fn search_path(line: &str) -> Option<Vec<PathBuf>> {
    let (directories, _) = line.trim_start().strip_prefix("export PATH='")?.split_once('\'')?;
    Some(
        env::split_paths(directories)
            .filter(|directory| directory.is_absolute())
            .collect(),
    )
}

fn variable(assignment: &str) -> Option<(String, String)> {
    let words = shlex::split(assignment)?;
    let [word] = words.as_slice() else { return None };
    let (name, value) = word.split_once('=')?;
    let is_computed = value.contains('$') || value.contains('`');
    (!is_computed).then(|| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_call_is_found_behind_scripts() {
        let directory = tempfile::TempDir::new().unwrap();
        let root = Root::new(directory.path());
        fs::write(
            root.locate("/x-sops-nix"),
            "#!/bin/sh\nexport HOME='/var/empty'\n  export A='$(b)'\n  export B=c\nexport PATH='/p:/q':$PATH\nexec /s/bin/sops-install-secrets -ignore-passwd -key-services=defer /m.json\n",
        )
        .unwrap();
        fs::write(
            root.locate("/y-sops-nix-show-or-install"),
            "#!/bin/sh\n[ -e /x ] || exec /x-sops-nix > /dev/null\n",
        )
        .unwrap();
        let found = calls("ExecStart=-+/y-sops-nix-show-or-install\n", &root);
        let call = Call {
            manifest: PathBuf::from("/m.json"),
            is_early: true,
            mode: ServiceMode::Defer,
            variables: [("HOME", "/var/empty"), ("B", "c")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            search_path: vec![PathBuf::from("/p"), PathBuf::from("/q")],
            follows_commands: false,
        };
        assert_eq!(found, [call]);
    }

    #[test]
    fn a_unit_that_calls_the_installer_itself_is_found() {
        let found = calls("ExecStart=/s/bin/sops-install-secrets /m.json", &Root::new("/"));
        let [call] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((call.manifest.as_path(), call.is_early), (Path::new("/m.json"), false));
        assert_eq!(call.mode, ServiceMode::Ask);
    }
}
