//! What takes long to read or to print, by format.

use sha2::{Digest as _, Sha512};

use crate::{
    inputs::Inputs,
    made::{Made, flat, ini, json_file, metadata, of_zeros, repeated, with_every_value_open, yaml, yaml_file},
};

pub fn directives(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    let text = format!("{}---\nsops: {metadata}\n", repeated(size, "%TAG !a#! x\n"));
    Made::new("yaml", text)
}

pub fn long_prefix(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    let (prefix, values) = ("x".repeat(size / 2), repeated(size / 2, "!a!b 0,"));
    Made::new("yaml", format!("%TAG !a! {prefix}\n---\nk: [{values}]\nsops: {metadata}\n"))
}

pub fn deep_brackets(inputs: &mut Inputs, size: usize) -> Made {
    let (open, close) = ("[".repeat(190), "]".repeat(190));
    yaml(inputs, &format!("k: {open}\n{}\n{close}", repeated(size, "0,")))
}

pub fn wide_keys(inputs: &mut Inputs, size: usize) -> Made {
    let line = format!("[{}],\n", "ä,".repeat(500));
    yaml(inputs, &format!("k: [\n{}]", repeated(size, &line)))
}

pub fn columns(inputs: &mut Inputs, size: usize) -> Made {
    let blocks: Vec<_> = (0..190).map(|depth| format!("{}k:\n", " ".repeat(depth))).collect();
    let blocks = blocks.concat();
    let comments = repeated(size, &format!("{}#\n{}#\n", " ".repeat(3), " ".repeat(2)));
    yaml(inputs, &format!("{blocks}{}0\n{comments}", " ".repeat(190)))
}

pub fn blank_comments(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &repeated(size, &format!("#\n{}", "\n".repeat(511))))
}

pub fn documents(inputs: &mut Inputs, size: usize) -> Made {
    let made = yaml(inputs, "k: 0");
    Made {
        text: made.text.clone() + &repeated(size, "---\na: 0\n"),
        ..made
    }
}

pub fn aliases(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &format!("a: &a [0]\nb: [{}]", repeated(size, "*a,")))
}

pub fn anchors(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &format!("b: [{}]", repeated(size, "&a# 0,")))
}

pub fn lines(inputs: &mut Inputs, size: usize) -> Made {
    yaml(
        inputs,
        &format!(
            "a: |\n{}b: >\n{}",
            repeated(size / 2, "  x\n\n"),
            repeated(size / 2, "  x\n\n")
        ),
    )
}

pub fn escapes(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &format!("a: \"{}\"", repeated(size, "\\x41 \\\n")))
}

pub fn yaml_floats(inputs: &mut Inputs, size: usize) -> Made {
    yaml(inputs, &format!("a: [{}]", repeated(size, "5e-324,")))
}

pub fn json_floats(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&format!("\"a\": [{}0],", repeated(size, "5e-324,")), &metadata)
}

pub fn long_floats(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    let float = format!("0.{}e-300,", "1234567".repeat(110));
    json_file(&format!("\"a\": [{}0],", repeated(size, &float)), &metadata)
}

pub fn one_name(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&repeated(size, "\"a\": 0,"), &metadata)
}

pub fn small_values(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&format!("\"a\": [{}0],", repeated(size, "0,")), &metadata)
}

pub fn large_integers(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    json_file(&format!("\"a\": [{}0],", repeated(size, "9007199254740993,")), &metadata)
}

pub fn deep_json(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = of_zeros(inputs, size / 2);
    let zeros = vec!["0"; size / 2].join(",");
    json_file(&format!("\"a\": {}{zeros}{},", "[".repeat(120), "]".repeat(120)), &metadata).whole()
}

pub fn deep_yaml(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = of_zeros(inputs, size / 2);
    let zeros = vec!["0"; size / 2].join(",");
    yaml_file(&format!("a: {}{zeros}{}", "[".repeat(190), "]".repeat(190)), &metadata).whole()
}

pub fn deep_lines(inputs: &mut Inputs, size: usize) -> Made {
    let value = "x\n".repeat(size / 3);
    let metadata = with_every_value_open(inputs.metadata(Sha512::new_with_prefix(&value)));
    let value = value.replace('\n', "\\n");
    yaml_file(&format!("a: {}\"{value}\"{}", "{a: ".repeat(190), "}".repeat(190)), &metadata).whole()
}

pub fn long_ini_name(inputs: &mut Inputs, size: usize) -> Made {
    let lines = repeated(size / 2, "k#=0\n") + &"k".repeat(size / 2) + "=0\n";
    let metadata = of_zeros(inputs, lines.matches("=0\n").count());
    Made::new("ini", format!("[s]\n{lines}[sops]\n{}", flat(&metadata, ""))).whole()
}

pub fn sections(inputs: &mut Inputs, size: usize) -> Made {
    ini(inputs, &repeated(size, "[s#]\n-=0\n-=0\n"))
}

pub fn ini_lines(inputs: &mut Inputs, size: usize) -> Made {
    let lines = repeated(size / 2, "#\n") + "k=\\\n" + &repeated(size / 2, "x\\\n");
    ini(inputs, &lines)
}

pub fn ini_quotes(inputs: &mut Inputs, size: usize) -> Made {
    ini(inputs, &("k=`\n".to_owned() + &repeated(size, "\"\"\"`\\\n")))
}

pub fn env_lines(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = flat(&metadata(inputs), "sops_");
    Made::new("dotenv", repeated(size, "k#=\\n\\n\n") + &metadata)
}

pub fn env_metadata(inputs: &mut Inputs, size: usize) -> Made {
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

/// Lines whose names have as many levels as a name may have.
fn deep_names(size: usize, prefix: &str) -> String {
    repeated(size, &format!("{prefix}a#{}=0\n", "__map_".repeat(31)))
}

pub fn env_deep_metadata(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = flat(&metadata(inputs), "sops_");
    Made::new("dotenv", deep_names(size, "sops_") + &metadata)
}

pub fn ini_deep_metadata(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = flat(&metadata(inputs), "");
    Made::new("ini", format!("[sops]\n{}{metadata}", deep_names(size, "")))
}

/// Metadata fields that nobody needs. In this format, the section is nested already, so its fields are not flattened.
pub fn json_metadata(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs).to_string();
    let fields = repeated(size, "\"a#\":{\"b\":[0]},");
    Made::new("json", format!("{{\"sops\": {{{fields}{}}}", &metadata[1..]))
}

pub fn yaml_metadata(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs).to_string();
    let fields = repeated(size, "a#: {b: [0]},");
    Made::new("yaml", format!("sops: {{{fields}{}\n", &metadata[1..]))
}
