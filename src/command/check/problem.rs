//! What is wrong with a file, and how it is printed.

use std::path::{Path, PathBuf};

use crate::{
    command::{layout::line, rule_place::RULE_FILE},
    text::{diagnosis::Diagnosis, printable::shown},
};

/// One thing that is wrong with a file.
pub(crate) struct FileProblem {
    /// A word for scripts.
    pub(crate) kind: &'static str,
    /// What is wrong, and what to type.
    pub(crate) diagnosis: Diagnosis,
}

impl FileProblem {
    pub(crate) fn new(kind: &'static str, diagnosis: Diagnosis) -> Self {
        Self { kind, diagnosis }
    }
}

/// A file that was checked.
pub(crate) struct CheckedFile {
    /// The file, as somebody in the current directory names it.
    pub(crate) name: PathBuf,
    /// All that is wrong with it.
    pub(crate) problems: Vec<FileProblem>,
}

impl CheckedFile {
    /// Whether nothing is wrong with it.
    pub(crate) fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

/// The problems as a page for people: a paragraph for each file, and a line that sums up.
pub(crate) fn page(files: &[CheckedFile]) -> String {
    let bad: Vec<_> = files.iter().filter(|file| !file.is_good()).map(paragraph).collect();
    let summary = match (bad.len(), files.len()) {
        (_, 0) => format!("no file here is to be encrypted, as {RULE_FILE} says"),
        (0, count) => format!("{} as {RULE_FILE} says", counted(count)),
        (bad, count) => format!("{bad} of {} not as {RULE_FILE} says", counted(count)),
    };
    format!("{}{summary}\n", bad.concat())
}

/// A number of files, with a verb.
fn counted(count: usize) -> String {
    match count {
        1 => "1 file is".to_owned(),
        count => format!("{count} files are"),
    }
}

/// The problems as lines for scripts, one for each.
pub(crate) fn lines(files: &[CheckedFile]) -> String {
    let lines = files
        .iter()
        .flat_map(|file| file.problems.iter().map(|problem| fields(&file.name, problem)));
    lines.collect()
}

/// All that is wrong with a file. A remedy of several problems stands once, behind the last of them.
fn paragraph(file: &CheckedFile) -> String {
    let mut text = format!("{}\n", shown(&file.name));
    let remedies = file.problems.iter().map(|problem| &problem.diagnosis.remedy);
    let next = remedies.skip(1).map(Some).chain([None]);
    for (problem, next) in file.problems.iter().zip(next) {
        let Diagnosis { cause, remedy } = &problem.diagnosis;
        text.extend(["  ", cause, "\n"]);
        let remedy = remedy.as_ref().filter(|_| next != Some(&problem.diagnosis.remedy));
        text.extend(remedy.map(|remedy| format!("    {remedy}\n")));
    }
    text + "\n"
}

fn fields(name: &Path, problem: &FileProblem) -> String {
    let Diagnosis { cause, remedy } = &problem.diagnosis;
    line(&[
        &name.to_string_lossy(),
        problem.kind,
        cause,
        remedy.as_deref().unwrap_or_default(),
    ])
}
