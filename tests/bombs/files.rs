//! Makes sops files of any size in any format. No value is encrypted, because these tests are about the number of values and not
//! about the cipher.

use std::path::PathBuf;

use sha2::{Digest as _, Sha512};

use crate::{
    common::{Manifest, World},
    inputs::Inputs,
};

/// The formats whose files can have many keys, by the suffixes of such files.
pub const FORMATS: [&str; 4] = ["yaml", "json", "env", "ini"];

/// A manifest for user mode with the key of `inputs`.
pub fn manifest(world: &World, inputs: &Inputs) -> Manifest {
    let key = world.write("own-key.txt", std::fs::read(inputs.key_file()).unwrap());
    world.manifest().with("ageKeyFile", key.to_str().unwrap())
}

/// A file with `count` keys. The key of `inputs` opens it.
pub fn with_keys(world: &World, inputs: &mut Inputs, suffix: &str, count: usize) -> PathBuf {
    let values: Vec<_> = (0..count).map(|number| (format!("k{number}_unencrypted"), "v")).collect();
    let mut mac = Sha512::new();
    for (_, value) in &values {
        mac.update(value);
    }
    let metadata = inputs.metadata(mac);
    let lines = |line: fn(&str, &str) -> String| values.iter().map(|(key, value)| line(key, value)).collect::<String>();
    let text = match suffix {
        "yaml" => lines(|key, value| format!("{key}: {value}\n")) + &format!("sops: {metadata}\n"),
        "json" => {
            let members = lines(|key, value| format!("\"{key}\": \"{value}\",\n"));
            format!("{{{members}\"sops\": {metadata}}}")
        }
        "env" => lines(|key, value| format!("{key}={value}\n")) + &flat(&metadata, "sops_", "="),
        "ini" => format!(
            "[s]\n{}[sops]\n{}",
            lines(|key, value| format!("{key} = {value}\n")),
            flat(&metadata, "", " = ")
        ),
        other => panic!("no such format: {other}"),
    };
    world.write(&format!("keys.{suffix}"), text)
}

/// The metadata with one age recipient, as flat keys.
fn flat(metadata: &serde_json::Value, prefix: &str, joint: &str) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap().replace('\n', "\\n");
    let age = &metadata["age"][0];
    let fields = [
        ("age__list_0__map_enc", text(&age["enc"])),
        ("age__list_0__map_recipient", text(&age["recipient"])),
        ("lastmodified", text(&metadata["lastmodified"])),
        ("mac", text(&metadata["mac"])),
        ("unencrypted_suffix", text(&metadata["unencrypted_suffix"])),
    ];
    fields
        .iter()
        .flat_map(|(key, value)| [prefix, key, joint, value, "\n"])
        .collect()
}
