//! The kinds of files: what somebody puts into a file that is not theirs, so that it takes long.

use std::iter;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use crate::inputs::Inputs;

/// A kind of file.
pub struct Kind {
    pub name: &'static str,
    /// Makes one of about so many bytes.
    pub make: fn(&mut Inputs, usize) -> Made,
}

/// A file, and what a manifest wants of it.
pub struct Made {
    pub file_name: &'static str,
    pub format: &'static str,
    pub text: String,
    /// How many secrets come from it.
    pub secrets: usize,
    /// The key of each, `#` in it being its name; empty for the whole file.
    pub key: &'static str,
    /// What stands before the manifest on the command line.
    pub arguments: &'static [&'static str],
    /// Further fields of the manifest.
    pub manifest: Map<String, Value>,
}

impl Made {
    /// One secret of a file.
    fn new(format: &'static str, text: String) -> Self {
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

    /// One that is the whole file.
    fn whole(self) -> Self {
        Self { key: "", ..self }
    }

    /// Several secrets, looked for by a check without keys, as a build does it.
    fn checked(self, secrets: usize, key: &'static str) -> Self {
        Self {
            secrets,
            key,
            arguments: &["-check-mode=sopsfile"],
            ..self
        }
    }
}

/// All of them.
pub fn all() -> Vec<Kind> {
    let kind = |name, make| Kind { name, make };
    vec![
        kind("a long key with many leaves, under unencrypted_regex", long_key_under_rule),
        kind("many keys under a pattern of many states", many_states),
        kind("a pattern of many classes", many_classes),
        kind("comment tokens below a long key", comments_below_long_key),
        kind("a long name that could be meant", long_name),
        kind("many names that could be meant", many_names),
        kind("merge keys that bring many maps", merges),
        kind("YAML: directives", directives),
        kind("YAML: tags with a long prefix", long_prefix),
        kind("YAML: brackets, deep and full", deep_brackets),
        kind("YAML: keys of wide characters", wide_keys),
        kind("YAML: comments in two columns, blocks that end", columns),
        kind("YAML: comments and blank lines", blank_comments),
        kind("YAML: many documents", documents),
        kind("YAML: aliases", aliases),
        kind("YAML: anchors", anchors),
        kind("YAML: a scalar of many lines", lines),
        kind("YAML: escapes", escapes),
        kind("YAML: small floats", yaml_floats),
        kind("JSON: small floats", json_floats),
        kind("JSON: floats of many digits", long_floats),
        kind("JSON: one name, many times", one_name),
        kind("JSON: small values", small_values),
        kind("JSON: large integers", large_integers),
        kind("printed: deep JSON", deep_json),
        kind("printed: deep YAML", deep_yaml),
        kind("printed: lines in deep YAML", deep_lines),
        kind("printed: INI with one long name", long_ini_name),
        kind("INI: sections", sections),
        kind("INI: comments and continued lines", ini_lines),
        kind("INI: quotes that do not close", ini_quotes),
        kind("dotenv: lines", env_lines),
        kind("dotenv: metadata with long names", env_metadata),
        kind("metadata: keys", many_keys),
        kind("metadata: key groups", many_groups),
        kind("metadata: age stanzas", age_stanzas),
        kind("metadata: forged ssh-rsa stanzas", rsa_stanzas),
        kind("a long token", long_token),
        kind("a manifest of many secrets", many_secrets),
        kind("a template of many placeholders", many_placeholders),
    ]
}

/// `piece`, with its number in the place of `#`, as often as fits.
fn repeated(size: usize, piece: &str) -> String {
    let pieces = (0..).map(|number: u64| piece.replace('#', &number.to_string()));
    let mut left = size;
    let fits = |piece: &String| {
        let fits = left >= piece.len();
        left = left.saturating_sub(piece.len());
        fits
    };
    pieces.take_while(fits).collect()
}

/// Metadata that the own key opens, of values that were never there.
fn metadata(inputs: &mut Inputs) -> Value {
    inputs.metadata(Sha512::new())
}

/// The same with another rule.
fn with_rule(inputs: &mut Inputs, rule: &str, pattern: &str) -> Value {
    let mut metadata = metadata(inputs);
    let fields = metadata.as_object_mut().unwrap();
    fields.remove("unencrypted_suffix");
    fields.insert(rule.to_owned(), pattern.into());
    metadata
}

fn json_file(members: &str, metadata: &Value) -> Made {
    Made::new("json", format!("{{{members}\"sops\": {metadata}}}"))
}

fn yaml_file(lines: &str, metadata: &Value) -> Made {
    Made::new("yaml", format!("{lines}\nsops: {metadata}\n"))
}

/// A YAML file of nothing but `lines` and a section.
fn yaml(inputs: &mut Inputs, lines: &str) -> Made {
    let metadata = metadata(inputs);
    yaml_file(lines, &metadata)
}

/// A long key with many leaves below it.
fn below_long_key(size: usize, leaf: &str) -> String {
    format!("\"{}\": [{} 0],", "ab".repeat(size / 4), repeated(size / 2, leaf))
}

fn long_key_under_rule(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = with_rule(inputs, "unencrypted_regex", "[ab]x|(a|b){3}z");
    json_file(&below_long_key(size, "0,"), &metadata)
}

fn many_states(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = with_rule(inputs, "encrypted_regex", "(a|b|[^x]y)*a(a|b|.){300}c");
    let mut state = 1_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if state >> 62 & 1 == 0 { 'a' } else { 'b' }
    };
    let key: String = iter::repeat_with(&mut letter).take(1000).collect();
    json_file(&repeated(size, &format!("\"{key}#\": 0,")), &metadata)
}

fn many_classes(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = with_rule(inputs, "encrypted_regex", &r"\pL".repeat(size / 6));
    json_file(&repeated(size / 2, "\"k#\": 0,"), &metadata)
}

fn comments_below_long_key(inputs: &mut Inputs, size: usize) -> Made {
    let [iv, tag] = [[0; 32].as_slice(), &[0; 16]].map(|bytes| BASE64_STANDARD.encode(bytes));
    let comment = format!("  #ENC[AES256_GCM,data:AAAA,iv:{iv},tag:{tag},type:comment]\n  - ~\n");
    yaml(
        inputs,
        &format!("? {}\n:\n{}", "k".repeat(size / 2), repeated(size / 2, &comment)),
    )
}

fn long_name(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&format!("\"secret{}\": 0,", "0".repeat(size)), &metadata).checked(20, "#")
}

fn many_names(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&repeated(size, "\"secret-#\": 0,"), &metadata).checked(1000, "#")
}

fn merges(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &format!("<<: [{}]", repeated(size, "{},"))).checked(1000, "#")
}

fn directives(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    let text = format!("{}---\nsops: {metadata}\n", repeated(size, "%TAG !a#! x\n"));
    Made::new("yaml", text)
}

fn long_prefix(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    let (prefix, values) = ("x".repeat(size / 2), repeated(size / 2, "!a!b 0,"));
    Made::new("yaml", format!("%TAG !a! {prefix}\n---\nk: [{values}]\nsops: {metadata}\n"))
}

fn deep_brackets(inputs: &mut Inputs, size: usize) -> Made {
    let (open, close) = ("[".repeat(190), "]".repeat(190));
    yaml(inputs, &format!("k: {open}\n{}\n{close}", repeated(size, "0,")))
}

fn wide_keys(inputs: &mut Inputs, size: usize) -> Made {
    let line = format!("[{}],\n", "ä,".repeat(500));
    yaml(inputs, &format!("k: [\n{}]", repeated(size, &line)))
}

fn columns(inputs: &mut Inputs, size: usize) -> Made {
    let blocks: Vec<_> = (0..190).map(|depth| format!("{}k:\n", " ".repeat(depth))).collect();
    let blocks = blocks.concat();
    let comments = repeated(size, &format!("{}#\n{}#\n", " ".repeat(3), " ".repeat(2)));
    yaml(inputs, &format!("{blocks}{}0\n{comments}", " ".repeat(190)))
}

fn blank_comments(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &repeated(size, &format!("#\n{}", "\n".repeat(511))))
}

fn documents(inputs: &mut Inputs, size: usize) -> Made {
    let made = yaml(inputs, "k: 0");
    Made {
        text: made.text.clone() + &repeated(size, "---\na: 0\n"),
        ..made
    }
}

fn aliases(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &format!("a: &a [0]\nb: [{}]", repeated(size, "*a,")))
}

fn anchors(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &format!("b: [{}]", repeated(size, "&a# 0,")))
}

fn lines(inputs: &mut Inputs, size: usize) -> Made {
    yaml(
        inputs,
        &format!(
            "a: |\n{}b: >\n{}",
            repeated(size / 2, "  x\n\n"),
            repeated(size / 2, "  x\n\n")
        ),
    )
}

fn escapes(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &format!("a: \"{}\"", repeated(size, "\\x41 \\\n")))
}

fn yaml_floats(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &format!("a: [{}]", repeated(size, "5e-324,")))
}

fn json_floats(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&format!("\"a\": [{}0],", repeated(size, "5e-324,")), &metadata)
}

fn long_floats(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    let float = format!("0.{}e-300,", "1234567".repeat(110));
    json_file(&format!("\"a\": [{}0],", repeated(size, &float)), &metadata)
}

fn one_name(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&repeated(size, "\"a\": 0,"), &metadata)
}

fn small_values(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&format!("\"a\": [{}0],", repeated(size, "0,")), &metadata)
}

fn large_integers(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&format!("\"a\": [{}0],", repeated(size, "9007199254740993,")), &metadata)
}

/// The metadata of a file of nothing but so many zeros.
fn of_zeros(inputs: &mut Inputs, count: usize) -> Value {
    let mac = Sha512::new_with_prefix("0".repeat(count));
    with_every_value_open(inputs.metadata(mac))
}

fn with_every_value_open(mut metadata: Value) -> Value {
    let fields = metadata.as_object_mut().unwrap();
    fields.remove("unencrypted_suffix");
    fields.insert("unencrypted_regex".to_owned(), json!("."));
    metadata
}

fn deep_json(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = of_zeros(inputs, size / 2);
    let zeros = vec!["0"; size / 2].join(",");
    json_file(&format!("\"a\": {}{zeros}{},", "[".repeat(120), "]".repeat(120)), &metadata).whole()
}

fn deep_yaml(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = of_zeros(inputs, size / 2);
    let zeros = vec!["0"; size / 2].join(",");
    yaml_file(&format!("a: {}{zeros}{}", "[".repeat(190), "]".repeat(190)), &metadata).whole()
}

fn deep_lines(inputs: &mut Inputs, size: usize) -> Made {
    let value = "x\n".repeat(size / 3);
    let metadata = with_every_value_open(inputs.metadata(Sha512::new_with_prefix(&value)));
    let value = value.replace('\n', "\\n");
    yaml_file(&format!("a: {}\"{value}\"{}", "{a: ".repeat(190), "}".repeat(190)), &metadata).whole()
}

/// An INI or dotenv file with such metadata.
fn flat(metadata: &Value, prefix: &str) -> String {
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

fn ini(inputs: &mut Inputs, lines: &str) -> Made {
    let metadata = flat(&metadata(inputs), "");
    Made::new("ini", format!("{lines}\n[sops]\n{metadata}"))
}

fn long_ini_name(inputs: &mut Inputs, size: usize) -> Made {
    let lines = repeated(size / 2, "k#=0\n") + &"k".repeat(size / 2) + "=0\n";
    let metadata = of_zeros(inputs, lines.matches("=0\n").count());
    Made::new("ini", format!("[s]\n{lines}[sops]\n{}", flat(&metadata, ""))).whole()
}

fn sections(inputs: &mut Inputs, size: usize) -> Made {
    ini(inputs, &repeated(size, "[s#]\n-=0\n-=0\n"))
}

fn ini_lines(inputs: &mut Inputs, size: usize) -> Made {
    let lines = repeated(size / 2, "#\n") + "k=\\\n" + &repeated(size / 2, "x\\\n");
    ini(inputs, &lines)
}

fn ini_quotes(inputs: &mut Inputs, size: usize) -> Made {
    ini(inputs, &("k=`\n".to_owned() + &repeated(size, "\"\"\"`\\\n")))
}

fn env_lines(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = flat(&metadata(inputs), "sops_");
    Made::new("dotenv", repeated(size, "k#=\\n\\n\n") + &metadata)
}

fn env_metadata(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = flat(&metadata(inputs), "sops_");
    let name = "x".repeat(size / 200);
    let levels = "a__map_".repeat(30);
    let lines: Vec<_> = (0..100)
        .map(|number| format!("sops_{name}__map_{levels}{number}=0\n"))
        .collect();
    Made::new(
        "dotenv",
        lines.concat() + &repeated(size / 2, "sops_a#__map_b=0\n") + &metadata,
    )
}

/// A file that is for nobody, as far as its metadata goes.
fn with_recipients(inputs: &mut Inputs, field: &str, entries: Value) -> Made {
    let mut metadata = metadata(inputs);
    metadata["age"] = json!([]);
    metadata[field] = entries;
    json_file("\"wanted\": \"\",", &metadata)
}

fn many_keys(inputs: &mut Inputs, size: usize) -> Made {
    let entry = json!({ "recipient": "age1", "enc": "" });
    let entries = vec![entry.clone(); size / entry.to_string().len()];
    with_recipients(inputs, "age", entries.into())
}

fn many_groups(inputs: &mut Inputs, size: usize) -> Made {
    let group = json!({ "age": [{ "recipient": "age1", "enc": "" }] });
    let entries = vec![group.clone(); size / group.to_string().len()];
    with_recipients(inputs, "key_groups", entries.into())
}

/// An armored message of this header that nothing opens, with comments to make it as long as it may be.
fn armored(header: &str) -> String {
    let message = format!(
        "age-encryption.org/v1\n{header}--- {}\n",
        BASE64_STANDARD.encode([0; 32]).trim_end_matches('=')
    );
    let mut bytes = message.into_bytes();
    bytes.extend([0; 32]);
    let text = BASE64_STANDARD.encode(bytes);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!(
        "-----BEGIN AGE ENCRYPTED FILE-----\n{}\n-----END AGE ENCRYPTED FILE-----\n",
        lines.join("\n")
    )
}

/// As many entries as fit and are allowed, each with such stanzas.
fn with_messages(inputs: &mut Inputs, size: usize, stanza: &str, stanzas: usize) -> Made {
    let entry = json!({ "recipient": "age1", "enc": armored(&stanza.repeat(stanzas)) });
    let count = (size / entry.to_string().len()).min(1000);
    with_recipients(inputs, "age", vec![entry; count].into())
}

fn age_stanzas(inputs: &mut Inputs, size: usize) -> Made {
    let share = BASE64_STANDARD.encode([9; 32]);
    let share = share.trim_end_matches('=');
    with_messages(inputs, size, &format!("-> X25519 {share}\n{share}\n"), 60)
}

/// Stanzas that name the RSA key of the tests.
fn rsa_stanzas(inputs: &mut Inputs, size: usize) -> Made {
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys/ssh_rsa");
    let public = std::fs::read_to_string(format!("{key}.pub")).unwrap();
    let blob = BASE64_STANDARD.decode(public.split(' ').nth(1).unwrap()).unwrap();
    let digest = sha2::Sha256::digest(&blob);
    let tag = BASE64_STANDARD.encode(&digest[..4]);
    let body = BASE64_STANDARD.encode([1; 256]);
    let lines: Vec<_> = body
        .trim_end_matches('=')
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    let stanza = format!("-> ssh-rsa {}\n{}\n", tag.trim_end_matches('='), lines.join("\n"));
    let made = with_messages(inputs, size, &stanza, 16);
    Made {
        manifest: json!({ "ageSshKeyPaths": [key] }).as_object().unwrap().clone(),
        ..made
    }
}

fn long_token(inputs: &mut Inputs, size: usize) -> Made {
    let separators = ",iv:,tag:,type:]".repeat(size / 16);
    yaml(inputs, &format!("a: ENC[AES256_GCM,data:{separators}"))
}

fn many_secrets(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file("\"wanted\": \"\",", &metadata).checked(size / 150, "wanted")
}

fn many_placeholders(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    let content = repeated(size, "<SOPS:0:PLACEHOLDER><SOPS::PLACEHOLDER <SOPS:#");
    let made = json_file("\"wanted\": \"\",", &metadata);
    let fields = json!({
        "templates": [{ "name": "t", "content": content, "mode": "0400" }],
        "placeholderBySecretName": { "secret00000": "<SOPS:0:PLACEHOLDER>" },
    });
    Made {
        manifest: fields.as_object().unwrap().clone(),
        ..made
    }
}
