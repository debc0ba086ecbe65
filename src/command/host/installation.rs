//! What this host is set up to install: one installation for each phase, and one for each user of home-manager.

use std::{
    env,
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use serde::Serialize;

use super::{
    call::{Call, calls},
    unit_file,
};
use crate::{
    command::input::Input,
    manifest::{Manifest, Phase},
    program::{
        again,
        environment::{Environment, KeyVariables},
        manifest_file,
    },
    system::{
        read,
        root::Root,
        users::{Home, homes},
    },
    text::{
        diagnosis::Diagnosis,
        printable::{named, quoted, shown},
        shell,
    },
};

/// One installation that the host is set up to make.
pub(crate) struct Installation {
    /// When it is made.
    pub(crate) phase: HostPhase,
    /// The user whose secrets these are; `None` if they are the host's.
    pub(crate) user: Option<String>,
    /// The unit that makes it; `None` if the activation script does.
    pub(crate) unit: Option<String>,
    /// The call of the installer.
    pub(crate) call: Call,
    /// Whether it comes only when its user logs in: the user's run-time directory, which has the secrets, is not there.
    pub(crate) waits_for_login: bool,
    /// The manifest, or why it cannot be used.
    pub(crate) manifest: Result<Manifest, Diagnosis>,
}

/// When an installation is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum HostPhase {
    /// Before file systems are mounted, for secrets with `neededForFileSystems`.
    ForFileSystems,
    /// Before users are made, for secrets with `neededForUsers`.
    ForUsers,
    /// When users and file systems are there.
    System,
    /// When a user's service manager starts, for the secrets of home-manager.
    User,
}

impl HostPhase {
    /// The word for it, as JSON has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::ForFileSystems => "for-file-systems",
            Self::ForUsers => "for-users",
            Self::System => "system",
            Self::User => "user",
        }
    }
}

impl Installation {
    /// What a page calls it.
    pub(crate) fn title(&self) -> String {
        let word = self.phase.word();
        let user = self.user.as_ref().map(|user| format!(" {}", shown(Path::new(user))));
        let by = self
            .unit
            .as_ref()
            .map_or_else(|| "activation script".to_owned(), |unit| quoted(unit));
        format!("{word}{}  {by}", user.unwrap_or_default())
    }

    /// What messages call it.
    pub(crate) fn object(&self) -> String {
        match &self.user {
            Some(user) => format!("the secrets of user {}", named(user)),
            None => format!("the phase {}", named(self.phase.word())),
        }
    }

    /// Whether whoever asks makes it: root makes those of the system. Others cannot read the keys for it.
    pub(crate) fn is_own(&self) -> bool {
        self.user.is_some() || geteuid().is_root()
    }

    /// The variables about keys that its unit has: those of its script and, for a user's, those that the user has. A credential is where
    /// systemd keeps it as long as the unit is active.
    pub(crate) fn variables(&self, root: &Root) -> KeyVariables {
        let unit = self.unit.as_deref().unwrap_or_default();
        let is_of_system = self.user.is_none();
        let credentials = root.locate(format!("/run/credentials/{unit}"));
        KeyVariables::of(|name| match name {
            "CREDENTIALS_DIRECTORY" => (is_of_system && credentials.is_dir()).then(|| credentials.clone().into()),
            name => {
                let set = self.call.variables.iter().rfind(|(variable, _)| variable == name);
                let inherited = || env::var_os(name).filter(|_| !is_of_system);
                set.map(|(_, value)| value.into()).or_else(inherited)
            }
        })
    }

    /// The command that makes it again. `manifest` is its manifest.
    pub(crate) fn again(&self, manifest: &Manifest) -> String {
        match &self.user {
            Some(user) if geteuid().is_root() => {
                format!("systemctl --user --machine={}@ restart sops-nix", shell::word(user))
            }
            _ => again::command(manifest, self.call.is_early, self.unit.is_some()).to_owned(),
        }
    }
}

/// The installations of this host, and those of whoever asks: of all users, if root asks. They are in the order of phases.
pub(crate) fn of_asker(root: &Root, environment: &Environment) -> Vec<Installation> {
    let mut found = of_system(root);
    let users = askers(root, environment);
    found.extend(users.iter().flat_map(|user| of_user(user, root)));
    found
}

/// The installations of the system and, for a plain user, that of the user.
pub(crate) fn of_own(root: &Root, environment: &Environment) -> Vec<Installation> {
    if geteuid().is_root() {
        of_system(root)
    } else {
        of_asker(root, environment)
    }
}

/// The installations of a configuration that is built: of a NixOS system, or of home-manager.
///
/// # Errors
///
/// With a message for people, if `result` is no directory.
pub(crate) fn of_built(result: &Path, root: &Root, environment: &Environment) -> Result<Vec<Installation>, Diagnosis> {
    if !result.is_dir() {
        let cause = format!("{} is no built configuration: it is not a directory", shown(result));
        return Err(Diagnosis::new(
            cause,
            "name the link that nixos-rebuild build makes: ./result",
        ));
    }
    let mut found = system_below(result, &result.join("activate"), root);
    for user in askers(root, environment)
        .iter()
        .filter(|user| environment.keys.home.as_ref() == Some(&user.home))
    {
        found.extend(in_directory(
            &result.join("home-files/.config/systemd/user"),
            root,
            Some(user),
        ));
    }
    Ok(found)
}

/// The installations of the system.
pub(crate) fn of_system(root: &Root) -> Vec<Installation> {
    system_below(&root.locate("/"), &root.locate("/run/current-system/activate"), root)
}

/// The installations of the units in `etc/systemd/system` below `directory`, and of an activation script.
fn system_below(directory: &Path, script: &Path, root: &Root) -> Vec<Installation> {
    let mut found = in_directory(&directory.join("etc/systemd/system"), root, None);
    let script = unit_file::text(script).unwrap_or_default();
    for call in calls(&script, root) {
        if found.iter().all(|installation| installation.call.manifest != call.manifest) {
            found.push(installation(None, call, None));
        }
    }
    found.sort_by_key(|installation| installation.phase);
    found
}

/// A user, as far as it matters here.
struct Asker {
    name: String,
    home: PathBuf,
    runtime_dir: PathBuf,
}

/// The users whose installations are shown beside those of the system.
fn askers(root: &Root, environment: &Environment) -> Vec<Asker> {
    let homes = homes(&root.passwd());
    let of = |home: &Home| Asker {
        name: home.name.clone(),
        home: root.locate(&home.path),
        runtime_dir: root.runtime_dir(home.owner.user),
    };
    let own = geteuid();
    if own.is_root() {
        return homes.iter().map(of).collect();
    }
    // A directory server may know a user that /etc/passwd does not have.
    let name = homes.iter().find(|home| home.owner.user == own).map(|home| home.name.clone());
    let asker = environment.keys.home.as_ref().map(|home| Asker {
        name: name.unwrap_or_else(|| own.as_raw().to_string()),
        home: home.clone(),
        runtime_dir: environment.runtime_dir.clone().unwrap_or_else(|| root.runtime_dir(own)),
    });
    asker.into_iter().collect()
}

fn of_user(user: &Asker, root: &Root) -> Vec<Installation> {
    in_directory(&user.home.join(".config/systemd/user"), root, Some(user))
}

/// The installations that the units in a directory make. All modules give their units names that begin with `sops-`.
fn in_directory(directory: &Path, root: &Root, user: Option<&Asker>) -> Vec<Installation> {
    let mut found: Vec<Installation> = Vec::new();
    for unit in unit_file::beginning_with("sops-", directory) {
        for mut call in calls(&unit.values("ExecStart").join("\n"), root) {
            call.variables.splice(..0, unit.variables());
            let is_new = found.iter().all(|other| other.call.manifest != call.manifest);
            found.extend(is_new.then(|| installation(Some(unit.name.clone()), call, user)));
        }
    }
    found
}

fn installation(unit: Option<String>, call: Call, user: Option<&Asker>) -> Installation {
    let manifest = installed_manifest(&call.manifest, user.map(|user| user.runtime_dir.as_path()));
    let phase = match &manifest {
        _ if user.is_some() => HostPhase::User,
        Ok(manifest) if manifest.phase == Phase::FileSystems => HostPhase::ForFileSystems,
        _ if call.is_early => HostPhase::ForUsers,
        _ => HostPhase::System,
    };
    let waits =
        |user: &Asker, manifest: &Manifest| manifest.mount_point.starts_with(&user.runtime_dir) && !user.runtime_dir.exists();
    Installation {
        waits_for_login: user
            .zip(manifest.as_ref().ok())
            .is_some_and(|(user, manifest)| waits(user, manifest)),
        phase,
        user: user.map(|user| user.name.clone()),
        unit,
        call,
        manifest,
    }
}

/// Reads the manifest of an installation. A user may have named it, so only a regular file is read.
fn installed_manifest(path: &Path, runtime_dir: Option<&Path>) -> Result<Manifest, Diagnosis> {
    let contents = read::read(path, manifest_file::LARGEST).map_err(|error| {
        let cause = format!("cannot read {}: {error}", shown(path));
        Diagnosis::new(cause, "switch to the configuration again")
    })?;
    parse(path, contents.text.expose(), runtime_dir)
}

/// Reads a manifest that somebody names. `runtime_dir` replaces `%r` in user mode.
///
/// # Errors
///
/// With a message for people, if it cannot be used.
pub(crate) fn read_manifest(path: &Path, runtime_dir: Option<&Path>) -> Result<Manifest, Diagnosis> {
    let input = Input::read(path, manifest_file::LARGEST, manifest_file::LARGEST)?;
    parse(path, input.text.expose(), runtime_dir)
}

fn parse(path: &Path, text: &[u8], runtime_dir: Option<&Path>) -> Result<Manifest, Diagnosis> {
    let parsed = Manifest::parse(path, text, runtime_dir);
    parsed.map(|(manifest, _)| manifest).map_err(|error| error.diagnosis)
}

/// The failure if this host installs nothing.
pub(crate) fn none() -> Diagnosis {
    Diagnosis::new(
        "this host is not set up to install secrets: no unit and no activation script does",
        "import the module into its configuration, declare a secret, and switch",
    )
}
