//! Tests of faults in a manifest, which are found before anything is done.

use serde_json::json;

use crate::common::{Manifest, World, fixtures};

#[test]
fn names_that_leave_the_generation_are_refused() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("text.bin");
    let before = (world.tree("/run"), world.tree("/etc"));
    for name in ["../x", "/x", "a/../../x", "..", ".", "a//b", "a/.", "", "x\0y", "a/"] {
        for manifest in [
            world.manifest().secret(name, &file, ""),
            world.manifest().template(name, "x", json!({})),
        ] {
            let said = world.run(&manifest);
            assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{name:?}: {said:?}");
            assert!(
                said.err.contains("choose another name, such as \"db/password\""),
                "{name:?}: {}",
                said.err
            );
        }
    }
    assert_eq!((world.tree("/run"), world.tree("/etc")), before);
}

#[test]
fn entries_that_exclude_each_other_are_found_before_anything_is_written() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("text.bin");
    let before = world.tree("/run");
    for (what, manifest) in [
        (
            "a file and a directory",
            world.manifest().secret("a", &file, "").secret("a/b", &file, ""),
        ),
        (
            "a secret where templates go",
            world.manifest().secret("rendered", &file, "").template("x", "x", json!({})),
        ),
        (
            "the place of a template",
            world
                .manifest()
                .secret("rendered/x", &file, "")
                .template("x", "x", json!({}))
                .with("version", 1),
        ),
        (
            "one path",
            world
                .manifest()
                .secret_with("a", &file, "", json!({"path": "/etc/x"}))
                .template("b", "x", json!({"path": "/etc/x"}))
                .with("version", 1),
        ),
        (
            "two formats",
            world
                .manifest()
                .secret("a", &file, "")
                .secret_with("b", &file, "", json!({"format": "json"})),
        ),
    ] {
        let said = world.run(&manifest);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{what}: {said:?}");
    }
    assert_eq!(world.tree("/run"), before);
}

#[test]
fn what_the_go_program_installs_without_complaint_is_installed_with_a_warning() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let manifest = world
        .manifest()
        .secret_with("a", &file, "database/host", json!({"path": "/etc/x"}))
        .secret_with("b", &file, "a/b/c/d", json!({"path": "/etc/x"}));
    let said = world.run(&manifest);
    assert_eq!(said.code, Some(0));
    assert_eq!(
        said.err,
        "warning: secret \"a\" and secret \"b\" both have the path /etc/x, so only secret \"b\" is published there; choose another path\n"
    );
    assert_eq!(world.read("/etc/x"), "deep");
    assert_eq!(world.read("/run/secrets/a"), "db.example.org");
}

#[test]
fn the_check_modes_need_no_key_no_user_and_no_mount() {
    let world = World::user();
    let file = world.fixture("nesting.json");
    let manifest = Manifest::new()
        .with("secretsMountPoint", "/run/secrets.d")
        .with("symlinkPath", "/run/secrets")
        .with("ageKeyFile", "/nowhere/key.txt")
        .secret_with("a", &file, "database/host", json!({"owner": "nobody-has-this"}));
    let path = world.save(&manifest);
    for mode in ["-check-mode=manifest", "-check-mode=sopsfile", "--check-mode=sopsfile"] {
        let said = world.run_arguments([mode.as_ref(), path.as_os_str()]);
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""), "{mode}");
    }
    let missing = manifest.secret("b", &file, "database/hosts");
    let path = world.save(&missing);
    let said = world.run_arguments(["-check-mode=sopsfile".as_ref(), path.as_os_str()]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert_eq!(
        said.err,
        "error: secret \"b\" from $DIR/nesting.json: the key \"database/hosts\" does not exist; did you mean \"database/host\"?\n"
    );
    assert_eq!(
        world.run_arguments(["-check-mode=manifest".as_ref(), path.as_os_str()]).code,
        Some(0)
    );
}

/// A manifest of `tests/fixtures/manifests`, with real files in place of its store paths.
fn of_a_nix_module(world: &World, name: &str) -> Manifest {
    let text = std::fs::read_to_string(fixtures().join("manifests").join(name)).unwrap();
    let mut manifest = Manifest::parse(&text);
    let file = world.fixture("nesting.json");
    let template = world.write("x.conf", text_of_template(&text));
    for secret in manifest.value()["secrets"].as_array_mut().unwrap() {
        secret["sopsFile"] = json!(file);
        secret["format"] = json!("json");
        secret["key"] = json!("database/host");
    }
    for entry in manifest.value()["templates"].as_array_mut().unwrap() {
        entry["file"] = json!(template);
    }
    manifest
}

fn text_of_template(manifest: &str) -> String {
    let manifest: serde_json::Value = serde_json::from_str(manifest).unwrap();
    manifest["templates"][0]["content"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_manifests_of_the_sops_nix_modules_are_accepted_with_all_their_fields() {
    for name in ["manifest-regular.json", "manifest-for-users.json", "manifest-home.json"] {
        let world = World::user();
        let path = world.write(
            "manifest.json",
            std::fs::read(fixtures().join("manifests").join(name)).unwrap(),
        );
        let said = world.run_arguments(["-check-mode=manifest".as_ref(), path.as_os_str()]);
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""), "{name}");
    }
}

#[test]
fn the_manifest_of_a_nixos_host_installs() {
    let Some(world) = World::system() else { return };
    let key = std::fs::read(world.fixture("keys/age.txt")).unwrap();
    world.shell("echo nginx:x:61:60::/:/bin/false >> /etc/passwd");
    let manifest = of_a_nix_module(&world, "manifest-regular.json");
    let said = world.run_with(&manifest, |command| {
        command.env("SOPS_AGE_KEY", String::from_utf8(key).unwrap().lines().last().unwrap())
    });
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""));
    assert_eq!(world.read("/etc/x.conf"), "u=db.example.org");
    assert_eq!(
        world.tree("/run/secrets.d"),
        "0600 0:0 .lock \"\"\n0751 0:96 1/\n0751 0:96 1/rendered/\n0400 61:60 1/rendered/x.conf \"u=db.example.org\"\n0400 0:0 1/u \"db.example.org\"\n"
    );
}

#[test]
fn the_manifest_of_a_hosts_early_secrets_installs_beside_the_other() {
    let Some(world) = World::system() else { return };
    let manifest = of_a_nix_module(&world, "manifest-for-users.json").with("ageKeyFile", json!(world.fixture("keys/age.txt")));
    let path = world.save(&manifest);
    let said = world.run_arguments(["-ignore-passwd".as_ref(), path.as_os_str()]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""));
    assert_eq!(world.read("/run/secrets-for-users/pw"), "db.example.org");
    assert_eq!(world.shell("ls /run"), "nixos\nsecrets-for-users\nsecrets-for-users.d\n");
}

#[test]
fn the_manifest_of_a_home_manager_user_installs() {
    let world = World::user();
    let mut manifest = of_a_nix_module(&world, "manifest-home.json").with("ageKeyFile", json!(world.fixture("keys/age.txt")));
    let home = world.input("home");
    let text = serde_json::to_string(manifest.value())
        .unwrap()
        .replace("/home/alice", home.to_str().unwrap());
    let said = world.run(&Manifest::parse(&text));
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");
    for place in [
        "run/context7/api-key",
        "home/.ssh/id_ed25519",
        "home/.config/sops-nix/secrets/ssh_key",
    ] {
        assert_eq!(
            std::fs::read_to_string(world.input(place)).unwrap(),
            "db.example.org",
            "{place}"
        );
    }
}
