//! The kinds of keys that open sops files. Keys and messages come from the tools that people use: age, gpg, and the plugin of the tests.

use std::{
    env, fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::inputs::DATA_KEY;

/// A key of this host, and files that are encrypted to it.
pub struct Key {
    pub name: &'static str,
    /// The fields of a manifest that name the key.
    pub manifest: Value,
    /// The fields of the section `sops` that say to whom a file is encrypted.
    pub recipients: Value,
    /// What opening one file needs at least, in the words of [`floor`](crate::floor).
    pub needs: Vec<String>,
}

/// All kinds for which this machine has the tools. `directory` is for key files, and `age_file` has an age identity.
pub fn all(directory: &Path, age_file: &Path) -> Vec<Key> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let key_file = |name: &str, at: &str| private_copy(&fixtures.join(at), &directory.join(name));
    let public = |at: &str| fs::read_to_string(fixtures.join(at)).unwrap().trim().to_owned();
    let ed25519 = key_file("ssh_ed25519", "keys/ssh_ed25519");
    let rsa = key_file("ssh_rsa", "openpgp/keys/rsa_4096");
    let hybrid = key_file("hybrid.txt", "keys/hybrid.txt");
    let plugin = key_file("plugin.txt", "keys/plugin.txt");
    let gpg_home = directory.join("gnupg");
    let age = |name, manifest: Value, recipient: &str, needs: &[&str]| {
        Some(Key {
            name,
            manifest,
            recipients: json!({ "age": [age_entry(recipient, &DATA_KEY)?] }),
            needs: needs.iter().map(|&need| need.to_owned()).collect(),
        })
    };
    let own = age_recipient(&fs::read_to_string(age_file).unwrap());
    let kinds = [
        age("an age key", json!({ "ageKeyFile": age_file }), &own, &["x25519"]),
        age(
            "an ssh-ed25519 key",
            json!({ "ageSshKeyPaths": [ed25519] }),
            &public("keys/ssh_ed25519.pub"),
            &["x25519", "x25519"],
        ),
        age(
            "an ssh-rsa key of 4096 bits",
            json!({ "ageSshKeyPaths": [rsa] }),
            &public("openpgp/keys/rsa_4096.pub"),
            &["rsa"],
        ),
        as_openpgp(&rsa, &fixtures),
        in_gpg_home(&gpg_home, &fixtures),
        age(
            "a post-quantum key",
            json!({ "ageKeyFile": hybrid }),
            &commented_recipient(&hybrid),
            &["ml-kem", "x25519"],
        ),
        age(
            "an age plugin",
            json!({ "ageKeyFile": plugin }),
            &commented_recipient(&plugin),
            &["once program age-plugin-test --age-plugin=identity-v1"],
        ),
        groups(age_file, &own),
    ];
    kinds.into_iter().flatten().collect()
}

/// The `PATH` with which programs find the plugin of the tests.
pub fn path_with_plugin() -> String {
    let plugin = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plugin");
    format!("{plugin}:{}", env::var("PATH").unwrap_or_default())
}

/// The OpenPGP key that an RSA SSH key stands for.
fn as_openpgp(rsa: &Path, fixtures: &Path) -> Option<Key> {
    let home = tempfile::tempdir().unwrap();
    let public = run(
        Command::new("python3").arg(fixtures.join("ssh_to_pgp.py")),
        &fs::read(rsa).unwrap(),
    )?;
    run(gpg(home.path()).arg("--import"), &public)?;
    Some(Key {
        name: "an OpenPGP key from an RSA key of 4096 bits",
        manifest: json!({ "sshKeyPaths": [rsa] }),
        recipients: pgp_recipients(home.path())?,
        needs: vec!["rsa".to_owned()],
    })
}

/// A key that only gpg knows.
fn in_gpg_home(home: &Path, fixtures: &Path) -> Option<Key> {
    fs::create_dir(home).unwrap();
    fs::set_permissions(home, fs::Permissions::from_mode(0o700)).unwrap();
    run(gpg(home).arg("--import").arg(fixtures.join("keys/pgp.asc")), b"")?;
    let recipients = pgp_recipients(home)?;
    let message = home.join("message.asc");
    fs::write(&message, recipients["pgp"][0]["enc"].as_str().unwrap()).unwrap();
    let decrypt = format!(
        "program gpg --homedir {} --batch --decrypt {}",
        home.display(),
        message.display()
    );
    Some(Key {
        name: "a gpg home",
        manifest: json!({ "gnupgHome": home }),
        recipients,
        needs: vec![decrypt],
    })
}

/// Two key groups, of which both are needed.
fn groups(age_file: &Path, recipient: &str) -> Option<Key> {
    let groups: Option<Vec<_>> = [1, 2]
        .map(|x| age_entry(recipient, &share(x)).map(|entry| json!({ "age": [entry] })))
        .into_iter()
        .collect();
    Some(Key {
        name: "two key groups",
        manifest: json!({ "ageKeyFile": age_file }),
        recipients: json!({ "key_groups": groups?, "shamir_threshold": 2 }),
        needs: vec!["x25519".to_owned(); 2],
    })
}

/// The share of the data key at `x`, which is 1 or 2, by a polynomial of degree 1 over GF(2⁸) whose other coefficient is 1.
fn share(x: u8) -> Vec<u8> {
    DATA_KEY.iter().map(|byte| byte ^ x).chain([x]).collect()
}

fn age_entry(recipient: &str, content: &[u8]) -> Option<Value> {
    let message = run(Command::new("age").args(["-a", "-r", recipient]), content)?;
    Some(json!({ "recipient": recipient, "enc": String::from_utf8(message).unwrap() }))
}

fn age_recipient(identity: &str) -> String {
    let identity: age::x25519::Identity = identity.trim().parse().unwrap();
    identity.to_public().to_string()
}

/// The recipient that stands in a comment of a file of age identities.
fn commented_recipient(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned()
}

/// The recipients of a file that is encrypted to the only key in a gpg home.
fn pgp_recipients(home: &Path) -> Option<Value> {
    let listed = run(gpg(home).args(["--with-colons", "--list-keys"]), b"")?;
    let listed = String::from_utf8(listed).unwrap();
    let fingerprint = listed
        .lines()
        .find_map(|line| line.strip_prefix("fpr:::::::::"))?
        .trim_end_matches(':');
    let encrypt = ["--trust-model", "always", "--armor", "--recipient", fingerprint, "--encrypt"];
    let message = String::from_utf8(run(gpg(home).args(encrypt), &DATA_KEY)?).unwrap();
    let entry = json!({ "fp": fingerprint, "created_at": "2024-01-01T00:00:00Z", "enc": message });
    Some(json!({ "pgp": [entry] }))
}

fn gpg(home: &Path) -> Command {
    let mut command = Command::new("gpg");
    command.arg("--homedir").arg(home).args(["--batch", "--quiet"]);
    command
}

/// What a program answers to `input`. `None`, with a word about it, if the program is missing or fails.
fn run(command: &mut Command, input: &[u8]) -> Option<Vec<u8>> {
    let started = command
        .env("PATH", path_with_plugin())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let output = started.and_then(|mut child| {
        // A program that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output()
    });
    let answer = output.ok().filter(|output| output.status.success());
    if answer.is_none() {
        eprintln!("left out, because it fails: {command:?}");
    }
    answer.map(|output| output.stdout)
}

/// A copy of a key that only the owner can read.
fn private_copy(from: &Path, to: &Path) -> PathBuf {
    fs::copy(from, to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o600)).unwrap();
    to.to_owned()
}
