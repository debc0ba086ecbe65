//! The rules of `.sops.yaml`: what sops encrypts by them, `sops-nix check` finds right, and what sops would change, it finds wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::random::Random;
use super::sops::Sops;
use super::{Format, number, say, seed, sops_or_skip};

/// Public halves of TEST KEYS.
const RECIPIENTS: [&str; 3] = [
    "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u",
    "age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl",
    "age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05",
];
const PATTERNS: [&str; 18] = [
    "",
    ".*",
    "^a",
    r"\.yaml$",
    r"\.ya?ml$",
    "secrets/",
    "^secrets/",
    r"^secrets/[^/]+\.(yaml|json)$",
    "(?i)SECRETS",
    "a|b",
    r"[[:alpha:]]+\.env$",
    "^$",
    r"^\./",
    "^/",
    "(?P<name>deep)",
    r"\bx\b",
    "ü",
    "a(",
];
const PATHS: [&str; 10] = [
    ".env",
    "a.yaml",
    "a.YML",
    "secrets/db.yaml",
    "secrets/deep/x.json",
    "b.env",
    "x.ini",
    "key",
    "two words/ü.yml",
    "secrets/../c.yaml",
];
const SELECTIONS: [(&str, &str); 4] = [
    ("encrypted_regex", "^(a|data)$"),
    ("unencrypted_regex", "^b$"),
    ("encrypted_suffix", "_x"),
    ("unencrypted_suffix", "_y"),
];

/// A file `.sops.yaml` with one to three rules, of which some are faulty.
fn config(random: &mut Random) -> Value {
    let mut config = good_config(random);
    for rule in config["creation_rules"].as_array_mut().unwrap() {
        if random.chance(20) {
            spoil(random, rule);
        }
    }
    config
}

fn good_config(random: &mut Random) -> Value {
    let rules: Vec<_> = (0..=random.below(3)).map(|_| rule(random)).collect();
    json!({ "creation_rules": rules })
}

/// Changes a rule, so that sops may refuse it, or not do what it says.
fn spoil(random: &mut Random, rule: &mut Value) {
    let (field, value) = match random.below(16) {
        0 => ("age", json!("age1mistyped")),
        1 => ("age", json!(["ssh-ed25519 AAAA"])),
        2 => ("age", json!(5)),
        3 => ("pgp", json!({ "a": "b" })),
        4 => ("kms", json!([7])),
        5 => ("age", json!([RECIPIENTS[0], null])),
        6 => ("hc_vault_transit_uri", json!(true)),
        7 => ("key_groups", json!([{ "age": [RECIPIENTS[0]] }, {}])),
        8 => ("key_groups", json!([{ "age": [RECIPIENTS[0]] }, null])),
        9 => ("key_groups", json!([{ "age": [RECIPIENTS[0], null] }])),
        10 => ("key_groups", json!([{ "age": ["age1mistyped"] }])),
        11 => ("age", json!("")),
        12 => {
            rule["encrypted_suffix"] = json!("_x");
            ("unencrypted_suffix", json!("_y"))
        }
        13 => ("encrypted_suffix", json!(true)),
        _ => (
            "shamir_threshold",
            random.pick(&[json!(1), json!(3), json!(-1), json!(2.0)]).clone(),
        ),
    };
    rule[field] = value;
}

/// Rules that the test key opens, and a rule for every file.
fn usable_config(random: &mut Random) -> Value {
    let mut config = good_config(random);
    let rules = config["creation_rules"].as_array_mut().unwrap();
    rules.retain(|rule| rule["path_regex"] != "a(");
    for rule in rules.iter_mut() {
        for group in rule["key_groups"].as_array_mut().into_iter().flatten() {
            group["age"].as_array_mut().unwrap().push(json!(RECIPIENTS[0]));
        }
        if !rule["age"].is_null() {
            rule["age"] = json!([random.pick(&RECIPIENTS), RECIPIENTS[0]]);
        }
    }
    rules.push(json!({ "age": RECIPIENTS[0] }));
    config
}

fn rule(random: &mut Random) -> Value {
    let mut rule = json!({});
    let pattern = random.pick(&PATTERNS);
    if !pattern.is_empty() {
        rule["path_regex"] = json!(pattern);
    }
    let (one, other) = (*random.pick(&RECIPIENTS), *random.pick(&RECIPIENTS));
    match random.below(5) {
        0 => rule["age"] = json!(format!(" {one}, {other},")),
        1 => rule["age"] = json!([one, other]),
        2 => rule["key_groups"] = json!([{ "age": [one] }, { "age": [other] }]),
        3 => rule["key_groups"] = json!([{ "merge": [{ "age": [one] }], "age": [format!("{one},{other}")] }]),
        _ => rule["age"] = json!(one),
    }
    if random.chance(30) {
        rule["shamir_threshold"] = json!(2);
    }
    if random.chance(40) {
        let (field, value) = random.pick(&SELECTIONS);
        rule[*field] = json!(value);
    }
    if random.chance(20) {
        rule["mac_only_encrypted"] = json!(random.chance(50));
    }
    rule
}

fn text(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap() {
        "ini" => "[s]\na = 1\nb = 2\n",
        "env" => "a=1\nb=2\n",
        "key" | "YML" => "any bytes\n",
        _ => r#"{"a": "1", "b": {"data": "2"}}"#,
    }
}

fn check(directory: &Path, path: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sops-nix"));
    command.args(["check", path]).current_dir(directory).output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What the check prints about the file, without faults of rules that are for other files.
fn of_file(output: &Output) -> String {
    let printed = printed(output);
    let lines = printed.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("error: .sops.yaml: ")).collect()
}

/// What came of one file.
enum Outcome {
    Refused,
    Current,
    Outdated,
}

/// Encrypts a file by one list of rules, and checks it by that list and by another one.
fn judge(sops: &Sops, random: &mut Random, directory: &Path) -> Outcome {
    let path = *random.pick(&PATHS);
    let (first, second) = (config(random), good_config(random));
    let file = directory.join(path);
    fs::create_dir_all(directory.join("secrets/deep")).unwrap();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text(path)).unwrap();
    fs::write(directory.join(".sops.yaml"), first.to_string()).unwrap();
    let encrypted = sops.within(directory, &["encrypt", "--in-place", path]);
    let found = of_file(&check(directory, path));
    let story = format!("{path} by {first}, then by {second}\n{}\n{found}", printed(&encrypted));
    assert_eq!(encrypted.status.success(), found.is_empty(), "{story}");
    if !encrypted.status.success() {
        return Outcome::Refused;
    }
    fs::write(directory.join(".sops.yaml"), second.to_string()).unwrap();
    let found = of_file(&check(directory, path));
    let said = printed(&sops.within(directory, &["updatekeys", "--yes", path]));
    let has = |kinds: [&str; 2]| kinds.iter().any(|kind| found.contains(kind));
    let is_current = said.contains("already up to date");
    let changes = said.contains("changes will be made");
    let story = format!("{story}\n{said}\n{found}");
    assert_eq!(!is_current && !changes, has(["\trule\t", "cannot use "]), "{story}");
    assert!(!is_current || !has(["missing-recipient\t", "extra-recipient\t"]), "{story}");
    // sops also lowers a threshold that does not count, because there is one group.
    let only_threshold = !said.contains("\n+++ age") && !said.contains("\n--- age");
    assert!(
        !changes || only_threshold || has(["missing-recipient\t", "extra-recipient\t"]),
        "{story}"
    );
    if is_current { Outcome::Current } else { Outcome::Outdated }
}

#[test]
fn a_file_is_right_if_sops_has_encrypted_it_by_the_rules() {
    let Some(sops) = sops_or_skip() else { return };
    let seed = seed();
    let mut random = Random::new(seed);
    let wanted = number("INTEROP_RULES").unwrap_or(60);
    say(&format!("rules: INTEROP_SEED={seed}"));
    let mut tally = [0; 3];
    for turn in 0..wanted {
        let directory = sops.file(&format!("rules-{turn}"));
        tally[judge(&sops, &mut random, &directory) as usize] += 1;
    }
    let [refused, current, outdated] = tally;
    say(&format!(
        "rules: {refused} files refused by sops, {current} current by other rules too, {outdated} not"
    ));
    assert!(refused > 0 && outdated > 0);
}

/// Types every command that the check prints, and answers yes. Returns what it prints then.
fn mended(sops: &Sops, directory: &Path, path: &str) -> String {
    let found = check(directory, path);
    let lines = String::from_utf8(found.stdout).unwrap();
    let mut typed: Vec<_> = lines.lines().map(|line| line.split('\t').nth(3).unwrap()).collect();
    typed.dedup();
    for remedy in typed {
        let (_, command) = remedy.split_once("run: ").unwrap_or_else(|| panic!("{remedy}"));
        sops.type_in(directory, command, "y\n");
    }
    printed(&check(directory, path))
}

#[test]
fn what_the_check_tells_to_type_mends_the_file() {
    let Some(sops) = sops_or_skip() else { return };
    let mut random = Random::new(seed());
    for turn in 0..number("INTEROP_RULES").unwrap_or(60) / 4 {
        let directory = sops.file(&format!("mended-{turn}"));
        let path = *random.pick(&PATHS);
        let file = directory.join(path);
        fs::create_dir_all(directory.join("secrets/deep")).unwrap();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text(path)).unwrap();
        for _ in 0..2 {
            let config = usable_config(&mut random).to_string();
            fs::write(directory.join(".sops.yaml"), &config).unwrap();
            let left = mended(&sops, &directory, path);
            assert_eq!(left, "", "{path} by {config}");
        }
    }
}

#[test]
fn a_file_that_sops_cannot_encrypt_anew_stays_as_it_is() {
    let Some(sops) = sops_or_skip() else { return };
    let directory = sops.file("not-anew");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("two words.yaml");
    let rules = |rule: Value| fs::write(directory.join(".sops.yaml"), json!({ "creation_rules": [rule] }).to_string()).unwrap();
    fs::write(&file, text("a.yaml")).unwrap();
    rules(json!({ "age": RECIPIENTS[0] }));
    let encrypted = sops.within(&directory, &["encrypt", "--in-place", "two words.yaml"]);
    assert!(encrypted.status.success(), "{}", printed(&encrypted));
    let before = fs::read(&file).unwrap();
    for recipient in [RECIPIENTS[0], "age1mistyped"] {
        rules(json!({ "age": RECIPIENTS[0], "encrypted_regex": "a" }));
        let found = printed(&check(&directory, "two words.yaml"));
        let line = found.lines().find(|line| line.contains("\tselection\t")).unwrap();
        let command = line.rsplit_once("run: ").unwrap().1;
        rules(json!({ "age": recipient, "encrypted_regex": "a" }));
        // In the first turn, nobody has the key.
        let command = match recipient {
            "age1mistyped" => command.to_owned(),
            _ => format!("export SOPS_AGE_KEY_FILE=/nonexistent; {command}"),
        };
        let typed = sops.typed(&directory, &command, "");
        assert!(!typed.status.success(), "{command}");
        assert_eq!(fs::read(&file).unwrap(), before, "{command}");
    }
}

/// Encrypts this text of `a.json`, and returns the directory.
fn encrypted_json(sops: &Sops, name: &str, text: &str) -> PathBuf {
    let directory = sops.file(name);
    fs::create_dir_all(&directory).unwrap();
    let config = json!({ "creation_rules": [{ "age": RECIPIENTS[0] }] }).to_string();
    fs::write(directory.join(".sops.yaml"), config).unwrap();
    fs::write(directory.join("a.json"), text).unwrap();
    let encrypted = sops.within(&directory, &["encrypt", "--in-place", "a.json"]);
    assert!(encrypted.status.success(), "{}", printed(&encrypted));
    directory
}

/// What a merge by git leaves: a line of an encrypted file that is there twice.
#[test]
fn of_a_key_that_came_twice_one_is_removed_in_a_text_editor() {
    let Some(sops) = sops_or_skip() else { return };
    let directory = encrypted_json(&sops, "twice", r#"{"a": "x", "b": "y"}"#);
    let file = directory.join("a.json");
    let text = fs::read_to_string(&file).unwrap();
    let line = text.split_inclusive('\n').find(|line| line.contains("\"a\":")).unwrap();
    fs::write(&file, text.replacen(line, &line.repeat(2), 1)).unwrap();
    let found = printed(&check(&directory, "a.json"));
    assert!(found.contains("\tremove all but one of them in a text editor; "), "{found}");
    fs::write(&file, text).unwrap();
    assert_eq!(printed(&check(&directory, "a.json")), "");
    assert_eq!(
        sops.decrypt(Format::Json, &file).unwrap(),
        b"{\n\t\"a\": \"x\",\n\t\"b\": \"y\"\n}\n"
    );
}

/// The editor of the test takes the first of the two away.
#[test]
fn of_a_key_that_was_encrypted_twice_one_is_removed_by_the_command_of_the_check() {
    let Some(sops) = sops_or_skip() else { return };
    let directory = encrypted_json(&sops, "encrypted-twice", r#"{"a": "x", "a": "z", "b": "y"}"#);
    let found = printed(&check(&directory, "a.json"));
    let command = found.trim().rsplit_once("run: ").unwrap().1;
    let typed = sops.typed(&directory, &format!("export EDITOR='sed -i 2d'; {command}"), "");
    assert!(typed.status.success(), "{command}: {}", printed(&typed));
    assert_eq!(printed(&check(&directory, "a.json")), "");
    assert_eq!(
        sops.decrypt(Format::Json, &directory.join("a.json")).unwrap(),
        b"{\n\t\"a\": \"z\",\n\t\"b\": \"y\"\n}\n"
    );
}

/// Where sops refuses what is left of a file, so does the check, and what it tells to do is not to encrypt the rest.
#[test]
fn a_file_that_is_cut_off_anywhere_is_found() {
    let Some(sops) = sops_or_skip() else { return };
    for (format, path, text) in [
        (Format::Yaml, "a.yaml", r#"{"a": "x", "b": "y"}"#),
        (Format::Json, "a.json", r#"{"a": "x", "b": "y"}"#),
        (Format::Dotenv, "a.env", "a=x\nb=y\n"),
        (Format::Ini, "a.ini", "[s]\na = x\n"),
    ] {
        let directory = sops.file(&format!("cut-{path}"));
        fs::create_dir_all(&directory).unwrap();
        let config = json!({ "creation_rules": [{ "path_regex": "^a", "age": RECIPIENTS[0] }] }).to_string();
        fs::write(directory.join(".sops.yaml"), config).unwrap();
        let file = directory.join(path);
        fs::write(&file, text).unwrap();
        let encrypted = sops.within(&directory, &["encrypt", "--in-place", path]);
        assert!(encrypted.status.success(), "{}", printed(&encrypted));
        let whole = fs::read(&file).unwrap();
        let first_token = whole.windows(4).position(|part| part == b"ENC[").unwrap();
        for length in (first_token + 4..whole.len()).step_by(7) {
            fs::write(&file, &whole[..length]).unwrap();
            let found = printed(&check(&directory, path));
            if found.is_empty() {
                assert!(sops.decrypt(format, &file).is_ok(), "{path} of {length} bytes");
            }
            assert!(!found.contains("sops encrypt"), "{path} of {length} bytes: {found}");
        }
    }
}
