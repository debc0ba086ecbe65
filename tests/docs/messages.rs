//! Checks that the list of messages in the documents is complete and correct: the program prints each message in the list, and each
//! message that it prints is in the list.
//!
//! The tests contain each message of the program word for word, because they compare what it prints.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use sops_install_secrets::program::message_list::{self, NAMES, row_of};

use crate::{found, read, root};

/// The first cell of each row of the list.
fn rows() -> Vec<String> {
    let page = read("docs/messages.md");
    let (_, table) = page.split_once("| what you see |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    // The first match is the line below the title.
    let rows = found(r"(?m)^\| (.*?) \| ", table).into_iter().skip(1);
    rows.map(str::to_owned).collect()
}

/// The messages of the list, as the list writes them.
fn listed() -> Vec<String> {
    let rows = rows();
    let messages = rows.iter().flat_map(|row| found("`([^`]+)`", row));
    messages.map(str::to_owned).collect()
}

/// A pattern for the beginning of a message in the list.
fn pattern(listed: &str) -> String {
    let names = Regex::new(&format!(r"…|(?-u:\b)(?:{})(?-u:\b)", NAMES.join("|"))).unwrap();
    let mut pattern = String::new();
    let mut end = 0;
    for name in names.find_iter(listed) {
        pattern += &regex::escape(&listed[end..name.start()]);
        pattern += if name.as_str() == "…" { ".*" } else { ".+?" };
        end = name.end();
    }
    pattern + &regex::escape(&listed[end..])
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "rs" || extension == "txtar")
        })
        .collect()
}

/// The text of all sources below a directory, with each literal on one line.
fn text(directory: &str) -> String {
    let broken = Regex::new(r"\\\n *").unwrap();
    let own = root().join("tests/docs");
    let files = sources(&root().join(directory))
        .into_iter()
        .filter(|path| !path.starts_with(&own));
    let texts = files.map(|path| broken.replace_all(&fs::read_to_string(path).unwrap(), "").into_owned());
    texts.collect::<Vec<_>>().join("\n")
}

/// Whether a message of the list is printed. If the program puts the message together from several parts, the part after a colon is
/// enough.
fn is_said(listed: &str, said: &str) -> bool {
    let starts = listed.match_indices(": ").map(|(at, _)| &listed[at + 2..]);
    let parts = starts.filter(|part| part.split(' ').count() > 2);
    std::iter::once(listed)
        .chain(parts)
        .any(|part| Regex::new(&pattern(part)).unwrap().is_match(said))
}

#[test]
fn each_message_in_the_list_is_one_of_the_program() {
    let said = text("src") + &text("tests") + &text("key-services/src");
    let listed = listed();
    assert!(listed.len() > 80, "{}", listed.len());
    let unsaid: Vec<_> = listed.iter().filter(|listed| !is_said(listed, &said)).collect();
    assert!(unsaid.is_empty(), "{unsaid:#?}");
}

#[test]
fn each_message_of_the_program_is_in_the_list() {
    let tests = text("tests");
    let said = found(r"(?m)^ *(?:error|warning): (.+)$", &tests);
    assert!(said.len() > 200, "{}", said.len());
    let listed = listed().iter().map(|listed| pattern(listed)).collect::<Vec<_>>().join("|");
    let listed = Regex::new(&listed).unwrap();
    let mut unlisted: Vec<_> = said.into_iter().filter(|said| !listed.is_match(said)).collect();
    unlisted.sort_unstable();
    unlisted.dedup();
    assert!(unlisted.is_empty(), "{unlisted:#?}");
}

/// What `sops-nix messages` shows is the list of the page, and it finds the row of each message that a test has seen.
#[test]
fn the_program_has_each_row_and_finds_it_by_a_message() {
    let anchors: Vec<_> = message_list::rows().map(|row| row.anchor).collect();
    let page = rows();
    let named: Vec<_> = page.iter().flat_map(|row| found("^<a id=\"([^\"]+)\"", row)).collect();
    assert_eq!(anchors, named);
    let tests = text("tests");
    let said = found(r"(?m)^ *(?:error|warning): (.+)$", &tests).into_iter();
    let mut unfound: Vec<_> = said.filter(|said| row_of(said).is_none()).collect();
    unfound.dedup();
    assert!(unfound.is_empty(), "{unfound:#?}");
}

/// People link to a row, in a ticket or in a note beside their configuration.
#[test]
fn each_row_of_the_list_has_an_anchor_that_stays() {
    let rows = rows();
    let pattern = Regex::new("^<a id=\"([a-z0-9-]+)\" href=\"#([a-z0-9-]+)\">#</a> ").unwrap();
    let faults: Vec<_> = rows
        .iter()
        .filter(|row| pattern.captures(row).is_none_or(|anchor| anchor[1] != anchor[2]))
        .collect();
    assert!(
        faults.is_empty(),
        "begin each row with <a id=\"NAME\" href=\"#NAME\">#</a>: {faults:#?}"
    );
    let mut anchors: Vec<_> = rows.iter().map(|row| pattern.captures(row).unwrap()[1].to_owned()).collect();
    anchors.sort();
    let text = anchors.join("\n") + "\n";
    let known = read("tests/docs/anchors.txt");
    let gone: Vec<_> = known
        .lines()
        .filter(|anchor| !anchors.iter().any(|it| it == anchor))
        .collect();
    assert!(gone.is_empty(), "links to these rows would lead nowhere: {gone:?}");
    assert_eq!(
        text, known,
        "add the new anchors to tests/docs/anchors.txt, in order and each once"
    );
}
