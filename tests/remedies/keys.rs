//! The remedies for key sources that give no key.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::common::has;
use crate::scene::{RECIPIENT, Scene, command};
use crate::{Row, mended, named};

pub const ROWS: &[Row] = &[
    mended(
        "make a key, ${adding}; to make the key, run: ${making}",
        a_key_is_made_after_the_first_boot,
    ),
    mended(
        "add the recipient that sops-nix keys then prints to .sops.yaml, run sops updatekeys for its files, and switch",
        a_key_is_made_after_the_first_boot,
    ),
    named(
        "a key is there now: add its recipient to .sops.yaml, run sops updatekeys, and switch; if the files are for it already, run: sops-nix retry",
        "tests/messages has such a host, which retry repairs; the rest is as for any other key",
        &[],
    ),
    mended("age-keygen -o", a_key_is_made_after_the_first_boot),
    named(
        "ssh-keygen -q -t ed25519 -N '' -f",
        "the program prints the same command, which is carried out there",
        &[],
    ),
    named(
        "ssh-keygen -q -t rsa -b 4096 -N '' -f",
        "the program prints the same command, which is carried out there",
        &[],
    ),
    named(
        "sshd makes a key when it starts: ${adding}",
        "no sshd may start here; the rest is as for any other key",
        &[],
    ),
    mended("run: chmod 600 {}", an_exposed_file_is_closed),
    mended(
        "{}: {}, so other programs cannot read the file",
        a_mark_is_taken_out_of_a_key_file,
    ),
    mended("run: {}", a_key_file_in_utf_16_is_converted),
    named(
        "set sops.keyServices.enable to true, so that this host asks {}",
        "tests/keys/services.rs has hosts with and without it",
        &["sops.keyServices.enable"],
    ),
    named(
        "if it needs them, set sops.keyServices.hideCredentials to false",
        "tests/keys/children.rs has the same plugin with and without it",
        &["sops.keyServices.hideCredentials"],
    ),
    named(
        "no such program; set sops.keyServices.package",
        "tests/keys/services.rs has the program at its place",
        &["sops.keyServices.package"],
    ),
    named(
        "no time was left after another entry had opened; raise sops.keyServices.timeout",
        "tests/keys/services.rs has such a file, once with more time",
        &["sops.keyServices.timeout"],
    ),
    mended("use a key without a passphrase; to remove", a_passphrase_is_removed),
    mended(
        "give the path of a decrypted copy; to make one, run: (umask 077; age",
        identities_are_decrypted,
    ),
    mended("add this path to sops.age.sshKeyPaths instead", an_ssh_key_is_named_as_such),
    mended("give the path of the private key", the_private_key_is_named),
    mended("set sops.gnupg.package or SOPS_GPG_EXEC", gpg_is_named),
    mended("run: chmod -R go-w {home}", a_home_is_closed_to_others),
    mended("run: chown -R root: {home}", a_home_is_given_to_root),
    mended("use a home of your own", a_home_of_ones_own_is_used),
    mended("add its package to sops.age.plugins", a_plugin_is_installed),
    mended("check the quotes in it", the_quotes_of_a_command_are_mended),
    mended(
        "choose a GnuPG home with a shorter path",
        a_home_with_a_shorter_path_is_chosen,
    ),
    mended(
        "give the path of a converted copy; to make one, run: {}",
        an_ssh_key_in_another_form_is_converted,
    ),
    mended(
        "puttygen {path} -O private-openssh-new",
        an_ssh_key_in_another_form_is_converted,
    ),
    mended(
        "dropbearconvert dropbear openssh {path}",
        an_ssh_key_in_another_form_is_converted,
    ),
    mended(
        "openssl pkey -in {path} -out {plain}",
        an_ssh_key_in_another_form_is_converted,
    ),
    mended(
        "import the key into a GnuPG home, and set sops.gnupg.home to that home",
        a_key_of_gpg_is_imported,
    ),
    mended("set sops.age.keyFile to this path instead", identities_are_named_as_such),
    named(
        "move it to a local disk",
        "tests/contract/budgets.rs has such a disk; every other test has its keys on a local one",
        &[],
    ),
    mended(
        "restore that file, or mount its file system",
        what_a_link_leads_to_is_restored,
    ),
    mended(
        "restore the directory, or correct sops.gnupg.home or GNUPGHOME",
        a_home_that_is_there_is_named,
    ),
    mended("ask the owner of the file for the right to read it", a_key_can_be_read_again),
    mended("restore the key, or give the path of another one", a_damaged_key_is_restored),
    mended("used up the time; raise sops.keyTimeout", more_time_is_given),
    named(
        "start the systemd unit that loads the credential, not this program by hand",
        "units are started by systemd alone; tests/nix/boot.sh boots one that loads a credential",
        &["sops.age.keyCredential", "sops-nix.service"],
    ),
    named("add LoadCredential={name}", "as above", &["sops.age.keyCredential"]),
    named("use a key that needs none of these", "smart cards are hardware", &[]),
    mended("correct or remove the line", a_bad_line_is_removed),
    mended("leave only the identity in the line", a_comment_gets_a_line_of_its_own),
    mended("write the private key instead", a_recipient_is_replaced),
    mended("give the path of a key file", a_file_is_named),
    mended("use an ssh-ed25519 or ssh-rsa key", a_usable_ssh_key_is_named),
    named("to unblock the card, run: gpg --card-edit", "smart cards are hardware", &[]),
    named(
        "but nobody is here to answer; use a key ",
        "a PIN, a touch and a smart card belong to hardware",
        &[],
    ),
];

/// A host with a file that is encrypted to the recipient of `age.txt`.
fn host() -> Option<Scene> {
    let mut scene = Scene::new()?;
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.declare(&path, "a", json!({}));
    scene.is_mended();
    Some(scene)
}

/// The script that says this in the first boot, as the module makes it.
const FIRST_BOOT: &str = include_str!("../nix/expected/no-key-at-first-boot/sops-nix-first-boot.sh");

fn a_key_is_made_after_the_first_boot() {
    let Some(mut scene) = Scene::system().filter(|_| has("age-keygen")) else {
        return;
    };
    let file = scene.encrypted("secrets.yaml", "a: one\n");
    let directory = scene.world.input("persist").display().to_string();
    let remedy = FIRST_BOOT.lines().find(|line| line.starts_with("remedy=")).unwrap();
    let remedy = scene.types(&format!("{}\nprintf %s \"$remedy\"", remedy.replace("/persist", &directory)));
    scene.world.allow_input("persist");
    scene.set("version", 1);
    scene.set("ageKeyFile", format!("{directory}/sops-nix/my key.txt"));
    scene.declare(&file, "a", json!({}));
    scene.does(&remedy.replace("$DIR/persist", &directory));
    let recipient = scene.types("age-keygen -y 'persist/sops-nix/my key.txt'");
    scene.recipients(&[RECIPIENT, recipient.trim()]);
    scene.types("sops updatekeys --yes secrets.yaml");
    scene.is_mended();
}

fn an_exposed_file_is_closed() {
    let Some(mut scene) = host() else { return };
    for name in ["age.txt", "my key.txt"] {
        let path = scene.world.write(name, fs::read(scene.world.input("age.txt")).unwrap());
        scene.set("ageKeyFile", path.to_str().unwrap());
        scene.types(&format!("chmod 644 '{}'", path.display()));
        let line = scene.says("so others can read it");
        scene.does(&line);
        scene.no_longer_says("so others can read it");
        scene.is_mended();
    }
}

fn a_mark_is_taken_out_of_a_key_file() {
    let Some(scene) = host() else { return };
    let text = fs::read(scene.world.input("age.txt")).unwrap();
    scene.world.write("age.txt", [b"\xEF\xBB\xBF".as_slice(), &text].concat());
    // The key can still be used.
    scene.is_mended();
    let line = scene.says("it begins with a byte order mark");
    scene.does(&line);
    scene.no_longer_says("byte order mark");
    assert_eq!(fs::read(scene.world.input("age.txt")).unwrap(), text);
}

fn a_key_file_in_utf_16_is_converted() {
    let Some(mut scene) = host() else { return };
    let key = fs::read_to_string(scene.world.input("age.txt")).unwrap();
    for name in ["age.txt", "a key.txt"] {
        for text in [key.clone(), key.replace('\n', "\r\n")] {
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            let path = scene.world.write(name, units.flat_map(u16::to_le_bytes).collect::<Vec<_>>());
            scene.set("ageKeyFile", path.to_str().unwrap());
            let line = scene.says("it was saved as UTF-16");
            scene.does(&line);
            scene.is_mended();
            scene.no_longer_says("has mode");
        }
    }
    scene.world.write("age.txt", key.replace('\n', "\r"));
    scene.set("ageKeyFile", scene.world.input("age.txt").to_str().unwrap());
    let line = scene.says("its lines end in CR, not in LF");
    scene.does(&line);
    scene.is_mended();
    // age and ssh-keygen can read such files.
    scene.world.write("age.txt", key.replace('\n', "\r\n"));
    scene.is_mended();
    scene.no_longer_says("cannot use");
}

/// A host with an SSH key, and with a file that is encrypted to it.
fn ssh_host(key: &str) -> Option<Scene> {
    let mut scene = Scene::new()?;
    let public = scene.world.fixture(&format!("keys/{key}.pub"));
    let recipient = fs::read_to_string(public).unwrap();
    let words: Vec<_> = recipient.split_whitespace().take(2).collect();
    scene.recipients(&[&words.join(" ")]);
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.declare(&path, "a", json!({}));
    scene.unset("ageKeyFile");
    scene.set("ageSshKeyPaths", json!([scene.world.fixture(&format!("keys/{key}"))]));
    Some(scene)
}

fn a_passphrase_is_removed() {
    let Some(scene) = ssh_host("ssh_passphrase") else { return };
    if !has("ssh-keygen") {
        return;
    }
    let line = scene.says("protected by a passphrase");
    // The person who types this command is asked for the old passphrase.
    let command = command(&line).replace("ssh-keygen ", "ssh-keygen -P 'test passphrase' ");
    scene.types(&command);
    scene.is_mended();
}

fn an_ssh_key_in_utf_16_is_converted() {
    let Some(scene) = ssh_host("ssh_ed25519") else { return };
    let path = scene.world.input("ssh_ed25519");
    let key = fs::read_to_string(&path).unwrap();
    let units = std::iter::once(0xFEFF).chain(key.encode_utf16());
    scene
        .world
        .write("ssh_ed25519", units.flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    let line = scene.says("it was saved as UTF-16");
    scene.does(&line);
    scene.is_mended();
    scene.world.write("ssh_ed25519", key.replace('\n', "\r\n"));
    scene.is_mended();
}

fn identities_are_decrypted() {
    an_ssh_key_in_utf_16_is_converted();
    if !has("age") || !has("script") {
        return;
    }
    let Some(mut scene) = host() else { return };
    // age asks for a passphrase only on a terminal.
    let typed = |scene: &Scene, command: &str, words: &str| {
        scene.world.write("command.sh", command);
        let typist = format!("(sleep 1; printf '{words}'; sleep 3) | script -qec 'bash command.sh' /dev/null");
        scene.types(&typist);
    };
    let source = scene.world.input("age.txt").display().to_string();
    typed(
        &scene,
        &format!("age --passphrase --armor --output closed '{source}'"),
        "pass word\\npass word\\n",
    );
    scene.set("ageKeyFile", scene.world.input("closed").to_str().unwrap());
    let line = scene.says("it is encrypted with a passphrase");
    scene.world.allow_input("closed.txt");
    typed(&scene, command(&line), "pass word\\n");
    scene.set("ageKeyFile", scene.world.input("closed.txt").to_str().unwrap());
    scene.is_mended();
    scene.no_longer_says("has mode");
}

fn an_ssh_key_is_named_as_such() {
    let Some(mut scene) = ssh_host("ssh_ed25519") else { return };
    let key = scene.world.input("ssh_ed25519");
    scene.unset("ageSshKeyPaths");
    scene.set("ageKeyFile", key.to_str().unwrap());
    scene.says("it is an SSH key, not an age identity; add this path to sops.age.sshKeyPaths instead");
    scene.unset("ageKeyFile");
    scene.set("ageSshKeyPaths", json!([key]));
    scene.is_mended();
}

fn the_private_key_is_named() {
    let Some(mut scene) = ssh_host("ssh_ed25519") else { return };
    scene.set("ageSshKeyPaths", json!([scene.world.input("ssh_ed25519.pub")]));
    scene.says("a public SSH key; give the path of the private key");
    scene.set("ageSshKeyPaths", json!([scene.world.input("ssh_ed25519")]));
    scene.is_mended();
}

/// A host with a `GnuPG` home, and with a file that is encrypted to its key.
fn gpg_host(scene: Option<Scene>) -> Option<Scene> {
    let mut scene = scene?;
    let home = scene.world.gnupg_home(&["pgp_curve25519.asc", "pgp.asc"])?;
    let path = scene.world.fixture("to-pgp-curve25519.yaml");
    scene.declare(&path, "", json!({}));
    scene.unset("ageKeyFile");
    scene.set("gnupgHome", home.to_str().unwrap());
    Some(scene)
}

fn gpg_is_named() {
    let Some(mut scene) = gpg_host(Scene::new()) else { return };
    let path = std::env::var("PATH").unwrap();
    let gpg = std::env::split_paths(&path)
        .map(|dir| dir.join("gpg"))
        .find(|gpg| gpg.is_file())
        .unwrap();
    scene.variable("SOPS_GPG_EXEC", "/nowhere/gpg");
    let line = scene.says("no such program; set sops.gnupg.package or SOPS_GPG_EXEC");
    assert!(crate::exists("sops.gnupg.package"), "{line}");
    scene.variable("SOPS_GPG_EXEC", gpg.to_str().unwrap());
    scene.is_mended();
}

/// The command in a line of the report. It is between brackets.
fn in_brackets(line: &str) -> &str {
    command(line).strip_suffix(')').unwrap()
}

fn a_home_is_closed_to_others() {
    let Some(scene) = gpg_host(Scene::system()) else { return };
    let home = scene.world.input("gnupg");
    scene.types(&format!("chmod 770 '{}'", home.display()));
    let line = scene.says("can be written by others");
    scene.types(in_brackets(&line));
    scene.is_mended();
}

fn a_home_is_given_to_root() {
    let Some(scene) = gpg_host(Scene::system()) else { return };
    let home = scene.world.input("gnupg");
    scene.types(&format!("chown -R 1000 '{}'", home.display()));
    let line = scene.says("who could use it to run programs as root");
    scene.types(in_brackets(&line));
    scene.is_mended();
}

fn a_home_of_ones_own_is_used() {
    let Some(mut scene) = gpg_host(Scene::new()) else { return };
    if !crate::common::is_root() {
        return;
    }
    let home = scene.world.input("gnupg").display().to_string();
    let foreign = scene.world.input("foreign").display().to_string();
    let copied = std::process::Command::new("sh")
        .args([
            "-ec",
            &format!("cp -a '{home}' '{foreign}'; chown -R 1234 '{foreign}'; chmod 755 '{foreign}'"),
        ])
        .status()
        .unwrap();
    assert!(copied.success());
    scene.world.allow_input("foreign");
    scene.set("gnupgHome", foreign);
    scene.says("use a home of your own");
    scene.set("gnupgHome", home);
    scene.is_mended();
}

fn a_home_with_a_shorter_path_is_chosen() {
    let Some(mut scene) = gpg_host(Scene::new()) else { return };
    let home = scene.world.input("gnupg").display().to_string();
    let long = scene.world.input(&"x".repeat(120)).display().to_string();
    scene.types(&format!("cp -a '{home}' '{long}'"));
    scene.world.allow_input(&"x".repeat(120));
    scene.set("gnupgHome", long);
    let said = scene.run();
    // If gpg finds a place for its sockets below /run/user, there is nothing to repair.
    if said.code != Some(0) {
        assert!(said.err.contains("choose a GnuPG home with a shorter path"), "{said:?}");
    }
    scene.set("gnupgHome", home);
    scene.is_mended();
}

fn a_plugin_is_installed() {
    let Some(mut scene) = host() else { return };
    let path = scene.world.path_with_plugin();
    let file = scene.world.fixture("to-plugin.yaml");
    scene.redeclare("sopsFile", file.to_str().unwrap());
    scene.redeclare("key", "");
    let key = scene.world.fixture("keys/plugin.txt");
    scene.set("ageKeyFile", key.to_str().unwrap());
    scene.variable("PATH", "/nowhere");
    scene.says("no such program in PATH; add its package to sops.age.plugins");
    assert!(crate::exists("sops.age.plugins"));
    scene.variable("PATH", &path);
    scene.is_mended();
}

fn the_quotes_of_a_command_are_mended() {
    let Some(mut scene) = host() else { return };
    let key = scene.world.input("age.txt").display().to_string();
    scene.unset("ageKeyFile");
    scene.variable("SOPS_AGE_KEY_CMD", &format!("cat '{key}"));
    scene.says("its value is not a command; check the quotes in it");
    scene.variable("SOPS_AGE_KEY_CMD", &format!("cat '{key}'"));
    scene.is_mended();
    assert!(fs::read_to_string(&key).unwrap().contains(RECIPIENT));
}

fn more_time_is_given() {
    let Some(mut scene) = gpg_host(Scene::system()) else { return };
    let path = scene.world.fixture("to-age-and-pgp.yaml");
    scene.redeclare("sopsFile", path.to_str().unwrap());
    for variable in ["SOPS_AGE_SSH_PRIVATE_KEY_CMD", "SOPS_AGE_KEY_CMD"] {
        scene.variable(variable, "sleep 2");
    }
    scene.set("keyTimeout", 1);
    scene.says("not asked: the programs before it used up the time; raise sops.keyTimeout");
    assert!(crate::exists("sops.keyTimeout"));
    scene.set("keyTimeout", 20);
    scene.is_mended();
}

fn an_ssh_key_in_another_form_is_converted() {
    for (program, make, result) in [
        ("puttygen", "puttygen ssh_rsa -O private -o 'a key'", "a key.openssh"),
        ("puttygen", "puttygen ssh_rsa -O private-sshcom -o 'a key'", "a key.openssh"),
        (
            "dropbearconvert",
            "dropbearconvert openssh dropbear ssh_rsa 'a key' 2>&1",
            "a key.openssh",
        ),
        (
            "openssl",
            "puttygen ssh_rsa -O private-openssh -o pem && openssl pkcs8 -topk8 -in pem -passout pass:word -out 'a key'",
            "a key.plain",
        ),
    ] {
        let Some(mut scene) = ssh_host("ssh_rsa") else { return };
        if !has(program) || !has("puttygen") {
            return;
        }
        scene.types(make);
        for name in ["pem", "a key", result] {
            scene.world.allow_input(name);
        }
        scene.set("ageSshKeyPaths", json!([scene.world.input("a key")]));
        let line = scene.says("copy; to make one, run: ");
        // The person who types this command is asked for the passphrase.
        scene.types(&command(&line).replace("openssl pkey ", "openssl pkey -passin pass:word "));
        scene.set("ageSshKeyPaths", json!([scene.world.input(result)]));
        scene.is_mended();
        scene.no_longer_says("has mode");
    }
}

fn identities_are_named_as_such() {
    let Some(mut scene) = host() else { return };
    let key = scene.world.input("age.txt");
    scene.unset("ageKeyFile");
    scene.set("ageSshKeyPaths", json!([key]));
    scene.says("it contains age identities, not an SSH key; set sops.age.keyFile to this path instead");
    assert!(crate::exists("sops.age.keyFile"));
    scene.unset("ageSshKeyPaths");
    scene.set("ageKeyFile", key.to_str().unwrap());
    scene.is_mended();
}

fn a_key_of_gpg_is_imported() {
    let Some(mut scene) = gpg_host(Scene::new()) else { return };
    let home = scene.world.input("gnupg").display().to_string();
    let key = scene.world.fixture("keys/pgp_curve25519.asc");
    scene.unset("gnupgHome");
    scene.set("ageSshKeyPaths", json!([key]));
    scene.says("it is an OpenPGP key; import the key into a GnuPG home, and set sops.gnupg.home to that home");
    assert!(crate::exists("sops.gnupg.home"));
    scene.unset("ageSshKeyPaths");
    // The key has been imported into this home.
    scene.set("gnupgHome", home);
    scene.is_mended();
}

fn what_a_link_leads_to_is_restored() {
    let Some(mut scene) = host() else { return };
    let link = scene.world.input("link.txt");
    scene.types("mkdir elsewhere && ln -s elsewhere/key.txt link.txt");
    scene.set("ageKeyFile", link.to_str().unwrap());
    scene.says("a symlink to a file that does not exist; restore that file, or mount its file system");
    scene.says("  hint: repair $DIR/link.txt: restore that file");
    scene.types("cp -p age.txt elsewhere/key.txt");
    scene.world.allow_input("elsewhere/key.txt");
    scene.is_mended();
}

fn a_home_that_is_there_is_named() {
    let Some(mut scene) = gpg_host(Scene::new()) else { return };
    let home = scene.manifest.field("gnupgHome").unwrap().clone();
    let absent = scene.world.input("absent");
    scene.set("gnupgHome", absent.to_str().unwrap());
    scene.says("cannot use $DIR/absent: no such directory; restore the directory, or correct sops.gnupg.home or GNUPGHOME");
    scene.says("  hint: repair $DIR/absent: restore the directory, or correct sops.gnupg.home or GNUPGHOME");
    assert!(crate::exists("sops.gnupg.home"));
    assert!(!absent.exists());
    scene.set("gnupgHome", home);
    scene.is_mended();
}

fn a_key_can_be_read_again() {
    let Some(scene) = host() else { return };
    let key = scene.world.input("age.txt");
    let mode = |bits| fs::set_permissions(&key, fs::Permissions::from_mode(bits)).unwrap();
    mode(0o000);
    let said = scene.run();
    // Root may read all files.
    if said.code != Some(0) {
        scene.says("  hint: repair $DIR/age.txt: ask the owner of the file for the right to read it, or use a key of your own");
    }
    mode(0o600);
    scene.is_mended();
}

fn a_damaged_key_is_restored() {
    let Some(scene) = ssh_host("ssh_ed25519") else { return };
    let key = scene.world.input("ssh_ed25519");
    let good = fs::read_to_string(&key).unwrap();
    for damaged in [&good[..good.len() / 2], "", "hello\n"] {
        fs::write(&key, damaged).unwrap();
        scene.says("  hint: repair $DIR/ssh_ed25519: restore the key, or give the path of another one");
    }
    fs::write(&key, good).unwrap();
    scene.is_mended();
}

fn a_bad_line_is_removed() {
    let Some(scene) = host() else { return };
    let key = fs::read_to_string(scene.world.input("age.txt")).unwrap();
    scene.world.write("age.txt", format!("x\n{key}"));
    scene.says("cannot use line 1 of $DIR/age.txt: it is not an age identity; correct or remove the line");
    scene.world.write("age.txt", key);
    scene.is_mended();
}

fn a_comment_gets_a_line_of_its_own() {
    let Some(scene) = host() else { return };
    let key = fs::read_to_string(scene.world.input("age.txt")).unwrap();
    scene
        .world
        .write("age.txt", format!("{} # laptop\n", key.lines().last().unwrap()));
    scene.says("it has other text beside the age identity; leave only the identity in the line; a comment has a line of its own");
    scene.world.write("age.txt", format!("# laptop\n{key}"));
    scene.is_mended();
}

fn a_recipient_is_replaced() {
    let Some(scene) = host() else { return };
    let key = fs::read_to_string(scene.world.input("age.txt")).unwrap();
    scene.world.write("age.txt", format!("{RECIPIENT}\n"));
    scene.says("  hint: repair line 1 of $DIR/age.txt: write the private key instead, which begins with AGE-SECRET-KEY-1");
    assert!(key.contains("\nAGE-SECRET-KEY-1") || key.starts_with("AGE-SECRET-KEY-1"));
    scene.world.write("age.txt", key);
    scene.is_mended();
}

fn a_file_is_named() {
    let Some(mut scene) = host() else { return };
    let right = scene.world.input("age.txt");
    scene.set("ageKeyFile", scene.world.input("").to_str().unwrap());
    scene.says(": it is a directory, not a file; give the path of a key file");
    scene.set("ageKeyFile", right.to_str().unwrap());
    scene.is_mended();
}

fn a_usable_ssh_key_is_named() {
    let Some(mut scene) = ssh_host("ssh_ed25519") else { return };
    let key = scene.world.input("ecdsa");
    scene.types(&format!("ssh-keygen -q -t ecdsa -N '' -f '{}'", key.display()));
    scene.set("ageSshKeyPaths", json!([key]));
    scene.says("which age cannot use; use an ssh-ed25519 or ssh-rsa key");
    scene.set("ageSshKeyPaths", json!([scene.world.fixture("keys/ssh_ed25519")]));
    scene.is_mended();
}
