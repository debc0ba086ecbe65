//! Converts the raw fields of a manifest to typed fields, and checks each field on its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    declaration::{Account, Body, Logging, Manifest, Phase, Placeholder, Placement, Secret, Template},
    directories::directories,
    findings::Findings,
    form,
    key_services::key_services,
    named_entry::NamedEntry,
    paths::Paths,
    policy::{at_path, on_failure, trim},
    raw,
    selection::selection,
    settings::{credential_name, exclusive_keys, keep_generations, key_timeout, max_size, warn_age},
    transforming::transform,
    unit_names::units,
    unknown_fields::unknown_fields,
};
use crate::{
    install::{EntryName, rendered},
    sops::format::Format,
    system::mode::{BadMode, FileMode},
    text::printable::{named, shown},
};

/// What a manifest installs. The names are still as in the manifest, so that findings can name entries whose names are wrong.
pub(crate) struct Entries {
    pub secrets: Vec<Secret<String>>,
    pub templates: Vec<Template<String>>,
}

/// Converts all fields. Each fault goes to `findings`, and the faulty value is replaced by something harmless, so that the search
/// for faults can go on. The returned [`Manifest`] has no entries yet: the entries are returned beside it.
pub(crate) fn manifest(raw: raw::RawManifest, runtime_dir: Option<&Path>, findings: &mut Findings) -> (Manifest, Entries) {
    unknown_fields(&raw, findings);
    let paths = if raw.user_mode {
        Paths::Expanded(runtime_dir)
    } else {
        Paths::Literal
    };
    let mount_point = paths.absolute("secretsMountPoint", &raw.secrets_mount_point, findings);
    let link = paths.absolute("symlinkPath", &raw.symlink_path, findings);
    exclusive_keys(&raw, findings);
    // A mock reads no sops file.
    if !raw.mock {
        formats(&raw.secrets, findings);
    }
    credential_name(&raw.age_key_credential, findings);
    let key_timeout = key_timeout(raw.key_timeout, findings);
    let max_size = max_size(raw.max_size, findings);
    let metrics_file = paths.optional(format_args!("metricsFile"), &raw.metrics_file, findings);
    let warn_age = warn_age(raw.warn_age, findings);
    let keep_generations = keep_generations(raw.keep_generations, findings);
    let secrets = raw.secrets.into_iter().map(|raw| secret(raw, &paths, &link, findings));
    let secrets = secrets.collect();
    let templates = raw.templates.into_iter().map(|raw| template(raw, &paths, &link, findings));
    let templates = templates.collect();
    let manifest = Manifest {
        is_of_sops_nix: raw.version.is_none(),
        secrets: Vec::new(),
        templates: Vec::new(),
        directories: directories(raw.directories, raw.user_mode, findings),
        placeholders: placeholders(raw.placeholder_by_secret_name, findings),
        mount_point,
        link,
        watch_file: paths.optional("watchFile", &raw.watch_file, findings),
        keep_generations,
        ssh_key_paths: raw.ssh_key_paths.into_iter().map(PathBuf::from).collect(),
        gnupg_home: non_empty_path(raw.gnupg_home),
        age_key_file: non_empty_path(raw.age_key_file),
        age_key_file_may_come_late: raw.age_key_file_may_come_late,
        age_ssh_key_paths: raw.age_ssh_key_paths.into_iter().map(PathBuf::from).collect(),
        age_key_credential: Some(raw.age_key_credential).filter(|name| !name.is_empty()),
        host_recipients: raw.host_recipients,
        key_services: key_services(raw.key_services, findings),
        key_timeout,
        max_size,
        use_tmpfs: raw.use_tmpfs,
        user_mode: raw.user_mode,
        phase: if raw.for_file_systems {
            Phase::FileSystems
        } else {
            Phase::AsCalled
        },
        metrics_file,
        warn_age,
        host_name: raw.host_name,
        is_mock: raw.mock,
        logging: Logging {
            key_import: raw.logging.key_import,
            secret_changes: raw.logging.secret_changes,
        },
    };
    (manifest, Entries { secrets, templates })
}

fn secret(raw: raw::RawSecret, paths: &Paths, link: &Path, findings: &mut Findings) -> Secret<String> {
    let what = NamedEntry::Secret(&raw.name);
    name(what, &raw.name, findings);
    if raw.sops_file.is_empty() {
        findings.error(
            format!("{what} has no sopsFile"),
            "set sopsFile to the file that holds the secret",
        );
    }
    let format = format(what, &raw.format, findings);
    let selection = selection(what, format, &raw, findings);
    let on_failure = on_failure(what, &raw.on_failure, findings);
    let transform = transform(what, &selection, format, &raw, findings);
    let selection = if transform.is_some() {
        selection.into_text()
    } else {
        selection
    };
    let trim = trim(what, &raw.trim, findings);
    let path = paths.optional(format_args!("the path of {what}"), &raw.path, findings);
    let path = elsewhere(path, &link.join(&raw.name));
    let placement = Placement {
        at_path: at_path(what, (&raw.install, raw.copy_to_disk), path.as_deref(), link, findings),
        path,
        mode: mode(what, &raw.mode, findings),
        owner: account(what, ["owner", "uid"], raw.owner, &raw.uid, findings),
        group: account(what, ["group", "gid"], raw.group, &raw.gid, findings),
        watch_file: paths.optional(format_args!("the watchFile of {what}"), &raw.watch_file, findings),
        restart_units: units(what, "restartUnits", raw.restart_units, findings),
        reload_units: units(what, "reloadUnits", raw.reload_units, findings),
        environment_file_of: raw.environment_file_of,
    };
    Secret {
        name: raw.name,
        sops_file: PathBuf::from(raw.sops_file),
        format,
        selection,
        mock_value: raw.mock_value,
        on_failure,
        transform,
        trim,
        is_optional: raw.optional,
        placement,
    }
}

fn template(raw: raw::RawTemplate, paths: &Paths, link: &Path, findings: &mut Findings) -> Template<String> {
    let what = NamedEntry::Template(&raw.name);
    name(what, &raw.name, findings);
    if raw.content.is_empty() && raw.file.is_empty() {
        findings.error(format!("{what} has neither content nor file"), "set one of the two");
    }
    let form = form::of_text(what, &raw.form, findings);
    let check = paths.optional(format_args!("the check of {what}"), &raw.check, findings);
    if check.is_some() && !findings.strict {
        findings.error(
            format!("the check of {what} needs a manifest with a version"),
            "set version to 1",
        );
    }
    let own_place = link.join(rendered(&raw.name));
    let path = paths.optional(format_args!("the path of {what}"), &raw.path, findings);
    let path = elsewhere(path, &own_place);
    let placement = Placement {
        at_path: at_path(what, (&raw.install, raw.copy_to_disk), path.as_deref(), link, findings),
        path,
        mode: mode(what, &raw.mode, findings),
        owner: account(what, ["owner", "uid"], raw.owner, &raw.uid, findings),
        group: account(what, ["group", "gid"], raw.group, &raw.gid, findings),
        watch_file: paths.optional(format_args!("the watchFile of {what}"), &raw.watch_file, findings),
        restart_units: units(what, "restartUnits", raw.restart_units, findings),
        reload_units: units(what, "reloadUnits", raw.reload_units, findings),
        environment_file_of: raw.environment_file_of,
    };
    let body = Body {
        file: non_empty_path(raw.file),
        content: raw.content,
    };
    Template {
        name: raw.name,
        body,
        form,
        check,
        placement,
    }
}

/// Checks a name. A name is a relative path, and must not lead out of the generation.
fn name(what: NamedEntry<'_>, name: &str, findings: &mut Findings) {
    let Err(fault) = EntryName::new(name) else { return };
    findings.error(
        format!("the name of {what} {fault}"),
        "choose another name, such as \"db/password\"",
    );
}

fn format(what: NamedEntry<'_>, format: &str, findings: &mut Findings) -> Format {
    known_format(format).unwrap_or_else(|| {
        findings.error(
            format!("{what} has the unknown format {}", named(format)),
            "set \"yaml\", \"json\", \"binary\", \"dotenv\" or \"ini\"",
        );
        Format::Yaml
    })
}

fn known_format(format: &str) -> Option<Format> {
    Some(match format {
        "" | "yaml" => Format::Yaml,
        "json" => Format::Json,
        "binary" => Format::Binary,
        "dotenv" => Format::Dotenv,
        "ini" => Format::Ini,
        _ => return None,
    })
}

/// Finds sops files that are declared in two formats.
fn formats(secrets: &[raw::RawSecret], findings: &mut Findings) {
    let mut seen: BTreeMap<&str, (Format, &str)> = BTreeMap::new();
    let known = secrets
        .iter()
        .filter_map(|secret| Some((secret, known_format(&secret.format)?)));
    for (secret, format) in known {
        let (other, first) = *seen.entry(&secret.sops_file).or_insert((format, &secret.name));
        if format != other {
            let finding = format!(
                "{} is declared as {other} by secret {} and as {format} by secret {}",
                shown(Path::new(&secret.sops_file)),
                named(first),
                named(&secret.name)
            );
            findings.error(finding, "set one format for both");
        }
    }
}

/// Reads a mode: octal digits, at most 07777.
fn mode(what: NamedEntry<'_>, mode: &str, findings: &mut Findings) -> FileMode {
    FileMode::from_octal(mode).unwrap_or_else(|bad| match bad {
        BadMode::TooHigh(rest) => {
            let finding = format!("{what} has the mode {}, which is above 07777", named(mode));
            findings.forgivable(finding, "only its last four digits count", "set a mode such as \"0400\"");
            rest
        }
        BadMode::NotOctal => {
            findings.error(
                format!("{what} has the mode {}, which is not an octal number", named(mode)),
                "set a mode such as \"0400\"",
            );
            FileMode::NONE
        }
    })
}

/// Reads a user or group: the name if there is one, otherwise the number. `fields` are the names of the two fields, for messages.
fn account(what: NamedEntry<'_>, fields: [&str; 2], name: Option<String>, id: &raw::Id, findings: &mut Findings) -> Account {
    if let Some(name) = name {
        return Account::Name(name);
    }
    let [name_field, id_field] = fields;
    let number = match id {
        raw::Id::Number(number) => *number,
        raw::Id::Missing => 0,
        raw::Id::Null => {
            let finding = format!("{what} has neither {name_field} nor {id_field}");
            findings.forgivable(finding, "it belongs to root", "set one of the two");
            0
        }
    };
    // chown(2) takes the largest number to mean "leave unchanged", so no account can have that number.
    match u32::try_from(number) {
        Ok(id) if id != u32::MAX => Account::Id(id),
        _ => {
            findings.error(
                format!(
                    "{what} has the {id_field} {number}, which is {}",
                    if number < 0 { "negative" } else { "too large" }
                ),
                format!("set {id_field} to a number between 0 and 4294967294"),
            );
            Account::Id(0)
        }
    }
}

fn placeholders(raw: std::collections::BTreeMap<String, String>, findings: &mut Findings) -> Vec<Placeholder> {
    let mut placeholders = Vec::new();
    for (secret, token) in raw {
        if token.is_empty() {
            findings.forgivable(
                format!("the placeholder of secret {} is empty", named(&secret)),
                "it is never replaced",
                "choose the text that stands for this secret in templates",
            );
        } else {
            placeholders.push(Placeholder { token, secret });
        }
    }
    placeholders
}

/// Removes a declared `path` that is the own place of the file, because no symlink is needed there.
fn elsewhere(path: Option<PathBuf>, own_place: &Path) -> Option<PathBuf> {
    path.filter(|path| path != own_place)
}

fn non_empty_path(raw: String) -> Option<PathBuf> {
    (!raw.is_empty()).then(|| PathBuf::from(raw))
}
