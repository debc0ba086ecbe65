//! Opens OpenPGP messages with the gpg program and the keys of a GnuPG home.
//!
//! gpg works with a daemon, gpg-agent, which holds the private keys and talks to smart cards. If no agent serves the home, an
//! agent is started for the first message. The agent ends when [`Gpg`] is dropped; see [`services`].

#[cfg(target_os = "linux")]
mod daemon;
mod deadline;
mod failure;
mod home;
#[cfg(target_os = "linux")]
mod services;
#[cfg(target_os = "macos")]
mod shared_services;
mod status;
#[cfg(test)]
mod tests;

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use deadline::Deadline;
pub(crate) use failure::GpgFailure;
use rustix::process::geteuid;
#[cfg(target_os = "linux")]
use services::Services;
#[cfg(target_os = "macos")]
use shared_services::SharedServices as Services;

use super::program;
use crate::{
    system::{
        child::{Child, Finished},
        child_error::ChildError,
        plaintext::Plaintext,
        progress::Progress,
    },
    text::diagnosis::Diagnosis,
};

/// The least time for a message if gpg may ask a person.
const PERSON_TIMEOUT: Duration = Duration::from_mins(2);
/// Limit: gpg may give at most this many bytes for a message. A data key has up to 32 bytes and a share up to 33; the exact length
/// is checked later.
const MAX_PART: usize = 4096;
/// The environment variables that gpg, its agent and the gpg wrapper of Qubes need. No other variables are passed on, except the
/// variables for a pinentry.
const VARIABLES: [&str; 6] = ["PATH", "HOME", "GNUPGHOME", "XDG_RUNTIME_DIR", "TMPDIR", "QUBES_GPG_DOMAIN"];
/// Further environment variables, which a pinentry (the program that asks for passphrases) needs to reach a person.
const VARIABLES_OF_PEOPLE: [&str; 8] = [
    "GPG_TTY",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "TERM",
    "XAUTHORITY",
    "XDG_SESSION_TYPE",
    "PINENTRY_USER_DATA",
];
/// The number of variables, at the beginning of `VARIABLES_OF_PEOPLE`, that show that a person can be reached. These first
/// variables name a terminal, a display, or the bus of a desktop.
const WAYS_TO_PEOPLE: usize = 4;

/// The gpg program, with the settings for calling gpg. When the value is dropped, the daemons that were started for gpg end.
pub(crate) struct Gpg {
    program: PathBuf,
    /// The GnuPG home. `None` if gpg takes its home from `GNUPGHOME` or `HOME`.
    home: Option<PathBuf>,
    /// The least time for a message if a pinentry may ask a person. `None` if nobody may be asked.
    asks: Option<Duration>,
    /// All environment variables of gpg and its tools. Other variables, which may hold keys, are not passed on.
    variables: Vec<(OsString, OsString)>,
    services: OnceLock<Result<Services, GpgFailure>>,
}

impl Gpg {
    /// Decides how gpg is called. Nothing is started yet.
    ///
    /// `program` is the value of `SOPS_GPG_EXEC`, or `gpg`. A name without a slash is looked for in `PATH`. `environment` is the
    /// environment of this process. A pinentry may ask a person only if `may_ask` is set, as in user mode. In addition,
    /// `environment` must name a terminal or a desktop.
    pub(crate) fn new(
        program: PathBuf,
        home: Option<PathBuf>,
        may_ask: bool,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let is_in = |names: &[&str], name: &OsStr| names.iter().any(|other| *other == name);
        let mut variables: Vec<_> = environment.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let ways = VARIABLES_OF_PEOPLE.get(..WAYS_TO_PEOPLE).unwrap_or_default();
        let asks = may_ask && variables.iter().any(|(name, _)| is_in(ways, name));
        variables.retain(|(name, _)| is_in(&VARIABLES, name) || asks && is_in(&VARIABLES_OF_PEOPLE, name));
        Self {
            program,
            home,
            asks: asks.then_some(PERSON_TIMEOUT),
            variables,
            services: OnceLock::new(),
        }
    }

    /// Ends the daemons that this run started for the GnuPG home.
    pub(crate) fn end_services(&mut self) {
        self.services.take();
    }

    /// The command line that lists the secret keys of the GnuPG home, for a person to type.
    pub(crate) fn listing(&self) -> String {
        match &self.home {
            Some(home) => format!("gpg --homedir {} --list-secret-keys", crate::text::shell::path(home)),
            None => "gpg --list-secret-keys".to_owned(),
        }
    }

    /// Opens an armored message that holds a data key, or a share of one. `timeout` is the time for all programs that have to run
    /// for the message. If a person may be asked, the time is at least two minutes.
    ///
    /// # Errors
    ///
    /// [`GpgFailure`] if gpg does not open the message, or does not confirm that the message was not altered.
    pub(crate) fn open(&self, armored: &str, timeout: Duration) -> Result<Plaintext, GpgFailure> {
        let deadline = Deadline::after(self.asks.map_or(timeout, |people| timeout.max(people)));
        let program = self
            .find(&self.program)
            .ok_or_else(|| self.child_error(&ChildError::Missing))?;
        let mut command = self.command(&program);
        // The status lines go to standard error, so that standard output has only the content of the message.
        command.args(["--batch", "--no-tty", "--status-fd", "2"]);
        if !is_qubes_wrapper(&program) {
            self.services(&program, deadline)?;
            // Trust in keys matters for signatures and for encryption, but not for decryption. With these options, gpg uses no
            // trust database and no network, and writes no file.
            command.args(["--trust-model", "always", "--disable-dirmngr", "--pinentry-mode"]);
            command.arg(if self.asks.is_some() { "ask" } else { "error" });
        }
        let finished = converse(command.arg("--decrypt"), armored, deadline.left())
            .map_err(|error| self.child_error(&deadline.told(error)))?;
        // The status lines are checked before the exit status. Only status lines tell whether the message was encrypted at all,
        // and why gpg failed.
        status::judge(&finished.stderr)?;
        match finished.output.len() {
            _ if !finished.status.success() => Err(GpgFailure::other(&finished.stderr)),
            1..=MAX_PART => Ok(finished.output),
            length => Err(GpgFailure::of_message(Diagnosis::bare(format!(
                "damaged: its content has {length} bytes, which is not the length of a data key"
            )))),
        }
    }

    /// Makes sure that an agent serves the GnuPG home. Only the first call does something; later calls return the result of the
    /// first.
    fn services(&self, program: &Path, deadline: Deadline) -> Result<(), GpgFailure> {
        let services = self.services.get_or_init(|| {
            // The home is checked before any program reads its configuration, which may name programs to run.
            self.check_home()?;
            let tool = |name| self.command(&self.find_beside(program, name));
            Services::start(tool("gpgconf"), tool("gpg-agent"), deadline)
        });
        services.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// The path of the GnuPG home, which must exist. Returns `None` for the gpg wrapper of Qubes, whose keys are in another
    /// virtual machine.
    pub(crate) fn needed_home(&self) -> Option<PathBuf> {
        self.home_path().filter(|_| !is_qubes_wrapper(&self.program))
    }

    /// Checks that the GnuPG home can be read and can be trusted. If gpg could not read its home, gpg would only say that it
    /// finds no key.
    fn check_home(&self) -> Result<(), GpgFailure> {
        let Some(path) = self.home_path() else { return Ok(()) };
        home::check(&path, geteuid()).map_err(|reason| GpgFailure::home(&path, reason))
    }

    /// The GnuPG home in which gpg will look for keys. Returns `None` if neither the settings nor the environment variables name
    /// one.
    fn home_path(&self) -> Option<PathBuf> {
        let of_variable = || self.variable("GNUPGHOME").map(PathBuf::from);
        let of_person = || self.variable("HOME").map(|home| Path::new(home).join(".gnupg"));
        self.home.clone().or_else(of_variable).or_else(of_person)
    }

    fn variable(&self, name: &str) -> Option<&OsStr> {
        let found = self.variables.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_os_str())
    }

    /// Finds a program: `program` is a path, or a mere name that is looked for in `PATH`.
    fn find(&self, program: &Path) -> Option<PathBuf> {
        program::find(program.as_os_str(), self.variable("PATH").unwrap_or_default())
    }

    /// Finds another tool of GnuPG. The directory of the gpg program comes first, so that gpg and the tool come from the same
    /// installation.
    fn find_beside(&self, program: &Path, name: &str) -> PathBuf {
        let neighbour = program.with_file_name(name);
        if program::is_program(&neighbour) {
            return neighbour;
        }
        self.find(Path::new(name)).unwrap_or_else(|| name.into())
    }

    /// A call of `program`, without arguments. Its environment has only the chosen variables.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // The locale `C` keeps gpg's messages untranslated, so that they can be recognized. UTF-8 allows passphrases with any
        // character.
        command
            .env_clear()
            .envs(self.variables.iter().cloned())
            .env("LC_ALL", "C.UTF-8");
        if let Some(home) = &self.home {
            command.env("GNUPGHOME", home);
        }
        command
    }

    fn child_error(&self, error: &ChildError) -> GpgFailure {
        GpgFailure::child(&self.program, error)
    }
}

/// Runs `command`, sends `input` to its standard input, and waits for its end. The caller says what is waited for, because several
/// programs run one after the other.
fn converse(command: &mut Command, input: &str, timeout: Duration) -> Result<Finished, ChildError> {
    let mut child = Child::start(command, timeout, Progress::silent())?;
    child.send(input.as_bytes())?;
    child.finish()
}

/// Writes the line for gpg in the list of this host's keys, for the report.
impl fmt::Display for Gpg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.home_path() {
            Some(home) => write!(f, "gpg, with the keys in {}", home.display()),
            None => write!(f, "gpg, with the keys that {} finds", self.program.display()),
        }
    }
}

/// Whether the program is the gpg wrapper of Qubes, which uses keys in another virtual machine. The wrapper accepts only few
/// options, and there is no agent in this virtual machine. See <https://github.com/QubesOS/qubes-app-linux-split-gpg>.
fn is_qubes_wrapper(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b"qubes-gpg-client")
}
