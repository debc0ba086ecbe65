//! Tests secrets whose sops file or key may be missing.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::common::{Manifest, World, token};

/// A manifest of a good secret.
fn good(world: &World) -> Manifest {
    world
        .manifest()
        .with("version", 1)
        .secret("good", &world.fixture("text.bin"), "")
}

/// The same with an optional secret from the key of a file.
fn with_optional(world: &World, file: &str, key: &str) -> Manifest {
    let file = if file.contains("absent") {
        world.input(file)
    } else {
        world.fixture(file)
    };
    good(world).secret_with(
        "s",
        &file,
        key,
        json!({"optional": true, "path": "/etc/s", "restartUnits": ["a.service"]}),
    )
}

/// The files that are installed, and where the link leads.
fn installed(world: &World) -> String {
    world.shell("readlink /run/secrets; cd /run/secrets; find . -type f | sort")
}

#[test]
fn what_is_optional_and_missing_is_left_out_and_no_failure() {
    for (file, key, reason) in [
        ("absent.json", "x", "$DIR/absent.json: no such file"),
        (
            "nesting.json",
            "database/hosts",
            "$DIR/nesting.json: the key \"database/hosts\" does not exist; did you mean \"database/host\"?",
        ),
        (
            "nesting.json",
            "nothing/like/it",
            "$DIR/nesting.json: the key \"nothing\" does not exist",
        ),
    ] {
        let Some(world) = World::system() else { return };
        let manifest = with_optional(&world, file, key).template("t", &format!("s={}", token("s")), json!({}));
        let lines = format!(
            "optional secret s is left out: {reason}\n\
             template t is left out: it needs secret \"s\", which is optional, and left out\n"
        );
        let dry = world.run_with(&manifest, |command| command.env("NIXOS_ACTION", "dry-activate"));
        assert_eq!((dry.code, &dry.err), (Some(0), &lines), "{key}");
        let said = world.run(&manifest);
        assert_eq!((said.code, &said.err), (Some(0), &lines), "{key}");
        assert_eq!(installed(&world), "/run/secrets.d/1\n./good\n", "{key}");
        assert!(!world.tree("/etc").contains("link"), "no link was made for {key}");
        // The same again writes nothing.
        let record = || world.shell("stat -c '%i %Y %Z' /run/secrets.d/.last-run.json");
        let before = record();
        assert_eq!(world.run(&manifest).code, Some(0));
        assert_eq!((record(), installed(&world).as_str()), (before, "/run/secrets.d/1\n./good\n"));
        // The build finds nothing wrong either.
        let path = world.save(&manifest);
        let said = world.run_arguments([OsStr::new("-check-mode=sopsfile"), path.as_os_str()]);
        let first = lines.lines().next().unwrap();
        assert_eq!((said.code, said.err.trim_end()), (Some(0), first), "{key}");
    }
}

#[test]
fn an_optional_secret_goes_and_comes_with_its_key() {
    let Some(world) = World::system() else { return };
    let [there, missing] = ["database/host", "database/hosts"].map(|key| with_optional(&world, "nesting.json", key));
    world.install(&there);
    assert_eq!(world.read("/etc/s"), "db.example.org");
    let said = world.run(&missing);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "removing secret: s\n"));
    assert_eq!(installed(&world), "/run/secrets.d/2\n./good\n");
    assert_eq!(world.tree("/run/nixos"), "", "what goes restarts nothing");
    let said = world.run(&there);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "adding secret: s\n"));
    assert_eq!(world.read("/etc/s"), "db.example.org");
    assert_eq!(
        world.shell("cat /run/nixos/activation-restart-list"),
        "a.service\n",
        "what comes restarts its units"
    );
}

#[test]
fn an_optional_secret_that_is_there_and_unusable_fails() {
    let Some(world) = World::system() else { return };
    world.install(&with_optional(&world, "nesting.json", "database/host"));
    let before = world.tree("/run");
    let altered = world.altered("nesting.json", "altered.json", "port");
    let directory = world.input("directory");
    std::fs::create_dir(&directory).unwrap();
    let optional = json!({"optional": true});
    for (what, file, key) in [
        ("of another key", world.fixture("to-other.yaml"), "database/host"),
        ("altered", altered, "database/host"),
        ("a map", world.fixture("nesting.json"), "database"),
        ("below a string", world.fixture("nesting.json"), "database/host/name"),
        ("a directory", directory, "x"),
        ("below a file", world.fixture("nesting.json").join("x"), "x"),
    ] {
        let said = world.run(&good(&world).secret_with("s", &file, key, optional.clone()));
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{what}: {said:?}");
        assert!(
            said.err
                .ends_with("error: nothing was changed, because these failed: s; /run/secrets is unchanged\n"),
            "{what}: {said:?}"
        );
        assert_eq!(world.tree("/run"), before, "{what}");
    }
}

/// A file of an optional secret that should be there: its disk is not mounted, the symlink to it leads nowhere, or the store has lost it.
#[test]
fn a_file_that_should_be_there_is_no_optional_one() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let secret =
        |path: &Path| good(&world).secret_with("s", path, "database/host", json!({"optional": true, "onFailure": "keep"}));
    world.install(&secret(&file));
    let dangling = world.input("dangling.json");
    std::os::unix::fs::symlink("nowhere.json", &dangling).unwrap();
    for path in [
        world.input("no-disk/secrets.json"),
        dangling,
        PathBuf::from("/nix/store/00000000000000000000000000000000-secrets.json"),
    ] {
        let said = world.run(&secret(&path));
        assert_eq!((said.code, said.out.as_str()), (Some(3), ""), "{said:?}");
        assert!(
            said.err
                .contains(" (needed by secret s): no such file; restore the file, or correct sopsFile\n"),
            "{said:?}"
        );
        assert_eq!(world.read("/run/secrets/s"), "db.example.org", "it keeps its value");
    }
    // The modules name this directory, whether it exists or not.
    let said = world.run(&secret(Path::new("/var/empty/secrets.json")));
    assert_eq!((said.code, said.out.as_str()), (Some(0), "removing secret: s\n"), "{said:?}");
}

#[test]
fn of_a_file_that_is_missing_only_the_needed_secrets_fail() {
    let Some(world) = World::system() else { return };
    let nowhere = world.input("absent.json");
    let manifest = good(&world)
        .secret("needed", &nowhere, "x")
        .secret_with("one", &nowhere, "y", json!({"optional": true}))
        .secret_with("two", &nowhere, "z", json!({"optional": true}))
        .template("t", &format!("{}{}", token("one"), token("needed")), json!({}));
    let said = world.run(&manifest);
    assert_eq!(said.code, Some(3));
    assert_eq!(
        said.err,
        "error: cannot read $DIR/absent.json (needed by secrets needed, one, two): no such file; restore the file, or correct sopsFile\n\
         error: template \"t\": it needs secret \"needed\", which failed\n\
         optional secrets one, two are left out: $DIR/absent.json: no such file\n\
         error: published 1 of 3 in /run/secrets, without: needed, t; repair the faults named above, and run: systemctl restart sops-nix\n"
    );
}

#[test]
fn where_all_is_optional_and_missing_an_empty_generation_is_published() {
    let Some(world) = World::system() else { return };
    let nowhere = world.input("absent.json");
    let manifest = world.manifest().secret_with("s", &nowhere, "x", json!({"optional": true}));
    let said = world.run(&manifest);
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(0), "optional secret s is left out: $DIR/absent.json: no such file\n")
    );
    assert_eq!(installed(&world), "/run/secrets.d/1\n");
}

#[test]
fn an_optional_secret_is_left_out_whatever_its_rule_for_failures() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let secret = |key: &str| good(&world).secret_with("s", &file, key, json!({"optional": true, "onFailure": "keep"}));
    world.install(&secret("database/host"));
    let said = world.run(&secret("database/hosts"));
    assert_eq!((said.code, said.out.as_str()), (Some(0), "removing secret: s\n"));
}
