//! The first sops file of a repository, which the real sops makes.

use std::{path::Path, process::Command, time::Duration};

use crate::{
    sops::format::Format,
    system::{child::Child, child_error::ChildError, plaintext::Plaintext, progress::Progress},
    text::{diagnosis::Diagnosis, printable::printable},
};

/// The variables that name recipients for sops. With one of them, sops would leave out the recipients of the rules.
const OTHER_RECIPIENTS: [&str; 7] = [
    "SOPS_AGE_RECIPIENTS",
    "SOPS_AZURE_KEYVAULT_URLS",
    "SOPS_GCP_KMS_IDS",
    "SOPS_HUAWEICLOUD_KMS_IDS",
    "SOPS_KMS_ARN",
    "SOPS_PGP_FP",
    "SOPS_VAULT_URIS",
];
/// How long sops may take for a few bytes.
const TIMEOUT: Duration = Duration::from_mins(1);
/// The name of the secret in the first file, and what stands there until somebody edits it.
pub(crate) const EXAMPLE: &str = "example-password";

/// Whether sops can be run.
///
/// # Errors
///
/// With a message for people, if it cannot.
pub(crate) fn find_sops() -> Result<(), Diagnosis> {
    run(&["--version"], b"").map(|_| ())
}

/// The text of a sops file with an example, encrypted by the rules in `rules` as the file `name`.
///
/// # Errors
///
/// With a message for people, if sops does not encrypt it.
pub(crate) fn encrypted(rules: &Path, name: &Path, format: Format) -> Result<Plaintext, Diagnosis> {
    let (rules, name) = (rules.to_string_lossy(), name.to_string_lossy());
    let text = match format {
        Format::Json => format!("{{\"{EXAMPLE}\": \"change-me\"}}\n"),
        _ => format!("{EXAMPLE}: change-me\n"),
    };
    run(
        &["--config", &rules, "encrypt", "--filename-override", &name],
        text.as_bytes(),
    )
}

fn run(arguments: &[&str], input: &[u8]) -> Result<Plaintext, Diagnosis> {
    let mut command = Command::new("sops");
    command.args(arguments).env("SOPS_DISABLE_VERSION_CHECK", "1");
    for variable in OTHER_RECIPIENTS {
        command.env_remove(variable);
    }
    let fail = |error: ChildError| match error {
        ChildError::Missing => Diagnosis::new(
            "sops is not in the search path",
            "install it; with Nix, run: nix shell nixpkgs#sops",
        ),
        error => Diagnosis::bare(format!("cannot use sops: {error}")),
    };
    let progress = Progress::about("sops".to_owned());
    let mut child = Child::start_with_credentials(&mut command, TIMEOUT, progress).map_err(fail)?;
    child.send(input).map_err(fail)?;
    let finished = child.finish().map_err(fail)?;
    if finished.status.success() {
        Ok(finished.output)
    } else {
        Err(failure(&finished.stderr))
    }
}

/// Why sops has failed, by what it said.
fn failure(said: &str) -> Diagnosis {
    if said.contains("no matching creation rules") {
        return Diagnosis::new("no rule is for the first file", "add a rule whose path_regex matches it");
    }
    Diagnosis::bare(format!("sops has failed: {}", printable(said)))
}
