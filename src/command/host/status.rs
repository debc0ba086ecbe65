//! Shows what is installed on this host, and what is missing.

use serde::Serialize;

use super::{entry_status::EntryStatus, installation, phase_status::PhaseStatus};
use crate::{
    command::{
        audience::Audience,
        cli::StatusArguments,
        layout::{columns, indented, joined, json, line},
        reply::Reply,
    },
    program::{again::ONLINE_UNIT, environment::Environment},
    system::root::Root,
    text::{
        diagnosis::Diagnosis,
        printable::{one_line, quoted},
    },
};

/// What is installed on this host.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct HostStatus {
    /// The installations: of the system in the order of its phases, and then of users.
    pub(crate) phases: Vec<PhaseStatus>,
}

/// Carries out the command `sops-nix status`.
///
/// # Errors
///
/// With a message for people, if this host installs nothing.
pub(crate) fn answer(arguments: &StatusArguments, audience: Audience, root: &Root) -> Result<Reply, Diagnosis> {
    let installations = installation::of_asker(root, &Environment::read());
    if installations.is_empty() {
        return Err(installation::none());
    }
    let mut reply = Reply::default();
    let mut status = HostStatus { phases: Vec::new() };
    for installation in &installations {
        match PhaseStatus::of(installation, root) {
            Ok((phase, faults)) => {
                status.phases.push(phase);
                reply.failures.extend(faults);
            }
            Err(failure) => reply.failures.push(failure.of(installation.object())),
        }
    }
    reply.text = match audience {
        _ if arguments.json => json(&status),
        Audience::Person => status.phases.iter().map(page).collect::<Vec<_>>().join("\n"),
        Audience::Script => status.phases.iter().map(lines).collect(),
    };
    Ok(reply)
}

/// The page of one installation.
fn page(phase: &PhaseStatus) -> String {
    let mut rows = vec![vec!["manifest".to_owned(), quoted(&phase.manifest)]];
    rows.push(vec!["live generation".to_owned(), generation(phase)]);
    if phase.generation.as_ref().is_some_and(|live| live.is_mock) {
        let warning = "all secrets are dummies, because sops.mock is on";
        rows.push(vec!["MOCK".to_owned(), warning.to_owned()]);
    }
    rows.push(vec!["last run".to_owned(), last_run(phase)]);
    if phase.no_key_yet.is_some() {
        rows.push(vec!["NO KEY YET".to_owned(), "in the first boot of this host".to_owned()]);
    }
    if !phase.deferred.is_empty() {
        let names: Vec<_> = phase.deferred.iter().map(|place| quoted(place)).collect();
        rows.push(vec![
            "deferred".to_owned(),
            format!("{}, until {ONLINE_UNIT}", names.join(", ")),
        ]);
    }
    let failures = phase.last_run.iter().flat_map(|run| &run.failures);
    let failures = failures.map(|failure| indented("    ", &format!("failed: {}", failure.told())));
    let failures: String = failures.collect();
    format!("{}\n{}{failures}{}", phase.title, columns("  ", &rows), table(&phase.entries))
}

fn generation(phase: &PhaseStatus) -> String {
    let Some(live) = &phase.generation else {
        return if phase.waits_for_login {
            "none before the user logs in"
        } else {
            "none"
        }
        .to_owned();
    };
    let made_from = match &live.manifest {
        Some(manifest) if *manifest != phase.manifest => format!(", made from {}", quoted(manifest)),
        _ => String::new(),
    };
    let by = live.rolled_back_from.map(|from| format!(", by a rollback from {from}"));
    format!("{}, since {}{}{made_from}", live.number, live.since, by.unwrap_or_default())
}

fn last_run(phase: &PhaseStatus) -> String {
    let Some(run) = &phase.last_run else {
        return "not recorded".to_owned();
    };
    let by = if run.manifest == phase.manifest {
        String::new()
    } else {
        format!(", with {}", quoted(&run.manifest))
    };
    match run.failures.len() {
        0 => format!("{}{by}", run.time),
        1 => format!("{}{by}: 1 failure", run.time),
        count => format!("{}{by}: {count} failures", run.time),
    }
}

/// The table of secrets and templates.
fn table(entries: &[EntryStatus]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let title = ["NAME", "STATE", "OWNER", "MODE", "PATH", "UNITS", "FROM"]
        .map(str::to_owned)
        .to_vec();
    let rows: Vec<_> = [title].into_iter().chain(entries.iter().map(row)).collect();
    format!("\n{}", columns("  ", &rows))
}

fn row(entry: &EntryStatus) -> Vec<String> {
    let units: Vec<_> = entry
        .restart_units
        .iter()
        .chain(&entry.reload_units)
        .map(|unit| quoted(unit))
        .collect();
    let from = match (&entry.sops_file, &entry.key) {
        (Some(file), Some(key)) if key.is_empty() => quoted(file),
        (Some(file), Some(key)) => format!("{}  {}", quoted(file), one_line(key)),
        _ => "template".to_owned(),
    };
    vec![
        quoted(&entry.name),
        entry.state.word().to_owned(),
        owner(entry),
        entry.mode.clone(),
        quoted(&entry.path),
        if units.is_empty() { "-".to_owned() } else { units.join(",") },
        from,
    ]
}

fn owner(entry: &EntryStatus) -> String {
    match (entry.owner.as_str(), entry.group.as_str()) {
        ("", "") => "-".to_owned(),
        (owner, group) => quoted(&format!("{owner}:{group}")),
    }
}

/// The lines of one installation for scripts. The second field of each line is the phase, and the third is the user.
fn lines(phase: &PhaseStatus) -> String {
    let user = phase.user.as_deref().unwrap_or_default();
    let line = |word: &str, fields: &[&str]| line(&[&[word, phase.phase.word(), user], fields].concat());
    let mut text = line("phase", &[phase.unit.as_deref().unwrap_or_default(), &phase.manifest]);
    if let Some(live) = &phase.generation {
        let manifest = live.manifest.as_deref().unwrap_or_default();
        text += &line("generation", &[&live.number.to_string(), &live.since, manifest]);
        if live.is_mock {
            text += &line("mock", &[]);
        }
        if let Some(from) = live.rolled_back_from {
            text += &line("rollback", &[&from.to_string()]);
        }
    }
    if let Some(note) = &phase.no_key_yet {
        text += &line("no-key-yet", &[&note.cause, note.remedy.as_deref().unwrap_or_default()]);
    }
    if let Some(run) = &phase.last_run {
        text += &line("run", &[&run.time, &run.manifest]);
        for failure in &run.failures {
            text += &line(
                "failure",
                &[&joined(&failure.cause), failure.remedy.as_deref().unwrap_or_default()],
            );
        }
    }
    for place in &phase.deferred {
        text += &line("deferred", &[place]);
    }
    for entry in &phase.entries {
        let (restart, reload) = (entry.restart_units.join(" "), entry.reload_units.join(" "));
        let fields = [
            entry.state.word(),
            &entry.name,
            &entry.path,
            &entry.owner,
            &entry.group,
            &entry.mode,
            entry.sops_file.as_deref().unwrap_or_default(),
            entry.key.as_deref().unwrap_or_default(),
            &restart,
            &reload,
        ];
        text += &line(entry.kind, &fields);
    }
    text
}
