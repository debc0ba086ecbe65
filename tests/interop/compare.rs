//! Compares what sops and this program make of one document.

use std::fs;
use std::path::{Path, PathBuf};

use crate::document::{Document, Format, Rule, Value};
use crate::ours::{Batch, Installed};
use crate::render::render;
use crate::sops::Sops;

/// A document that sops encrypted, and what this program should make of it.
pub struct Case {
    pub document: Document,
    pub encrypted: PathBuf,
    pub expected: Vec<u8>,
    /// A path of map keys, and the value at this path.
    leaf: Option<(Vec<String>, Vec<u8>)>,
    /// A list or map, in one form or two.
    parts: Vec<Part>,
    /// The numbers of the two secrets in the batch: the whole file, and the value.
    numbers: (usize, Option<usize>),
}

/// A list or map of a document, in one form.
struct Part {
    keys: Vec<String>,
    form: &'static str,
    expected: Vec<u8>,
    /// The number of its secret in the batch.
    number: usize,
}

/// Why a document gives no case.
pub enum NoCase {
    /// sops does not encrypt such a document.
    Refused,
    /// sops cannot read the file that it wrote.
    Unreadable,
}

/// The result of the comparison.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This program prints exactly the bytes that sops prints.
    Alike,
    /// Only what this program prints reads back as the same values. What sops prints does not.
    AlikeInValues,
    /// The result cannot be judged. sops is known to print this wrong, and either nothing shows whether this program is right, or
    /// the format cannot express it.
    Unjudged,
    /// This program is wrong. The value says how.
    Different(String),
}

impl Verdict {
    /// The fault of this program, if there is one.
    pub fn fault(self) -> Option<String> {
        match self {
            Self::Different(fault) => Some(fault),
            _ => None,
        }
    }
}

impl Case {
    /// Makes a case: sops encrypts the document and prints it. If `with_leaf` is given, sops also extracts one value.
    pub fn new(sops: &Sops, document: Document, name: &str, with_leaf: Option<usize>) -> Result<Self, NoCase> {
        let encrypted = sops.file(name);
        sops.encrypt(&document, &render(&document), &encrypted)
            .map_err(|_| NoCase::Refused)?;
        let expected = sops.decrypt(document.format, &encrypted).map_err(|_| NoCase::Unreadable)?;
        let leaf = with_leaf.and_then(|choice| leaf(sops, &document, &encrypted, choice));
        let parts = with_leaf.map_or(Vec::new(), |choice| parts(sops, &document, &encrypted, choice));
        Ok(Self {
            parts,
            document,
            encrypted,
            expected,
            leaf,
            numbers: (0, None),
        })
    }

    /// Adds the secrets of this case to a batch.
    pub fn join(&mut self, batch: &mut Batch) {
        for part in &mut self.parts {
            part.number = batch.add_part(&self.encrypted, self.document.format, &part.keys.join("/"), part.form);
        }
        let whole = batch.add(&self.encrypted, self.document.format, "");
        let leaf = self
            .leaf
            .as_ref()
            .map(|(keys, _)| batch.add(&self.encrypted, self.document.format, &keys.join("/")));
        self.numbers = (whole, leaf);
    }

    /// Whether a value is compared, besides the whole file.
    pub fn has_leaf(&self) -> bool {
        self.leaf.is_some()
    }

    /// How many lists and maps are compared, each form by itself.
    pub fn part_count(&self) -> usize {
        self.parts.len()
    }

    /// Whether this program opened the file at all.
    pub fn is_installed(&self, installed: &Installed) -> bool {
        installed.content(self.numbers.0).is_some()
    }

    /// Compares what this program made of the file.
    pub fn verdict(&self, sops: &Sops, installed: &Installed) -> Verdict {
        let Some(content) = installed.content(self.numbers.0) else {
            return Verdict::Different(format!("not installed; {}", installed.complaints()));
        };
        if let Some(fault) = self.leaf_fault(installed).or_else(|| self.part_fault(sops, installed)) {
            return Verdict::Different(fault);
        }
        if content == self.expected {
            return Verdict::Alike;
        }
        match [&self.expected, &content].map(|print| self.reads_back(sops, print)) {
            [Some(false), Some(true)] => Verdict::AlikeInValues,
            [Some(false), _] if self.has_no_spelling(sops) => Verdict::Unjudged,
            [None, _] if self.document.is_misprinted_by_sops() => Verdict::Unjudged,
            _ => Verdict::Different(difference(&self.expected, &content)),
        }
    }

    /// Whether a value might not be expressible in INI, because it contains all quotes in which it could be written.
    fn has_no_spelling(&self, sops: &Sops) -> bool {
        let values = sops.values(self.document.format, &self.encrypted).unwrap_or_default();
        let values = String::from_utf8_lossy(&values);
        self.document.format == Format::Ini && values.contains('`') && values.contains(r#"\"\"\""#)
    }

    fn leaf_fault(&self, installed: &Installed) -> Option<String> {
        let (keys, value) = self.leaf.as_ref()?;
        let key = keys.join("/");
        match installed.content(self.numbers.1?) {
            None => Some(format!("key {key:?} not installed; {}", installed.complaints())),
            Some(content) if content != *value => Some(format!("key {key:?}: {}", difference(value, &content))),
            Some(_) => None,
        }
    }

    /// How a part differs. A map in YAML, which sops may misprint, need only read back as the values of this map.
    fn part_fault(&self, sops: &Sops, installed: &Installed) -> Option<String> {
        let reads_back = |part: &Part, print: &[u8]| {
            let again = sops.file("again");
            let unruled = Document {
                rule: Rule::default(),
                ..self.document.clone()
            };
            let yaml = Document {
                format: Format::Yaml,
                ..unruled
            };
            sops.encrypt(&yaml, print, &again).is_ok()
                && sops.values(Format::Yaml, &again) == sops.part(self.document.format, &self.encrypted, &part.keys, "json")
        };
        self.parts.iter().find_map(|part| match installed.content(part.number) {
            None => Some(format!(
                "{:?} as {}: not installed; {}",
                part.keys,
                part.form,
                installed.complaints()
            )),
            Some(content) if content == part.expected => None,
            Some(content) if part.form == "yaml" && !reads_back(part, &part.expected) && reads_back(part, &content) => None,
            Some(content) => Some(format!(
                "{:?} as {}: {}",
                part.keys,
                part.form,
                difference(&part.expected, &content)
            )),
        })
    }

    /// Encrypts the printed document again, and returns whether it has the values of the original. If a print by sops does not,
    /// sops prints it wrong. `None` if this cannot be decided, because JSON has no second document and no infinity.
    fn reads_back(&self, sops: &Sops, print: &[u8]) -> Option<bool> {
        if self.document.parts().len() != 1 {
            return None;
        }
        let values = sops.values(self.document.format, &self.encrypted)?;
        let again = sops.file("again");
        let unruled = Document {
            rule: Rule::default(),
            ..self.document.clone()
        };
        let read = sops.encrypt(&unruled, print, &again).is_ok();
        Some(read && sops.values(self.document.format, &again) == Some(values))
    }
}

/// The fault of this program for one document. A document that sops refuses shows no fault.
pub fn fault_of(sops: &Sops, document: Document, choice: Option<usize>) -> Option<String> {
    let mut case = Case::new(sops, document, "single", choice).ok()?;
    let mut batch = Batch::default();
    case.join(&mut batch);
    case.verdict(sops, &batch.install()).fault()
}

/// A scalar whose path has only map keys, and can be written in the command lines of both programs.
fn leaf(sops: &Sops, document: &Document, encrypted: &Path, choice: usize) -> Option<(Vec<String>, Vec<u8>)> {
    if !matches!(document.format, Format::Yaml | Format::Json) {
        return None;
    }
    let mut paths = Vec::new();
    collect(document.parts().first()?, &mut Vec::new(), &mut paths);
    let keys = paths.get(choice % paths.len().max(1))?.clone();
    let mut value = sops.extract(document.format, encrypted, &keys)?;
    if document.format == Format::Yaml && !is_string(document, &keys, &value) && value.ends_with(b"\n") {
        // sops prints a line break after every value that is no string, for terminals.
        value.pop();
        if value == b"null" {
            return None;
        }
    }
    Some((keys, value))
}

/// A list or map whose path has only map keys, in the forms in which sops prints it. As YAML, only a map is compared, and only if the
/// file has one document: sops prints the others below it.
fn parts(sops: &Sops, document: &Document, encrypted: &Path, choice: usize) -> Vec<Part> {
    let Some(first) = document.parts().first() else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    collect_parts(first, &mut Vec::new(), &mut paths);
    let Some((keys, is_map)) = paths.get(choice % paths.len().max(1)).cloned() else {
        return Vec::new();
    };
    let forms = if is_map && document.parts().len() == 1 {
        &["json", "yaml"][..]
    } else {
        &["json"][..]
    };
    let part = |form: &&'static str| {
        let expected = sops.part(document.format, encrypted, &keys, form)?;
        // For bytes that are no text, sops writes other characters into JSON. This program refuses them.
        let is_changed = *form == "json" && expected.windows(6).any(|bytes| bytes == br"\ufffd");
        (!is_changed).then(|| Part {
            expected,
            form,
            keys: keys.clone(),
            number: 0,
        })
    };
    forms.iter().filter_map(part).collect()
}

fn collect_parts(value: &Value, path: &mut Vec<String>, paths: &mut Vec<(Vec<String>, bool)>) {
    let Value::Map { items, .. } = value else { return };
    let is_twice = |key: &str| items.iter().filter(|item| item.key == key).count() > 1;
    for item in items {
        if item.key.contains(['/', '[', ']', '"']) || item.key.is_empty() && path.is_empty() || is_twice(&item.key) {
            continue;
        }
        path.push(item.key.clone());
        match &item.value {
            Value::Map { .. } => {
                paths.push((path.clone(), true));
                collect_parts(&item.value, path, paths);
            }
            Value::List { .. } => paths.push((path.clone(), false)),
            Value::Bare(_) | Value::Text(..) => {}
        }
        path.pop();
    }
}

fn collect(value: &Value, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    let Value::Map { items, .. } = value else { return };
    for item in items {
        // `sops --extract` cannot name these keys. This program cannot name a key with a slash.
        if item.key.contains(['/', '[', ']', '"']) || item.key.is_empty() && path.is_empty() {
            continue;
        }
        path.push(item.key.clone());
        match &item.value {
            Value::Bare(spelling) if ["null", "~", ""].contains(&spelling.as_str()) => {}
            Value::Bare(_) | Value::Text(..) => paths.push(path.clone()),
            Value::Map { .. } => collect(&item.value, path, paths),
            Value::List { .. } => {}
        }
        path.pop();
    }
}

/// Whether the value at this path is a string, which sops prints unchanged. Without quotes, a text may have become a value of
/// another type.
fn is_string(document: &Document, keys: &[String], printed: &[u8]) -> bool {
    let mut value = document.parts().first();
    for key in keys {
        value = value
            .and_then(|map| map.items().iter().find(|item| item.key == *key))
            .map(|item| &item.value);
    }
    matches!(value, Some(Value::Text(text, _)) if text.as_bytes() == printed)
}

/// The first line that differs, as both programs print it.
fn difference(expected: &[u8], found: &[u8]) -> String {
    let at = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    let excerpt = |bytes: &[u8]| {
        let start = at.saturating_sub(60).min(bytes.len());
        let end = (at + 60).min(bytes.len());
        format!("{:?}", String::from_utf8_lossy(&bytes[start..end]))
    };
    format!(
        "differs at byte {at}\n  sops: {}\n  ours: {}",
        excerpt(expected),
        excerpt(found)
    )
}

/// Keeps a failing document, so that another test can repeat it. A person decides whether to commit the file.
pub fn keep(case: &Case, name: &str) -> PathBuf {
    let extension = match case.document.format {
        Format::Dotenv => "env",
        Format::Binary => "bin",
        format => format.name(),
    };
    let directory = crate::sops::fixtures().join("regressions");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join(format!("{name}.{extension}"));
    fs::copy(&case.encrypted, &file).unwrap();
    fs::write(directory.join(format!("{name}.{extension}.decrypted")), &case.expected).unwrap();
    file
}
