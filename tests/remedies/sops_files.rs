//! The remedies for sops files that cannot be used, or cannot be decrypted.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::scene::{OTHER, Scene, change};
use crate::{Row, mended, named};

/// The words in a message for the directory from which sops finds its rules.
const RULES: &str = "in the directory of .sops.yaml";

pub const ROWS: &[Row] = &[
    mended("restore the file from version control", an_older_state_is_restored),
    mended(
        "{RESTORE}; to write a new file instead, remove the empty one, and",
        an_empty_file_is_written_anew,
    ),
    mended("iconv -f {kind}", utf_16_is_converted),
    mended(r"sed -i '1s/^\xEF\xBB\xBF//'", a_mark_is_taken_out),
    mended(r"sed -i 's/\r$//'", line_ends_of_windows_are_mended),
    mended(r"sed -i 's/\r/\n/g'", lone_returns_are_mended),
    mended(
        "restore one side of the conflict; while git is still merging",
        one_side_of_a_conflict_is_kept,
    ),
    mended("checkout --ours --", one_side_of_a_conflict_is_kept),
    mended("set format = \\\"{other}\\\" for the secrets", the_format_is_declared),
    mended("set format = \\\"json\\\"", json_is_no_binary_file),
    mended("remove the line that was added", a_repeated_key_is_removed),
    mended("move one of them to a file of its own", joined_files_are_parted),
    mended(
        "put the value below a key, because sops encrypts only maps",
        a_list_is_put_below_a_key,
    ),
    mended("{first}; then {encrypt}", a_bad_line_is_corrected_first),
    mended("correct sopsFile", a_file_that_is_not_there_is_named_otherwise),
    mended(
        "restore the file, or correct sopsFile",
        a_file_that_is_not_there_is_named_otherwise,
    ),
    mended(
        "correct sopsFile, or the owner and mode",
        a_file_that_is_not_there_is_named_otherwise,
    ),
    mended(
        "put quotes around such a key; then {encrypt}",
        a_number_that_is_a_key_gets_quotes,
    ),
    mended("remove the value by hand", a_value_that_is_not_encrypted_is_added_again),
    mended("remove that key by hand", a_value_that_is_not_encrypted_is_added_again),
    mended(
        "move that document to a file of its own, without the line --- above it",
        joined_documents_are_parted,
    ),
    mended("if you have checked the change and accept it", a_change_is_accepted),
    mended("run{place}: {}", strange_names_are_quoted),
    mended("in the directory of .sops.yaml ", a_plain_file_is_encrypted),
    mended("{RESTORE}, or choose a simpler pattern", an_older_state_is_restored),
    mended("{RESTORE}, or shorten the keys", an_older_state_is_restored),
    mended(
        "{RESTORE}, or name fewer recipients in .sops.yaml",
        a_file_gets_fewer_recipients,
    ),
    mended("edit --ignore-mac", a_value_that_is_not_encrypted_is_added_again),
    mended("--ignore-mac --rotate --in-place", a_change_is_accepted),
    mended("encrypt --in-place", a_plain_file_is_encrypted),
    mended(" --input-type {format} --output-type {format}", a_plain_file_is_encrypted),
    mended("sops {arguments}{types} {file}", a_plain_file_is_encrypted),
    mended("git {directory}{arguments} {}", one_side_of_a_conflict_is_kept),
    mended("-C {} ", one_side_of_a_conflict_is_kept),
    mended("correct that line", a_bad_line_is_corrected_first),
    mended(
        " where it was built from",
        a_file_of_the_store_is_mended_where_it_was_built_from,
    ),
    named(
        "look at what was changed in the file",
        "a disk that does not answer is none that can be mended here",
        &[],
    ),
    named(
        "repair those files first",
        "it follows from the line above, which is told of each",
        &[],
    ),
    named(
        "run this again",
        "somebody has to hit an instant, and has it behind them in the next run",
        &[],
    ),
];

const PLAIN: &str = "a: one\nn_unencrypted: 1\n";

/// A host with the secret `a` from a good file.
fn with_file(name: &str, plain: &str, key: &str) -> Option<(Scene, PathBuf)> {
    let mut scene = Scene::new()?;
    let path = scene.encrypted(name, plain);
    scene.declare(&path, key, json!({}));
    scene.is_mended();
    Some((scene, path))
}

/// Damages a file, does what the message says, and checks that the secret is published again.
fn damage_and_mend(name: &str, plain: &str, key: &str, words: &str, damage: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let Some((scene, path)) = with_file(name, plain, key) else {
        return;
    };
    let before = scene.secret();
    let text = fs::read(&path).unwrap();
    fs::write(&path, damage(text)).unwrap();
    let line = scene.says(words);
    scene.does(&line);
    scene.is_mended();
    assert_eq!(scene.secret(), before, "{name}");
}

/// Encodes a text as UTF-16 with a byte order mark. In each character, the lower byte comes first.
fn utf_16(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

const FORMATS: [(&str, &str); 5] = [
    ("f.yaml", "a: one\n"),
    ("f.json", "{\"a\": \"one\"}"),
    ("f.env", "A=one\n#c\n"),
    ("f.ini", "[s]\na = one\n"),
    ("f.bin", "one\n"),
];

fn utf_16_is_converted() {
    for (name, plain) in FORMATS {
        // A binary file can contain any bytes, but sops writes it as JSON.
        damage_and_mend(name, plain, "", "it was saved as UTF-16", |text| utf_16(&text));
        let without_mark = |text: Vec<u8>| utf_16(&text)[2..].to_vec();
        damage_and_mend(name, plain, "", "it was saved as UTF-16", without_mark);
    }
}

fn a_mark_is_taken_out() {
    for (name, plain) in [FORMATS[1], FORMATS[2], FORMATS[4]] {
        damage_and_mend(name, plain, "", "it begins with a byte order mark", |text| {
            [b"\xEF\xBB\xBF".as_slice(), &text].concat()
        });
    }
}

/// Tests in which formats other line ends do no harm, in comparison with the real sops.
fn line_ends(name: &str, plain: &str, words: &str, end: &str) {
    let Some((scene, path)) = with_file(name, plain, "") else {
        return;
    };
    let before = scene.secret();
    change(&path, |text| text.replace('\n', end));
    if scene.tries(&format!("sops decrypt '{}'", path.display())).code == Some(0) {
        scene.is_mended();
        assert_eq!(scene.secret(), before);
        return;
    }
    let line = scene.says(words);
    scene.does(&line);
    scene.is_mended();
    assert_eq!(scene.secret(), before, "{name}");
}

fn line_ends_of_windows_are_mended() {
    for (name, plain) in FORMATS {
        line_ends(name, plain, "its lines end in CR LF", "\r\n");
    }
}

fn lone_returns_are_mended() {
    for (name, plain) in FORMATS {
        line_ends(name, plain, "its lines end in CR, not in LF", "\r");
    }
}

fn git(scene: &Scene, arguments: &str) {
    let identity = "-c user.name=t -c user.email=t@example.invalid -c init.defaultBranch=main";
    let said = scene.tries(&format!("git {identity} {arguments}"));
    assert!(
        said.code == Some(0) || arguments.starts_with("merge"),
        "{arguments}: {said:?}"
    );
}

fn an_older_state_is_restored() {
    let changes: [fn(String) -> String; 6] = [
        |text| text.replacen("data:", "data:AAAA", 1),
        |text| text.replace("version: ", "version "),
        |text| text[..text.len() / 3].to_owned(),
        |text| text.replace("    lastmodified: ", "    modified: "),
        |text| text.replace("iv:", "iv:!"),
        |text| text.replace("a: ENC", "b: ENC"),
    ];
    for damage in changes {
        let Some((scene, path)) = with_file("f.yaml", PLAIN, "a") else {
            return;
        };
        git(&scene, "init --quiet");
        git(&scene, "add f.yaml");
        git(&scene, "commit --quiet --message whole");
        change(&path, damage);
        scene.says("restore the file from version control");
        git(&scene, "checkout --quiet -- f.yaml");
        scene.is_mended();
    }
}

fn a_file_gets_fewer_recipients() {
    let Some((scene, path)) = with_file("f.json", r#"{"a": "one"}"#, "a") else {
        return;
    };
    change(&path, |text| {
        let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
        let recipients = file["sops"]["age"].as_array_mut().unwrap();
        let mut other = recipients[0].clone();
        other["recipient"] = json!(OTHER);
        recipients.resize(10_001, other);
        file.to_string()
    });
    let line = scene.says("the sops metadata names more than 10000 keys");
    scene.types(&format!("yes | {{ {}; }}", crate::scene::command(&line)));
    scene.is_mended();
    assert_eq!(scene.secret(), "one");
}

fn an_empty_file_is_written_anew() {
    let Some((mut scene, path)) = with_file("f.yaml", PLAIN, "a") else {
        return;
    };
    fs::write(&path, "\n").unwrap();
    let line = scene.says("it is empty");
    fs::remove_file(&path).unwrap();
    scene.will_write("a: two\n");
    scene.does_by_rules(&line, RULES, str::to_owned);
    scene.is_mended();
    assert_eq!(scene.secret(), "two");
}

fn one_side_of_a_conflict_is_kept() {
    let Some((scene, path)) = with_file("f.yaml", PLAIN, "a") else {
        return;
    };
    git(&scene, "init --quiet");
    let commit = |message: &str| {
        git(&scene, "add f.yaml");
        git(&scene, &format!("commit --quiet --message {message}"));
    };
    commit("base");
    git(&scene, "checkout --quiet -b theirs");
    scene.types("sops set f.yaml '[\"a\"]' '\"theirs\"'");
    commit("theirs");
    git(&scene, "checkout --quiet main");
    scene.types("sops set f.yaml '[\"a\"]' '\"ours\"'");
    commit("ours");
    git(&scene, "merge --quiet theirs");
    assert!(fs::read_to_string(&path).unwrap().contains("<<<<<<< "));
    let line = scene.says(": git left a merge conflict");
    scene.does(&line);
    scene.is_mended();
    assert_eq!(scene.secret(), "ours");
}

fn the_format_is_declared() {
    for (name, plain) in FORMATS {
        let own = match name.rsplit_once('.').unwrap().1 {
            "env" => "dotenv",
            "bin" => "binary",
            other => other,
        };
        for declared in ["yaml", "json", "dotenv", "ini", "binary"] {
            let Some((mut scene, _)) = with_file(name, plain, "") else {
                return;
            };
            scene.redeclare("format", declared);
            let said = scene.run();
            let Some((_, behind)) = said.err.split_once("set format = \"") else {
                // Every JSON text is also YAML, and sops writes a binary file as JSON.
                assert_eq!(said.code, Some(0), "{name} as {declared}: {said:?}");
                continue;
            };
            let told = behind.split_once('"').unwrap().0;
            assert_eq!(told, own, "{name} as {declared}");
            scene.redeclare("format", told);
            scene.is_mended();
        }
    }
}

fn json_is_no_binary_file() {
    let Some((mut scene, _)) = with_file("f.json", "{\"a\": \"one\"}", "a") else {
        return;
    };
    scene.redeclare("format", "binary");
    scene.says("the file has no key \"data\", but every binary file has one; set format = \"json\"");
    scene.redeclare("format", "json");
    scene.is_mended();
}

fn a_repeated_key_is_removed() {
    let Some((scene, path)) = with_file("f.yaml", PLAIN, "a") else {
        return;
    };
    change(&path, |text| {
        text.replace("n_unencrypted: 1\n", "n_unencrypted: 1\nn_unencrypted: 2\n")
    });
    let line = scene.says("remove the line that was added");
    let number = line.split_once("line ").unwrap().1.split_once(':').unwrap().0;
    scene.types(&format!("sed -i {number}d '{}'", path.display()));
    scene.is_mended();
}

fn joined_files_are_parted() {
    for (name, plain) in [FORMATS[0], FORMATS[1], FORMATS[2], FORMATS[4]] {
        let Some((scene, path)) = with_file(name, plain, "") else {
            return;
        };
        let whole = fs::read_to_string(&path).unwrap();
        let second = scene.encrypted(&format!("second-{name}"), &plain.replace('a', "b").replace('A', "B"));
        let joined = whole.clone() + &fs::read_to_string(second).unwrap();
        fs::write(&path, joined).unwrap();
        scene.says("move one of them to a file of its own");
        fs::write(&path, whole).unwrap();
        scene.is_mended();
    }
}

fn a_list_is_put_below_a_key() {
    for (name, plain, below, key) in [
        ("f.yaml", "- one\n- two\n", "a:\n- one\n- two\n", "[\"a\"][0]"),
        ("f.json", "[\"one\"]", "{\"a\": [\"one\"]}", "[\"a\"][0]"),
        ("f.yaml", "one\n", "a: one\n", "a"),
    ] {
        let Some(mut scene) = Scene::new() else { return };
        let path = scene.world.write(name, plain);
        scene.declare(&path, key, json!({}));
        let line = scene.says("put the value below a key, because sops encrypts only maps");
        fs::write(&path, below).unwrap();
        scene.does(&line);
        scene.is_mended();
        assert_eq!(scene.secret(), "one");
    }
}

fn a_bad_line_is_corrected_first() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.world.write("f.yaml", "a: one\nb\n");
    scene.declare(&path, "a", json!({}));
    let line = scene.says("correct that line; then ");
    fs::write(&path, "a: one\nb: two\n").unwrap();
    scene.does(&line);
    scene.is_mended();
}

fn a_plain_file_is_encrypted() {
    // The name of the last file has an ending that means another format to sops.
    for (name, plain, format) in [
        ("f.yaml", "a: one\n", "yaml"),
        ("f.json", "{\"a\": \"one\"}", "json"),
        ("f.env", "A=one\n", "dotenv"),
        ("f.ini", "[s]\na = one\n", "ini"),
        ("f.bin", "\u{1}one\n", "binary"),
        ("secrets", "a: one\n", "yaml"),
    ] {
        let Some(mut scene) = Scene::new() else { return };
        let path = scene.world.write(name, plain);
        scene.declare(&path, "", json!({"format": format}));
        let line = scene.says("it was never encrypted");
        scene.does_by_rules(&line, RULES, str::to_owned);
        scene.is_mended();
        assert!(scene.secret().contains("one"));
    }
}

fn a_file_that_is_not_there_is_named_otherwise() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.declare(&scene.world.input("g.yaml"), "a", json!({}));
    scene.says("no such file; restore the file, or correct sopsFile");
    std::os::unix::fs::symlink("h.yaml", scene.world.input("h.yaml")).unwrap();
    let looped = scene.world.input("h.yaml");
    scene.redeclare("sopsFile", looped.to_str().unwrap());
    scene.says("the symlinks on its path lead in a circle; correct sopsFile");
    assert!(crate::exists("sops.secrets.<name>.sopsFile"));
    scene.redeclare("sopsFile", path.to_str().unwrap());
    scene.is_mended();
}

fn a_number_that_is_a_key_gets_quotes() {
    for (bad, good, kind) in [
        ("a: one\n5: x\n", "a: one\n\"5\": x\n", "an integer"),
        (
            "a: one\nl:\n- m:\n    true: x\n",
            "a: one\nl:\n- m:\n    \"true\": x\n",
            "a boolean",
        ),
    ] {
        let Some(mut scene) = Scene::new() else { return };
        let path = scene.world.write("f.yaml", bad);
        scene.declare(&path, "a", json!({}));
        let line = scene.says(&format!(
            "it was never encrypted, and it has a key that is {kind}, but sops accepts only strings as keys"
        ));
        // sops refuses the text in its present form.
        assert_ne!(scene.tries(crate::scene::command(&line)).code, Some(0));
        scene.world.write("f.yaml", good);
        scene.does_by_rules(&line, RULES, str::to_owned);
        scene.is_mended();
    }
}

/// Removes the line that begins with `start` from the file.
fn without(path: &Path, start: &str) {
    change(path, |text| {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with(start));
        lines.flat_map(|line| [line, "\n"]).collect()
    });
}

fn a_value_that_is_not_encrypted_is_added_again() {
    for (name, plain, key, good, bad, start, anew) in [
        (
            "f.yaml",
            "a: one\nb: two\n",
            "a",
            "b: ",
            "b: plain",
            "b: ",
            "a: one\nb: plain\n",
        ),
        ("f.yaml", "a: one\nb: 5\n", "a", "b: ", "b: 7", "b: ", "a: one\nb: 7\n"),
        ("f.yaml", "a: one\nb: 5\n", "a", "b: ", "5: x", "5: ", "a: one\n\"5\": x\n"),
        (
            "f.yaml",
            "a: one\n---\nc: two\n",
            "a",
            "c: ",
            "c: plain",
            "c: ",
            "a: one\n---\nc: plain\n",
        ),
        ("f.env", "A=one\nB=two\n", "", "B=", "B=plain", "B=", "A=one\nB=plain\n"),
        (
            "f.ini",
            "[s]\na = one\nb = two\n",
            "",
            "b = ",
            "b = plain",
            "b = ",
            "[s]\na = one\nb = plain\n",
        ),
    ] {
        let Some((mut scene, path)) = with_file(name, plain, key) else {
            return;
        };
        change(&path, |text| {
            let lines = text.lines().map(|line| if line.starts_with(good) { bad } else { line });
            lines.flat_map(|line| [line, "\n"]).collect()
        });
        let noun = if bad.starts_with('5') { "that key" } else { "the value" };
        let line = scene.says(&format!("remove {noun} by hand"));
        assert_eq!(line.contains("document 2: the key \"c\""), plain.contains("---"), "{line}");
        without(&path, start);
        scene.will_write(anew);
        scene.does(&line);
        scene.is_mended();
    }
    a_plain_document_is_added_again();
    an_older_copy_of_the_metadata_is_of_the_same_file();
}

/// Somebody has added a document to an encrypted file.
fn a_plain_document_is_added_again() {
    let Some((mut scene, path)) = with_file("f.yaml", PLAIN, "a") else {
        return;
    };
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}---\nb: plain\n")).unwrap();
    let line = scene.says("document 2: the key \"b\": the value is a string in plain text, but should be encrypted");
    fs::write(&path, whole).unwrap();
    scene.will_write(&format!("{PLAIN}---\nb: plain\n"));
    scene.does(&line);
    scene.is_mended();
}

/// sops reads only the metadata of the first document, whatever is in the other documents.
fn an_older_copy_of_the_metadata_is_of_the_same_file() {
    let Some((scene, path)) = with_file("f.yaml", "a: one\n---\nc: two\n", "a") else {
        return;
    };
    change(&path, |text| {
        let (first, second) = text.split_once("\n---\n").unwrap();
        let (before, time) = second.split_once("lastmodified: \"").unwrap();
        format!("{first}\n---\n{before}lastmodified: \"2001{}", &time[4..])
    });
    scene.is_mended();
    change(&path, |text| text.replace("\nc: ENC[", "\nc: \"5\" # "));
    scene.says("document 2: the key \"c\": the value is a string in plain text, but should be encrypted");
}

fn joined_documents_are_parted() {
    let Some((mut scene, path)) = with_file("f.yaml", PLAIN, "a") else {
        return;
    };
    let whole = fs::read_to_string(&path).unwrap();
    let second = fs::read_to_string(scene.encrypted("g.yaml", "b: two\n")).unwrap();
    fs::write(&path, format!("{whole}---\n{second}")).unwrap();
    scene.says("document 2 is another sops file, with another data key");
    scene.types("csplit --quiet f.yaml '/^---$/' && sed 1d xx01 > second.yaml && mv xx00 f.yaml");
    scene.is_mended();
    let second = scene.world.input("second.yaml");
    scene.redeclare("sopsFile", second.to_str().unwrap());
    scene.redeclare("key", "b");
    scene.is_mended();
}

fn a_change_is_accepted() {
    let changes: [fn(String) -> String; 3] = [
        |text| text.replace("n_unencrypted: 1", "n_unencrypted: 2"),
        |text| text.replace("lastmodified: \"2", "lastmodified: \"1"),
        |text| {
            text.lines()
                .filter(|line| !line.contains(" mac: "))
                .flat_map(|line| [line, "\n"])
                .collect()
        },
    ];
    for damage in changes {
        let Some((scene, path)) = with_file("f.yaml", PLAIN, "a") else {
            return;
        };
        change(&path, damage);
        let line = scene.says("if you have checked the change and accept it");
        scene.does(&line);
        scene.is_mended();
    }
}

fn strange_names_are_quoted() {
    for name in ["a b.yaml", "it's.yaml", "$(x) `y`.yaml", "-n.yaml", "a;b&c.yaml"] {
        let Some(mut scene) = Scene::new() else { return };
        let path = scene.world.write(name, "a: one\n");
        scene.declare(&path, "a", json!({}));
        let line = scene.says("it was never encrypted");
        scene.does(&line);
        scene.is_mended();
    }
}

fn a_file_of_the_store_is_mended_where_it_was_built_from() {
    // Here, the mount on this directory is seen only by this host.
    if !Path::new("/nix/store").is_dir() {
        return crate::common::say("skipped: needs a Nix store");
    }
    let Some(mut scene) = Scene::system() else { return };
    let built = Path::new("/nix/store/0c5b6xl4yfxpyjmqkqfs8dpfzx2zhcy4-source");
    scene.types("mount -t tmpfs none /nix/store && mkdir -p repository/secrets && echo a: one > repository/secrets/db.yaml");
    let rebuild = format!(
        "rm -rf '{0}' && cp -r repository '{0}' && chmod -R a-w '{0}'",
        built.display()
    );
    scene.types(&rebuild);
    scene.declare(&built.join("secrets/db.yaml"), "a", json!({}));
    let line = scene.says("run where it was built from: ");
    scene.types(&format!("cd repository && {}", crate::scene::command(&line)));
    scene.types(&rebuild);
    scene.is_mended();
}
