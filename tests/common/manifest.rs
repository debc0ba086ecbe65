//! Makes manifests as a Nix module would write them.

use std::path::Path;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// A manifest under construction.
#[derive(Clone)]
pub struct Manifest(Map<String, Value>);

/// The placeholder of a secret, made as the Nix modules make it.
pub fn token(secret: &str) -> String {
    format!("<SOPS:{:x}:PLACEHOLDER>", Sha256::digest(secret))
}

impl Manifest {
    /// An empty manifest.
    pub fn new() -> Self {
        Self(Map::new())
    }

    /// The manifest in `text`, which another program wrote.
    pub fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// Sets a field.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0.insert(field.to_owned(), value.into());
        self
    }

    /// Removes a field.
    pub fn without(mut self, field: &str) -> Self {
        self.0.remove(field);
        self
    }

    /// Adds a secret of mode 0400 and its placeholder. The format follows from the suffix of the file. `key` may be empty.
    pub fn secret(self, name: &str, file: &Path, key: &str) -> Self {
        self.secret_with(name, file, key, json!({}))
    }

    /// Does what [`Manifest::secret`] does, and also adds or replaces the fields in `fields`.
    pub fn secret_with(mut self, name: &str, file: &Path, key: &str, fields: Value) -> Self {
        let secret = json!({
            "name": name, "sopsFile": file.to_str().unwrap(), "format": format(file), "key": key, "mode": "0400",
        });
        self.push("secrets", merged(secret, fields));
        let tokens = self.0.entry("placeholderBySecretName").or_insert(json!({}));
        tokens[name] = json!(token(name));
        self
    }

    /// Adds a template of mode 0400, and adds or replaces the fields in `fields`.
    pub fn template(mut self, name: &str, content: &str, fields: Value) -> Self {
        self.push(
            "templates",
            merged(json!({"name": name, "content": content, "mode": "0400"}), fields),
        );
        self
    }

    /// The JSON text.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(&self.0).unwrap()
    }

    /// The value of a field; `None` if the field is missing.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The JSON object itself, for changes that no other method makes.
    pub fn value(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    fn push(&mut self, list: &str, entry: Value) {
        let list = self.0.entry(list).or_insert(json!([]));
        list.as_array_mut().unwrap().push(entry);
    }
}

fn merged(mut entry: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else {
        panic!("fields are an object")
    };
    entry.as_object_mut().unwrap().extend(fields);
    entry
}

/// The format that a file's suffix stands for.
fn format(file: &Path) -> &'static str {
    match file.extension().and_then(|suffix| suffix.to_str()) {
        Some("json") => "json",
        Some("env") => "dotenv",
        Some("ini") => "ini",
        Some("bin") => "binary",
        _ => "yaml",
    }
}
