//! Calls systemctl. All calls of a run share one time limit: if systemd does not answer one call, it does not answer the next
//! call either.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use super::{
    name,
    orders::Orders,
    requests::UnitRequests,
    state::{Activity, PROPERTIES, State},
    switch::Switch,
    unit_error::UnitError,
};
use crate::system::{
    budget,
    child::{Child, Finished},
    child_error::ChildError,
    progress::Progress,
};

/// The systemctl command that restarts a unit, if the unit runs.
pub(crate) const RESTART: &str = "try-restart";
/// The systemctl command that reloads a unit, or restarts a unit that cannot reload, if the unit runs.
pub(crate) const RELOAD: &str = "try-reload-or-restart";
/// The systemctl command that starts a unit. The other two commands do nothing about a unit that does not run.
pub(crate) const START: &str = "start";

/// The environment variables that systemctl gets. All others are removed, because they may hold keys.
const ENVIRONMENT: [&str; 7] = [
    "PATH",
    "LANG",
    "LC_ALL",
    "SYSTEMD_IGNORE_CHROOT",
    "SYSTEMD_LOG_LEVEL",
    // With these two variables, systemctl finds the service manager of the user.
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// The program `systemctl`, and the time that is left for all calls of it.
pub(crate) struct Systemctl<'p> {
    program: &'p Path,
    /// Whether to ask the service manager of the user. Otherwise the manager of the system is asked.
    is_of_user: bool,
    late_at: Instant,
    timeout: Duration,
}

impl<'p> Systemctl<'p> {
    /// Gives systemctl all the time that the unit requests of a run have ([`budget::REQUESTS`]).
    pub(crate) fn new(program: &'p Path) -> Self {
        Self::within(budget::REQUESTS, program)
    }

    /// Like [`Self::new`], but for the service manager of the user.
    pub(crate) fn of_user(program: &'p Path) -> Self {
        Self {
            is_of_user: true,
            ..Self::new(program)
        }
    }

    /// Whether the service manager answers.
    pub(crate) fn answers(&self) -> bool {
        let version = self.run(&["show", "--property=Version"], &[]);
        version.is_ok_and(|finished| finished.status.success())
    }

    fn within(timeout: Duration, program: &'p Path) -> Self {
        Self {
            program,
            is_of_user: false,
            late_at: Instant::now() + timeout,
            timeout,
        }
    }

    /// Returns the names from `units` whose units run, are being started or reloaded, or have failed.
    ///
    /// # Errors
    ///
    /// If systemctl gives no answer.
    pub(crate) fn started(&self, units: &[String]) -> Result<Vec<String>, UnitError> {
        let states = self.states(units)?;
        let is_started = |unit: &&String| states.get(*unit).is_some_and(|state| state.activity != Activity::Idle);
        Ok(units.iter().filter(is_started).cloned().collect())
    }

    /// The states of `units`. A unit that systemctl does not describe is left out.
    ///
    /// # Errors
    /// If systemctl gives no answer.
    pub(crate) fn states(&self, units: &[String]) -> Result<HashMap<String, State>, UnitError> {
        // A template has no state, and systemctl would end with an error at the name of a template.
        let units: Vec<String> = units.iter().filter(|unit| !name::is_template(unit)).cloned().collect();
        if units.is_empty() {
            return Ok(HashMap::new());
        }
        let answer = self.run(&["show", PROPERTIES], &units);
        let output = answer.map_err(|cause| self.not_run(START, cause, &units))?.output;
        let text = String::from_utf8_lossy(output.expose()).into_owned();
        let blocks = text.trim_start().split("\n\n");
        Ok(units
            .into_iter()
            .zip(blocks)
            .filter_map(|(unit, block)| Some((unit, State::parse(block)?)))
            .collect())
    }

    /// Asks for the states of all units in `requests`, and decides what to do, as [`Orders::new`] describes.
    ///
    /// # Errors
    /// If systemctl gives no answer.
    pub(crate) fn orders(&self, requests: &UnitRequests, switch: &Switch, since: Option<u64>) -> Result<Orders, UnitError> {
        Ok(Orders::new(requests, &self.states(&requests.units())?, switch, since))
    }

    /// Starts the `failed` units. First their failure counters are reset, because systemd refuses to start a unit that has failed too
    /// often.
    pub(crate) fn start(&self, failed: &[String]) -> Result<(), UnitError> {
        if failed.is_empty() {
            return Ok(());
        }
        // The result is ignored: if systemd does not answer this call, the start below fails too, and the error of the start is
        // reported.
        let _ = self.run(&["reset-failed"], failed);
        self.request(START, failed)
    }

    /// Runs the systemctl command `verb` on `units`; does nothing if there are no units. With `--no-block`, systemctl does not
    /// wait until the units have restarted. Such a wait might never end: a unit that is ordered after this program cannot start
    /// before this program has ended.
    pub(crate) fn request(&self, verb: &'static str, units: &[String]) -> Result<(), UnitError> {
        if units.is_empty() {
            return Ok(());
        }
        match self.run(&["--no-block", verb], units) {
            Ok(finished) if finished.status.success() => Ok(()),
            Ok(finished) => Err(UnitError::Refused {
                program: self.program.to_owned(),
                verb,
                units: units.to_vec(),
                status: finished.status,
                message: finished.stderr.replace('\n', "; "),
            }),
            Err(cause) => Err(self.not_run(verb, cause, units)),
        }
    }

    /// Makes all `requests`, and starts the units that have failed.
    pub(crate) fn tell(&self, requests: &UnitRequests, switch: &Switch, since: Option<u64>) -> Vec<Result<(), UnitError>> {
        // All states are asked for before the first request: a unit that fails because of its restart must not be started again. If
        // systemctl does not answer here, the calls after it fail too, and their errors are reported.
        let states = self.states(&requests.units()).unwrap_or_default();
        let orders = Orders::new(requests, &states, switch, since);
        orders.report();
        vec![
            self.request(RESTART, &orders.restart),
            self.request(RELOAD, &orders.reload),
            self.start(&orders.start),
        ]
    }

    /// The path of systemctl, for a process that may have another `PATH`. Returns the bare name if `PATH` has no systemctl.
    pub(crate) fn path(&self) -> PathBuf {
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        // `join` drops the directory if the program is an absolute path.
        let mut paths = std::env::split_paths(&search_path).map(|directory| directory.join(self.program));
        paths.find(|path| path.is_file()).unwrap_or_else(|| self.program.to_owned())
    }

    fn not_run(&self, verb: &'static str, cause: ChildError, units: &[String]) -> UnitError {
        UnitError::NotRun {
            program: self.program.to_owned(),
            verb,
            cause,
            units: units.to_vec(),
        }
    }

    fn run(&self, words: &[&str], units: &[String]) -> Result<Finished, ChildError> {
        let mut command = Command::new(self.program);
        command.args(self.is_of_user.then_some("--user"));
        command.args(words).arg("--").args(units).env_clear();
        let variables = ENVIRONMENT.into_iter();
        command.envs(variables.filter_map(|name| Some((name, std::env::var_os(name)?))));
        let left = self.late_at.saturating_duration_since(Instant::now());
        let what = format!(
            "systemd, which is asked by systemctl: {}",
            words.first().copied().unwrap_or_default()
        );
        let finished = Child::start(&mut command, left, Progress::about(what)).and_then(Child::finish);
        finished.map_err(|error| match error {
            ChildError::Late(_) => ChildError::Late(self.timeout),
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use tempfile::TempDir;

    use super::*;
    use crate::install::units::{
        channel::{Channel, request, start_failed},
        requests::UnitRequests,
    };

    fn requests() -> UnitRequests {
        UnitRequests {
            restart: vec!["a.service".into(), "b.service".into()],
            reload: vec!["c.service".into(), "a.service".into()],
        }
    }

    fn script(directory: &TempDir, body: &str) -> PathBuf {
        let program = directory.path().join("systemctl");
        crate::install::tests::script(&program, body);
        program
    }

    /// The calls that a stand-in for systemctl got. The stand-in reports that the second and the third unit have failed.
    fn asked(ask: impl FnOnce(&Channel)) -> String {
        let directory = TempDir::new().unwrap();
        let body = "echo \"$@\" | sed 's/ --property=[^ ]*//' >> \"$0.log\"\n[ \"$1\" != show ] || printf 'LoadState=loaded\\nActiveState=%s\\n\\n' active failed failed";
        let program = script(&directory, body);
        ask(&Channel::Systemctl(program.clone()));
        fs::read_to_string(program.with_extension("log")).unwrap()
    }

    #[test]
    fn units_that_have_failed_are_started_after_the_others_were_told() {
        let said = asked(|channel| assert!(request(channel, &requests()).is_empty()));
        assert_eq!(
            said,
            "show -- a.service b.service c.service\n\
             --no-block try-restart -- a.service\n\
             reset-failed -- b.service c.service\n\
             --no-block start -- b.service c.service\n"
        );
    }

    #[test]
    fn at_the_first_publication_only_units_that_have_failed_are_started() {
        let said = asked(|channel| start_failed(channel, &requests()).unwrap());
        assert_eq!(
            said,
            "show -- a.service b.service c.service\n\
             reset-failed -- b.service c.service\n\
             --no-block start -- b.service c.service\n"
        );
    }

    #[test]
    fn units_of_which_systemctl_does_not_tell_are_named() {
        let missing = Channel::Systemctl("/no/such/systemctl".into());
        let error = start_failed(&missing, &requests()).unwrap_err().to_string();
        assert!(
            error.ends_with("; run: systemctl start a.service b.service c.service"),
            "{error}"
        );
        start_failed(&missing, &UnitRequests::default()).unwrap();
    }

    #[test]
    fn the_units_of_a_user_are_asked_for_if_there_is_a_user_manager() {
        for (status, wanted) in [
            (
                0,
                "--user show --\n--user show -- a.service b.service c.service\n--user --no-block try-restart -- a.service b.service\n\
                 --user --no-block try-reload-or-restart -- c.service\n",
            ),
            (1, "--user show --\n"),
        ] {
            let directory = TempDir::new().unwrap();
            let body = format!("echo \"$@\" | sed 's/ --property=[^ ]*//' >> \"$0.log\"; exit {status}");
            let program = script(&directory, &body);
            let errors = request(&Channel::OfUser(program.clone()), &requests());
            assert!(errors.is_empty(), "{errors:?}");
            assert_eq!(fs::read_to_string(program.with_extension("log")).unwrap(), wanted);
        }
    }

    #[test]
    fn systemctl_sees_little_of_the_environment() {
        let directory = TempDir::new().unwrap();
        let program = script(&directory, "env > \"$0.env\"; cat > \"$0.in\"");
        assert!(request(&Channel::Systemctl(program.clone()), &requests()).is_empty());
        let seen = fs::read_to_string(program.with_extension("env")).unwrap();
        // The shell adds some variables of its own.
        let known = [&ENVIRONMENT[..], &["PWD", "OLDPWD", "SHLVL", "_"]].concat();
        for line in seen.lines() {
            let name = line.split('=').next().unwrap();
            assert!(known.contains(&name), "{line}");
        }
        assert!(seen.lines().any(|line| line.starts_with("PATH=")));
        assert_eq!(fs::read_to_string(program.with_extension("in")).unwrap(), "");
    }

    #[test]
    fn systemctl_that_hangs_is_killed() {
        let directory = TempDir::new().unwrap();
        // The grandchild outlives its parent and holds its standard error open.
        let program = script(&directory, "sleep 3 & exec sleep 3");
        let start = Instant::now();
        let systemctl = Systemctl::within(Duration::from_millis(100), &program);
        let error = systemctl.request("try-restart", &requests().restart).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(2));
        assert!(error.is_lost());
        assert!(error.to_string().contains("no answer within"), "{error}");
    }

    #[test]
    fn what_systemctl_says_is_shown() {
        let directory = TempDir::new().unwrap();
        let program = script(&directory, "echo one >&2; echo two >&2; exit 5");
        let error = Systemctl::new(&program)
            .request("try-restart", &requests().restart)
            .unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains("try-restart failed with exit status: 5: one; two; correct restartUnits"),
            "{shown}"
        );
        assert!(!error.is_lost());
    }
}
