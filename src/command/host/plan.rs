//! Shows what a run would change, and changes nothing.

use std::{collections::HashSet, fs, path::Path};

use serde::Serialize;

use super::{
    installation::{self, HostPhase, Installation},
    phase_status::RunFailure,
    place::{self, ReadPlace},
};
use crate::{
    command::{
        audience::Audience,
        cli::PlanArguments,
        layout::{indented, joined, json, line},
        reply::Reply,
    },
    install::{
        changes::{Changes, Names},
        is_copy_of, rendered,
    },
    manifest::Manifest,
    program::{environment::Environment, failure::Failure, rehearsal::Rehearsal},
    system::root::Root,
    text::{
        diagnosis::Diagnosis,
        printable::{named, quoted, shown},
    },
};

/// What runs would change.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct HostPlan {
    /// The installations: of the system in the order of its phases, and then of a user.
    pub(crate) phases: Vec<PhasePlan>,
}

/// What a run of one installation would change.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct PhasePlan {
    /// When the installation is made.
    pub(crate) phase: HostPhase,
    /// The user whose secrets these are; null if they are the host's.
    pub(crate) user: Option<String>,
    /// The path of its manifest.
    pub(crate) manifest: String,
    /// Whether the run would change nothing because something fails: while secrets are live, one failure is enough.
    pub(crate) is_blocked: bool,
    /// Whether the run would publish a new generation. Without one, it may still make symlinks, and restart units for an earlier run.
    pub(crate) would_publish: bool,
    /// The secrets that would change.
    pub(crate) secrets: PlannedNames,
    /// The templates that would change.
    pub(crate) templates: PlannedNames,
    /// The directories whose group or mode would change.
    pub(crate) directories: Vec<String>,
    /// The symlinks and copies that would be made.
    pub(crate) links: Vec<PlannedLink>,
    /// The paths of the symlinks of former secrets that would go.
    pub(crate) former_links: Vec<String>,
    /// The paths of the copies of former secrets that would go.
    pub(crate) former_copies: Vec<String>,
    /// The units that would be restarted.
    pub(crate) restart_units: Vec<String>,
    /// The units that would be reloaded.
    pub(crate) reload_units: Vec<String>,
    /// What would fail.
    pub(crate) failures: Vec<RunFailure>,
    /// What a page calls the installation.
    #[serde(skip)]
    pub(crate) title: String,
}

/// Names of secrets or templates that would change.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct PlannedNames {
    /// Those that are not there yet.
    pub(crate) added: Vec<String>,
    /// Those whose content, owner, group or mode would change.
    pub(crate) modified: Vec<String>,
    /// Those that would go.
    pub(crate) removed: Vec<String>,
}

/// A symlink or copy that would be made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct PlannedLink {
    /// Where it would be.
    pub(crate) path: String,
    /// The name of the secret or template that it would lead to, or be a copy of.
    pub(crate) name: String,
    /// Whether it would be a copy.
    pub(crate) is_copy: bool,
    /// Whether something else is there now.
    pub(crate) replaces: bool,
}

/// Carries out the command `sops-nix plan`.
///
/// # Errors
///
/// With a message for people, if there is no installation.
pub(crate) fn answer(arguments: &PlanArguments, audience: Audience, root: &Root) -> Result<Reply, Diagnosis> {
    let environment = Environment::read();
    let installations = match &arguments.result {
        Some(result) => installation::of_built(result, root, &environment)?,
        None => installation::of_own(root, &environment),
    };
    if installations.is_empty() {
        return Err(installation::none());
    }
    let mut reply = Reply::default();
    let mut plan = HostPlan { phases: Vec::new() };
    let own = installations.iter().filter(|installation| installation.is_own());
    if own.clone().next().is_none() {
        return Err(Diagnosis::new(
            "only root can see what a run for the system would change",
            "run as root: sops-nix plan",
        ));
    }
    for installation in own {
        let object = installation.object();
        match &installation.manifest {
            Ok(manifest) => {
                let phase = PhasePlan::of(installation, manifest, arguments.result.is_some(), root);
                let would_fail = !phase.failures.is_empty();
                reply
                    .failures
                    .extend(would_fail.then(|| Diagnosis::bare(format!("{object}: a run would fail"))));
                plan.phases.push(phase);
            }
            Err(failure) => reply.failures.push(failure.clone().of(object)),
        }
    }
    reply.text = match audience {
        _ if arguments.json => json(&plan),
        Audience::Person => plan.phases.iter().map(page).collect::<Vec<_>>().join("\n"),
        Audience::Script => plan.phases.iter().map(lines).collect(),
    };
    Ok(reply)
}

impl PhasePlan {
    /// What a run of `installation` would change. If it `is_built` and not live yet, the activation may still make its users.
    fn of(installation: &Installation, manifest: &Manifest, is_built: bool, root: &Root) -> Self {
        let variables = installation.variables(root);
        let is_early = installation.call.is_early;
        let rehearsal = Rehearsal::of(
            manifest,
            (is_early, installation.call.mode.in_the_end(manifest, is_early)),
            variables,
            is_built,
            root,
        );
        let places = place::of(installation, root);
        let lacks = &rehearsal.lacks;
        let failed: HashSet<_> = lacks.failures.iter().flat_map(Failure::places).collect();
        let without: HashSet<_> = failed.iter().cloned().chain(lacks.absent_places()).collect();
        let secrets = lacks.failures.iter().map(|failure| &failure.diagnosis);
        let former_links = rehearsal.preview.as_ref().map_or(&[][..], |preview| &preview.former_links);
        let former = |is_copy: bool| {
            let places = former_links.iter().filter(|place| place.is_copy == is_copy);
            places.map(|place| place.path.to_string_lossy().into_owned()).collect()
        };
        let (is_live, stays, changes, obstacles, is_refused) = match &rehearsal.preview {
            Ok(preview) => (
                preview.is_live,
                preview.stays,
                preview.changes.clone(),
                preview.failures.iter().map(|error| &error.diagnosis).collect(),
                preview.is_refused,
            ),
            Err(error) => (false, false, Changes::default(), vec![&error.diagnosis], true),
        };
        let is_tolerated = !is_live || lacks.failures.iter().all(|failure| failure.is_tolerated);
        let is_blocked = is_refused || !(failed.is_empty() || (is_tolerated && without.len() < places.len()));
        let mut plan = Self {
            phase: installation.phase,
            user: installation.user.clone(),
            manifest: installation.call.manifest.to_string_lossy().into_owned(),
            is_blocked,
            would_publish: !is_blocked && !stays,
            secrets: PlannedNames::new(&changes.secrets, |name| failed.contains(name)),
            templates: PlannedNames::new(&changes.templates, |name| failed.contains(&rendered(name))),
            directories: changes.directories.clone(),
            links: places
                .iter()
                .filter(|place| !without.contains(&place.place))
                .filter_map(|place| PlannedLink::of(place, &changes))
                .collect(),
            former_links: former(false),
            former_copies: former(true),
            restart_units: changes.units.restart.clone(),
            reload_units: changes.units.reload.clone(),
            failures: secrets.chain(obstacles).map(RunFailure::from).collect(),
            title: installation.title(),
        };
        if !is_live {
            plan.add_all(manifest, &without);
        }
        plan
    }

    /// At a first publication everything is added that the run would not do `without`.
    fn add_all(&mut self, manifest: &Manifest, without: &HashSet<String>) {
        let secrets = manifest.secrets.iter().map(|secret| secret.name.to_string());
        let templates = manifest.templates.iter().map(|template| template.name.to_string());
        self.secrets.added = secrets.filter(|name| !without.contains(name)).collect();
        self.templates.added = templates.filter(|name| !without.contains(&rendered(name))).collect();
    }

    /// What would be done, as a word, the kind of what it is done to, and its name.
    fn steps(&self) -> Vec<[String; 3]> {
        let names = [("secret", &self.secrets), ("template", &self.templates)];
        let changes = names.iter().flat_map(|(kind, names)| {
            let lists = [("add", &names.added), ("modify", &names.modified), ("remove", &names.removed)];
            lists
                .into_iter()
                .flat_map(move |(word, names)| names.iter().map(move |name| step(word, kind, name)))
        });
        let directories = self.directories.iter().map(|path| step("modify", "directory", path));
        let links = self.links.iter().map(|link| {
            let kind = if link.is_copy { "copy" } else { "link" };
            step(if link.replaces { "replace" } else { kind }, kind, &link.path)
        });
        let former_links = self.former_links.iter().map(|path| step("remove", "link", path));
        let former_copies = self.former_copies.iter().map(|path| step("remove", "copy", path));
        let former = former_links.chain(former_copies);
        let restarts = self.restart_units.iter().map(|unit| step("restart", "unit", unit));
        let reloads = self.reload_units.iter().map(|unit| step("reload", "unit", unit));
        changes
            .chain(directories)
            .chain(links)
            .chain(former)
            .chain(restarts)
            .chain(reloads)
            .collect()
    }
}

fn step(word: &str, kind: &str, name: &str) -> [String; 3] {
    [word, kind, name].map(str::to_owned)
}

impl PlannedNames {
    /// Those of `names`. What failed is not there to be compared, and would not be removed.
    fn new(names: &Names, has_failed: impl Fn(&String) -> bool) -> Self {
        let removed = names.removed.iter().filter(|name| !has_failed(name));
        Self {
            added: names.added.clone(),
            modified: names.modified.clone(),
            removed: removed.cloned().collect(),
        }
    }
}

impl PlannedLink {
    /// The symlink or copy that would be made for an entry; `None` if it has none, or if it is there already. `changes` are those of the
    /// generation.
    fn of(place: &ReadPlace, changes: &Changes) -> Option<Self> {
        let [own, path] = place.paths.as_slice() else { return None };
        let is_there = if place.is_copy {
            !changes.are_at(&place.place) && is_copy_of(path, own).unwrap_or(false)
        } else {
            fs::read_link(path).is_ok_and(|target| target == *own)
        };
        (!is_there).then(|| Self {
            path: path.to_string_lossy().into_owned(),
            name: place.name.clone(),
            is_copy: place.is_copy,
            replaces: path.symlink_metadata().is_ok(),
        })
    }
}

/// The page of one installation.
fn page(phase: &PhasePlan) -> String {
    let steps = phase.steps();
    let mut text = format!("{}\n", phase.title);
    if phase.is_blocked {
        text += "  would change nothing, because something fails\n";
    } else if steps.is_empty() && phase.failures.is_empty() {
        text += "  would change nothing\n";
    } else {
        for [word, kind, name] in &steps {
            let object = match kind.as_str() {
                "secret" | "template" | "directory" => format!("{kind} {}", named(name)),
                "link" | "copy" => shown(Path::new(name)),
                _ => quoted(name),
            };
            text += &indented("  ", &format!("would {word} {object}"));
        }
    }
    for failure in &phase.failures {
        text += &indented("  ", &format!("would fail: {}", failure.told()));
    }
    text
}

/// The lines of one installation for scripts.
fn lines(phase: &PhasePlan) -> String {
    let user = phase.user.as_deref().unwrap_or_default();
    let line = |word: &str, fields: &[&str]| line(&[&[word, phase.phase.word(), user], fields].concat());
    let publishes = match (phase.is_blocked, phase.would_publish) {
        (true, _) => "changes nothing",
        (false, true) => "publishes",
        (false, false) => "keeps",
    };
    let mut text = line("phase", &[publishes, &phase.manifest]);
    if !phase.is_blocked {
        for [word, kind, name] in &phase.steps() {
            text += &line(word, &[kind, name]);
        }
    }
    for failure in &phase.failures {
        text += &line(
            "fail",
            &[&joined(&failure.cause), failure.remedy.as_deref().unwrap_or_default()],
        );
    }
    text
}
