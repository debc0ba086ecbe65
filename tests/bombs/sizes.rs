//! Inputs with great depth, number or length, up to the limits and beyond.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    bounded::{Ended, run},
    common::{Manifest, World, say, token},
    files::{FORMATS, manifest, with_keys},
    inputs::Inputs,
    is_full, scaled,
};

/// Limit: a sops file has at most 1 GiB.
const LARGEST: u64 = 1 << 30;

/// A world, and an encryptor of files.
fn world() -> (World, TempDir, Inputs) {
    let directory = tempfile::tempdir().unwrap();
    let inputs = Inputs::new(directory.path());
    (World::user(), directory, inputs)
}

/// Runs with one secret from `text`, and expects an error that ends with `problem`.
fn refused(world: &World, what: &str, name: &str, text: impl AsRef<[u8]>, memory: usize, problem: &str) {
    let file = world.write(name, text);
    refused_file(world, what, &file, memory, problem);
}

fn refused_file(world: &World, what: &str, file: &Path, memory: usize, problem: &str) {
    let ended = run(
        world,
        what,
        &world
            .manifest()
            .with("version", 1)
            .with("maxSize", 1024)
            .secret("s", file, ""),
        memory,
    );
    let message = ended.err.lines().next().unwrap_or_default();
    assert!(ended.code == Some(1), "{what}: {message}");
    let message: String = message.chars().take(1000).collect();
    // If the error has a command, the command ends with the name of the file. That name is a path in the world's directory.
    let end = message.rsplit_once("$DIR/").map_or("", |(before, _)| before);
    assert!(
        [message.as_str(), end].iter().any(|message| message.ends_with(problem)),
        "{what}: {message}"
    );
}

/// Runs, and expects success without a message.
fn works(world: &World, what: &str, manifest: &Manifest, memory: usize) -> Ended {
    let ended = run(world, what, manifest, memory);
    let message: String = ended.err.chars().take(1000).collect();
    assert_eq!((ended.code, message.as_str()), (Some(0), ""), "{what}");
    ended
}

const DECLARE: &str = "; correct that line; then in the directory of .sops.yaml run: sops encrypt --in-place ";
const NO_METADATA: &str = "it was never encrypted; in the directory of .sops.yaml run: sops encrypt --in-place ";

#[test]
fn nesting_of_a_million_levels_is_an_error() {
    let world = World::user();
    let levels = 1_000_000;
    for (what, name, text) in [
        ("YAML flow lists", "deep.yaml", "k: ".to_owned() + &"[".repeat(levels)),
        ("YAML flow maps", "deep.yaml", "{a: ".repeat(levels)),
        ("YAML lists in lists", "deep.yaml", "- ".repeat(levels)),
        ("YAML keys of keys", "deep.yaml", "? ".repeat(levels)),
    ] {
        let problem = format!("line 1: collections are nested more than 200 levels deep{DECLARE}");
        refused(&world, &format!("{levels} levels: {what}"), name, text, 256, &problem);
    }
    for (what, text) in [
        ("JSON lists", "{\"k\": ".to_owned() + &"[".repeat(levels)),
        ("JSON objects", "{\"k\": ".repeat(levels)),
    ] {
        refused(&world, &format!("{levels} levels: {what}"), "deep.json", text, 256, DECLARE);
    }
    let text = format!("sops_{}=1\n", "a__map_".repeat(levels));
    let problem = format!(
        "the metadata key {}… is nested too deeply; restore the file from version control",
        "a__map_".repeat(6).split_at(40).0
    );
    refused(
        &world,
        &format!("{levels} levels: dotenv metadata"),
        "deep.env",
        text,
        256,
        &problem,
    );
}

#[test]
fn aliases_cannot_multiply_without_end() {
    let world = World::user();
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..20 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text.extend([format!("a{level}: &a{level} [{aliases}]\n")]);
    }
    refused(
        &world,
        "alias bomb: lists",
        "bomb.yaml",
        text,
        256,
        &format!("line 1: its aliases expand to more than 16 MiB{DECLARE}"),
    );
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(100_000));
    refused(
        &world,
        "alias bomb: one text",
        "bomb.yaml",
        text,
        256,
        &format!("line 1: its aliases expand to more than 16 MiB{DECLARE}"),
    );
}

#[test]
fn a_gibibyte_is_the_most() {
    let world = World::user();
    let file = world.write("sparse.yaml", "");
    let sparse = File::options().write(true).open(&file).unwrap();
    sparse.set_len(LARGEST + 1).unwrap();
    refused_file(
        &world,
        "1 GiB and a byte, sparse",
        &file,
        64,
        "(needed by secret s): it is larger than 1024 MiB; raise sops.maxSize",
    );
    sparse.set_len(u64::from(u32::MAX) << 10).unwrap();
    refused_file(
        &world,
        "4 TiB, sparse",
        &file,
        64,
        "(needed by secret s): it is larger than 1024 MiB; raise sops.maxSize",
    );
    if is_full() {
        sparse.set_len(LARGEST).unwrap();
        refused_file(&world, "1 GiB, sparse", &file, 2048, DECLARE);
        let mut file = File::create(world.write("real.json", "")).unwrap();
        file.write_all(b"{\"k\": \"").unwrap();
        (0..1023).for_each(|_| file.write_all(&vec![b'x'; 1 << 20]).unwrap());
        file.write_all(b"\"}").unwrap();
        refused_file(&world, "1023 MiB, JSON", &world.input("real.json"), 3072, NO_METADATA);
    }
}

#[test]
fn files_that_no_key_opens_do_not_add_up_in_memory() {
    let world = World::user();
    let (size, memory) = if is_full() { (100, 450) } else { (24, 128) };
    let foreign = std::fs::read_to_string(world.fixture("to-pgp.json")).unwrap();
    let (_, rest) = foreign.split_once('{').unwrap();
    let text = format!("{{\"padding\": \"{}\", {rest}", "x".repeat(size << 20));
    for count in [4, 8] {
        let manifest = (0..count).fold(world.manifest(), |manifest, number| {
            let file = world.write(&format!("{number}.json"), &text);
            manifest.secret(&number.to_string(), &file, "padding")
        });
        let ended = run(&world, &format!("{count} foreign files of {size} MiB"), &manifest, memory);
        let closed = ended.err.matches("error: cannot decrypt").count();
        assert_eq!((ended.code, closed), (Some(1), count), "{}", ended.err);
    }
}

#[test]
fn a_line_can_be_long() {
    let (world, _directory, mut inputs) = world();
    let line = "x".repeat(scaled(100 << 20));
    let size = format!("a line of {} MiB", line.len() >> 20);
    for (name, text) in [
        ("line.yaml", format!("k: {line}\n")),
        ("line.json", format!("{{\"k\": \"{line}\"}}")),
        ("line.env", format!("k={line}")),
        ("line.ini", format!("[s]\nk = {line}")),
        ("line.bin", format!("{{\"data\": \"{line}\"}}")),
    ] {
        refused(&world, &format!("{size}: {name}"), name, text, 1024, NO_METADATA);
    }
    for (name, problem) in [
        ("line.env", "line 1: neither a comment nor `KEY=value`"),
        ("line.ini", "line 1: neither a key nor a section"),
    ] {
        refused(
            &world,
            &format!("{size}, and nothing else: {name}"),
            name,
            &line,
            1024,
            &format!("{problem}{DECLARE}"),
        );
    }
    let file = inputs.binary("line.bin", line.len() / 4 * 3);
    let file = world.write("good.bin", std::fs::read(file).unwrap());
    let manifest = manifest(&world, &inputs).secret("s", &file, "");
    works(&world, &format!("{size}: a binary file that opens"), &manifest, 1024);
}

#[test]
fn there_can_be_a_million_keys() {
    let (world, _directory, mut inputs) = world();
    let count = scaled(1_000_000);
    for suffix in FORMATS {
        let file = with_keys(&world, &mut inputs, suffix, count);
        let key = if ["yaml", "json"].contains(&suffix) {
            "k7_unencrypted"
        } else {
            ""
        };
        let manifest = manifest(&world, &inputs).secret("s", &file, key);
        works(&world, &format!("{count} keys: {suffix}"), &manifest, 2048);
    }
}

#[test]
fn a_list_can_have_a_hundred_thousand_entries() {
    let (world, _directory, mut inputs) = world();
    let count = scaled(100_000).max(10_000);
    let file = with_keys(&world, &mut inputs, "yaml", 1);
    let text = std::fs::read_to_string(file).unwrap();
    let list = format!("l:{}\n", "\n- \"\"".repeat(count));
    let file = world.write("list.yaml", list + &text);
    works(
        &world,
        &format!("a list of {count}"),
        &manifest(&world, &inputs).secret("s", &file, ""),
        512,
    );
}

#[test]
fn a_file_can_name_ten_thousand_recipients_and_no_more() {
    let (world, _directory, mut inputs) = world();
    let file = with_keys(&world, &mut inputs, "json", 1);
    let mut file: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let own = file["sops"]["age"][0].clone();
    let other = age::encrypt_and_armor(&age::x25519::Identity::generate().to_public(), &[7; 32]).unwrap();
    let mut with = |strangers: usize, ours: &[serde_json::Value]| {
        let others = (0..strangers).map(|number| json!({"recipient": format!("age1x{number}"), "enc": other}));
        file["sops"]["age"] = others.chain(ours.iter().cloned()).collect();
        world.write(&format!("{strangers}.json"), file.to_string())
    };
    let own = std::slice::from_ref(&own);
    let of = |file: PathBuf| manifest(&world, &inputs).secret("s", &file, "k0_unencrypted");
    works(&world, "9,999 recipients and ours", &of(with(9_999, own)), 256);
    let ended = run(&world, "10,000 recipients, none of them ours", &of(with(10_000, &[])), 256);
    assert_eq!(ended.code, Some(1));
    let ended = run(&world, "100,000 recipients and ours", &of(with(100_000, own)), 1024);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains(
            "the sops metadata names more than 10000 keys; restore the file from version control, or name fewer recipients in .sops.yaml, \
             and in the directory of .sops.yaml run: sops updatekeys "
        ),
        "{}",
        ended.err
    );
}

#[test]
fn flat_metadata_has_room_for_ten_thousand_keys_and_not_for_a_hundred_thousand_other_lines() {
    let (world, _directory, mut inputs) = world();
    let of_kms = ["arn", "role", "aws_profile", "context__map_Env", "created_at", "enc"];
    for (suffix, prefix, key) in [("env", "sops_", "k0_unencrypted"), ("ini", "", "s/k0_unencrypted")] {
        let text = std::fs::read_to_string(with_keys(&world, &mut inputs, suffix, 1)).unwrap();
        let keys = (0..9_999).flat_map(|number| of_kms.map(|field| format!("{prefix}kms__list_{number}__map_{field}=x\n")));
        let file = world.write(&format!("kms.{suffix}"), text.clone() + &keys.collect::<String>());
        let secret = manifest(&world, &inputs).secret("s", &file, key);
        works(&world, &format!("9,999 keys of KMS and ours: {suffix}"), &secret, 256);
        let lines: Vec<_> = (0..100_000).map(|number| format!("{prefix}x{number}__map_x=0\n")).collect();
        refused(
            &world,
            &format!("100,000 lines of metadata: {suffix}"),
            &format!("lines.{suffix}"),
            text + &lines.concat(),
            256,
            "the sops metadata has more than 100000 lines; restore the file from version control",
        );
    }
}

#[test]
fn a_manifest_can_have_a_hundred_thousand_secrets() {
    let (world, _directory, mut inputs) = world();
    let count = scaled(100_000);
    let file = with_keys(&world, &mut inputs, "json", count);
    let mut manifest = manifest(&world, &inputs).without("logging");
    for number in 0..count {
        manifest = manifest.secret(&format!("s{number}"), &file, &format!("k{number}_unencrypted"));
    }
    works(&world, &format!("{count} secrets"), &manifest, 1024);
}

#[test]
fn a_large_secret_takes_half_as_much_memory_again() {
    let (world, _directory, mut inputs) = world();
    let mebibytes = if is_full() { 256 } else { 24 };
    let file = inputs.binary("large.bin", mebibytes << 20);
    let file = world.write("large.bin", std::fs::read(file).unwrap());
    let manifest = manifest(&world, &inputs).secret_with("s", &file, "", json!({"format": "binary"}));
    let what = format!("a secret of {mebibytes} MiB");
    let ended = works(&world, &what, &manifest.with("maxSize", 512), 2048);
    let most = mebibytes + mebibytes / 2 + 12;
    assert!(ended.peak <= most, "{what}: {} MiB, and not {most}", ended.peak);
}

#[test]
fn a_whole_file_of_text_takes_half_as_much_memory_again() {
    let (world, _directory, mut inputs) = world();
    let mebibytes = if is_full() { 100 } else { 24 };
    let file = inputs.json("text.json", mebibytes, 1 << 20);
    let file = world.write("text.json", std::fs::read(file).unwrap());
    for format in ["json", "yaml"] {
        let manifest = manifest(&world, &inputs).secret_with("s", &file, "", json!({"format": format}));
        let what = format!("a whole file of {mebibytes} MiB as {format}");
        let ended = works(&world, &what, &manifest, 2048);
        let most = mebibytes + mebibytes / 2 + 12;
        assert!(ended.peak <= most, "{what}: {} MiB, and not {most}", ended.peak);
    }
}

#[test]
fn a_template_can_have_64_mib() {
    let (world, _directory, mut inputs) = world();
    let file = with_keys(&world, &mut inputs, "json", 1);
    let size = scaled(64 << 20);
    let secret = manifest(&world, &inputs).secret("s", &file, "k0_unencrypted");
    let template = |text: &[u8]| {
        let file = world.write("template", text);
        secret.clone().template("t", "", json!({"file": file.to_str().unwrap()}))
    };
    let mebibytes = size >> 20;
    works(
        &world,
        &format!("a template of {mebibytes} MiB"),
        &template(&vec![b'x'; size]),
        1024,
    );
    let token = token("s");
    let tokens = token.repeat(size / token.len());
    works(
        &world,
        &format!("a template of {mebibytes} MiB, all tokens"),
        &template(tokens.as_bytes()),
        1024,
    );
    let half = "<SOPS:".repeat(size / 6);
    works(
        &world,
        &format!("a template of {mebibytes} MiB, all beginnings of tokens"),
        &template(half.as_bytes()),
        1024,
    );
    let ended = run(
        &world,
        "a template of more than 64 MiB",
        &template(&vec![b'x'; (64 << 20) + 1]),
        512,
    );
    let problem = "error: template \"t\": cannot read its file $DIR/template: it is larger than 64 MiB\n";
    assert!(ended.err.starts_with(problem), "{}", ended.err);
    if !is_full() {
        say("the sizes are a 64th of those that BOMBS=full has");
    }
}
