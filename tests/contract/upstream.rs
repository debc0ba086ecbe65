//! Repeats the unit tests of the Go program, with the fixtures of this project.

use serde_json::{Value, json};

use crate::common::{Manifest, World};

/// The directory in which the Go tests put the generations and the link.
const DIRECTORY: &str = "/run/tested";

/// A manifest as in the Go tests, without the fields that they leave out.
fn manifest() -> Manifest {
    Manifest::new()
        .with("secretsMountPoint", format!("{DIRECTORY}/secrets.d"))
        .with("symlinkPath", format!("{DIRECTORY}/secrets"))
}

/// A world in which [`DIRECTORY`] exists.
fn world() -> Option<World> {
    let world = World::system()?;
    world.shell(&format!("mkdir {DIRECTORY}"));
    Some(world)
}

/// The owner, mode and units of a secret of the Go tests.
fn fields(owner: &str, group: &str, mode: &str, path: &str) -> Value {
    json!({
        "owner": owner, "group": group, "mode": mode, "path": path,
        "restartUnits": ["affected-service"], "reloadUnits": ["affected-reload-service"],
    })
}

#[test]
fn files_of_all_formats_open_by_a_gnupg_home_with_links_beside_the_generations() {
    let Some(world) = world() else { return };
    let Some(home) = world.gnupg_home(&["pgp.asc"]) else { return };
    let mut manifest = manifest().with("gnupgHome", json!(home)).secret_with(
        "test",
        &world.fixture("to-pgp.yaml"),
        "database/host",
        fields("nobody", "nogroup", "0400", &format!("{DIRECTORY}/test-target")),
    );
    for (name, file, owner, group, mode) in [
        ("test2", "to-pgp.json", "root", "root", "0700"),
        ("test3", "to-pgp.bin", "nobody", "nogroup", "0400"),
        ("test4", "to-pgp.env", "root", "root", "0400"),
        ("test5", "to-pgp.ini", "root", "root", "0400"),
    ] {
        let path = format!("{DIRECTORY}/secrets.d/{name}");
        manifest = manifest.secret_with(name, &world.fixture(file), "", fields(owner, group, mode, &path));
    }
    for generation in ["1", "2"] {
        let said = world.install(&manifest);
        assert_eq!(said.out, "", "{said:?}");
        assert_eq!(
            world.shell(&format!("readlink {DIRECTORY}/secrets")),
            format!("{DIRECTORY}/secrets.d/{generation}\n")
        );
        assert_eq!(world.read(&format!("{DIRECTORY}/test-target")), "db.example.org");
        assert_eq!(
            world.shell(&format!(
                "cd {DIRECTORY}; stat -c '%F' test-target; stat -Lc '%F %a %U:%G' test-target secrets.d/test[2-5]"
            )),
            "symbolic link\nregular file 400 nobody:nogroup\nregular file 700 root:root\nregular file 400 nobody:nogroup\n\
             regular file 400 root:root\nregular file 400 root:root\n"
        );
    }
    let whole = std::fs::read(crate::common::fixtures().join("3.13.2/to-pgp.bin.decrypted")).unwrap();
    let installed = std::fs::read(world.path(&format!("{DIRECTORY}/secrets.d/2/test3"))).unwrap();
    assert_eq!(installed, whole);
}

#[test]
fn a_path_among_the_generations_under_a_name_of_theirs_is_refused() {
    for name in ["1", "7/a", "7.pending", ".lock", ".checking.1", ".check-output/x", "a/.lock"] {
        let Some(world) = world() else { return };
        let path = format!("{DIRECTORY}/secrets.d/{name}");
        let (file, key) = (world.fixture("text.bin"), world.fixture("keys/age.txt"));
        let manifest = |path: &str| {
            let manifest = manifest().with("ageKeyFile", json!(key));
            manifest.secret_with("a", &file, "", json!({"path": path}))
        };
        let said = world.run(&manifest(&path));
        if name == "a/.lock" {
            assert_eq!(said.code, Some(0), "{said:?}");
            continue;
        }
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(
            said.err.contains("which this program itself needs; choose another path"),
            "{said:?}"
        );
        let strict = world.run(&manifest(&format!("{DIRECTORY}/secrets.d/a")).with("version", 1));
        assert_eq!(strict.code, Some(2), "{strict:?}");
    }
}

/// Installs a secret of the Go tests, for which a file is at its declared path. The key `key` is named in the field `field` of the
/// manifest.
fn opens_by(key: &str, field: &str, is_list: bool, file: &str) {
    let Some(world) = world() else { return };
    world.shell(&format!("touch {DIRECTORY}/existing-target"));
    let key = json!(world.fixture(key));
    let value = if is_list { json!([key]) } else { key };
    let path = format!("{DIRECTORY}/existing-target");
    let manifest = manifest().with(field, value).secret_with(
        "test",
        &world.fixture(file),
        "database/host",
        fields("nobody", "nogroup", "0400", &path),
    );
    world.install(&manifest);
    assert_eq!(world.read(&path), "db.example.org");
    assert_eq!(
        world.shell(&format!("readlink {path}")),
        format!("{DIRECTORY}/secrets/test\n")
    );
}

#[test]
fn an_rsa_ssh_key_opens_as_an_openpgp_key_and_a_file_in_the_way_of_the_link_is_replaced() {
    opens_by("keys/ssh_rsa", "sshKeyPaths", true, "openpgp/sops/to-ssh-rsa-as-pgp.yaml");
}

#[test]
fn a_file_of_age_identities_opens_and_a_file_in_the_way_of_the_link_is_replaced() {
    opens_by("keys/age.txt", "ageKeyFile", false, "nesting.yaml");
}

#[test]
fn an_ed25519_ssh_key_opens_as_an_age_identity_and_a_file_in_the_way_of_the_link_is_replaced() {
    opens_by("keys/ssh_ed25519", "ageSshKeyPaths", true, "to-converted-ssh.yaml");
}

#[test]
fn the_check_modes_pass_where_the_keys_are_absent() {
    let Some(world) = world() else { return };
    let path = format!("{DIRECTORY}/test-target");
    let manifest = manifest().with("sshKeyPaths", json!(["non-existing-key"])).secret_with(
        "test",
        &world.fixture("nesting.yaml"),
        "database/host",
        fields("nobody", "nogroup", "0400", &path),
    );
    let saved = world.save(&manifest);
    for mode in ["-check-mode=manifest", "-check-mode=sopsfile"] {
        let said = world.run_arguments([mode.as_ref(), saved.as_os_str()]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{mode}");
    }
}

#[test]
fn formats_are_known_by_their_names_in_small_letters() {
    let world = World::user();
    let check = |format: &str, is_known: bool| {
        let fields = json!({"format": format});
        let path = world.save(&manifest().secret_with("a", &world.input("any"), "", fields));
        let said = world.run_arguments(["-check-mode=manifest".as_ref(), path.as_os_str()]);
        assert_eq!(said.code, Some(if is_known { 0 } else { 2 }), "{format}: {said:?}");
    };
    for format in ["yaml", "json", "binary", "dotenv", "ini"] {
        check(format, true);
        check(&format.to_uppercase(), false);
    }
}
