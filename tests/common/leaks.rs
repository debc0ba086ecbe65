//! Searches for secrets in places where they must not be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::fixtures;

/// Shorter values are not searched for, because almost any text contains them.
const SHORTEST: usize = 6;

/// The secrets to look for, and the automaton that finds them.
struct Secrets {
    texts: Vec<String>,
    automaton: AhoCorasick,
}

/// Everything secret in the fixtures: all values in plain text, and the lines of all private keys.
pub fn secrets() -> &'static [String] {
    &all().texts
}

/// The first secret that `text` contains, either unchanged or as `Debug` prints it.
pub fn secret_in(text: impl AsRef<[u8]>) -> Option<&'static str> {
    let found = all().automaton.find(text.as_ref())?;
    // Each secret has two patterns.
    Some(&all().texts[found.pattern().as_usize() / 2])
}

/// The files below `dir` that contain a secret. Files at or below one of the `allowed` paths are left out. Symlinks are not
/// followed, but the targets of symlinks are searched, and so are all names.
pub fn leaks(dir: &Path, allowed: &BTreeSet<PathBuf>) -> Vec<String> {
    let mut leaks = Vec::new();
    search(dir, allowed, &mut leaks);
    leaks
}

fn search(path: &Path, allowed: &BTreeSet<PathBuf>, leaks: &mut Vec<String>) {
    // Other processes of the test may be making or removing files meanwhile. So an error is ignored here.
    let Ok(status) = path.symlink_metadata() else { return };
    if allowed.contains(path) {
        return;
    }
    let name = path.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
    let content = if status.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            search(&entry.path(), allowed, leaks);
        }
        Vec::new()
    } else if status.is_symlink() {
        fs::read_link(path).unwrap_or_default().into_os_string().into_encoded_bytes()
    } else if status.is_file() {
        fs::read(path).unwrap_or_default()
    } else {
        Vec::new()
    };
    leaks.extend(
        [name, content]
            .iter()
            .filter_map(secret_in)
            .map(|secret| format!("{}: {secret:?}", path.display())),
    );
}

fn all() -> &'static Secrets {
    static SECRETS: OnceLock<Secrets> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let texts: Vec<_> = collect().into_iter().collect();
        assert!(texts.len() > 100, "only {} secrets", texts.len());
        let quoted = |text: &String| {
            let quoted = format!("{text:?}");
            quoted[1..quoted.len() - 1].to_owned()
        };
        let patterns = texts.iter().flat_map(|text| [text.clone(), quoted(text)]);
        let automaton = AhoCorasick::new(patterns).unwrap();
        Secrets { texts, automaton }
    })
}

fn collect() -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    for version in ["3.13.3", "3.13.2", "3.12.2", "3.9.4", "3.7.3"] {
        let dir = fixtures().join(version);
        for row in fs::read_to_string(dir.join("values.tsv")).unwrap().lines() {
            let value = BASE64_STANDARD
                .decode(row.split('\t').nth(2).unwrap_or_default())
                .unwrap_or_default();
            secrets.extend(
                String::from_utf8(value)
                    .iter()
                    .flat_map(|value| value.lines())
                    .map(str::to_owned),
            );
        }
    }
    for entry in fs::read_dir(fixtures().join("plain")).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("json") => leaves(&serde_json::from_str(&text).unwrap(), &mut secrets),
            Some("env" | "ini") => secrets.extend(
                text.lines()
                    .filter_map(|line| Some(line.split_once('=')?.1.trim().to_owned())),
            ),
            Some("bin") => secrets.extend(text.lines().map(str::to_owned)),
            _ => {}
        }
    }
    let key = |name: &str| fs::read_to_string(fixtures().join("keys").join(name)).unwrap();
    let ssh = ["ssh_ed25519", "ssh_rsa", "ssh_ecdsa", "ssh_passphrase"];
    for name in [
        "age.txt",
        "other-age.txt",
        "hybrid.txt",
        "plugin.txt",
        "pgp.asc",
        "pgp_curve25519.asc",
    ]
    .iter()
    .chain(&ssh)
    {
        let text = key(name);
        let lines = text
            .lines()
            .filter(|line| !line.starts_with(['#', '-']) && !line.contains(' '));
        // The first line is mostly the same in all SSH keys, so it is no secret.
        secrets.extend(
            lines
                .filter(|line| !line.starts_with("b3BlbnNzaC1rZXktdjE"))
                .map(str::to_owned),
        );
    }
    // A private key also contains its public half, and a value contains a part of a public half.
    let public: String = ssh.iter().map(|name| key(&format!("{name}.pub"))).collect();
    secrets.retain(|secret| secret.trim().len() >= SHORTEST && !public.contains(secret));
    secrets
}

/// Collects the scalars of a JSON value as text.
fn leaves(value: &Value, secrets: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.values().for_each(|value| leaves(value, secrets)),
        Value::Array(list) => list.iter().for_each(|value| leaves(value, secrets)),
        Value::String(text) => drop(secrets.insert(text.clone())),
        other => drop(secrets.insert(other.to_string())),
    }
}
