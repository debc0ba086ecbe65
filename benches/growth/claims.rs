//! Files that take long in any format: by their rules, by the keys of the host, or by the names that are looked for.

use std::iter;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    inputs::Inputs,
    made::{Made, json_file, metadata, repeated, with_rule, yaml},
};

/// A long key with many leaves below it.
fn below_long_key(size: usize, leaf: &str) -> String {
    format!("\"{}\": [{} 0],", "ab".repeat(size / 4), repeated(size / 2, leaf))
}

pub fn long_key_under_rule(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = with_rule(inputs, "unencrypted_regex", "[ab]x|(a|b){3}z");
    json_file(&below_long_key(size, "0,"), &metadata)
}

pub fn many_states(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = with_rule(inputs, "encrypted_regex", "(a|b|[^x]y)*a(a|b|.){300}c");
    let mut state = 1_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if state >> 62 & 1 == 0 { 'a' } else { 'b' }
    };
    let key = |_| format!("\"{}\": 0,", iter::repeat_with(&mut letter).take(1000).collect::<String>());
    json_file(&(0..size / 1006).map(key).collect::<String>(), &metadata)
}

pub fn many_classes(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = with_rule(inputs, "encrypted_regex", &r"\pL".repeat(size / 6));
    json_file(&repeated(size / 2, "\"k#\": 0,"), &metadata)
}

pub fn comments_below_long_key(inputs: &mut Inputs, size: usize) -> Made {
    let [iv, tag] = [[0; 32].as_slice(), &[0; 16]].map(|bytes| BASE64_STANDARD.encode(bytes));
    let comment = format!("  #ENC[AES256_GCM,data:AAAA,iv:{iv},tag:{tag},type:comment]\n  - ~\n");
    yaml(
        inputs,
        &format!("? {}\n:\n{}", "k".repeat(size / 2), repeated(size / 2, &comment)),
    )
}

pub fn long_name(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&format!("\"secret{}\": 0,", "0".repeat(size)), &metadata).checked(20, "#")
}

pub fn many_names(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&repeated(size, "\"secret-#\": 0,"), &metadata).checked(1000, "#")
}

pub fn merges(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &format!("<<: [{}]", repeated(size, "{},"))).checked(1000, "#")
}

/// A file whose metadata names no recipient but `entries`, so that no key of the host opens it.
pub fn with_recipients(inputs: &mut Inputs, field: &str, entries: Value) -> Made {
    let mut metadata = metadata(inputs);
    metadata["age"] = json!([]);
    metadata[field] = entries;
    json_file("\"wanted\": \"\",", &metadata)
}

pub fn many_keys(inputs: &mut Inputs, size: usize) -> Made {
    let entry = json!({ "recipient": "age1", "enc": "" });
    let entries = vec![entry.clone(); size / entry.to_string().len()];
    with_recipients(inputs, "age", entries.into())
}

pub fn many_groups(inputs: &mut Inputs, size: usize) -> Made {
    let group = json!({ "age": [{ "recipient": "age1", "enc": "" }] });
    let entries = vec![group.clone(); size / group.to_string().len()];
    with_recipients(inputs, "key_groups", entries.into())
}

pub fn long_token(inputs: &mut Inputs, size: usize) -> Made {
    let separators = ",iv:,tag:,type:]".repeat(size / 16);
    yaml(inputs, &format!("a: ENC[AES256_GCM,data:{separators}"))
}

pub fn many_secrets(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file("\"wanted\": \"\",", &metadata).checked(size / 150, "wanted")
}

pub fn many_placeholders(inputs: &mut Inputs, size: usize) -> Made {
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
