//! Checks that everything that the documents name exists: targets of `make`, tests, files, directories, pages and headings.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

mod agenix;
mod assets;
mod command;
mod command_lines;
mod hooks;
mod limits;
mod manifest;
mod messages;
mod site;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The project's directory.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// All files of the project below a directory. Files that were built or fetched and hidden files are left out.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let shown = entries.filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name != "target" && !name.starts_with('.') && !path.is_symlink()
    });
    shown
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

/// The text of the first group in each match of `pattern`.
fn found<'t>(pattern: &str, text: &'t str) -> Vec<&'t str> {
    let pattern = Regex::new(pattern).unwrap();
    let groups = pattern.captures_iter(text).map(|found| found.get(1).unwrap().as_str());
    groups.collect()
}

/// The targets of the Makefile.
fn targets(makefile: &str) -> Vec<&str> {
    found(r"(?m)^([a-z][a-z-]*):", makefile)
}

/// The targets that a text names and the Makefile lacks.
fn missing_targets(text: &str) -> Vec<String> {
    let makefile = read("Makefile");
    let targets = targets(&makefile);
    let called = found(r"(?m)(?:`|^ {4,}|&& |sudo )make ([a-z][a-z-]*)", text);
    let missing = called.into_iter().filter(|target| !targets.contains(target));
    missing.map(|target| format!("make {target}")).collect()
}

/// The test programs that a text names and `tests/` lacks.
fn missing_tests(text: &str) -> Vec<String> {
    let is_there = |name: &&str| {
        ["tests/{}.rs", "tests/{}/main.rs"].map(|form| root().join(form.replace("{}", name)).exists()) != [false; 2]
    };
    let called = found(r"--test ([a-z_]+)(?-u:\b)", text);
    let missing = called.into_iter().filter(|name| !is_there(name));
    missing.map(|name| format!("--test {name}")).collect()
}

/// The pages to which a text links and that do not exist. `directory` is the directory of the text.
fn missing_links(text: &str, directory: &Path) -> Vec<String> {
    let links = found(r"\]\(([^)# \t\n]+)[^) \t\n]*\)", text).into_iter();
    let missing = links.filter(|link| !link.contains("://") && !directory.join(link).exists());
    missing.map(|link| format!("]({link})")).collect()
}

/// The anchor of a heading, which follows the `#` in a link: small letters and digits, and a dash for each blank.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The headings to which a text links and that do not exist, in the text itself or in another page that exists.
fn missing_headings(text: &str, directory: &Path) -> Vec<String> {
    let links = Regex::new(r"\]\(([^)# \t\n]*)#([^) \t\n]+)\)").unwrap();
    let is_there = |page: &str, heading: &str| {
        let page = match page {
            "" => Ok(text.to_owned()),
            _ if page.contains("://") => return true,
            _ => fs::read_to_string(directory.join(page)),
        };
        // A page that does not exist is reported by another check.
        let Ok(page) = page else { return true };
        let mut headings = found("(?m)^#+ (.*)$", &page).into_iter();
        headings.any(|line| anchor(line) == heading) || page.contains(&format!("<a id=\"{heading}\""))
    };
    let missing = links.captures_iter(text).filter(|link| !is_there(&link[1], &link[2]));
    missing.map(|link| format!("{}#{}", &link[1], &link[2])).collect()
}

/// Names that are not names of our files: a page of the age specification, an option of nixpkgs, a file of the tutorial, and names that
/// stand for any name.
const NOT_OURS: [&str; 5] = ["age.md", "with-environment.nix", "secrets.nix", "name.rs", "name/mod.rs"];

/// Files that a text names in code, by the file name or by the end of the path, and that are nowhere in the project.
fn missing_files(text: &str, all: &[PathBuf]) -> Vec<String> {
    let named = found(
        r"`((?:[A-Za-z0-9_.-]+/)*[A-Za-z0-9_-]+\.(?:rs|nix|md|sh|py|toml|lock|patch|tsv))`",
        text,
    )
    .into_iter();
    let missing = named.filter(|name| !NOT_OURS.contains(name) && !all.iter().any(|path| path.ends_with(name)));
    missing.map(str::to_owned).collect()
}

/// Files and directories that a text names in code and that do not exist. Only a path that begins with a name in the project's
/// directory, or in the directory of the page, is checked. `*` stands for any name.
fn missing_paths(text: &str, directory: &Path) -> Vec<String> {
    let ours = |path: &&str| {
        let first = path.split('/').next().unwrap();
        !matches!(first, "target" | "." | "..") && [root(), directory].iter().any(|base| base.join(first).is_dir())
    };
    let is_there = |path: &str| {
        let named = path.split("/*").next().unwrap();
        [root(), directory].iter().any(|base| base.join(named).exists())
    };
    let named = found(r"(?:`|[ \t\n])((?:\.?[0-9A-Za-z_-][0-9A-Za-z_.-]*/)+[0-9A-Za-z_.*-]*)", text).into_iter();
    let missing = named.filter(ours).filter(|path| !is_there(path.trim_end_matches('.')));
    missing.map(str::to_owned).collect()
}

/// Everything that a text names and that does not exist.
fn missing(text: &str, directory: &Path) -> Vec<String> {
    [
        missing_targets(text),
        missing_tests(text),
        missing_links(text, directory),
        missing_headings(text, directory),
        missing_paths(text, directory),
        missing_files(text, &files(root())),
    ]
    .concat()
}

#[test]
fn what_the_documents_name_is_there() {
    let files = files(root()).into_iter();
    let pages: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    assert!(pages.len() > 15, "only {} pages", pages.len());
    let faults = pages.iter().flat_map(|page| {
        let missing = missing(&fs::read_to_string(page).unwrap(), page.parent().unwrap());
        let page = page.strip_prefix(root()).unwrap().display().to_string();
        missing.into_iter().map(move |what| format!("{page}: {what}"))
    });
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn what_is_not_there_is_found() {
    let text = "Ask it (`make interop`), or\n\n    make tea\n    cargo test --test nothing\n\nsee [that](docs/none.md#part), [this](docs/design.md#none), `src/none.rs`, `tests/none/`, `other/none.nix` and `none.sh`.";
    assert_eq!(
        missing(text, root()),
        [
            "make interop",
            "make tea",
            "--test nothing",
            "](docs/none.md)",
            "docs/design.md#none",
            "src/none.rs",
            "tests/none/",
            "src/none.rs",
            "other/none.nix",
            "none.sh"
        ]
    );
}

#[test]
fn what_is_there_is_not_found_missing() {
    let text = "`make test`, `cargo test --test contract`, [docs](docs/design.md#glossary), [key](docs/manifest.md#the-key-of-a-secret), `tests/*.rs`, `run.rs`, `program/run.rs`, `src/program/run.rs`, `/run/secrets`, `db/password`.";
    assert_eq!(missing(text, root()), Vec::<String>::new());
}

#[test]
fn make_help_names_each_target() {
    let makefile = read("Makefile");
    let help: String = makefile.lines().filter(|line| line.starts_with("\t@echo 'make ")).collect();
    let all = targets(&makefile);
    let phony = found(r"(?m)^\.PHONY: (.*)$", &makefile);
    assert_eq!(phony[0].split(' ').collect::<Vec<_>>(), all);
    let named = found(r"([a-z][a-z-]*)", &help);
    let unnamed: Vec<_> = all
        .into_iter()
        .filter(|target| *target != "help" && !named.contains(target))
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:?}");
}
