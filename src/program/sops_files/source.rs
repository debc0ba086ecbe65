//! One sops file, and the secrets that come from it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    desk::Desk,
    facts::FileFacts,
    job::Job,
    reading::{self, Awaited, Shortfall, Unopened},
};
use crate::{
    install::EntryKind,
    manifest::{Manifest, OnFailure, Secret, Selection},
    program::{
        environment_files,
        failure::{Failure, names},
        host_recipients::HostRecipients,
        lacks::{Absent, Lacks},
        limit::Limit,
        remedy,
        remedy::Editable,
    },
    sops::{
        ContentError, SelectError, SopsFile, SopsFileError,
        env_file::{EnvFile, misread_dotenv},
        format::Format,
        part::{PartError, PartForm},
        select::Selector,
        tree::Stored,
    },
    system::{budget, confinement::Confined, progress::Progress},
    text::{
        diagnosis::Diagnosis,
        printable::{named, shown},
    },
    transform::TransformError,
};

/// One sops file and the secrets that come from it.
pub(crate) struct Source<'m> {
    path: &'m Path,
    format: Format,
    secrets: Vec<&'m Secret>,
    /// The size limit of the file.
    limit: Limit,
}

/// Groups the secrets of a manifest by sops file. The files are in the order in which the manifest first names them. A mock has no
/// sops files.
#[must_use]
pub(crate) fn sources(manifest: &Manifest) -> Vec<Source<'_>> {
    let mut sources: Vec<Source<'_>> = Vec::new();
    if manifest.is_mock {
        return sources;
    }
    let mut positions: HashMap<&Path, usize> = HashMap::new();
    for secret in &manifest.secrets {
        let position = *positions.entry(&secret.sops_file).or_insert(sources.len());
        match sources.get_mut(position) {
            Some(source) => source.secrets.push(secret),
            None => sources.push(Source {
                path: &secret.sops_file,
                format: secret.format,
                secrets: vec![secret],
                limit: Limit::of(manifest),
            }),
        }
    }
    sources
}

/// What those sops files of a manifest say of themselves, without a key, that can be read, and that `is_wanted`. They are read on
/// `thread`, within the time for all sops files.
pub(crate) fn facts(manifest: &Manifest, thread: Confined, is_wanted: impl Fn(&Path) -> bool) -> Vec<FileFacts> {
    let mut desk = Desk::new(thread);
    let wanted = sources(manifest).into_iter().filter(|source| is_wanted(source.path));
    let facts = wanted.filter_map(|source| {
        let job = source.job();
        let progress = job.progress();
        desk.run(&mut budget::FILE.clone(), progress, move || job.facts()).ok()?
    });
    facts.collect()
}

/// The sizes of the files in bytes. A file on a disk that does not answer counts as the largest file, so that it comes last.
pub(crate) fn sizes(sources: &[Source<'_>], desk: &mut Desk) -> Vec<u64> {
    let paths: Vec<_> = sources.iter().map(|source| source.path.to_owned()).collect();
    let all = |paths: Vec<PathBuf>| move || paths.iter().map(|path| size(path)).collect::<Vec<_>>();
    // All disks mostly answer at once. If one does not, each file is asked for by itself.
    desk.run(&mut budget::SIZE.clone(), Progress::silent(), all(paths.clone()))
        .unwrap_or_else(|_| {
            let one = |path: PathBuf| desk.run(&mut budget::SIZE.clone(), Progress::silent(), move || size(&path));
            paths.into_iter().map(one).map(|size| size.unwrap_or(u64::MAX)).collect()
        })
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

impl<'m> Source<'m> {
    /// The secrets that come from the file, in the order of the manifest.
    #[must_use]
    pub(crate) fn secrets(&self) -> &[&'m Secret] {
        &self.secrets
    }

    /// Reads and parses the file, and looks for the value of every secret. Uses no key of the host. `host` has the recipients of the
    /// host, if somebody says which: then the host must be able to open the file.
    ///
    /// Returns one failure for the whole file, or what it lacks for each secret that is not in the file. Beside that are warnings about
    /// what it has.
    pub(crate) fn check(&self, host: Option<&HostRecipients>) -> (Lacks, Vec<Diagnosis>) {
        let without = |lacks: Lacks| (lacks, Vec::new());
        let mut text = match reading::read(self.path, self.limit, &self.needed(), false) {
            Ok(text) => text,
            Err(error) => return without(self.without_file(error, Awaited::Nothing)),
        };
        let (text, _) = text.parts();
        let file = match SopsFile::parse(self.format, text.expose()) {
            Ok(file) => file,
            Err(error) => return without(self.unusable(&error, text.expose()).into()),
        };
        if let Some(error) = file.mac_fault() {
            let diagnosis = remedy::without_key(&error, text.expose(), self.editable());
            return without(self.unusable_because(diagnosis).into());
        }
        let (selector, outline) = (file.selector(), self.outline(&file));
        let missing = self
            .secrets
            .iter()
            .filter_map(|secret| self.check_content(&selector, &outline, secret));
        let closed = host.and_then(|host| self.check_recipients(host, &file));
        let lacks = missing.chain(closed.map(Lacks::from)).fold(Lacks::default(), Lacks::and);
        (lacks, self.misread(&outline))
    }

    /// What the file tells of its variables without a key. Only dotenv files have variables.
    fn outline(&self, file: &SopsFile<'_>) -> Vec<u8> {
        match self.format {
            Format::Dotenv => file.outline(),
            _ => Vec::new(),
        }
    }

    /// The warnings about variables that systemd would change, as far as the outline of the file tells them.
    fn misread(&self, outline: &[u8]) -> Vec<Diagnosis> {
        let read = self
            .secrets
            .iter()
            .filter(|secret| environment_files::is_read_plainly(secret));
        let warning = |secret: &&Secret| {
            let what = format!("secret {} from {}", named(secret.name.as_str()), self.name());
            environment_files::warning(&what, &secret.placement.environment_file_of, &misread_dotenv(outline))
        };
        read.filter_map(warning).collect()
    }

    fn check_recipients(&self, host: &HostRecipients, file: &SopsFile<'_>) -> Option<Failure> {
        let run = |arguments: &str| self.editable().sops(arguments);
        let table = host.explain(&file.metadata().key_groups, &run)?;
        let needed = self.needed();
        Some(self.fail(Diagnosis::bare(format!("this host could not open {needed}\n{table}"))))
    }

    /// What the file lacks for a secret: what is at its key, or variables that its form can hold, as far as the outline tells.
    fn check_content(&self, selector: &Selector<'_, Stored<'_>>, outline: &[u8], secret: &Secret) -> Option<Lacks> {
        let error = match &secret.selection {
            Selection::Whole => None,
            Selection::Key(key) => selector.check(key, None).err(),
            Selection::Text(key) => selector.check_text(key).err(),
            Selection::Part(key, PartForm::Variables(form)) if key.is_whole() && self.format == Format::Dotenv => {
                let refusal = EnvFile::of_dotenv(*form, outline).err();
                refusal.map(|refusal| PartError::from(refusal).into())
            }
            Selection::Part(key, form) => selector.check(key, Some(*form)).err(),
        };
        error.map(|error| self.without_content(secret, &error))
    }

    /// Makes the job for this file, which owns copies of everything that the work needs.
    pub(crate) fn job(&self) -> Job {
        Job {
            path: self.path.to_owned(),
            format: self.format,
            limit: self.limit,
            needed: self.needed(),
            wanted: self.secrets.iter().map(|secret| secret.selection.clone()).collect(),
        }
    }

    fn unusable(&self, error: &SopsFileError, text: &[u8]) -> Failure {
        self.unusable_because(remedy::unusable(error, text, self.editable()))
    }

    fn unusable_because(&self, diagnosis: Diagnosis) -> Failure {
        self.fail(diagnosis.of(format_args!("cannot use {} as a sops file", self.needed())))
    }

    fn editable(&self) -> Editable<'_> {
        Editable::new(self.path, self.format)
    }

    fn name(&self) -> String {
        shown(self.path)
    }

    fn needed(&self) -> String {
        let plural = if self.secrets.len() == 1 { "" } else { "s" };
        format!(
            "{} (needed by secret{plural} {})",
            self.name(),
            names(&names_of(&self.secrets))
        )
    }

    /// The failure of the whole file, and so of all its secrets.
    fn fail(&self, diagnosis: Diagnosis) -> Failure {
        self.fail_for(&self.secrets, diagnosis)
    }

    /// The failure of these secrets of the file.
    fn fail_for(&self, secrets: &[&Secret], diagnosis: Diagnosis) -> Failure {
        Failure {
            diagnosis,
            kind: EntryKind::Secret,
            entries: names_of(secrets),
            sops_file: Some(PathBuf::from(self.path)),
            is_tolerated: secrets.iter().all(|secret| secret.on_failure != OnFailure::Abort),
        }
    }

    /// These secrets of the file, which are optional, and absent for this reason.
    fn absent(&self, secrets: &[&Secret], reason: Diagnosis) -> Absent {
        Absent {
            reason: reason.of(self.name()),
            kind: EntryKind::Secret,
            entries: names_of(secrets),
            sops_file: Some(PathBuf::from(self.path)),
        }
    }

    /// What is lacking because the file gives nothing. If there is no such file, its optional secrets are absent. Its secrets may be
    /// `awaited`.
    pub(crate) fn without_file(&self, error: Unopened, awaited: Awaited) -> Lacks {
        let failure = |diagnosis| Lacks::from(self.fail(diagnosis));
        match (error.why, awaited) {
            (Shortfall::Missing, _) => self.without_missing_file(error.diagnosis),
            (Shortfall::Fault, _) => failure(error.diagnosis),
            (Shortfall::KeyToCome, Awaited::KeyToCome | Awaited::AllClosed) => Lacks::awaiting(self.fail(error.diagnosis)),
            (Shortfall::NoKey, Awaited::AllClosed) => Lacks {
                unopened: vec![self.fail(error.diagnosis)],
                ..Lacks::default()
            },
            (Shortfall::KeyToCome | Shortfall::NoKey, _) => Lacks {
                may_come: true,
                ..failure(error.diagnosis)
            },
        }
    }

    /// What is lacking because there is no such file.
    fn without_missing_file(&self, diagnosis: Diagnosis) -> Lacks {
        let (optional, needed): (Vec<_>, Vec<_>) = self.secrets.iter().copied().partition(|secret| secret.is_optional);
        let failure = (!needed.is_empty()).then(|| self.fail_for(&needed, diagnosis));
        let absent = (!optional.is_empty()).then(|| self.absent(&optional, Diagnosis::bare("no such file")));
        Lacks {
            failures: failure.into_iter().collect(),
            absent: absent.into_iter().collect(),
            ..Lacks::default()
        }
    }

    /// What is lacking because the file has no usable content for one secret. An optional secret whose key does not exist is absent.
    pub(crate) fn without_content(&self, secret: &Secret, error: &ContentError) -> Lacks {
        if let ContentError::Select(
            missing @ (SelectError::Missing { .. } | SelectError::Beyond { .. } | SelectError::NoDocument { .. }),
        ) = error
            && secret.is_optional
        {
            let reason = Diagnosis {
                cause: missing.to_string(),
                // A key that was only misspelt must not pass unnoticed.
                remedy: missing.remedy(),
            };
            return self.absent(&[secret], reason).into();
        }
        self.fail_of(secret, remedy::absent(error, self.editable())).into()
    }

    /// The failure of one secret whose value cannot be transformed.
    pub(crate) fn untransformed(&self, secret: &Secret, error: TransformError) -> Failure {
        self.fail_of(secret, remedy::untransformed(error, self.editable()))
    }

    fn fail_of(&self, secret: &Secret, diagnosis: Diagnosis) -> Failure {
        let what = format!("secret {} from {}", named(secret.name.as_str()), self.name());
        self.fail_for(&[secret], diagnosis.of(what))
    }
}

fn names_of(secrets: &[&Secret]) -> Vec<String> {
    secrets.iter().map(|secret| secret.name.to_string()).collect()
}
