//! What was set up, and what to do next, for people and for scripts.

use std::path::Path;

use super::{first_file::EXAMPLE, own_key::OwnKey, recipients::NamedRecipient};
use crate::{
    command::{
        audience::Audience,
        layout::{columns, line},
    },
    sops::format::Format,
    text::{printable::shown, shell},
};

/// One file, and what was done about it.
#[derive(Default)]
pub(crate) struct HandledFile {
    /// A word for it.
    verb: &'static str,
    /// The file.
    file: String,
    /// The file as an expression of the Nix language.
    expression: String,
    /// The file as a word of a shell command.
    word: String,
}

impl HandledFile {
    /// A file that was written, or kept as it was.
    pub(crate) fn new(path: &Path, is_written: bool) -> Self {
        Self {
            verb: if is_written { "wrote" } else { "kept" },
            file: shown(path),
            expression: in_nix(path),
            word: shell::path(path),
        }
    }

    /// The file of a key that was made or found.
    pub(crate) fn of_key(key: &OwnKey) -> Self {
        Self {
            verb: if key.is_new() { "made" } else { "found" },
            file: key.place.clone(),
            ..Self::default()
        }
    }

    fn is_kept(&self) -> bool {
        self.verb == "kept"
    }
}

/// What was set up.
#[derive(Default)]
pub(crate) struct SetUp {
    /// The key of whoever asks. `None` if the rules were kept: they name who can open files.
    pub(crate) key: Option<HandledFile>,
    /// The file with the rules.
    pub(crate) rules: HandledFile,
    /// The first file.
    pub(crate) file: HandledFile,
    /// Who can open the first file by new rules.
    pub(crate) recipients: Vec<NamedRecipient>,
}

/// The answer.
pub(crate) fn text(written: &SetUp, format: Format, audience: Audience) -> String {
    match audience {
        Audience::Person => page(written, format),
        Audience::Script => lines(written, format),
    }
}

fn steps(written: &SetUp) -> impl Iterator<Item = (&'static str, &HandledFile)> {
    let key = written.key.as_ref().map(|key| ("key", key));
    key.into_iter().chain([("rules", &written.rules), ("file", &written.file)])
}

fn lines(written: &SetUp, format: Format) -> String {
    let steps = steps(written).map(|(name, step)| line(&[name, step.verb, &step.file]));
    let recipients = written
        .recipients
        .iter()
        .map(|named| line(&["recipient", &named.who, &named.recipient]));
    let options = options(written, format).into_iter().map(|option| line(&["option", &option]));
    steps.chain(recipients).chain(options).collect()
}

fn page(written: &SetUp, format: Format) -> String {
    let steps: Vec<_> = steps(written)
        .map(|(name, step)| [name, step.verb, &step.file].map(str::to_owned).to_vec())
        .collect();
    let recipients = written.recipients.iter();
    let recipients: Vec<_> = recipients
        .map(|named| vec![named.who.clone(), named.recipient.clone()])
        .collect();
    let who = if recipients.is_empty() {
        String::new()
    } else {
        let title = if written.file.is_kept() {
            "whom the new rules name, but not yet the file"
        } else {
            "who can open the file"
        };
        format!("\n{title}:\n{}", columns("  ", &recipients))
    };
    format!(
        "{}{who}\nfor configuration.nix:\n{}\nnext:\n{}",
        columns("", &steps),
        indented(&options(written, format)),
        indented(&next(written))
    )
}

fn indented(lines: &[String]) -> String {
    lines.iter().flat_map(|line| ["  ", line, "\n"]).collect()
}

/// The options that install the first file's secret.
fn options(written: &SetUp, format: Format) -> Vec<String> {
    let mut options = vec![format!("sops.defaultSopsFile = {};", written.file.expression)];
    if format == Format::Json {
        options.push("sops.defaultSopsFormat = \"json\";".to_owned());
    }
    let mut hosts = written.recipients.iter().filter(|named| named.is_of_host());
    if hosts.clone().any(|host| !host.is_of_rsa_key()) {
        options.push("sops.age.sshKeyPaths = [ \"/etc/ssh/ssh_host_ed25519_key\" ];".to_owned());
    }
    if hosts.any(NamedRecipient::is_of_rsa_key) {
        options.push("sops.gnupg.sshKeyPaths = [ \"/etc/ssh/ssh_host_rsa_key\" ];".to_owned());
    }
    if !written.file.is_kept() {
        options.push(format!("sops.secrets.{EXAMPLE} = {{ }};"));
    }
    options
}

/// What to type next.
fn next(written: &SetUp) -> Vec<String> {
    let SetUp { key, rules, file, .. } = written;
    let (rules_word, file_word) = (&rules.word, &file.word);
    let mut next = Vec::new();
    if key.as_ref().is_some_and(|key| key.verb == "made") {
        next.push("keep a copy of the key in a safe place: without it, you cannot open the file".to_owned());
    }
    if file.is_kept() {
        next.push(format!("sops-nix check {file_word}"));
        next.push(format!("git add {rules_word}"));
    } else {
        next.push(format!("sops edit {file_word}"));
        next.push(format!("git add {rules_word} {file_word}"));
    }
    next
}

/// A path below this directory, in the Nix language.
fn in_nix(path: &Path) -> String {
    let path = path.to_string_lossy();
    let is_usual = |character: char| character.is_ascii_alphanumeric() || "./_-+".contains(character);
    if path.chars().all(is_usual) {
        return format!("./{path}");
    }
    let escaped = path.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "\\${");
    format!("./. + \"/{escaped}\"")
}
