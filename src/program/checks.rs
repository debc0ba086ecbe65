//! Runs the checks of templates: programs of the configuration that look at a rendered text before it is published.
//!
//! What a check prints may quote secrets. So it goes to no log, but to a file in memory, which the message about the check names.

use std::{
    collections::{HashMap, HashSet},
    env,
    fs::File,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    failure::{Failure, Verdict, verdict},
    template_error::failure,
};
use crate::{
    install::{
        self, Entry, EntryKind, InstallError, PlaceInGeneration, Site, check_output,
        checking::{self, Checking},
    },
    manifest::{Manifest, Template},
    system::{budget, child::Child, child_error::ChildError, plaintext::Plaintext, progress::Progress, stop},
    text::{
        diagnosis::Diagnosis,
        printable::{named, shown},
        shell,
    },
};

/// The variables of this process that checks get.
const PASSED_ON: [&str; 3] = ["PATH", "HOME", "LANG"];

/// The search path of checks, if this process has none.
const SEARCH_PATH: &str = "/run/current-system/sw/bin:/usr/bin:/bin";

/// A check that is to be run.
struct Check<'e> {
    template: &'e Template,
    program: &'e Path,
    text: &'e [u8],
}

/// Why a check did not accept a text.
struct Objection<'e> {
    template: &'e Template,
    diagnosis: Diagnosis,
    /// The beginning of what the check has printed.
    printed: Plaintext,
    /// Whether the check has looked at the text to its end. It has not if it was late or stopped, or never began.
    is_answer: bool,
}

/// Runs the checks of those templates whose text is not live already. Takes the templates that they refuse out of `entries`, and returns
/// the failures of these. `failures` is what failed before: if nothing is to be published because of that, no check is run.
///
/// If nothing is live, as at boot, only an answer counts: a template whose check was late or stopped, or never began, is published all the
/// same, and a warning says so. There are no checks of dummies, because few programs accept them.
///
/// # Errors
///
/// The errors of a publication before its first write. Also if another run has published during the checks: what this run has decrypted
/// may be older.
pub(crate) fn refused<'e>(
    manifest: &'e Manifest,
    site: &Site,
    entries: &mut Vec<Entry<'e>>,
    failures: &[Failure],
) -> Result<Vec<Failure>, InstallError> {
    if let Err(error) = checking::clear_away(site) {
        tracing::warn!("{error}");
    }
    if !manifest.templates.iter().any(|template| template.check.is_some()) {
        keep_output(site, &[]);
        return Ok(Vec::new());
    }
    let live = install::live_generation(site)?;
    if verdict(failures, live.is_some(), !entries.is_empty()) == Verdict::ChangeNothing {
        return Ok(Vec::new());
    }
    let checks = wanted(manifest, site, entries);
    let objections = if checks.is_empty() {
        Vec::new()
    } else {
        run_all(&checks, &Checking::begin(site)?, budget::CHECK, budget::CHECKS)
    };
    if install::live_generation(site)? != live {
        return Err(InstallError::overtaken(&site.link));
    }
    let is_kept = keep_output(site, &objections);
    let (objections, unchecked): (Vec<_>, Vec<_>) = objections
        .into_iter()
        .partition(|objection| live.is_some() || objection.is_answer);
    for objection in unchecked {
        warn(objection.told(manifest, site, is_kept).diagnosis);
    }
    let names: HashSet<_> = objections.iter().map(|objection| &objection.template.name).collect();
    entries.retain(|entry| entry.kind == EntryKind::Secret || !names.contains(&entry.name));
    let failures = objections
        .into_iter()
        .map(|objection| objection.told(manifest, site, is_kept));
    Ok(failures.collect())
}

/// Says that a text is installed although its check has given no answer, and why.
fn warn(mut told: Diagnosis) {
    told.cause += ", so the text is installed unchecked";
    tracing::warn!("{told}");
}

/// The checks of those texts that are not live. A live text that cannot be read counts as another one: its owner may keep it from being
/// read.
fn wanted<'e>(manifest: &'e Manifest, site: &Site, entries: &[Entry<'e>]) -> Vec<Check<'e>> {
    if manifest.is_mock {
        return Vec::new();
    }
    let texts: HashMap<_, _> = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Template)
        .map(|entry| (entry.name.as_str(), entry.content))
        .collect();
    let is_live = |template: &Template, text: &[u8]| {
        let place = PlaceInGeneration::of_template(&template.name);
        let live = install::live_contents(site, &[place], manifest.max_size).ok();
        let live = live.and_then(|live| live.into_iter().next().flatten());
        live.is_some_and(|live| live.expose() == text)
    };
    let check = |template: &'e Template| {
        let program = template.check.as_deref()?;
        let text = *texts.get(template.name.as_str())?;
        (!is_live(template, text)).then_some(Check { template, program, text })
    };
    manifest.templates.iter().filter_map(check).collect()
}

/// Runs all checks, one after another, each for `one` at most, and for `all` together. Returns the objections.
fn run_all<'e>(checks: &[Check<'e>], place: &Checking<'_>, one: Duration, all: Duration) -> Vec<Objection<'e>> {
    let end = Instant::now() + all;
    checks
        .iter()
        .filter_map(|check| check.objection(place, one, all, end))
        .collect()
}

/// Keeps what the checks have printed in memory, and removes what earlier ones have printed. Returns whether it is there to be read.
fn keep_output(site: &Site, objections: &[Objection<'_>]) -> bool {
    let printed = objections.iter().filter(|objection| !objection.printed.is_empty());
    let printed: Vec<_> = printed
        .map(|objection| (&objection.template.name, &objection.printed))
        .collect();
    check_output::keep(site, &printed).unwrap_or_else(|error| {
        tracing::warn!("{error}");
        false
    })
}

impl<'e> Check<'e> {
    /// Runs the check for `one` at most, and until `end` at most, which is the end of the time for `all` checks. Returns its objection.
    fn objection(&self, place: &Checking<'_>, one: Duration, all: Duration, end: Instant) -> Option<Objection<'e>> {
        let objection = |diagnosis: Diagnosis, printed, is_answer| {
            Some(Objection {
                template: self.template,
                diagnosis: diagnosis.of(format_args!("its check {}", shown(self.program))),
                printed,
                is_answer,
            })
        };
        let timeout = one.min(end.saturating_duration_since(Instant::now()));
        if timeout.is_zero() {
            let cause = format!(
                "it did not begin, because the checks before it took the {} s that all have together",
                all.as_secs()
            );
            return objection(Diagnosis::new(cause, "correct those checks"), Plaintext::default(), false);
        }
        let (outcome, printed) = match self.run(place, timeout) {
            Ok(ended) => ended,
            Err(error) => return objection(error.diagnosis, Plaintext::default(), false),
        };
        let mut remedy = "correct the template, or its check";
        let (fault, is_answer) = match outcome {
            Ok(status) if status.success() => return None,
            // What it has printed until then is not about the text. The signal to end may have been for the check as well.
            Err(ChildError::Stopped) | Ok(_) if stop::is_requested() => {
                return objection(Diagnosis::bare(ChildError::Stopped.to_string()), Plaintext::default(), false);
            }
            // The kernel kills so what takes too much memory, and that is no word about the text.
            Ok(status) => (told(status), status.signal() != Some(Signal::KILL.as_raw())),
            Err(ChildError::Late(_)) if timeout < one => (
                format!("it did not end within the {} s that all checks have together", all.as_secs()),
                false,
            ),
            Err(ChildError::Late(_)) => (format!("it did not end within {} s", one.as_secs()), false),
            Err(error) => {
                if error == ChildError::Missing {
                    remedy = "let check be the path of one program, without arguments";
                }
                (error.to_string(), true)
            }
        };
        objection(Diagnosis::new(fault, remedy), printed, is_answer)
    }

    /// Runs the program with the path of the text as its argument. Of the variables of this process it gets only [`PASSED_ON`], and a
    /// directory for its own files, which goes with the run. Returns how it ended, and the beginning of what it has printed.
    ///
    /// Its standard input is a directory, which nobody can read: a script that reads a text there, where there is none, would accept
    /// everything.
    fn run(&self, place: &Checking<'_>, timeout: Duration) -> Result<(Result<ExitStatus, ChildError>, Plaintext), InstallError> {
        let name = self.template.name.as_str();
        let text = place.write(name.rsplit('/').next().unwrap_or(name), self.text)?;
        let mut command = Command::new(self.program);
        command.arg(text.path()).current_dir("/").env_clear();
        command.env("PATH", SEARCH_PATH).env("TMPDIR", place.path());
        command.envs(PASSED_ON.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        let progress = Progress::about(format!("the check of template {}", named(name)));
        let child = File::open("/").map_err(ChildError::from);
        let child = child.and_then(|input| Child::start_on(&mut command, input, timeout, progress));
        Ok(match child {
            Ok(child) => child.finish_heard(),
            Err(error) => (Err(error), Plaintext::default()),
        })
    }
}

impl Objection<'_> {
    /// The failure of the template. `is_kept` says whether what checks have printed is there to be read.
    fn told(self, manifest: &Manifest, site: &Site, is_kept: bool) -> Failure {
        let mut diagnosis = self.diagnosis;
        if is_kept && !self.printed.is_empty() {
            let sudo = if manifest.user_mode { "" } else { "sudo " };
            let path = shell::path(&check_output::path(site, &self.template.name));
            diagnosis.remedy = Some(format!("to see what it said, run: {sudo}cat {path}"));
        }
        failure(self.template, diagnosis)
    }
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
    use crate::{
        program::site,
        system::{root::Root, users::Accounts},
    };

    /// The messages of the checks of these texts. Each text is a script of the shell, which is the check.
    fn refused(texts: &[String], one: Duration, all: Duration) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        let template = |number| format!(r#"{{"name": "d/{number}", "mode": "0400", "content": "x", "check": "/bin/sh"}}"#);
        let templates: Vec<_> = (0..texts.len()).map(template).collect();
        let json = format!(
            r#"{{"version": 1, "userMode": true, "secretsMountPoint": "{top}/d", "symlinkPath": "{top}/s", "templates": [{}]}}"#,
            templates.join(","),
            top = top.display()
        );
        let parsed = Manifest::parse(Path::new("/m.json"), json.as_bytes(), None);
        let manifest = parsed.unwrap_or_else(|error| panic!("{}", error.diagnosis)).0;
        let site = site::of(false, None, &manifest, &Root::new("/"), &mut Accounts::default());
        let check = |(template, text)| Check {
            template,
            program: Path::new("/bin/sh"),
            text: String::as_bytes(text),
        };
        let checks: Vec<_> = manifest.templates.iter().zip(texts).map(check).collect();
        let objections = run_all(&checks, &Checking::begin(&site).unwrap(), one, all);
        objections.iter().map(|objection| objection.diagnosis.cause.clone()).collect()
    }

    #[test]
    fn a_check_that_hangs_is_ended_and_the_next_one_runs() {
        let texts = ["sleep 600", "exit 2", "true"].map(str::to_owned);
        assert_eq!(
            refused(&texts, Duration::from_millis(500), Duration::from_mins(1)),
            [
                "its check /bin/sh: it did not end within 0 s",
                "its check /bin/sh: exit status 2"
            ]
        );
    }

    #[test]
    fn when_the_time_of_all_checks_is_over_no_other_begins() {
        let directory = tempfile::tempdir().unwrap();
        let mark = directory.path().join("mark");
        let texts = ["sleep 600".to_owned(), format!("echo > '{}'", mark.display())];
        assert_eq!(
            refused(&texts, Duration::from_mins(1), Duration::from_millis(100)),
            [
                "its check /bin/sh: it did not end within the 0 s that all checks have together",
                "its check /bin/sh: it did not begin, because the checks before it took the 0 s that all have together"
            ]
        );
        assert!(!mark.exists());
    }
}
