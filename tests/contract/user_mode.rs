//! Tests of user mode: a plain user mounts nothing, changes no owner, and makes no requests.

use serde_json::json;

use crate::common::{ALICE, World, is_root, tree};

/// The owner and group of everything that the plain user makes.
fn owner(world: &World) -> String {
    use std::os::unix::fs::MetadataExt as _;
    let status = std::fs::metadata(world.input("run")).unwrap();
    assert!(!is_root() || status.uid() == ALICE);
    format!("{}:{}", status.uid(), status.gid())
}

#[test]
fn a_plain_user_installs_below_the_runtime_directory() {
    let world = World::user();
    let file = world.fixture("nesting.json");
    let fields = json!({"path": "%r/app/100%%/key", "restartUnits": ["a.service"], "owner": "nobody-has-this", "mode": "0440"});
    let manifest = world
        .manifest()
        .secret_with("db/host", &file, "database/host", fields)
        .template("t", "x", json!({}));
    let said = world.run(&manifest);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");
    let owner = owner(&world);
    assert_eq!(
        world.shown(&tree(&world.input("run"))),
        format!(
            "\
0755 {owner} app/
0755 {owner} app/100%/
link {owner} app/100%/key -> $DIR/home/.config/sops-nix/secrets/db/host
0751 {owner} secrets.d/
0600 {owner} secrets.d/.lock \"\"
0751 {owner} secrets.d/1/
0751 {owner} secrets.d/1/db/
0440 {owner} secrets.d/1/db/host \"db.example.org\"
0751 {owner} secrets.d/1/rendered/
0400 {owner} secrets.d/1/rendered/t \"x\"
"
        )
    );
    assert_eq!(
        world.shown(&tree(&world.input("home"))),
        format!(
            "0755 {owner} .config/\n0755 {owner} .config/sops-nix/\nlink {owner} .config/sops-nix/secrets -> $DIR/run/secrets.d/1\n"
        )
    );
    let again = world.run(&manifest);
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""));
    assert_eq!(
        std::fs::read_to_string(world.input("run/app/100%/key")).unwrap(),
        "db.example.org"
    );
}

/// With this umask, the owner would have no rights to the files and directories that they have just made.
#[test]
fn a_plain_user_installs_whatever_the_umask() {
    let world = World::user();
    let file = world.fixture("nesting.json");
    let manifest = world.save(&world.manifest().secret("db/host", &file, "database/host"));
    for umask in ["0", "777"] {
        let mut command = world.command("sh");
        command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$1\"")]);
        command.arg(world.executable()).arg(&manifest);
        let said = world.finish(&mut command);
        assert_eq!(said.code, Some(0), "umask {umask}: {said:?}");
        let modes = world.shell(
            "cd $DIR/run/secrets.d; stat -c '%a %n' [0-9]* [0-9]*/db [0-9]*/db/host"
                .replace("$DIR", &world.input("").display().to_string())
                .as_str(),
        );
        assert!(
            !modes.is_empty() && modes.lines().all(|line| line.starts_with("751 ") || line.starts_with("400 ")),
            "umask {umask}: {modes}"
        );
    }
}

#[test]
fn a_directory_on_a_disk_is_used_with_a_warning() {
    let world = World::user();
    let on_disk = rustix::fs::statfs(world.input("run")).unwrap().f_type != 0x0102_1994;
    let said = world.run(&world.manifest().secret("a", &world.fixture("text.bin"), ""));
    let warning = "warning: $DIR/run/secrets.d is on a disk, so secrets are on the disk in plain text; \
                   choose a directory below XDG_RUNTIME_DIR (%r)\n";
    assert_eq!(said.err, if on_disk { warning } else { "" });
}

#[test]
fn the_runtime_directory_has_to_be_known_where_it_is_used() {
    let world = World::user();
    let manifest = world.manifest().secret("a", &world.fixture("text.bin"), "");
    let said = world.run_with(&manifest, |command| command.env_remove("XDG_RUNTIME_DIR"));
    assert_eq!(said.code, Some(2));
    assert_eq!(
        said.err,
        "error: the manifest $DIR/manifest.json is not valid:\n  \
         secretsMountPoint contains %r, but XDG_RUNTIME_DIR is not set; log in, or run this in a user service\n"
    );
    let elsewhere = manifest.with("secretsMountPoint", world.input("home/%%r").to_str().unwrap());
    let said = world.run_with(&elsewhere, |command| command.env_remove("XDG_RUNTIME_DIR"));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(world.input("home/%r/1/a").exists());
}

#[test]
fn units_are_not_told() {
    let world = World::user();
    let file = world.fixture("nesting.json");
    let fields = json!({"restartUnits": ["a.service"]});
    let manifest = |key| world.manifest().secret_with("a", &file, key, fields.clone());
    let via_systemctl = |key| {
        world.run_with(&manifest(key), |command| {
            command.env("SOPS_RESTART_UNITS_VIA_SYSTEMCTL", "1").env("PATH", "/nowhere")
        })
    };
    assert_eq!(via_systemctl("database/host").code, Some(0));
    let said = via_systemctl("a/b/c/d");
    assert_eq!((said.code, said.out.as_str()), (Some(0), "modifying secret: a\n"), "{said:?}");
}

#[test]
fn nothing_under_the_home_is_searched_for_keys_where_the_manifest_names_one() {
    let world = World::user();
    let key = std::fs::read(world.fixture("keys/age.txt")).unwrap();
    world.write("home/.config/sops/age/keys.txt", key);
    world.write(
        "home/.ssh/id_ed25519",
        std::fs::read(world.fixture("keys/ssh_ed25519")).unwrap(),
    );
    let manifest =
        world
            .manifest()
            .with("ageKeyFile", json!(world.input("absent.txt")))
            .secret("a", &world.fixture("text.bin"), "");
    let said = world.run_with(&manifest, |command| {
        let home = world.input("home");
        command.env("XDG_CONFIG_HOME", home.join(".config")).env("HOME", home)
    });
    assert_eq!(said.code, Some(1));
    assert!(
        said.err
            .contains("  this host has:\n    (no key)  $DIR/absent.txt: no such file\n  hint: "),
        "{}",
        said.err
    );
}

#[test]
fn bits_that_a_write_clears_are_there_all_the_same_and_are_no_change() {
    use std::os::unix::fs::MetadataExt as _;
    let world = World::user();
    let file = world.fixture("text.bin");
    let modes = ["4755", "2750", "6710", "1400"];
    let manifest = modes.iter().fold(world.manifest(), |manifest, mode| {
        manifest.secret_with(mode, &file, "", json!({"mode": mode}))
    });
    for generation in 1..=2 {
        let said = world.run(&manifest);
        assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");
        for mode in modes {
            let published = world.input(&format!("run/secrets.d/{generation}/{mode}"));
            let found = std::fs::metadata(published).unwrap().mode() & 0o7777;
            assert_eq!(format!("{found:o}"), mode);
        }
    }
}
