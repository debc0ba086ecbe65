//! Examines a host, and prints what is found.

use std::collections::HashSet;

use rustix::process::geteuid;
use serde::Serialize;

use super::{
    file_check,
    finding::{HostFinding, Subject},
    key_check, link_check, mount_check, unit_check,
};
use crate::{
    command::{
        audience::Audience,
        cli::DoctorArguments,
        host::{
            entry_status::{EntryState, EntryStatus},
            installation::{self, Installation},
            no_key_yet,
            phase_status::PhaseStatus,
            place,
            readers::{self, SecretReader},
            unit_file::{self, UnitFile},
        },
        layout::{indented, joined, json, line},
        reply::Reply,
    },
    manifest::Manifest,
    program::{again::ONLINE_UNIT, environment::Environment, failure::Failure, mock, rehearsal::Rehearsal, sops_files},
    system::{confinement::Confined, root::Root},
    text::{diagnosis::Diagnosis, printable::named},
};

/// What the doctor has found on a host.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Examination {
    /// What is wrong. Empty on a healthy host.
    pub(crate) findings: Vec<HostFinding>,
}

/// Carries out the command `sops-nix doctor`.
pub(crate) fn answer(arguments: &DoctorArguments, audience: Audience, root: &Root) -> Reply {
    let examination = Examination::of(root);
    let findings = &examination.findings;
    let text = match audience {
        _ if arguments.json => json(&examination),
        Audience::Person if findings.is_empty() => "no fault was found\n".to_owned(),
        Audience::Person => findings.iter().map(paragraph).collect::<Vec<_>>().join("\n"),
        Audience::Script => findings.iter().map(fields).collect(),
    };
    let failure = match findings.len() {
        0 => None,
        1 => Some("1 fault was found".to_owned()),
        count => Some(format!("{count} faults were found")),
    };
    let is_root = geteuid().is_root();
    let remark = (!is_root).then(|| Diagnosis::new("only root can see all", "run as root: sops-nix doctor"));
    Reply {
        text,
        failures: failure.map(Diagnosis::bare).into_iter().collect(),
        remarks: remark.into_iter().collect(),
        ..Reply::default()
    }
}

/// A finding for people.
fn paragraph(finding: &HostFinding) -> String {
    let remedy = finding.remedy.as_deref().map(|remedy| indented("  → ", remedy));
    let cause = indented("  ", &finding.cause);
    format!("{}\n{cause}{}", finding.about.word(), remedy.unwrap_or_default())
}

/// A finding for scripts.
fn fields(finding: &HostFinding) -> String {
    let remedy = finding.remedy.as_deref().unwrap_or_default();
    line(&["finding", finding.about.word(), &joined(&finding.cause), remedy])
}

impl Examination {
    /// Examines the installations of the system and, for a plain user, those of that user.
    fn of(root: &Root) -> Self {
        let installations = if geteuid().is_root() {
            installation::of_system(root)
        } else {
            installation::of_asker(root, &Environment::read())
        };
        if installations.is_empty() {
            let finding = HostFinding::new(Subject::Configuration, installation::none());
            return Self { findings: vec![finding] };
        }
        let units = unit_file::all(&readers::unit_directories(root));
        let places: Vec<_> = installations
            .iter()
            .flat_map(|installation| place::of(installation, root))
            .collect();
        let readers = readers::of_units(&units, &places);
        let patient = Patient { root, units, readers };
        // For the others, keys and files would only seem to be missing.
        let own = installations.iter().filter(|installation| installation.is_own());
        let each = own.flat_map(|installation| patient.examine(installation));
        let findings = each.chain(unit_check::of_all(&patient.units, &patient.readers, &places));
        // Phases share keys and files.
        let mut seen = HashSet::new();
        Self {
            findings: findings.filter(|finding| seen.insert(finding.clone())).collect(),
        }
    }
}

/// A host under examination.
struct Patient<'r> {
    root: &'r Root,
    units: Vec<UnitFile>,
    readers: Vec<SecretReader>,
}

impl Patient<'_> {
    /// What is wrong with one installation.
    fn examine(&self, installation: &Installation) -> Vec<HostFinding> {
        let manifest = match &installation.manifest {
            Ok(manifest) => manifest,
            Err(failure) => {
                let diagnosis = failure.clone().of(installation.object());
                return vec![HostFinding::new(Subject::Configuration, diagnosis)];
            }
        };
        let is_early = installation.call.is_early;
        let rehearsal = Rehearsal::of(
            manifest,
            (is_early, installation.call.mode.in_the_end(manifest, is_early)),
            installation.variables(self.root),
            false,
            self.root,
        );
        let rehearsal = if has_keys_elsewhere(installation, manifest) && self.was_well(installation) {
            rehearsal.without_keys()
        } else {
            rehearsal
        };
        let facts = sops_files::facts(manifest, Confined::default(), |_| true);
        let of_system = self.units.iter().filter(|_| installation.user.is_none());
        let unit = of_system
            .into_iter()
            .find(|unit| Some(&unit.name) == installation.unit.as_ref());
        [
            mock(manifest),
            key_check::of(installation, manifest, &rehearsal, &facts, unit, self.root),
            file_check::of(manifest, &facts),
            failures(&rehearsal),
            self.installed(installation, manifest, &rehearsal),
            link_check::of(installation, manifest, self.root),
            mount_check::of(manifest, self.root),
            unit_check::of_installation(installation, unit, &self.readers),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether the last run failed at nothing and left nothing to another one, and what it published is there.
    fn was_well(&self, installation: &Installation) -> bool {
        PhaseStatus::of(installation, self.root).is_ok_and(|(status, _)| {
            let has_failed = status.last_run.is_none_or(|run| !run.failures.is_empty());
            !has_failed && status.deferred.is_empty() && !status.entries.iter().any(|entry| entry.state.is_fault())
        })
    }

    /// What is not there as the manifest says, although a run would not fail at it.
    fn installed(&self, installation: &Installation, manifest: &Manifest, rehearsal: &Rehearsal) -> Vec<HostFinding> {
        let lacks = &rehearsal.lacks;
        let failed: HashSet<_> = lacks.failures.iter().flat_map(Failure::places).collect();
        let without: HashSet<_> = failed.iter().cloned().chain(lacks.absent_places()).collect();
        let Ok((status, _)) = PhaseStatus::of(installation, self.root) else {
            return Vec::new();
        };
        if let Some(note) = no_key_yet::note(installation, self.root) {
            return vec![HostFinding::new(Subject::Installation, note.of(installation.object()))];
        }
        let is_refused = rehearsal
            .preview
            .as_ref()
            .map_or(true, |preview| !preview.failures.is_empty());
        if is_refused || installation.waits_for_login {
            return Vec::new();
        }
        if status.generation.is_none() && failed.is_empty() && !status.entries.is_empty() {
            let diagnosis = Diagnosis::new(
                "nothing is installed",
                format!("to install it, run: {}", installation.again(manifest)),
            );
            return vec![HostFinding::new(Subject::Installation, diagnosis.of(installation.object()))];
        }
        let is_deferred = |entry: &&EntryStatus| status.deferred.contains(&entry.place);
        let lacking = status
            .entries
            .iter()
            .filter(|entry| entry.state.is_fault() || is_deferred(entry));
        let lacking = lacking.filter(|entry| !without.contains(&entry.place));
        let again = |entry: &EntryStatus| {
            if is_deferred(&entry) {
                format!("systemctl restart {ONLINE_UNIT}")
            } else {
                installation.again(manifest)
            }
        };
        let absent = lacking.map(|entry| {
            let state = if entry.state == EntryState::Installed {
                "of an earlier run, and deferred until sops-nix-online.service,"
            } else {
                entry.state.adjective()
            };
            let cause = format!("{} {} is {state} at {}", entry.kind, named(&entry.name), entry.path);
            let diagnosis = Diagnosis::new(cause, format!("to install it, run: {}", again(entry)));
            HostFinding::new(Subject::Installation, diagnosis)
        });
        let mut findings: Vec<_> = absent.collect();
        let has_failed = status.last_run.is_some_and(|run| !run.failures.is_empty());
        if findings.is_empty() && failed.is_empty() && has_failed {
            let is_checked = manifest.templates.iter().any(|template| template.check.is_some());
            let cause = if is_checked {
                "the last run failed, and another one would succeed now, unless it fails at the check of a template, which is not run here"
            } else {
                "the last run failed, and another one would succeed now"
            };
            let remedy = format!("run: {}", installation.again(manifest));
            findings.push(HostFinding::new(
                Subject::Installation,
                Diagnosis::new(cause, remedy).of(installation.object()),
            ));
        }
        findings
    }
}

/// Whether keys may be there only while secrets are installed, be those of a key service, which is not asked, or come late. Then an examination
/// may lack them on a healthy host, too.
fn has_keys_elsewhere(installation: &Installation, manifest: &Manifest) -> bool {
    installation.call.follows_commands || manifest.may_defer()
}

/// That the secrets are dummies.
fn mock(manifest: &Manifest) -> Vec<HostFinding> {
    let finding = |warning| HostFinding::new(Subject::Configuration, warning);
    mock::warning(manifest).map(finding).into_iter().collect()
}

/// What a run would fail at.
fn failures(rehearsal: &Rehearsal) -> Vec<HostFinding> {
    let secrets = rehearsal.lacks.failures.iter().map(|failure| failure.diagnosis.clone());
    let obstacles = match &rehearsal.preview {
        Ok(preview) => preview.failures.iter().map(|error| error.diagnosis.clone()).collect(),
        Err(error) => vec![error.diagnosis.clone()],
    };
    let secrets = secrets.map(|diagnosis| HostFinding::new(Subject::Secret, diagnosis));
    let obstacles = obstacles
        .into_iter()
        .map(|diagnosis| HostFinding::new(Subject::Installation, diagnosis));
    secrets.chain(obstacles).collect()
}
