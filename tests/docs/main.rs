//! What the documents name is there: targets of `make`, tests, files, directories, and the pages that they link to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

mod limits;
mod messages;

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

/// All pages of the project below a directory; what is built, fetched or hidden is left out.
fn pages(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let shown = entries.filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name != "target" && !name.starts_with('.') && !path.is_symlink()
    });
    shown
        .flat_map(|path| if path.is_dir() { pages(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// What each match of a pattern's first group is.
fn found<'t>(pattern: &str, text: &'t str) -> Vec<&'t str> {
    let pattern = Regex::new(pattern).unwrap();
    let groups = pattern.captures_iter(text).map(|found| found.get(1).unwrap().as_str());
    groups.collect()
}

/// Targets that a text calls and the Makefile has not.
fn missing_targets(text: &str) -> Vec<String> {
    let makefile = read("Makefile");
    let targets = found(r"(?m)^([a-z][a-z-]*):", &makefile);
    let called = found(r"(?m)(?:`|^ {4,}|&& |sudo )make ([a-z][a-z-]*)", text);
    let missing = called.into_iter().filter(|target| !targets.contains(target));
    missing.map(|target| format!("make {target}")).collect()
}

/// Test programs that a text calls and `tests/` has not.
fn missing_tests(text: &str) -> Vec<String> {
    let is_there = |name: &&str| {
        ["tests/{}.rs", "tests/{}/main.rs"].map(|form| root().join(form.replace("{}", name)).exists()) != [false; 2]
    };
    let called = found(r"--test ([a-z_]+)(?-u:\b)", text);
    let missing = called.into_iter().filter(|name| !is_there(name));
    missing.map(|name| format!("--test {name}")).collect()
}

/// Pages that a text links to and that are not there, seen from its own directory.
fn missing_links(text: &str, directory: &Path) -> Vec<String> {
    let links = found(r"\]\(([^)# \t\n]+)[^) \t\n]*\)", text).into_iter();
    let missing = links.filter(|link| !link.contains("://") && !directory.join(link).exists());
    missing.map(|link| format!("]({link})")).collect()
}

/// Files and directories that a text names in code and that are not there. A path counts as one of the project when it begins with
/// something that the project or the page's own directory has; `*` stands for any name.
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

/// All of it.
fn missing(text: &str, directory: &Path) -> Vec<String> {
    [
        missing_targets(text),
        missing_tests(text),
        missing_links(text, directory),
        missing_paths(text, directory),
    ]
    .concat()
}

#[test]
fn what_the_documents_name_is_there() {
    let pages = pages(root());
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
    let text = "Ask it (`make interop`), or\n\n    make tea\n    cargo test --test nothing\n\nsee [that](docs/none.md#part), `src/none.rs` and `tests/none/`.";
    assert_eq!(
        missing(text, root()),
        [
            "make interop",
            "make tea",
            "--test nothing",
            "](docs/none.md)",
            "src/none.rs",
            "tests/none/"
        ]
    );
}

#[test]
fn what_is_there_is_not_found_missing() {
    let text = "`make test`, `cargo test --test contract`, [docs](docs/design.md), `tests/*.rs`, `src/program/run.rs`, `/run/secrets`, `db/password`.";
    assert_eq!(missing(text, root()), Vec::<String>::new());
}
