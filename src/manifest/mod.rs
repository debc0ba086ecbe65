//! The manifest: JSON that a Nix module made, turned into values that cannot be wrong.
//!
//! No other module sees a raw string of it. Everything that is wrong is found in one run: [`Manifest::parse`] collects findings
//! and only then decides. A manifest without `version` comes from a module of sops-nix and is read leniently: what the Go program
//! installed without stderr becomes a warning here. With `"version": 1` the same things are errors.

mod check;
mod convert;
mod paths;
mod raw;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::error::Category;
use thiserror::Error;

use crate::{
    sops::{format::Format, key::KeyPath},
    text::{encoding::Encoding, shell},
};

/// A whole manifest, valid.
#[derive(Debug)]
pub struct Manifest {
    /// Made by a module of sops-nix: it has no `version`.
    pub is_of_sops_nix: bool,
    /// What is decrypted and published, in the order of the manifest.
    pub secrets: Vec<Secret>,
    /// What is rendered from secrets and published.
    pub templates: Vec<Template>,
    /// Token and name of the secret that it stands for. The secret may be absent from `secrets`.
    pub placeholders: Vec<Placeholder>,
    /// The directory whose numbered children are the generations.
    pub mount_point: PathBuf,
    /// The link to the live generation.
    pub link: PathBuf,
    /// How many generations stay, the live one included; 0 keeps all.
    pub keep_generations: u64,
    /// RSA SSH keys that stand for OpenPGP keys.
    pub ssh_key_paths: Vec<PathBuf>,
    /// A `GnuPG` home.
    pub gnupg_home: Option<PathBuf>,
    /// A file of age identities.
    pub age_key_file: Option<PathBuf>,
    /// SSH keys that stand for age identities.
    pub age_ssh_key_paths: Vec<PathBuf>,
    /// A systemd credential that holds age identities.
    pub age_key_credential: Option<String>,
    /// How long gpg, an age plugin or a key command may take.
    pub key_timeout: Duration,
    /// The most bytes of a sops file, and of all that a run publishes.
    pub max_size: usize,
    /// Use tmpfs where ramfs is the default.
    pub use_tmpfs: bool,
    /// Run as a plain user: no mount, no change of owner, no unit requests.
    pub user_mode: bool,
    /// What is told beyond warnings and errors.
    pub logging: Logging,
}

/// What is told beyond warnings and errors.
#[derive(Debug)]
pub struct Logging {
    /// A line for each SSH key imported.
    pub key_import: bool,
    /// What is added, modified and removed.
    pub secret_changes: bool,
}

/// One secret: where it comes from and where it goes.
#[derive(Debug)]
pub struct Secret {
    /// Its place below the link.
    pub name: String,
    /// The encrypted file.
    pub sops_file: PathBuf,
    /// How that file is written.
    pub format: Format,
    /// Which value of it.
    pub selection: Selection,
    /// Where and whose the published file is.
    pub placement: Placement,
}

/// Which part of a sops file a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The whole file as text.
    Whole,
    /// The value under this key.
    Key(KeyPath),
}

/// One template.
#[derive(Debug)]
pub struct Template {
    /// Its place below `rendered/`.
    pub name: String,
    /// The text to render.
    pub body: Body,
    /// Where and whose the published file is.
    pub placement: Placement,
}

/// Where the text of a template is.
#[derive(Debug)]
pub struct Body {
    /// The file to read; it goes before `content`.
    pub file: Option<PathBuf>,
    /// The text itself; not empty where there is no file.
    pub content: String,
}

/// What a secret and a template have in common: how the published file looks and who hears of a change.
#[derive(Debug)]
pub struct Placement {
    /// Where a link is wanted, when that is not the file's own place.
    pub path: Option<PathBuf>,
    /// The permission bits, at most `0o7777`.
    pub mode: u32,
    /// The owner.
    pub owner: Account,
    /// The group.
    pub group: Account,
    /// Units to restart when the file changes.
    pub restart_units: Vec<String>,
    /// Units to reload when the file changes.
    pub reload_units: Vec<String>,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Account {
    /// To be looked up.
    Name(String),
    /// Taken as it is.
    Id(u32),
}

/// A token of templates.
#[derive(Debug)]
pub struct Placeholder {
    /// What stands in the template; never empty.
    pub token: String,
    /// The name of the secret that takes its place.
    pub secret: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Not JSON, or a value of the wrong type.
    #[error("cannot read the manifest {path}: {cause}", path = path.display(), cause = cause(field, source))]
    Json {
        /// The manifest.
        path: PathBuf,
        /// The field at fault, such as `secrets[0].mode`; `.` where no field is.
        field: String,
        /// What serde says, with line and column.
        source: serde_json::Error,
    },
    /// Another program than a Nix module saved it. UTF-8 without a byte order mark is what JSON is exchanged in (RFC 8259, 8.1).
    #[error("cannot read the manifest {}: {encoding}; run: {}", path.display(), encoding.command(&shell::path(path)))]
    Encoded {
        /// The manifest.
        path: PathBuf,
        /// What happened to it.
        encoding: Encoding,
    },
    /// Everything that is wrong in it.
    #[error("the manifest {path} is not valid:\n  {list}", path = path.display(), list = findings.join("\n  "))]
    Invalid {
        /// The manifest.
        path: PathBuf,
        /// One line each.
        findings: Vec<String>,
        /// What is wrong beside it, and would have been forgiven.
        warnings: Vec<String>,
    },
}

/// What is wrong with the JSON, and where.
fn cause(field: &str, error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => format!("it ends too early, at line {} column {}", error.line(), error.column()),
        Category::Data => data_cause(field, error),
        _ => format!("it is not valid JSON: {error}"),
    }
}

/// Says which field, and what it should be; never the value, which could be a secret in the wrong place.
fn data_cause(field: &str, error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&place).unwrap_or_default();
    if let Some(name) = text.strip_prefix("duplicate field ") {
        return format!(
            "the field {} is given twice,{place}; remove one of the two",
            name.replace('`', "")
        );
    }
    let expected = match text.rsplit_once(", expected ") {
        Some((_, "i64" | "u64")) => ": expected a whole number",
        Some((_, "a string")) => ": expected a string",
        Some((_, "a sequence")) => ": expected a list",
        Some((_, "a boolean")) => ": expected true or false",
        _ => "",
    };
    let field = if field == "." {
        "it".to_owned()
    } else {
        // Names of secrets are in it.
        field.escape_debug().to_string()
    };
    format!("{field} has the wrong type,{place}{expected}")
}

impl Manifest {
    /// Reads and validates the text of a manifest; `path` names it in errors. `runtime_dir` is what `%r` stands for in user mode.
    ///
    /// # Errors
    /// With all findings at once, where something is wrong that the manifest's strictness does not forgive.
    pub fn parse(path: &Path, json: &[u8], runtime_dir: Option<&Path>) -> Result<(Self, Vec<String>), ManifestError> {
        let raw = raw::parse(json).map_err(|error| match Encoding::of(json) {
            Some(encoding @ (Encoding::Utf16(_) | Encoding::Mark)) => ManifestError::Encoded {
                path: path.to_owned(),
                encoding,
            },
            _ => ManifestError::Json {
                path: path.to_owned(),
                field: error.path().to_string(),
                source: error.into_inner(),
            },
        })?;
        let mut findings = Findings::new(raw.version);
        let manifest = convert::manifest(raw, runtime_dir, &mut findings);
        let manifest = check::collisions(manifest, &mut findings);
        if findings.errors.is_empty() {
            return Ok((manifest, findings.warnings));
        }
        Err(ManifestError::Invalid {
            path: path.to_owned(),
            findings: findings.errors,
            warnings: findings.warnings,
        })
    }

    /// Where templates are published, below a generation.
    #[must_use]
    pub fn rendered(name: &str) -> String {
        format!("rendered/{name}")
    }
}

/// What was found wrong.
struct Findings {
    strict: bool,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Findings {
    fn new(version: Option<u64>) -> Self {
        let mut findings = Self {
            strict: version.is_some(),
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        if let Some(version) = version.filter(|version| *version != 1) {
            findings.error(format!(
                "version {version} is not known, only 1 is; install the sops-install-secrets that belongs to the Nix module"
            ));
        }
        findings
    }

    fn error(&mut self, finding: String) {
        self.errors.push(finding);
    }

    /// Something that the Go program installs without stderr, and what is then done about it.
    fn forgivable(&mut self, finding: String, consequence: &str) {
        if self.strict {
            self.errors.push(finding);
        } else {
            self.warnings.push(format!("{finding}; {consequence}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_can_write_to_the_terminal() {
        let bad = r"\u001b[2J\n";
        for (json, expected) in [
            (
                format!(r#"{{"placeholderBySecretName": {{"{bad}": 5}}}}"#),
                r"placeholderBySecretName.\u{1b}[2J\n has the wrong type, at line 1 column 45: expected a string",
            ),
            (
                format!(r#"{{"secretsMountPoint": "/{bad}", "symlinkPath": "/{bad}/x"}}"#),
                r#"symlinkPath "/\u{1b}[2J\n/x" and secretsMountPoint "/\u{1b}[2J\n" lie in each other"#,
            ),
        ] {
            let error = Manifest::parse(Path::new("m"), json.as_bytes(), None)
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
