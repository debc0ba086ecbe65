//! Finds the remedies in the source of the program and of the modules.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that show a remedy: a command, or an instruction.
const COMMANDS: [&str; 27] = [
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
    "sops exec-file",
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

/// A text in the source.
pub struct Text {
    /// The path of the source file.
    pub path: String,
    /// The text, as the source has it.
    pub text: String,
}

/// All texts in the source.
pub fn texts() -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for place in ["src", "module-common", "nixos-module", "darwin-module", "home-module"] {
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
    /// Whether the text is in a file that contains only advice, and is not the cause of a failure.
    pub fn is_advice(&self) -> bool {
        let is_cause = ["it ", "its ", "line ", "{error}"]
            .iter()
            .any(|start| self.text.starts_with(start));
        self.path.starts_with("src/program/remedy/") && self.text.contains(' ') && !is_cause
    }

    /// Whether the text tells somebody what to do.
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

/// Whether the text is a sentence or its beginning. Otherwise it may be the two words of a record.
fn is_sentence(text: &str) -> bool {
    text.split(' ').count() > 3 || !text.ends_with(' ') && !text.ends_with("\\n")
}

/// Whether the name of a file has this ending.
fn is_a(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == ending)
}

/// Whether the text contains `word`, and the word ends there.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[at + word.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

/// The string literals before the unit tests. The lines of a literal are joined.
fn of_rust(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut literals = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '/', '\'', '#']) {
        let found = &rest[at..];
        let is_raw = rest[..at].ends_with('r');
        // A byte string is no message. The argument of `failed` is no remedy.
        let is_other = rest[..at].ends_with('b') || rest[..at].ends_with("failed(");
        rest = match found.as_bytes()[0] {
            b'/' if found.starts_with("//") => found.split_once('\n').map_or("", |(_, rest)| rest),
            b'\'' => behind_character(found),
            // This `#` begins an attribute, and no raw string.
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

/// The text after a character literal, or after the mark of a lifetime.
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

/// The position at which the literal ends.
fn end_of_literal(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// Joins the lines of a literal that has line breaks only in the source.
fn joined(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

/// The text in each line of a Nix file that has one. A message of a module has its remedy in one line. Descriptions of options are
/// no messages.
fn of_nix(text: &str) -> Vec<String> {
    let is_code =
        |line: &&str| !line.trim_start().starts_with('#') && !line.contains("description =") && !line.contains("${pkgs.");
    text.lines().filter(is_code).filter_map(quoted).collect()
}

/// The text between the first and the last quote of a line. If the line has only one quote, the whole line.
fn quoted(line: &str) -> Option<String> {
    let (_, behind) = line.split_once('"')?;
    let text = behind.rsplit_once('"').map_or(line, |(text, _)| text);
    // Code between two texts is no text.
    (!text.contains("(lib.")).then(|| text.to_owned())
}
