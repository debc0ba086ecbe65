//! The distinct sops files of a manifest, each opened, read, parsed and decrypted once.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use crate::{
    failure::{Failure, names},
    file,
    keys::Keyring,
    manifest::{Manifest, Secret, Selection},
    sops::{Decrypted, SopsFile, format::Format, select::Selector, tree::Stored},
};

/// Larger sops files are refused, in bytes: 1 GiB.
const LARGEST: usize = 1 << 30;

/// One sops file and the secrets that come from it.
pub struct Source<'m> {
    path: &'m Path,
    format: Format,
    secrets: Vec<&'m Secret>,
}

/// Groups the secrets by file, in the order in which the files are first named.
#[must_use]
pub fn sources(manifest: &Manifest) -> Vec<Source<'_>> {
    let mut sources: Vec<Source<'_>> = Vec::new();
    let mut positions: HashMap<&Path, usize> = HashMap::new();
    for secret in &manifest.secrets {
        let position = *positions.entry(&secret.sops_file).or_insert(sources.len());
        match sources.get_mut(position) {
            Some(source) => source.secrets.push(secret),
            None => sources.push(Source {
                path: &secret.sops_file,
                format: secret.format,
                secrets: vec![secret],
            }),
        }
    }
    sources
}

impl<'m> Source<'m> {
    /// The secrets that come from it, in the order of the manifest.
    #[must_use]
    pub fn secrets(&self) -> &[&'m Secret] {
        &self.secrets
    }

    /// Reads and parses the file, and looks for every wanted key. Needs no key of the host.
    ///
    /// # Errors
    /// With all that is wrong.
    pub fn check(&self) -> Result<(), Vec<Failure>> {
        let source =
            file::read(self.path, LARGEST).map_err(|error| vec![self.fail(format!("cannot read {}: {error}", self.needed()))])?;
        let file = SopsFile::parse(self.format, source.text.expose()).map_err(|error| vec![self.unusable(&error)])?;
        let selector = file.selector();
        let missing: Vec<_> = self
            .secrets
            .iter()
            .filter_map(|secret| self.check_key(&selector, secret))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    fn check_key(&self, selector: &Selector<'_, Stored<'_>>, secret: &Secret) -> Option<Failure> {
        match &secret.selection {
            Selection::Whole => None,
            Selection::Key(key) => selector.scalar(key).err().map(|error| self.fail_one(secret, &error)),
        }
    }

    /// Reads, parses and decrypts the file. What it holds is authentic when this returns.
    ///
    /// # Errors
    /// With what is wrong, naming all secrets of the file.
    pub fn decrypt(&self, keyring: &Keyring) -> Result<Decrypted, Failure> {
        let source =
            file::read(self.path, LARGEST).map_err(|error| self.fail(format!("cannot read {}: {error}", self.needed())))?;
        let file = SopsFile::parse(self.format, source.text.expose()).map_err(|error| self.unusable(&error))?;
        let key = keyring.data_key(&file.metadata().key_groups).map_err(|no_key| {
            let report = no_key.report(&self.name());
            self.fail(format!("cannot decrypt {}\n{}", self.needed(), report.trim_end()))
        })?;
        file.decrypt(&key)
            .map_err(|error| self.fail(format!("cannot decrypt {}: {error}", self.needed())))
    }

    fn unusable(&self, error: &dyn std::error::Error) -> Failure {
        self.fail(format!("cannot use {} as a sops file: {error}", self.needed()))
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn needed(&self) -> String {
        let plural = if self.secrets.len() == 1 { "" } else { "s" };
        format!("{} (needed by secret{plural} {})", self.name(), names(&self.entries()))
    }

    fn entries(&self) -> Vec<String> {
        self.secrets.iter().map(|secret| secret.name.clone()).collect()
    }

    /// Something that concerns the whole file.
    fn fail(&self, message: String) -> Failure {
        Failure {
            message,
            entries: self.entries(),
            sops_file: Some(PathBuf::from(self.path)),
        }
    }

    /// Something that concerns one secret of the file.
    pub fn fail_one(&self, secret: &Secret, problem: &dyn std::fmt::Display) -> Failure {
        Failure {
            message: format!("secret {} from {}: {problem}", secret.name, self.name()),
            entries: vec![secret.name.clone()],
            sops_file: Some(PathBuf::from(self.path)),
        }
    }
}
