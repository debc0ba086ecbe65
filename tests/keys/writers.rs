//! Tests SSH private keys in the forms in which other programs and libraries write them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use expect_test::expect;
use serde_json::json;

use crate::common::{Said, World, fixtures, has};
use crate::{fixture, paragraph};

/// A host with one key, which differs from run to run.
struct Host {
    world: World,
    key: PathBuf,
}

impl Host {
    fn new() -> Self {
        let world = World::user();
        let key = world.write("key", "");
        Self { world, key }
    }

    /// The output of a dry run that needs this key for the file.
    fn says(&self, key: impl AsRef<[u8]>, file: &str) -> Said {
        self.world.write("key", key);
        let manifest = self.world.manifest().without("ageKeyFile").without("logging");
        let manifest = manifest.with("ageSshKeyPaths", json!([self.key]));
        let manifest = manifest.secret("s", &self.world.fixture(file), "database/host");
        self.world
            .run_with(&manifest, |command| command.env("NIXOS_ACTION", "dry-activate"))
    }

    /// The public half that OpenSSH reads from the key. `None` if OpenSSH cannot read the key.
    fn judged(&self) -> Option<String> {
        let mut judge = Command::new("ssh-keygen");
        let output = judge.args(["-y", "-P", "", "-f"]).arg(&self.key).output().unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        let words: Vec<_> = line.split_whitespace().take(2).collect();
        (output.status.success() && words.len() == 2).then(|| words.join(" "))
    }
}

/// The PEM blocks of a text.
fn blocks(text: &str) -> impl Iterator<Item = String> {
    text.split("-----BEGIN ").skip(1).map(|rest| format!("-----BEGIN {rest}"))
}

/// Fails unless each key in `directory` opens the file that is encrypted to it, and has the public half that OpenSSH reads from it.
fn open_all(directory: &Path, kind: &str) -> Vec<(String, usize)> {
    let host = Host::new();
    let public = fs::read_to_string(fixture(&format!("keys/ssh_{kind}.pub"))).unwrap();
    let public = public.rsplit_once(" TEST").unwrap().0;
    let mut counts = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(writer) = name.strip_suffix(&format!("-{kind}")) else {
            continue;
        };
        let text = fs::read_to_string(&path).unwrap();
        for (number, key) in blocks(&text).enumerate() {
            let said = host.says(&key, &format!("to-native-{kind}.yaml"));
            assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{name}, {number}: {said:?}");
            // OpenSSH reads ed25519 keys in PKCS#8 only from version 9.6 on.
            if !key.starts_with("-----BEGIN PRIVATE KEY") {
                assert_eq!(host.judged().as_deref(), Some(public), "{name}, {number}");
            }
        }
        counts.push((writer.to_owned(), blocks(&text).count()));
    }
    counts
}

/// The directory with the committed keys of all writers.
fn written() -> PathBuf {
    fixtures().join("ssh-writers")
}

fn counts(all: &[(&str, usize)]) -> Vec<(String, usize)> {
    all.iter().map(|(writer, count)| ((*writer).to_owned(), *count)).collect()
}

#[test]
fn ed25519_keys_of_every_writer_open_with_comments_of_every_length() {
    if !has("ssh-keygen") {
        return;
    }
    let all = [
        ("asyncssh", 22),
        ("cryptography", 2),
        ("dropbear", 1),
        ("go", 21),
        ("micro-key-producer", 21),
        ("puttygen", 21),
        ("ssh2", 21),
        ("sshpk", 22),
    ];
    assert_eq!(open_all(&written(), "ed25519"), counts(&all));
}

#[test]
fn rsa_keys_of_every_writer_open_with_comments_of_every_length() {
    if !has("ssh-keygen") {
        return;
    }
    let all = [
        ("asyncssh", 22),
        ("cryptography", 3),
        ("dropbear", 1),
        ("go", 21),
        ("node-forge", 1),
        ("paramiko", 1),
        ("puttygen", 21),
        ("ssh2", 21),
        ("sshpk", 22),
    ];
    assert_eq!(open_all(&written(), "rsa"), counts(&all));
}

#[test]
fn keys_of_the_writers_that_are_installed_open() {
    if !["ssh-keygen", "puttygen", "dropbearconvert"]
        .iter()
        .all(|program| has(program))
    {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let mut make = Command::new(written().join("make.sh"));
    let status = make.args(["puttygen", "dropbear", "openssh"]).env("OUT", out.path()).status();
    assert!(status.unwrap().success());
    let ed25519 = [("dropbear", 1), ("openssh", 21), ("puttygen", 21)];
    assert_eq!(open_all(out.path(), "ed25519"), counts(&ed25519));
    let rsa = [("dropbear", 1), ("openssh", 22), ("puttygen", 21)];
    assert_eq!(open_all(out.path(), "rsa"), counts(&rsa));
}

/// The bytes of a test key in the form of OpenSSH, without the armor.
fn container() -> Vec<u8> {
    let text = fs::read_to_string(fixture("keys/ssh_ed25519")).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    BASE64_STANDARD.decode(body).unwrap()
}

/// The same bytes as armored text.
fn armored(bytes: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(bytes);
    format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
}

/// Positions in [`container`]: the number of keys, the end of the public half, and the private part, which begins with its length.
const COUNT: usize = 38;
const PUBLIC_END: usize = 93;
const PRIVATE: usize = 98;

#[test]
fn what_openssh_refuses_is_refused_with_the_reason() {
    if !has("ssh-keygen") {
        return;
    }
    let host = Host::new();
    let whole = container();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        armored(&bytes)
    };
    let good = armored(&whole);
    let cases = [
        ("padding", with(&|key| *key.last_mut().unwrap() ^= 1)),
        (
            "a padding of zeros",
            with(&|key| {
                key.extend([0; 8]);
                key[PRIVATE - 1] += 8;
            }),
        ),
        (
            "not filled up",
            with(&|key| {
                key.pop();
                key[PRIVATE - 1] -= 1;
            }),
        ),
        ("something behind it", with(&|key| key.push(0))),
        ("check numbers", with(&|key| key[PRIVATE] ^= 1)),
        ("another public half", with(&|key| key[PUBLIC_END] ^= 1)),
        ("two keys", with(&|key| key[COUNT] = 2)),
        ("no name of a kind", with(&|key| key[PRIVATE + 12] = b'S')),
        ("cut off within", with(&|key| key.truncate(200))),
        ("another magic", with(&|key| key[0] ^= 1)),
        ("no END line", good.split_inclusive('\n').take(2).collect()),
        ("text within", good.replacen("AAAA", "A*AA", 1)),
    ];
    let mut text = String::new();
    for (what, key) in cases {
        let said = host.says(key, "text.bin");
        assert_eq!(host.judged(), None, "{what}");
        text += &paragraph(what, &said)
            .lines()
            .take(2)
            .flat_map(|line| [line, "\n"])
            .collect::<String>();
    }
    expect![[r#"
        # padding: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its padding is wrong; restore the key, or give the path of another one
        # a padding of zeros: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its padding is wrong; restore the key, or give the path of another one
        # not filled up: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its length is wrong; restore the key, or give the path of another one
        # something behind it: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its length is wrong; restore the key, or give the path of another one
        # check numbers: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its two check numbers differ; restore the key, or give the path of another one
        # another public half: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its public half belongs to another key; restore the key, or give the path of another one
        # two keys: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: it does not contain exactly one key; restore the key, or give the path of another one
        # no name of a kind: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its content does not have the form of a key; restore the key, or give the path of another one
        # cut off within: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its end is missing; restore the key, or give the path of another one
        # another magic: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its content does not have the form of a key; restore the key, or give the path of another one
        # no END line: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its last line, -----END …-----, is missing; restore the key, or give the path of another one
        # text within: 1
        warning: cannot use $DIR/key: it is a damaged SSH private key: its text is not valid base64; restore the key, or give the path of another one
    "#]]
    .assert_eq(&text);
}

#[test]
fn padding_of_any_length_and_whatever_stands_around_a_key_do_no_harm() {
    if !has("ssh-keygen") {
        return;
    }
    let host = Host::new();
    let opens = |key: &str| {
        let said = host.says(key, "to-native-ed25519.yaml");
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{key}");
    };
    for blocks in [1, 2, 40] {
        let mut bytes = container();
        let length = u16::try_from(bytes.len() - PRIVATE + 8 * blocks).unwrap();
        // There are three bytes of padding already, so the counting goes on from 4. After 255 comes 0.
        bytes.extend((4..).map(|number: usize| number.to_be_bytes()[7]).take(8 * blocks));
        bytes[PRIVATE - 2..PRIVATE].copy_from_slice(&length.to_be_bytes());
        opens(&armored(&bytes));
        assert!(host.judged().is_some(), "{blocks}");
    }
    let key = armored(&container());
    opens(&key.replace('\n', "\r\n"));
    opens(key.trim_end());
    opens(&format!("{key}\n\nand more"));
    opens(&format!("{key}{key}"));
    // OpenSSH does not read these keys. Go reads them, and so does sops.
    opens(&format!("# my key\n{key}"));
    opens(&key.replacen("-\n", "-\nComment: mine\n\n", 1));
    opens(&key.replace('\n', "\n  ").replace("  -----END", "-----END"));
}

/// The command at the end of a message, and the file that the command makes.
fn printed(said: &Said) -> (String, PathBuf) {
    let line = said.err.lines().next().unwrap();
    let command = line.rsplit_once(": ").unwrap().1;
    // The person who types this command answers its questions. Here, arguments give the answers, after the command's own arguments.
    let command = command.trim_start_matches("(umask 077; ").trim_end_matches(')');
    (command.to_owned(), PathBuf::from(command.rsplit_once(' ').unwrap().1))
}

#[test]
fn a_key_that_has_to_be_converted_first_is_named_and_the_printed_command_converts_it() {
    if !["puttygen", "dropbearconvert", "openssl"].iter().all(|program| has(program)) {
        return;
    }
    let host = Host::new();
    let dir = host.world.input("");
    let shell = |line: &str| {
        let status = Command::new("sh").args(["-c", line]).current_dir(&dir).status();
        assert!(status.unwrap().success(), "{line}");
    };
    for kind in ["ed25519", "rsa"] {
        host.world
            .write(kind, fs::read(fixture(&format!("keys/ssh_{kind}"))).unwrap());
    }
    host.world.write("pass", "word");
    shell("chmod 600 ed25519 rsa");
    let old = "--old-passphrase pass";
    let pem = "puttygen rsa -O private-openssh -o pem && openssl pkcs8 -topk8 -in pem -passout file:pass -out key";
    let cases = [
        (
            "PuTTY, version 2",
            "ed25519",
            "puttygen ed25519 -O private --ppk-param version=2 -o key",
            "",
        ),
        ("PuTTY, version 3", "rsa", "puttygen rsa -O private -o key", ""),
        (
            "PuTTY, with a passphrase",
            "ed25519",
            "puttygen ed25519 -O private --new-passphrase pass -o key",
            old,
        ),
        ("ssh.com", "rsa", "puttygen rsa -O private-sshcom -o key", ""),
        (
            "ssh.com, with a passphrase",
            "rsa",
            "puttygen rsa -O private-sshcom --new-passphrase pass -o key",
            old,
        ),
        ("Dropbear", "ed25519", "dropbearconvert openssh dropbear ed25519 key 2>&1", ""),
        ("Dropbear", "rsa", "dropbearconvert openssh dropbear rsa key 2>&1", ""),
        ("PKCS#8", "rsa", pem, "-passin file:pass"),
        (
            "OpenSSH",
            "ed25519",
            "cp ed25519 key && ssh-keygen -q -p -N a-word -f key",
            "-P a-word",
        ),
        (
            "PEM",
            "rsa",
            "cp rsa key && ssh-keygen -q -p -N a-word -m PEM -f key",
            "-P a-word",
        ),
    ];
    let mut text = String::new();
    for (what, kind, make, answer) in cases {
        shell(&format!("rm -f key && {make} > /dev/null"));
        let file = format!("to-native-{kind}.yaml");
        let said = host.says(fs::read(&host.key).unwrap(), &file);
        let (command, result) = printed(&said);
        text += &["# ", what, "\n", said.err.lines().next().unwrap(), "\n"].concat();
        shell(&format!("{} {answer} > /dev/null 2>&1", command.replace("$DIR/", "./")));
        let result = dir.join(result.strip_prefix("$DIR").unwrap());
        let said = host.says(fs::read(result).unwrap(), &file);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{what}");
    }
    expect![[r#"
        # PuTTY, version 2
        warning: cannot use $DIR/key: it is an SSH key in the format of PuTTY; give the path of a converted copy; to make one, run: puttygen $DIR/key -O private-openssh-new --new-passphrase /dev/null -o $DIR/key.openssh
        # PuTTY, version 3
        warning: cannot use $DIR/key: it is an SSH key in the format of PuTTY; give the path of a converted copy; to make one, run: puttygen $DIR/key -O private-openssh-new --new-passphrase /dev/null -o $DIR/key.openssh
        # PuTTY, with a passphrase
        warning: cannot use $DIR/key: it is an SSH key in the format of PuTTY; give the path of a converted copy; to make one, run: puttygen $DIR/key -O private-openssh-new --new-passphrase /dev/null -o $DIR/key.openssh
        # ssh.com
        warning: cannot use $DIR/key: it is an SSH key in the format of ssh.com; give the path of a converted copy; to make one, run: puttygen $DIR/key -O private-openssh-new --new-passphrase /dev/null -o $DIR/key.openssh
        # ssh.com, with a passphrase
        warning: cannot use $DIR/key: it is an SSH key in the format of ssh.com; give the path of a converted copy; to make one, run: puttygen $DIR/key -O private-openssh-new --new-passphrase /dev/null -o $DIR/key.openssh
        # Dropbear
        warning: cannot use $DIR/key: it is an SSH key in the format of Dropbear; give the path of a converted copy; to make one, run: dropbearconvert dropbear openssh $DIR/key $DIR/key.openssh
        # Dropbear
        warning: cannot use $DIR/key: it is an SSH key in the format of Dropbear; give the path of a converted copy; to make one, run: dropbearconvert dropbear openssh $DIR/key $DIR/key.openssh
        # PKCS#8
        warning: cannot use $DIR/key: it is protected by a passphrase, and this program never asks for one; give the path of a decrypted copy; to make one, run: (umask 077; openssl pkey -in $DIR/key -out $DIR/key.plain)
        # OpenSSH
        warning: cannot use $DIR/key: it is protected by a passphrase, and this program never asks for one; use a key without a passphrase; to remove the passphrase of this key, run: ssh-keygen -p -N '' -f $DIR/key
        # PEM
        warning: cannot use $DIR/key: it is protected by a passphrase, and this program never asks for one; use a key without a passphrase; to remove the passphrase of this key, run: ssh-keygen -p -N '' -f $DIR/key
    "#]].assert_eq(&text);
}

#[test]
fn identity_files_of_age_keygen_are_read_as_they_are_and_with_other_line_ends() {
    if !["age-keygen", "sops"].iter().all(|program| has(program)) {
        return;
    }
    let world = World::user();
    let run = |program: &str, arguments: &[&str], input: &Path| {
        let mut command = Command::new(program);
        let output = command
            .args(arguments)
            .arg(input)
            .env("SOPS_DISABLE_VERSION_CHECK", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{program}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let plain = world.write("plain.yaml", "host: a.example\n");
    for (number, arguments) in [vec!["-o"], vec!["-pq", "-o"]].iter().enumerate() {
        let key = world.input(&format!("made-{number}"));
        run("age-keygen", arguments, &key);
        let recipient = run("age-keygen", &["-y"], &key);
        let encrypted = run("sops", &["encrypt", "--age", recipient.trim()], &plain);
        let encrypted = world.write("host.yaml", encrypted);
        let text = fs::read_to_string(key).unwrap();
        for text in [text.clone(), text.replace('\n', "\r\n"), text.trim_end().to_owned()] {
            let manifest = world.manifest().with("ageKeyFile", json!(world.write("keys.txt", text)));
            let said = world.run(&manifest.secret("s", &encrypted, "host"));
            assert_eq!(said.code, Some(0), "{said:?}");
            assert!(!said.err.contains("cannot use"), "{said:?}");
        }
    }
}
