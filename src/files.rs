//! The distinct sops files of a manifest, each opened, read, parsed and decrypted once.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use crate::{
    confinement::confined,
    failure::{Failure, names},
    file,
    keys::{Keyring, Opening},
    manifest::{Manifest, Secret, Selection},
    plaintext::Plaintext,
    sops::{DecryptError, Decrypted, SopsFile, format::Format, select::Selector, tree::Stored},
};

/// Larger sops files are refused, in bytes: 1 GiB.
const LARGEST: usize = 1 << 30;

/// What is wrong where neither the MAC nor a value authenticates.
const FOREIGN_KEY: &str = "the data key that the keys of this host open is not the one of this file: neither its MAC nor its values \
    authenticate; restore the file from version control";

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

/// A file on its way to being decrypted.
enum Progress {
    /// There already.
    Decrypted(Decrypted),
    /// To be opened by other means than the keys at hand.
    Closed { text: Plaintext, opening: Opening },
}

/// Decrypts each file once. What failed is `None`, with its failure told. Programs are asked when it is known what they are needed for,
/// so that each has to be started once; all else that sees the content of a file is confined.
pub fn decrypt<'m>(
    manifest: &'m Manifest,
    keyring: &mut Keyring,
    failures: &mut Vec<Failure>,
) -> Vec<(Source<'m>, Option<Decrypted>)> {
    let sources = sources(manifest);
    let mut progress: Vec<_> = confined(|| sources.iter().map(|source| source.begin(keyring)).collect());
    let mut closed: Vec<_> = progress.iter_mut().filter_map(opening).collect();
    let is_anything_left = !closed.is_empty();
    keyring.open_with_programs(&mut closed);
    let mut finish = || -> Vec<_> {
        let pairs = sources.iter().zip(progress.drain(..));
        pairs.map(|(source, progress)| source.finish(progress?, keyring)).collect()
    };
    let files = if is_anything_left { confined(finish) } else { finish() };
    let told = files
        .into_iter()
        .map(|file| file.map_err(|failure| failures.push(failure)).ok());
    sources.into_iter().zip(told).collect()
}

fn opening(progress: &mut Result<Progress, Failure>) -> Option<&mut Opening> {
    match progress {
        Ok(Progress::Closed { opening, .. }) => Some(opening),
        _ => None,
    }
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

    /// Reads and parses the file, and decrypts it if the keys at hand open it. Where they do not, its text is kept for later: it is
    /// read once.
    fn begin(&self, keyring: &Keyring) -> Result<Progress, Failure> {
        self.without_panic(|| self.try_keys_at_hand(keyring))
    }

    fn try_keys_at_hand(&self, keyring: &Keyring) -> Result<Progress, Failure> {
        let text = file::read(self.path, LARGEST)
            .map_err(|error| self.fail(format!("cannot read {}: {error}", self.needed())))?
            .text;
        let file = self.parse(&text)?;
        let mut opening = Opening::new(&file.metadata().key_groups, file.metadata().proof());
        keyring.open(&mut opening);
        if opening.is_open() {
            return self.decrypt(file, keyring, opening).map(Progress::Decrypted);
        }
        drop(file);
        Ok(Progress::Closed { text, opening })
    }

    /// Decrypts the file after all means have been tried.
    fn finish(&self, progress: Progress, keyring: &Keyring) -> Result<Decrypted, Failure> {
        match progress {
            Progress::Decrypted(decrypted) => Ok(decrypted),
            Progress::Closed { text, opening } => self.without_panic(|| self.decrypt(self.parse(&text)?, keyring, opening)),
        }
    }

    /// A fault of ours that one file brings to light is this file's failure, and not the end of the run.
    fn without_panic<T>(&self, step: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        // Keys are not changed by a file; at worst the next one begins with another identity.
        catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| {
            let fault = "this is a fault in sops-install-secrets, told in the lines before; please report it";
            Err(self.fail(format!("cannot decrypt {}: {fault}", self.needed())))
        })
    }

    fn parse<'t>(&self, text: &'t Plaintext) -> Result<SopsFile<'t>, Failure> {
        SopsFile::parse(self.format, text.expose()).map_err(|error| self.unusable(&error))
    }

    /// What the file holds is authentic when this returns.
    fn decrypt(&self, file: SopsFile<'_>, keyring: &Keyring, opening: Opening) -> Result<Decrypted, Failure> {
        let is_proven = opening.is_open();
        let key = keyring.finish(opening).map_err(|no_key| {
            let report = no_key.report(&self.name());
            self.fail(format!("cannot decrypt {}\n{}", self.needed(), report.trim_end()))
        })?;
        file.decrypt(&key).map_err(|error| {
            // One change to a file does not spoil both its MAC and a value.
            let is_foreign = !is_proven && matches!(error, DecryptError::Value { .. });
            let error = if is_foreign {
                FOREIGN_KEY.to_owned()
            } else {
                error.to_string()
            };
            self.fail(format!("cannot decrypt {}: {error}", self.needed()))
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_is_the_failure_of_the_file_that_brings_it_to_light() {
        let source = Source {
            path: Path::new("/secrets.yaml"),
            format: Format::Yaml,
            secrets: Vec::new(),
        };
        let failure = source
            .without_panic(|| -> Result<(), Failure> { panic!("a fault") })
            .unwrap_err();
        assert_eq!(failure.sops_file, Some(PathBuf::from("/secrets.yaml")));
        assert_eq!(
            failure.message,
            "cannot decrypt /secrets.yaml (needed by secrets ): this is a fault in sops-install-secrets, told in the lines before; \
             please report it"
        );
    }
}
