//! Runs the programs that try rendered templates before they are published (`check`).
//!
//! The output of such a program may quote secrets. So it goes nowhere, unless somebody asks for it on a terminal.

use std::{
    env,
    fs::File,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use super::{cli::Arguments, environment::Environment, lacks::Lacks, rendering::failure};
use crate::{
    install::{self, InstallError, PlaceInGeneration, Scratch, Site},
    manifest::{Manifest, Template},
    system::{budget, child::Child, child_error::ChildError, plaintext::Plaintext, progress::Progress},
    text::{
        diagnosis::Diagnosis,
        printable::{named, shown},
        shell,
    },
};

/// The variables of this process that the programs get. `TMPDIR` is a directory in memory, in the unit of the Nix modules.
const PASSED_ON: [&str; 4] = ["PATH", "TMPDIR", "HOME", "LANG"];

/// The search path of the programs, if this process has none.
const SEARCH_PATH: &str = "/run/current-system/sw/bin:/usr/bin:/bin";

/// A rendered template with a program that tries it.
struct Trial<'m> {
    /// The place of the template in the manifest.
    position: usize,
    template: &'m Template,
    program: &'m Path,
}

/// What somebody types to see what the programs print, and whether this run shows it.
pub(crate) struct Echo {
    /// The command.
    pub(crate) command: String,
    /// Whether what the programs print goes to standard error.
    pub(crate) is_on: bool,
}

impl Echo {
    /// The command is the call of this program, for a terminal.
    pub(crate) fn of(arguments: &Arguments, environment: &Environment) -> Self {
        let flag = if arguments.ignore_passwd { "-ignore-passwd " } else { "" };
        Self {
            command: format!(
                "SOPS_SHOW_CHECKS=1 sops-install-secrets {flag}{}",
                shell::path(&arguments.manifest)
            ),
            is_on: environment.shows_checks,
        }
    }
}

/// Tries the rendered templates that have a program for it, and are not live already. Each that its program refuses is taken out of
/// `rendered`, and is a failure.
///
/// Dummies are not tried, because few programs accept them.
pub(crate) fn try_all(manifest: &Manifest, site: &Site, rendered: &mut [Option<Plaintext>], echo: &Echo) -> Lacks {
    let trials = wanted(manifest, rendered);
    if trials.is_empty() {
        return Lacks::default();
    }
    let refuse_all = |trials: Vec<Trial<'_>>, rendered: &mut [Option<Plaintext>], error: &InstallError| {
        trials.into_iter().fold(Lacks::default(), |lacks, trial| {
            lacks.and(trial.refuse(rendered, error.diagnosis.clone()))
        })
    };
    let trials = without_live(trials, manifest, site, rendered);
    if trials.is_empty() {
        return Lacks::default();
    }
    let scratch = match Scratch::open(site) {
        Ok(scratch) => scratch,
        Err(error) => return refuse_all(trials, rendered, &error),
    };
    let end = Instant::now() + budget::CHECKS;
    trials.into_iter().fold(Lacks::default(), |lacks, trial| {
        let text = rendered.get(trial.position).and_then(Option::as_ref);
        match text.map(|text| trial.carry_out(text, &scratch, end, echo)) {
            Some(Err(diagnosis)) => lacks.and(trial.refuse(rendered, diagnosis)),
            _ => lacks,
        }
    })
}

/// The rendered templates that have a program which tries them.
fn wanted<'m>(manifest: &'m Manifest, rendered: &[Option<Plaintext>]) -> Vec<Trial<'m>> {
    if manifest.is_mock {
        return Vec::new();
    }
    let templates = manifest.templates.iter().zip(rendered).enumerate();
    let trial = |(position, (template, text)): (usize, (&'m Template, &Option<Plaintext>))| {
        let program = template.check.as_deref().filter(|_| text.is_some())?;
        Some(Trial {
            position,
            template,
            program,
        })
    };
    templates.filter_map(trial).collect()
}

/// The trials of those texts that are not live. A live text that cannot be read is no reason to fail: its owner may keep it from being
/// read.
fn without_live<'m>(trials: Vec<Trial<'m>>, manifest: &Manifest, site: &Site, rendered: &[Option<Plaintext>]) -> Vec<Trial<'m>> {
    let is_new = |trial: &Trial<'_>| {
        let place = PlaceInGeneration::of_template(&trial.template.name);
        let live = install::live_contents(site, &[place], manifest.max_size);
        let live = live.ok().and_then(|live| live.into_iter().next().flatten());
        let text = rendered.get(trial.position).and_then(Option::as_ref);
        text.map(Plaintext::expose) != live.as_ref().map(Plaintext::expose)
    };
    trials.into_iter().filter(is_new).collect()
}

impl Trial<'_> {
    /// Takes the text out of `rendered`. Returns its failure.
    fn refuse(&self, rendered: &mut [Option<Plaintext>], diagnosis: Diagnosis) -> Lacks {
        if let Some(text) = rendered.get_mut(self.position) {
            *text = None;
        }
        failure(self.template, diagnosis).into()
    }

    /// Lets the program try the text, until `end` at most.
    fn carry_out(&self, text: &Plaintext, scratch: &Scratch<'_>, end: Instant, echo: &Echo) -> Result<(), Diagnosis> {
        let name = self.template.name.as_str();
        let name = name.rsplit('/').next().unwrap_or(name);
        let (path, file) = scratch.write(name, text.expose()).map_err(|error| error.diagnosis)?;
        let timeout = budget::CHECK.min(end.saturating_duration_since(Instant::now()));
        let outcome = if timeout.is_zero() {
            Err(ChildError::Late(timeout))
        } else {
            let progress = Progress::about(format!("the check of the template {}", named(self.template.name.as_str())));
            run(self.program, &path, file, echo.is_on, timeout, progress)
        };
        scratch.remove(name);
        let fault = match outcome {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => told(status),
            Err(ChildError::Late(_)) if timeout < budget::CHECK => {
                format!("all checks together take more than {} s", budget::CHECKS.as_secs())
            }
            Err(error) => error.to_string(),
        };
        Err(Diagnosis::new(
            format!("its check {}: {fault}", shown(self.program)),
            format!("to see what it says, run this on a terminal: {}", echo.command),
        ))
    }
}

/// Runs the program with the path of the text as its argument, and the text as its standard input. Of the variables of this process it
/// gets only [`PASSED_ON`].
fn run(
    program: &Path,
    text: &Path,
    input: File,
    is_heard: bool,
    timeout: Duration,
    progress: Progress,
) -> Result<ExitStatus, ChildError> {
    let mut command = Command::new(program);
    command.arg(text).current_dir("/").env_clear().env("PATH", SEARCH_PATH);
    command.envs(PASSED_ON.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    let child = Child::start_on(&mut command, input, is_heard, timeout, progress)?;
    child.finish().map(|finished| finished.status)
}

/// How a program has ended.
fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "no exit status".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended() {
        let input = File::open("/dev/null").unwrap();
        let (program, argument) = (Path::new("/bin/sleep"), Path::new("600"));
        let outcome = run(program, argument, input, false, Duration::from_millis(50), Progress::silent());
        assert_eq!(outcome, Err(ChildError::Late(Duration::from_millis(50))));
    }
}
