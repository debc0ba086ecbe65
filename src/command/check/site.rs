//! Where commands are typed, and where the rules are that they follow.

use std::path::Path;

use super::{
    candidate::FileToCheck,
    examination::{self, Finding},
    problem::{CheckedFile, FileProblem},
    rule_file::RuleFile,
};
use crate::{
    command::{input::Input, sops_text::LARGEST},
    program::remedy::{self, Editable},
    sops::{creation_rules::CreationRule, format::Format},
    text::diagnosis::Diagnosis,
};

/// The current directory, and the directory of a file `.sops.yaml`.
pub(crate) struct CheckSite<'s> {
    /// The current directory, in which commands are typed.
    pub(crate) current: &'s Path,
    /// The directory of `.sops.yaml`.
    pub(crate) directory: &'s Path,
    /// Whether sops finds this `.sops.yaml` in the current directory.
    is_found_here: bool,
}

impl<'s> CheckSite<'s> {
    /// `of_current` is the directory of the `.sops.yaml` that sops takes in the current directory.
    pub(crate) fn new(current: &'s Path, directory: &'s Path, of_current: Option<&Path>) -> Self {
        Self {
            current,
            directory,
            is_found_here: of_current == Some(directory),
        }
    }

    /// Checks a file. `None` if it need not be encrypted.
    pub(crate) fn check(&self, candidate: &FileToCheck, rules: &mut RuleFile) -> Option<CheckedFile> {
        let of_rules = rules.name.clone();
        let problems = match rules.rule_for(candidate) {
            Err(diagnosis) => vec![FileProblem::new("rule", diagnosis)],
            Ok(Some(rule)) => self.examine(candidate, rule)?,
            Ok(None) if candidate.is_named => match Input::read(&candidate.path, LARGEST, LARGEST) {
                Ok(_) => vec![no_rule(&of_rules)],
                Err(diagnosis) => vec![FileProblem::new("unreadable", diagnosis)],
            },
            Ok(None) => vec![self.uncovered(candidate, &of_rules)?],
        };
        Some(CheckedFile {
            name: candidate.name.clone(),
            problems,
        })
    }

    /// The problem of a sops file that no rule is for. `None` if the file is none, as far as its name tells: then it is not read.
    fn uncovered(&self, candidate: &FileToCheck, of_rules: &str) -> Option<FileProblem> {
        let file = self.editable(&candidate.path);
        if file.format() == Format::Binary {
            return None;
        }
        let text = Input::read(&candidate.path, LARGEST, LARGEST).ok()?.text;
        match examination::look(text.expose(), file) {
            Finding::SopsFile(..) => Some(no_rule(of_rules)),
            Finding::Damaged(_) | Finding::Plain(_) => None,
        }
    }

    /// What is wrong with a file that a rule is for. `None` if it need not be encrypted: a rule for all files does not say which are.
    fn examine(&self, candidate: &FileToCheck, rule: &CreationRule) -> Option<Vec<FileProblem>> {
        let must_be = rule.names_files() || candidate.is_named;
        let text = match Input::read(&candidate.path, LARGEST, LARGEST) {
            Ok(input) => input.text,
            Err(_) if !must_be => return None,
            Err(diagnosis) => return Some(vec![FileProblem::new("unreadable", diagnosis)]),
        };
        let file = self.editable(&candidate.path);
        let format = file.format();
        match examination::look(text.expose(), file) {
            Finding::SopsFile(format, mut sops_file) => {
                let problems = examination::problems(&mut sops_file, text.expose(), rule, file.read_as(format));
                Some(problems)
            }
            Finding::Damaged(diagnosis) if must_be || format != Format::Binary => {
                Some(vec![FileProblem::new("damaged", diagnosis)])
            }
            Finding::Plain(diagnosis) if must_be => Some(vec![plain(diagnosis, rule)]),
            Finding::Damaged(_) | Finding::Plain(_) => None,
        }
    }

    /// A file with the commands about it: typed here if sops finds the rules here, and in the directory of the rules otherwise.
    fn editable<'f>(&'f self, path: &'f Path) -> Editable<'f> {
        let here = path.strip_prefix(self.current).ok().filter(|_| self.is_found_here);
        let name = here.unwrap_or_else(|| path.strip_prefix(self.directory).unwrap_or(path));
        let place = self.directory.strip_prefix(self.current).unwrap_or(self.directory);
        Editable::new(name, remedy::of_ending(name)).typed_in(here.is_none().then_some(place))
    }
}

fn no_rule(of_rules: &str) -> FileProblem {
    let cause = format!("no rule in {of_rules} is for it");
    FileProblem::new("rule", Diagnosis::new(cause, "add a rule whose path_regex matches it"))
}

/// The problem of a file that was never encrypted.
fn plain(diagnosis: Diagnosis, rule: &CreationRule) -> FileProblem {
    let diagnosis = match rule.faults().first() {
        None => diagnosis,
        Some(fault) => Diagnosis {
            cause: format!("{}, and {}", diagnosis.cause, fault.cause),
            remedy: fault.remedy.clone(),
        },
    };
    FileProblem::new("unencrypted", diagnosis)
}
