//! The errors and warnings that are found in a manifest.

use crate::text::diagnosis::Diagnosis;

/// The errors and warnings that were found in a manifest. A manifest with `version` is strict: a fault that is otherwise a warning is
/// an error.
pub(crate) struct Findings {
    pub(crate) strict: bool,
    pub(crate) errors: Vec<Diagnosis>,
    pub(crate) warnings: Vec<Diagnosis>,
}

impl Findings {
    pub(crate) fn new(version: Option<u64>) -> Self {
        let mut findings = Self {
            strict: version.is_some(),
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        if let Some(version) = version.filter(|version| *version != 1) {
            findings.error(
                format!("the manifest has version {version}, but this program knows only version 1"),
                "use the program and the Nix module from the same release",
            );
        }
        findings
    }

    pub(crate) fn error(&mut self, cause: String, remedy: impl Into<String>) {
        self.errors.push(Diagnosis::new(cause, remedy));
    }

    /// Records a fault that the Go program of sops-nix accepts without complaint. In a manifest with `version`, the fault is an
    /// error. Otherwise it is a warning, which also names the consequence.
    pub(crate) fn forgivable(&mut self, cause: String, consequence: &str, remedy: &str) {
        if self.strict {
            self.error(cause, remedy);
        } else {
            self.warnings
                .push(Diagnosis::new(format!("{cause}, so {consequence}"), remedy));
        }
    }
}
