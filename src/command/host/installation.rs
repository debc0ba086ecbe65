//! What this host is set up to install: one installation for each phase, and one for each user of home-manager.

use std::{env, path::Path};

use rustix::process::geteuid;
use serde::Serialize;

use super::{
    asker::{Asker, askers},
    call::{Call, calls, names_commands_before},
    host_manifest::installed_manifest,
    patience::{patiently, side_by_side},
    unit_file,
};
use crate::{
    manifest::{Manifest, Phase},
    program::{
        again,
        cli::ServiceMode,
        environment::{Environment, KeyVariables},
    },
    system::root::Root,
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
    /// The unit that completes it once the network is there, with what key services give; `None` if there is none.
    pub(crate) online_unit: Option<String>,
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
    /// The installations of a user or of the system, about which nothing is known, because `what` does not answer.
    fn unanswered(user: Option<&Asker>, what: &str) -> Self {
        Self {
            phase: if user.is_some() { HostPhase::User } else { HostPhase::System },
            user: user.map(|user| user.name.clone()),
            unit: None,
            online_unit: None,
            call: Call::default(),
            waits_for_login: false,
            manifest: Err(Diagnosis::new(
                format!("{what} does not answer"),
                "look at how it is mounted, with findmnt, and whether its server answers",
            )),
        }
    }

    /// Looks at the places of the installation, and does nothing else.
    fn touch(&self) {
        if let Ok(manifest) = &self.manifest {
            let secrets = manifest.secrets.iter().map(|secret| &secret.placement);
            let placements = secrets.chain(manifest.templates.iter().map(|template| &template.placement));
            let paths = placements.filter_map(|placement| placement.path.as_ref());
            for path in paths.chain([&manifest.link, &manifest.mount_point]) {
                let _ = path.metadata();
            }
        }
    }

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
    found.extend(side_by_side(&users, |user| of_user(user, root)).into_iter().flatten());
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
    let (directory, own) = (result.to_owned(), root.clone());
    let system = patiently("the built configuration", move || {
        system_below(&directory, &directory.join("activate"), &own)
    });
    let mut found = system.unwrap_or_else(|| vec![Installation::unanswered(None, "the disk with the built configuration")]);
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
    let own = root.clone();
    let found = patiently("the units of this host", move || {
        system_below(&own.locate("/"), &own.locate("/run/current-system/activate"), &own)
    });
    found.unwrap_or_else(|| {
        vec![Installation::unanswered(
            None,
            "the disk with the units and manifests of this host",
        )]
    })
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

/// The installations of a user. A user's disk may not answer, and a user may have written anything: so this is done by a thread that can
/// only read, for a limited time.
fn of_user(user: &Asker, root: &Root) -> Vec<Installation> {
    let (asker, own) = (user.clone(), root.clone());
    let what = format!("the home of user {}", named(&user.name));
    let found = patiently(&what, move || {
        let found = in_directory(&asker.home.join(".config/systemd/user"), &own, Some(&asker));
        // What else is asked of the user is on the same disks. If they do not answer, this is the place to wait.
        found.iter().for_each(Installation::touch);
        found
    });
    found.unwrap_or_else(|| vec![Installation::unanswered(Some(user), &what)])
}

/// The installations that the units in a directory make. All modules give their units names that begin with `sops-`.
fn in_directory(directory: &Path, root: &Root, user: Option<&Asker>) -> Vec<Installation> {
    let mut found: Vec<Installation> = Vec::new();
    let mut completing = Vec::new();
    for unit in unit_file::beginning_with("sops-", directory) {
        for mut call in calls(&unit.values("ExecStart").join("\n"), root) {
            call.variables.splice(..0, unit.variables());
            call.follows_commands |= unit
                .values("ExecStartPre")
                .iter()
                .any(|command| names_commands_before(command));
            if call.mode == ServiceMode::Complete {
                completing.push((call.manifest, unit.name.clone()));
                continue;
            }
            let is_new = found.iter().all(|other| other.call.manifest != call.manifest);
            found.extend(is_new.then(|| installation(Some(unit.name.clone()), call, user)));
        }
    }
    for (manifest, unit) in completing {
        if let Some(completed) = found.iter_mut().find(|installation| installation.call.manifest == manifest) {
            completed.online_unit = Some(unit);
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
        online_unit: None,
        call,
        manifest,
    }
}

/// The failure if this host installs nothing.
pub(crate) fn none() -> Diagnosis {
    Diagnosis::new(
        "this host is not set up to install secrets: no unit and no activation script does",
        "import the module into its configuration, declare a secret, and switch; without the module, call the unit that runs the program sops-nix.service",
    )
}
