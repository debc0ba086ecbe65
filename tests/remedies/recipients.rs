//! The remedies for files that no key of the host opens.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::common::has;
use crate::scene::{OTHER, RECIPIENT, Scene};
use crate::{Row, mended};

/// The fingerprint of the OpenPGP key made from `keys/ssh_rsa` (`openpgp/fingerprints.tsv`).
const SSH_RSA_AS_PGP: &str = "FE0883FD102288D8993CABF285850DB4E36EDDFC";

pub const ROWS: &[Row] = &[
    mended("  hint: {}", a_recipient_is_added),
    mended("add {recipient} to .sops.yaml", a_recipient_is_added),
    mended(
        "in .sops.yaml, add {recipient} to a key group that this host cannot open",
        a_recipient_is_added_to_another_key_group,
    ),
    mended(
        "add {recipient} to .sops.yaml",
        a_recipient_is_added_beside_a_message_that_gpg_was_forced_to_write,
    ),
    mended("and in the directory of .sops.yaml ", a_recipient_is_added),
    mended(" --input-type {format}", a_file_without_an_ending_gets_a_recipient),
    mended(
        "this host has the key {}, but the entry for this key in the file is damaged",
        a_damaged_part_is_sealed_anew,
    ),
    mended("give this host a key: set sops.age.sshKeyPaths", a_host_gets_a_key),
    mended("repair {}: {remedy}", a_key_that_is_not_there_is_made),
    mended(
        "restore the file; if it never existed, make a key, and add its public key to .sops.yaml; to make the key, run: mkdir -p {directory} && {make}",
        a_key_that_is_not_there_is_made,
    ),
    mended("age-keygen -o {path}", a_key_that_is_not_there_is_made),
    mended("ssh-keygen -q -t ed25519 -N '' -f {path}", a_key_that_is_not_there_is_made),
    mended(
        "ssh-keygen -q -t rsa -b 4096 -N '' -f {path}",
        a_key_that_is_not_there_is_made,
    ),
    mended(
        "restore the key; if the file never had one, make a key, and add its public key to .sops.yaml; to make the key, run: age-keygen >> {path}",
        an_empty_key_file_gets_a_key,
    ),
    mended("gpg --homedir {} --list-secret-keys", a_key_of_gpg_is_added),
    mended("gpg --list-secret-keys", a_key_of_gpg_is_added),
    mended("repair the fault named above", a_key_of_gpg_is_added),
];

/// A host whose key is set in the field `field` and is no recipient of the file. The person has a key that is a recipient.
fn stranger(field: &str, key: &str) -> Option<Scene> {
    let mut scene = Scene::new()?;
    let other = scene.world.fixture("keys/other-age.txt");
    scene.own_variable("SOPS_AGE_KEY_FILE", other.to_str().unwrap());
    scene.recipients(&[OTHER]);
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.declare(&path, "a", json!({}));
    scene.unset("ageKeyFile");
    if !key.is_empty() {
        let key = scene.world.fixture(key);
        let is_list = field.ends_with("Paths");
        scene.set(field, if is_list { json!([key]) } else { json!(key) });
    }
    Some(scene)
}

/// The recipient that a hint says to add.
fn recipient(hint: &str) -> &str {
    let (_, behind) = hint.split_once("add ").unwrap();
    behind.split_once(" to .sops.yaml").unwrap().0
}

/// Does what the hint says.
fn follow(scene: &Scene, hint: &str) {
    scene.recipients(&[OTHER, recipient(hint)]);
    answer(scene, hint);
    scene.is_mended();
    assert_eq!(scene.secret(), "one");
}

/// Types the command of the hint, and answers the question that sops asks.
fn answer(scene: &Scene, hint: &str) {
    scene.does_by_rules(hint, "and in the directory of .sops.yaml", |command| {
        format!("yes | {{ {command}; }}")
    });
}

fn a_recipient_is_added() {
    for (field, key) in [
        ("ageKeyFile", "keys/age.txt"),
        ("ageKeyFile", "keys/hybrid.txt"),
        ("ageSshKeyPaths", "keys/ssh_ed25519"),
        ("ageSshKeyPaths", "keys/ssh_rsa"),
    ] {
        let Some(mut scene) = stranger(field, key) else { return };
        let hint = scene.says("  hint: add ");
        follow(&scene, &hint);
        in_full_once(&mut scene, &hint);
    }
}

/// The host opens one of two key groups. The person opens both.
fn a_recipient_is_added_to_another_key_group() {
    let Some(mut scene) = Scene::new() else { return };
    let keys = ["keys/age.txt", "keys/other-age.txt"].map(|key| fs::read_to_string(scene.world.fixture(key)).unwrap());
    let keys = scene.world.write("both.txt", keys.concat());
    scene.own_variable("SOPS_AGE_KEY_FILE", keys.to_str().unwrap());
    let rule = |second: &[&str]| {
        let groups = json!([{"age": [RECIPIENT]}, {"age": second}]);
        json!({"creation_rules": [{"key_groups": groups}]}).to_string()
    };
    scene.world.write(".sops.yaml", rule(&[OTHER]));
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.declare(&path, "a", json!({}));
    let hint = scene.says(&format!(
        "  hint: in .sops.yaml, add {RECIPIENT} to a key group that this host cannot open, "
    ));
    scene.world.write(".sops.yaml", rule(&[OTHER, RECIPIENT]));
    answer(&scene, &hint);
    scene.is_mended();
}

/// The person's `gpg.conf` forces a cipher or a compression that the program cannot read.
fn a_recipient_is_added_beside_a_message_that_gpg_was_forced_to_write() {
    let forced = [
        ("cipher-algo TWOFISH", "OpenPGP encryption with Twofish is not supported"),
        ("compress-algo BZIP2", "OpenPGP compression with BZip2 is not supported"),
    ];
    for (setting, words) in forced {
        let Some(mut scene) = stranger("sshKeyPaths", "keys/ssh_rsa") else {
            return;
        };
        let Some(home) = scene.world.gnupg_home(&[]) else { return };
        fs::write(home.join("gpg.conf"), setting).unwrap();
        scene.own_variable("GNUPGHOME", home.to_str().unwrap());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/ssh_to_pgp.py");
        let key = scene.world.fixture("keys/ssh_rsa").display().to_string();
        scene.types(&format!("python3 '{script}' < '{key}' | gpg --batch --quiet --import"));
        let rule = |age: &str| json!({"creation_rules": [{"age": age, "pgp": SSH_RSA_AS_PGP}]}).to_string();
        scene.world.write(".sops.yaml", rule(OTHER));
        let path = scene.encrypted("g.yaml", "a: one\n");
        scene.redeclare("sopsFile", path.to_str().unwrap());
        scene.says(words);
        let hint = scene.says("  hint: add ");
        scene
            .world
            .write(".sops.yaml", rule(&format!("{OTHER},{}", recipient(&hint))));
        scene.types(&format!("yes | {{ {}; }}", crate::scene::command(&hint)));
        scene.types("gpgconf --kill all");
        scene.is_mended();
    }
}

/// If a recipient is longer than a line, the message shows it in full exactly once: where it is to be copied.
fn in_full_once(scene: &mut Scene, hint: &str) {
    scene.recipients(&[OTHER]);
    for name in ["g.yaml", "h.yaml"] {
        let path = scene.encrypted(name, "a: one\n");
        scene.manifest = scene.manifest.clone().secret(name, &path, "a");
    }
    let said = scene.run();
    let count = said.err.matches(recipient(hint)).count();
    assert!(recipient(hint).len() <= 120 || count == 1, "{count}: {said:?}");
}

fn a_damaged_part_is_sealed_anew() {
    let Some(mut scene) = stranger("ageKeyFile", "keys/age.txt") else {
        return;
    };
    scene.recipients(&[RECIPIENT, OTHER]);
    let path = scene.encrypted("g.yaml", "a: one\n");
    scene.redeclare("sopsFile", path.to_str().unwrap());
    scene.is_mended();
    // The test changes a character near the end of the first message, which is for the host.
    let text = fs::read_to_string(&path).unwrap();
    let at = text.find(&format!("recipient: {RECIPIENT}")).unwrap();
    let message = at - text[..at].rfind("BEGIN AGE").unwrap_or_default() < 900;
    let start = if message {
        text[..at].rfind("BEGIN AGE").unwrap()
    } else {
        at + text[at..].find("BEGIN AGE").unwrap()
    };
    let line = start + text[start..].find("END AGE").unwrap() - 40;
    let other = if text[line..].starts_with('A') { "B" } else { "A" };
    fs::write(&path, [&text[..line], other, &text[line + 1..]].concat()).unwrap();
    let hint = scene.says("but the entry for this key in the file is damaged");
    scene.does(&hint);
    scene.is_mended();
}

fn a_host_gets_a_key() {
    if !has("age-keygen") {
        return;
    }
    let Some(mut scene) = stranger("ageKeyFile", "") else { return };
    let hint = scene.says("hint: give this host a key: set sops.age.sshKeyPaths");
    assert!(hint.contains("sops.age.keyFile to a file made by age-keygen"), "{hint}");
    scene.types("age-keygen -o new.txt 2> /dev/null");
    scene.world.allow_input("new.txt");
    scene.set("ageKeyFile", scene.world.input("new.txt").to_str().unwrap());
    let hint = scene.says("  hint: add ");
    follow(&scene, &hint);
}

/// Tests each kind of key. The directory of the key file does not exist either.
fn a_key_that_is_not_there_is_made() {
    if !has("age-keygen") || !has("ssh-keygen") {
        return;
    }
    for (field, name) in [
        ("ageKeyFile", "a key.txt"),
        ("ageSshKeyPaths", "id"),
        ("ageSshKeyPaths", "id_rsa"),
        ("sshKeyPaths", "for pgp"),
    ] {
        let Some(mut scene) = stranger(field, "") else { return };
        let path = scene.world.input(&format!("new place/{name}"));
        let is_list = field.ends_with("Paths");
        scene.set(field, if is_list { json!([path]) } else { json!(path) });
        let hint = scene.says(&format!(
            "  hint: repair \"$DIR/new place/{name}\": restore the file; if it never existed, make a key, and add its public key to .sops.yaml; to make the key, run: "
        ));
        scene.world.allow_input("new place");
        scene.does(&hint);
        let hint = scene.says("  hint: add ");
        follow(&scene, &hint);
    }
}

/// Nothing that is already in the file may be lost.
fn an_empty_key_file_gets_a_key() {
    if !has("age-keygen") {
        return;
    }
    for text in ["", "# mine\n"] {
        let Some(mut scene) = stranger("ageKeyFile", "") else { return };
        let path = scene.world.write("a key.txt", text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        scene.set("ageKeyFile", path.to_str().unwrap());
        let hint = scene.says("  hint: repair \"$DIR/a key.txt\": restore the key; if the file never had one, make a key, and add its public key to .sops.yaml; to make the key, ");
        scene.does(&hint);
        assert!(fs::read_to_string(&path).unwrap().starts_with(&format!("{text}# created: ")));
        let hint = scene.says("  hint: add ");
        follow(&scene, &hint);
    }
}

fn a_key_of_gpg_is_added() {
    let Some(mut scene) = stranger("gnupgHome", "") else { return };
    let Some(home) = scene.world.gnupg_home(&["pgp_curve25519.asc"]) else {
        return;
    };
    scene.set("gnupgHome", home.to_str().unwrap());
    let hint = scene.says("  hint: add a fingerprint that gpg --homedir ");
    let (_, listing) = hint.split_once("a fingerprint that ").unwrap();
    let listed = scene.types(listing.split_once(" shows").unwrap().0);
    let fingerprint = listed.lines().map(str::trim).find(|line| line.len() == 40).unwrap();
    let rule = json!({"creation_rules": [{"age": OTHER, "pgp": fingerprint}]});
    scene.world.write(".sops.yaml", rule.to_string());
    scene.own_variable("GNUPGHOME", home.to_str().unwrap());
    scene.types(&format!("yes | {{ {}; }}", crate::scene::command(&hint)));
    scene.types("gpgconf --kill all");
    scene.is_mended();
}

fn a_file_without_an_ending_gets_a_recipient() {
    let Some(mut scene) = stranger("ageKeyFile", "keys/age.txt") else {
        return;
    };
    let path = scene.world.write("db", "a: one\n");
    scene.types("sops encrypt --input-type yaml --output-type yaml --in-place db");
    scene.redeclare("sopsFile", path.to_str().unwrap());
    let hint = scene.says("  hint: add ");
    follow(&scene, &hint);
}
