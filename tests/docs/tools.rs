//! Checks that a command of another tool in the documents has ours beside it.

use std::path::Path;

use regex::Regex;

use crate::{files, read, root};

/// What guides for sops-nix have people type, where `sops-nix` does the same.
const OTHERS: &str = r"ssh-to-age|ssh-to-pgp|github-to-sops|age-keygen|ensure-sops|systemctl (--user )?status sops-nix|journalctl [^`\n]*-u sops-nix[ `]";

/// Our command.
const OURS: &str = r"sops-nix (check|convert|doctor|explain|init|inspect|keys|plan|retry|status|who-reads)";

/// Places without our command: the page, words that stand there, and the reason.
const EXCEPTIONS: [(&str, &str, &str); 8] = [
    (
        "README.md",
        "which files an SSH host key opens",
        "it says which recipients there are, and nobody types anything",
    ),
    (
        "docs/command-lines.md",
        "the age recipient of an ed25519 key",
        "it is the description of an option of ours",
    ),
    ("docs/libraries.md", "gpg 2.2.40", "it says how a library was tested"),
    (
        "docs/messages.md",
        "printed it when the key was made",
        "the key was made by it, earlier",
    ),
    (
        "docs/switch-from-sops-nix.md",
        "sops-init-gpg-key",
        "these are names of packages",
    ),
    (
        "docs/switch-from-sops-nix.md",
        "the old name is an alias",
        "it says which name a unit has",
    ),
    (
        "docs/units.md",
        "[ -s /keys/age.txt ] ||",
        "a unit runs it, and ours sets up a repository",
    ),
    (
        "docs/how-to/microvms.md",
        "sops set --value-stdin",
        "the key never lies in a file, and ours makes it in one",
    ),
];

/// The parts of a page, in their order: paragraphs, blocks, and rows of tables, each with whether it is a row.
fn parts(page: &str) -> Vec<(String, bool)> {
    let mut parts = Vec::new();
    for paragraph in page.split("\n\n") {
        if paragraph.starts_with('|') {
            parts.extend(paragraph.lines().map(|row| (row.to_owned(), true)));
        } else {
            parts.push((paragraph.to_owned(), false));
        }
    }
    parts
}

/// The parts that name another tool and have our command neither in them nor, unless they are rows, in the part before or after.
fn alone(page: &str) -> Vec<String> {
    let [others, ours] = [OTHERS, OURS].map(|pattern| Regex::new(pattern).unwrap());
    let parts = parts(page);
    let has_ours = |index: usize| parts.get(index).is_some_and(|(text, _)| ours.is_match(text));
    let is_alone = |index: usize, is_row: bool| {
        !has_ours(index) && (is_row || !(has_ours(index + 1) || index.checked_sub(1).is_some_and(has_ours)))
    };
    parts
        .iter()
        .enumerate()
        .filter(|(index, (text, is_row))| others.is_match(text) && is_alone(*index, *is_row))
        .map(|(_, (text, _))| text.clone())
        .collect()
}

#[test]
fn a_command_of_another_tool_has_ours_beside_it() {
    let pages = files(&root().join("docs")).into_iter();
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut unused: Vec<_> = EXCEPTIONS.to_vec();
    let mut found = Vec::new();
    for page in pages.chain([root().join("README.md")]) {
        let name = page.strip_prefix(root()).unwrap();
        for text in alone(&read(name.to_str().unwrap())) {
            let is_excepted = |(page, words, _): &(&str, &str, &str)| Path::new(page) == name && text.contains(words);
            if EXCEPTIONS.iter().any(is_excepted) {
                unused.retain(|exception| !is_excepted(exception));
            } else {
                found.push(format!("{}: {text}", name.display()));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(unused, Vec::new(), "exceptions for what is not there");
}

#[test]
fn a_tool_alone_is_found() {
    assert_eq!(alone("Type `ssh-to-age`.\n\nOr not.\n\n`sops-nix keys` does it.").len(), 1);
    assert!(alone("Type\n\n    ssh-to-age\n\nor `sops-nix convert`.").is_empty());
    assert_eq!(alone("| `age-keygen -y` |\n| `sops-nix keys` |").len(), 1);
}
