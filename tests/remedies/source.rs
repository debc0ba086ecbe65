//! The remedies in the source of the program and of the modules.

use std::fs;
use std::path::{Path, PathBuf};

/// What a text with a remedy contains: a command, or what somebody is told to do.
const COMMANDS: [&str; 26] = [
    "run: ",
    "hint: ",
    "set format",
    "set sops.",
    "restore ",
    "systemctl ",
    "chmod ",
    "chown ",
    "umount ",
    "fuser ",
    "ssh-keygen",
    "age-keygen",
    "age --",
    "gpg --",
    "sops edit",
    "sops encrypt ",
    "sops updatekeys",
    "sops rotate",
    "sed -i",
    "iconv",
    "git checkout",
    "did you mean",
    "journalctl",
    "nixos-rebuild",
    "by hand",
    "run again",
];
const VERBS: [&str; 36] = [
    "set", "declare", "correct", "remove", "name", "use", "add", "choose", "move", "wait", "run", "give", "let", "check",
    "rebuild", "leave", "replace", "write", "mount", "unmount", "allow", "keep", "take", "put", "restart", "repair", "install",
    "raise", "restore", "look", "start", "insert", "find", "import", "ask", "turn",
];

/// A text of the source.
pub struct Text {
    /// The file that it is in.
    pub path: String,
    /// As it stands there.
    pub text: String,
}

/// Every text.
pub fn texts() -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for place in ["src", "module-common", "nixos-module", "home-module"] {
        collect(&root.join(place), &mut files);
    }
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let texts = if is_a(&name, "rs") { of_rust(&text) } else { of_nix(&text) };
        found.extend(texts.into_iter().map(|text| Text {
            path: name.clone(),
            text,
        }));
    }
    found
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            collect(&path, files);
        } else if name != "tests.rs" && (is_a(&name, "rs") || is_a(&name, "nix")) {
            files.push(path);
        }
    }
}

impl Text {
    /// Whether it stands where there is nothing but advice, and is not the cause that the advice is about.
    pub fn is_advice(&self) -> bool {
        let is_cause = ["it ", "its ", "line ", "{error}"]
            .iter()
            .any(|start| self.text.starts_with(start));
        self.path.starts_with("src/program/remedy/") && self.text.contains(' ') && !is_cause
    }

    /// Whether it tells somebody what to do.
    pub fn is_remedy(&self) -> bool {
        let text = self.text.replace("cannot be run: ", "");
        let asks = |verb: &&str| {
            let begins = is_a(&self.path, "rs") && text.starts_with(&format!("{verb} ")) && is_sentence(&text);
            begins
                || [';', ':', ',', '(']
                    .iter()
                    .any(|mark| has_word(&text, &format!("{mark} {verb}")))
        };
        self.is_advice() || COMMANDS.iter().any(|command| text.contains(command)) || VERBS.iter().any(asks)
    }
}

/// Whether it is a sentence or the beginning of one, and not the two words of a record.
fn is_sentence(text: &str) -> bool {
    text.split(' ').count() > 3 || !text.ends_with(' ') && !text.ends_with("\\n")
}

/// Whether a file's name ends so.
fn is_a(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == ending)
}

/// Whether `word` is there, with its end being the end of a word.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[at + word.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

/// The string literals before the unit tests, lines joined.
fn of_rust(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut literals = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '/', '\'', '#']) {
        let found = &rest[at..];
        let is_raw = rest[..at].ends_with('r');
        // Bytes are no message, and what failed is no remedy.
        let is_other = rest[..at].ends_with('b') || rest[..at].ends_with("failed(");
        rest = match found.as_bytes()[0] {
            b'/' if found.starts_with("//") => found.split_once('\n').map_or("", |(_, rest)| rest),
            b'\'' => behind_character(found),
            // Neither an attribute nor the start of a raw text with marks.
            b'#' if !(is_raw && found.starts_with("#\"")) => &found[1..],
            b'#' => take(&found[2..], "\"#", &mut literals),
            b'"' if is_raw => take(&found[1..], "\"", &mut literals),
            b'"' => {
                let end = end_of_literal(found);
                if !is_other {
                    literals.push(joined(&found[1..end]));
                }
                &found[end + 1..]
            }
            _ => &found[1..],
        };
    }
    literals
}

/// What stands behind a character's literal, or behind the mark of a lifetime.
fn behind_character(text: &str) -> &str {
    let inside = text[1..].strip_prefix('\\').map_or(&text[1..], |escaped| escaped);
    let width = inside.chars().next().map_or(0, char::len_utf8);
    let behind = &inside[width..];
    behind.strip_prefix('\'').unwrap_or(&text[1..])
}

fn take<'t>(text: &'t str, end: &str, literals: &mut Vec<String>) -> &'t str {
    let (literal, rest) = text.split_once(end).unwrap();
    literals.push(literal.to_owned());
    rest
}

/// Where a literal that begins here ends.
fn end_of_literal(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// A literal without the line breaks that only the source has.
fn joined(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

/// The text of each line of a Nix file that has some: what a module says has its remedy in one line. Descriptions of options are no
/// messages.
fn of_nix(text: &str) -> Vec<String> {
    let is_code =
        |line: &&str| !line.trim_start().starts_with('#') && !line.contains("description =") && !line.contains("${pkgs.");
    text.lines().filter(is_code).filter_map(quoted).collect()
}

/// What stands between the first and the last quote of a line; of a text of several lines this one.
fn quoted(line: &str) -> Option<String> {
    let (_, behind) = line.split_once('"')?;
    let text = behind.rsplit_once('"').map_or(line, |(text, _)| text);
    // Code between two texts is not one.
    (!text.contains("(lib.")).then(|| text.to_owned())
}
