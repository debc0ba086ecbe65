//! Tests of owners and modes.

use serde_json::json;

use crate::common::{KEYS, Manifest, World};

fn manifest(world: &World) -> Manifest {
    let file = world.fixture("text.bin");
    let mut manifest = world.manifest();
    for mode in ["0400", "0", "440", "0777", "4755", "07777", "0200"] {
        manifest = manifest.secret_with(&format!("modes/{mode}"), &file, "", json!({"mode": mode}));
    }
    manifest
        .secret_with(
            "owners/name",
            &file,
            "",
            json!({"owner": "alice", "group": "web", "uid": 7, "gid": 8}),
        )
        .secret_with(
            "owners/number",
            &file,
            "",
            json!({"owner": null, "group": null, "uid": 4711, "gid": 4712}),
        )
        .secret_with("owners/mixed", &file, "", json!({"owner": "alice", "gid": 4712}))
        .template("t", "x", json!({"owner": "alice", "group": "web", "mode": "0640"}))
}

fn expected(alice: u32, web: u32, uid: u32, gid: u32) -> String {
    let text = "text without a line break at its end";
    format!(
        "\
0751 0:{KEYS} modes/
0000 0:0 modes/0 \"{text}\"
0200 0:0 modes/0200 \"{text}\"
0400 0:0 modes/0400 \"{text}\"
0777 0:0 modes/0777 \"{text}\"
7777 0:0 modes/07777 \"{text}\"
0440 0:0 modes/440 \"{text}\"
4755 0:0 modes/4755 \"{text}\"
0751 0:{KEYS} owners/
0400 {alice}:{gid} owners/mixed \"{text}\"
0400 {alice}:{web} owners/name \"{text}\"
0400 {uid}:{gid} owners/number \"{text}\"
0751 0:{KEYS} rendered/
0640 {alice}:{web} rendered/t \"x\"
"
    )
}

#[test]
fn owners_and_modes_are_as_declared_whatever_the_umask() {
    let Some(world) = World::system() else { return };
    let path = world.save(&manifest(&world));
    for (generation, umask) in [(1, "0"), (2, "777"), (3, "077")] {
        let mut command = world.command("sh");
        command
            .args(["-c", &format!("umask {umask}; exec \"$0\" \"$1\"")])
            .arg(world.executable())
            .arg(&path);
        let said = world.finish(&mut command);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "umask {umask}");
        assert_eq!(
            world.tree(&format!("/run/secrets.d/{generation}")),
            expected(1000, 60, 4711, 4712),
            "umask {umask}"
        );
        assert_eq!(
            world.shell("stat -c '%a %u:%g' /run/secrets.d/[0-9]*"),
            format!("751 0:{KEYS}\n")
        );
    }
}

#[test]
fn with_ignore_passwd_all_belongs_to_root_and_nobody_is_looked_up() {
    let Some(world) = World::system() else { return };
    let path = world.save(&manifest(&world));
    world.shell("rm /etc/passwd /etc/group");
    let said = world.run_arguments(["-ignore-passwd".as_ref(), path.as_os_str()]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let expected = expected(0, 0, 0, 0).replace(&format!("0:{KEYS}"), "0:0");
    assert_eq!(world.tree("/run/secrets.d/1"), expected);
    assert_eq!(world.shell("stat -c '%a %u:%g' /run/secrets.d"), "751 0:0\n");
}

#[test]
fn no_key_of_the_host_reaches_a_file_system() {
    let Some(world) = World::system() else { return };
    let (age, ssh, rsa) = (
        world.fixture("keys/other-age.txt"),
        world.fixture("keys/ssh_ed25519"),
        world.fixture("keys/ssh_rsa"),
    );
    let manifest = manifest(&world)
        .with("ageSshKeyPaths", json!([ssh]))
        .with("sshKeyPaths", json!([rsa]));
    let said = world.run_with(&manifest, |command| command.env("SOPS_AGE_KEY_FILE", age));
    assert_eq!(said.code, Some(0), "{said:?}");
    let trees = [world.tree("/run"), world.tree("/etc")].concat();
    for key in ["AGE-SECRET-KEY", "PRIVATE KEY", "age-keys"] {
        assert!(!trees.contains(key), "{key} in {trees}");
    }
    assert_eq!(
        world.shell("ls /run /run/secrets.d /tmp/age* /var/tmp/age* 2> /dev/null || :"),
        "/run:\nnixos\nsecrets\nsecrets.d\n\n/run/secrets.d:\n1\n"
    );
}
