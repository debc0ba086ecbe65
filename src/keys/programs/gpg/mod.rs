//! OpenPGP messages, opened by the gpg program with the keys of a GnuPG home.
//!
//! gpg works with a daemon, gpg-agent, which holds the private keys and talks to smart cards. If none serves the home, one is started for
//! the first message. It ends when [`Gpg`] is dropped; see [`services`].

mod daemon;
mod deadline;
mod failure;
mod home;
mod services;
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
use services::Services;

use super::program;
use crate::{
    system::{
        child::{Child, ChildError, Finished},
        plaintext::Plaintext,
    },
    text::diagnosis::Diagnosis,
};

/// How long a message may take at the least when gpg may ask a person.
const PERSON_TIMEOUT: Duration = Duration::from_mins(2);
/// The most bytes that gpg may give for a message. A data key has 32, and a share of one 33.
const MAX_PART: usize = 4096;
/// What gpg, its agent and Qubes need of the environment.
const VARIABLES: [&str; 6] = ["PATH", "HOME", "GNUPGHOME", "XDG_RUNTIME_DIR", "TMPDIR", "QUBES_GPG_DOMAIN"];
/// What a pinentry needs in addition, to reach a person.
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
/// How many of these, from the first, show that a person can be reached: by a terminal, a display, or a desktop's bus.
const WAYS_TO_PEOPLE: usize = 4;

/// The gpg program, and how it is called. Dropping it ends the daemons that it started.
pub(crate) struct Gpg {
    program: PathBuf,
    /// The GnuPG home. Without one, gpg takes that of `GNUPGHOME` or `HOME`.
    home: Option<PathBuf>,
    /// The least time for a message, if a pinentry may ask a person. `None` if nobody may be asked.
    asks: Option<Duration>,
    /// The whole environment of the children.
    variables: Vec<(OsString, OsString)>,
    services: OnceLock<Result<Services, GpgFailure>>,
}

impl Gpg {
    /// `program` is the value of `SOPS_GPG_EXEC`, or `gpg`; without a slash it is looked for in `PATH`. `environment` is that of this
    /// process. A pinentry may ask a person if `may_ask` is set, as in user mode, and `environment` names a terminal or a desktop.
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

    /// Ends the daemons that were started.
    pub(crate) fn end_services(&mut self) {
        self.services.take();
    }

    /// The command line with which a person lists the keys.
    pub(crate) fn listing(&self) -> String {
        match &self.home {
            Some(home) => format!("gpg --homedir {} --list-secret-keys", crate::text::shell::path(home)),
            None => "gpg --list-secret-keys".to_owned(),
        }
    }

    /// Opens an armored message that holds a data key, or a share of one. `timeout` is the time for all programs that have to run for it.
    /// If a person may be asked, it is two minutes or more.
    ///
    /// # Errors
    ///
    /// [`GpgFailure`], if gpg does not open the message, or does not confirm that it was not altered.
    pub(crate) fn open(&self, armored: &str, timeout: Duration) -> Result<Plaintext, GpgFailure> {
        let deadline = Deadline::after(self.asks.map_or(timeout, |people| timeout.max(people)));
        let program = self
            .find(&self.program)
            .ok_or_else(|| self.child_error(&ChildError::Missing))?;
        let mut command = self.command(&program);
        // Status lines go to standard error: on standard output there is only the content of the message.
        command.args(["--batch", "--no-tty", "--status-fd", "2"]);
        if !is_qubes_wrapper(&program) {
            self.services(&program, deadline)?;
            // Trust matters for signatures and for encryption, not for decryption. With these options gpg uses neither the trust database
            // nor the network, and writes no file.
            command.args(["--trust-model", "always", "--disable-dirmngr", "--pinentry-mode"]);
            command.arg(if self.asks.is_some() { "ask" } else { "error" });
        }
        let finished = converse(command.arg("--decrypt"), armored, deadline.left())
            .map_err(|error| self.child_error(&deadline.told(error)))?;
        // The status lines come before the exit status: only they tell whether the message was encrypted at all, and why gpg failed.
        status::judge(&finished.stderr)?;
        match finished.output.len() {
            _ if !finished.status.success() => Err(GpgFailure::other(&finished.stderr)),
            1..=MAX_PART => Ok(finished.output),
            length => Err(GpgFailure::of_message(Diagnosis::bare(format!(
                "damaged: what it holds, {length} bytes, is no data key"
            )))),
        }
    }

    /// Makes sure that an agent serves the home; only the first call does something.
    fn services(&self, program: &Path, deadline: Deadline) -> Result<(), GpgFailure> {
        let services = self.services.get_or_init(|| {
            self.check_home()?;
            let tool = |name| self.command(&self.find_beside(program, name));
            Services::start(tool("gpgconf"), tool("gpg-agent"), deadline)
        });
        services.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// The GnuPG home, which must exist. `None` for the wrapper of Qubes, whose keys are in another virtual machine.
    pub(crate) fn needed_home(&self) -> Option<PathBuf> {
        self.home_path().filter(|_| !is_qubes_wrapper(&self.program))
    }

    /// Checks that the home can be read and can be trusted. In a home that it cannot read, gpg would merely find no key.
    fn check_home(&self) -> Result<(), GpgFailure> {
        let Some(path) = self.home_path() else { return Ok(()) };
        home::check(&path, geteuid()).map_err(|reason| GpgFailure::home(&path, reason))
    }

    /// Where gpg will look for keys, as far as its home and the variables tell.
    fn home_path(&self) -> Option<PathBuf> {
        let of_variable = || self.variable("GNUPGHOME").map(PathBuf::from);
        let of_person = || self.variable("HOME").map(|home| Path::new(home).join(".gnupg"));
        self.home.clone().or_else(of_variable).or_else(of_person)
    }

    fn variable(&self, name: &str) -> Option<&OsStr> {
        let found = self.variables.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_os_str())
    }

    /// A program by its path or, if that is a mere name, in `PATH`.
    fn find(&self, program: &Path) -> Option<PathBuf> {
        program::find(program.as_os_str(), self.variable("PATH").unwrap_or_default())
    }

    /// Another program of the same GnuPG.
    fn find_beside(&self, program: &Path, name: &str) -> PathBuf {
        let neighbour = program.with_file_name(name);
        if program::is_program(&neighbour) {
            return neighbour;
        }
        self.find(Path::new(name)).unwrap_or_else(|| name.into())
    }

    /// A call of `program`, with the chosen variables as its whole environment.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // `C`: gpg's words are not translated, so they can be recognized. UTF-8: passphrases can have any character.
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

/// Runs `command` with `input`.
fn converse(command: &mut Command, input: &str, timeout: Duration) -> Result<Finished, ChildError> {
    let mut child = Child::start(command, timeout)?;
    child.send(input.as_bytes())?;
    child.finish()
}

/// How the keys of gpg stand in a list of this host's keys.
impl fmt::Display for Gpg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.home_path() {
            Some(home) => write!(f, "gpg, with the keys in {}", home.display()),
            None => write!(f, "gpg, with the keys that {} finds", self.program.display()),
        }
    }
}

/// Whether the program is the wrapper of Qubes, for keys in another virtual machine. It accepts only few options, and there is no agent on
/// this side. See <https://github.com/QubesOS/qubes-app-linux-split-gpg>.
fn is_qubes_wrapper(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b"qubes-gpg-client")
}
