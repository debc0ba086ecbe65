//! One value of a tree by its key.

use thiserror::Error;

use super::tree::{Branch, Kind, Value};

/// Why there is no value under a key that could be a secret.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SelectError {
    /// Nothing has that name.
    #[error("the key {key} does not exist{}", nearest.as_ref().map(|key| format!("; did you mean {key}")).unwrap_or_default())]
    Missing {
        /// The key as far as it was looked for.
        key: String,
        /// One that exists and is spelled much the same.
        nearest: Option<String>,
    },
    /// The key goes on where the tree ends.
    #[error("the key {key} is {found}, not a map, so there is no {wanted} in it")]
    NotAMap {
        /// The key that is no map.
        key: String,
        /// What it is.
        found: &'static str,
        /// The key that was wanted.
        wanted: String,
    },
    /// It exists and cannot be written to a file.
    #[error("the key {key} is {found}; only a string, a number, a boolean or a time can be a secret{hint}")]
    NotAScalar {
        /// The full key.
        key: String,
        /// What it is.
        found: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
}

/// The scalar under `key`, outermost name first, in the first document: the Go program, too, looks no further.
///
/// # Errors
/// When there is none; the error names the full key and what was found.
pub fn scalar<'t, S>(documents: &'t [Branch<S>], key: &[String]) -> Result<(Kind, &'t S), SelectError> {
    let missing = || SelectError::Missing {
        key: join(key, key.len()),
        nearest: None,
    };
    let mut branch = documents.first().ok_or_else(missing)?;
    let mut names = key.iter().enumerate().peekable();
    while let Some((depth, name)) = names.next() {
        let so_far = || join(key, depth.saturating_add(1));
        let value = lookup(branch, name.as_bytes(), MERGE_DEPTH).ok_or_else(|| SelectError::Missing {
            key: so_far(),
            nearest: nearest(branch, key, depth),
        })?;
        match (value, names.peek()) {
            (Value::Scalar(kind, text), None) => return Ok((*kind, text)),
            (Value::Map(inner), Some(_)) => branch = inner,
            (other, Some(_)) => {
                return Err(SelectError::NotAMap {
                    key: so_far(),
                    found: other.type_name(),
                    wanted: join(key, key.len()),
                });
            }
            (other, None) => {
                return Err(SelectError::NotAScalar {
                    key: so_far(),
                    found: other.type_name(),
                    hint: hint(other),
                });
            }
        }
    }
    Err(missing())
}

/// How many merge keys inside each other are followed.
const MERGE_DEPTH: usize = 16;

/// The last entry of that name counts, as in JSON; else one that a YAML merge key (`<<`) brings in, because the Go program parses
/// the decrypted text once more, merge keys applied.
fn lookup<'t, S>(branch: &'t Branch<S>, name: &[u8], merges: usize) -> Option<&'t Value<S>> {
    branch.get(name).or_else(|| match branch.get(b"<<").filter(|_| merges > 0)? {
        Value::Map(inner) => lookup(inner, name, merges - 1),
        Value::List(maps) => maps.iter().find_map(|map| match map {
            Value::Map(inner) => lookup(inner, name, merges - 1),
            _ => None,
        }),
        _ => None,
    })
}

fn join(key: &[String], length: usize) -> String {
    key.iter().take(length).map(String::as_str).collect::<Vec<_>>().join("/")
}

fn nearest<S>(branch: &Branch<S>, key: &[String], depth: usize) -> Option<String> {
    let wanted = key.get(depth)?;
    let (_, best) = branch
        .names()
        .map(|name| String::from_utf8_lossy(name))
        .map(|name| (strsim::jaro_winkler(&name, wanted), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))?;
    let parents = join(key, depth);
    Some(if parents.is_empty() {
        best.into_owned()
    } else {
        format!("{parents}/{best}")
    })
}

fn hint<S>(value: &Value<S>) -> &'static str {
    match value {
        Value::Map(_) => "; name one of its keys after a slash, or use key \"\" for the whole file",
        Value::Null => "; give it a value with sops edit",
        _ => "",
    }
}
