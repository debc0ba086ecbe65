//! A file that was made to take long, and the pieces from which such files are made.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use crate::inputs::Inputs;

/// A kind of file.
pub struct Kind {
    pub name: &'static str,
    /// Makes a file of this kind with about so many bytes.
    pub make: fn(&mut Inputs, usize) -> Made,
}

/// A file, and what a manifest requests from it.
pub struct Made {
    pub file_name: &'static str,
    pub format: &'static str,
    pub text: String,
    /// The number of secrets that the manifest takes from the file.
    pub secrets: usize,
    /// The key of each secret in the file. `#` stands for the name of the secret. The key is empty for the whole file.
    pub key: &'static str,
    /// The arguments that come before the manifest on the command line.
    pub arguments: &'static [&'static str],
    /// Further fields of the manifest.
    pub manifest: Map<String, Value>,
}

impl Made {
    /// A file of which one secret is wanted, at the key `wanted`.
    pub fn new(format: &'static str, text: String) -> Self {
        Self {
            file_name: "file",
            format,
            text,
            secrets: 1,
            key: "wanted",
            arguments: &[],
            manifest: Map::new(),
        }
    }

    /// Changes the wanted secret: it is the whole file.
    pub fn whole(self) -> Self {
        Self { key: "", ..self }
    }

    /// Adds a further field to the manifest.
    pub fn with_field(mut self, name: &str, value: Value) -> Self {
        self.manifest.insert(name.to_owned(), value);
        self
    }

    /// Makes the run a check without keys, as in a build, that looks for several secrets.
    pub fn checked(self, secrets: usize, key: &'static str) -> Self {
        Self {
            secrets,
            key,
            arguments: &["-check-mode=sopsfile"],
            ..self
        }
    }
}

/// Repeats `piece` as often as it fits into `size` bytes. The number of the repetition replaces `#`.
pub fn repeated(size: usize, piece: &str) -> String {
    let pieces = (0..).map(|number: u64| piece.replace('#', &number.to_string()));
    let mut left = size;
    let fits = |piece: &String| {
        let fits = left >= piece.len();
        left = left.saturating_sub(piece.len());
        fits
    };
    pieces.take_while(fits).collect()
}

/// Metadata that the test's own key opens. The MAC is that of a file without values.
pub fn metadata(inputs: &mut Inputs) -> Value {
    inputs.metadata(Sha512::new())
}

/// The metadata that [`metadata`] makes, but with another selection rule.
pub fn with_rule(inputs: &mut Inputs, rule: &str, pattern: &str) -> Value {
    let mut metadata = metadata(inputs);
    let fields = metadata.as_object_mut().unwrap();
    fields.remove("unencrypted_suffix");
    fields.insert(rule.to_owned(), pattern.into());
    metadata
}

pub fn json_file(members: &str, metadata: &Value) -> Made {
    Made::new("json", format!("{{{members}\"sops\": {metadata}}}"))
}

pub fn yaml_file(lines: &str, metadata: &Value) -> Made {
    Made::new("yaml", format!("{lines}\nsops: {metadata}\n"))
}

/// A YAML file that consists of `lines` and the metadata.
pub fn yaml(inputs: &mut Inputs, lines: &str) -> Made {
    let metadata = metadata(inputs);
    yaml_file(lines, &metadata)
}

/// The metadata of a file whose only values are `count` zeros, in plain text.
pub fn of_zeros(inputs: &mut Inputs, count: usize) -> Value {
    let mac = Sha512::new_with_prefix("0".repeat(count));
    with_every_value_open(inputs.metadata(mac))
}

pub fn with_every_value_open(mut metadata: Value) -> Value {
    let fields = metadata.as_object_mut().unwrap();
    fields.remove("unencrypted_suffix");
    fields.insert("unencrypted_regex".to_owned(), json!("."));
    metadata
}

/// The metadata as lines of an INI or dotenv file.
pub fn flat(metadata: &Value, prefix: &str) -> String {
    let text = |value: &Value| value.as_str().unwrap().replace('\n', "\\n");
    let age = &metadata["age"][0];
    let rules = ["unencrypted_suffix", "unencrypted_regex"]
        .into_iter()
        .filter(|rule| metadata[*rule].is_string());
    let fields = [
        ("age__list_0__map_enc", text(&age["enc"])),
        ("age__list_0__map_recipient", text(&age["recipient"])),
        ("lastmodified", text(&metadata["lastmodified"])),
        ("mac", text(&metadata["mac"])),
    ];
    let fields = fields.into_iter().chain(rules.map(|rule| (rule, text(&metadata[rule]))));
    fields
        .flat_map(|(key, value)| [prefix, key, "=", &value, "\n"].map(str::to_owned))
        .collect()
}

pub fn ini(inputs: &mut Inputs, lines: &str) -> Made {
    let metadata = flat(&metadata(inputs), "");
    Made::new("ini", format!("{lines}\n[sops]\n{metadata}"))
}
