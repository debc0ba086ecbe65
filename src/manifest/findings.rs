//! What is found wrong in a manifest.

/// What was found wrong.
pub(crate) struct Findings {
    pub(crate) strict: bool,
    pub(crate) errors: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Findings {
    pub(crate) fn new(version: Option<u64>) -> Self {
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

    pub(crate) fn error(&mut self, finding: String) {
        self.errors.push(finding);
    }

    /// Notes what the Go program of sops-nix installs without complaint: as an error in a manifest with `version`, otherwise as a
    /// warning that also says what is done about it.
    pub(crate) fn forgivable(&mut self, finding: String, consequence: &str) {
        if self.strict {
            self.errors.push(finding);
        } else {
            self.warnings.push(format!("{finding}; {consequence}"));
        }
    }
}
