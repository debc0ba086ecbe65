//! Tests what is published and reported after a failure.

use std::{ffi::OsStr, path::Path};

use serde_json::json;

use crate::common::{Manifest, World, token};

/// Two good secrets of different files.
fn good(world: &World) -> Manifest {
    world
        .manifest()
        .secret("a", &world.fixture("text.bin"), "")
        .secret("host", &world.fixture("nesting.json"), "database/host")
}

/// The manifest of [`good`], with something added that fails, in each of many ways.
fn failures(world: &World) -> Vec<(&'static str, Manifest)> {
    let (file, other) = (world.fixture("nesting.json"), world.fixture("keys/other-age.txt"));
    let altered = world.altered("nesting.json", "altered.json", "port");
    let cut = world.write("cut.json", &std::fs::read(&file).unwrap()[..700]);
    vec![
        ("key", good(world).secret("bad", &file, "database/hosts")),
        ("file", good(world).secret("bad", &world.input("absent.json"), "x")),
        ("altered", good(world).secret("bad", &altered, "database/host")),
        ("cut", good(world).secret("bad", &cut, "database/host")),
        ("plain", good(world).secret("bad", &other, "")),
        (
            "owner",
            good(world).secret_with("bad", &file, "database/host", json!({"owner": "nobody-has-this"})),
        ),
        (
            "group",
            good(world).secret_with("bad", &file, "database/host", json!({"group": "nobody-has-this"})),
        ),
        ("template", good(world).template("bad", "<SOPS:0:PLACEHOLDER>", json!({}))),
    ]
}

#[test]
fn at_boot_one_failure_does_not_take_the_other_secrets_with_it() {
    for number in 0.. {
        let Some(world) = World::system() else { return };
        let Some((what, manifest)) = failures(&world).into_iter().nth(number) else {
            break;
        };
        let said = world.run(&manifest);
        assert_eq!(said.code, Some(3), "{what}: {said:?}");
        assert_eq!(
            world.shell("cd /run/secrets; find . -type f | sort"),
            "./a\n./host\n",
            "{what}"
        );
        assert_eq!(world.read("/run/secrets/host"), "db.example.org");
        let last = said.err.lines().last().unwrap();
        assert_eq!(
            last,
            "error: published 2 of 3 in /run/secrets, without: bad; repair the faults named above, and run: /run/current-system/activate",
            "{what}"
        );
    }
}

#[test]
fn the_command_that_installs_again_is_that_of_the_phase_and_the_way_of_activation() {
    // The manifest is either one of our module or one of sops-nix. The units of sops-nix have other names.
    let [ours, theirs] = [Some(1), None];
    for (version, arguments, by_unit, expected) in [
        (ours, "", "1", "systemctl restart sops-nix"),
        (ours, "", "", "systemctl restart sops-nix"),
        (theirs, "", "1", "systemctl restart sops-install-secrets"),
        (theirs, "", "", "/run/current-system/activate"),
        (ours, "-ignore-passwd", "1", "systemctl restart sops-nix-for-users"),
        (ours, "-ignore-passwd", "", "/run/current-system/activate"),
        (
            theirs,
            "-ignore-passwd",
            "1",
            "systemctl restart sops-install-secrets-for-users",
        ),
        (theirs, "-ignore-passwd", "", "/run/current-system/activate"),
    ] {
        let Some(world) = World::system() else { return };
        let mut manifest = good(&world).secret("bad", &world.fixture("nesting.json"), "no/such/key");
        if let Some(version) = version {
            manifest = manifest.with("version", version);
        }
        let path = world.save(&manifest);
        let mut command = world.program(arguments.split_whitespace().map(OsStr::new).chain([path.as_os_str()]));
        let said = world.finish(command.env("SOPS_RESTART_UNITS_VIA_SYSTEMCTL", by_unit));
        assert_eq!(said.code, Some(3), "{said:?}");
        let (_, again) = said
            .err
            .trim_end()
            .rsplit_once("; repair the faults named above, and run: ")
            .unwrap();
        assert_eq!(again, expected, "{version:?} {arguments:?} {by_unit:?}");
    }
}

#[test]
fn before_file_systems_the_command_that_installs_again_names_the_unit_of_that_phase() {
    let Some(world) = World::system() else { return };
    let bad = good(&world).secret("bad", &world.fixture("nesting.json"), "no/such/key");
    let path = world.save(&bad.with("version", 1).with("forFileSystems", true));
    let said = world.run_arguments(["-ignore-passwd".as_ref(), path.as_os_str()]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let last = said.err.lines().last().unwrap();
    assert_eq!(
        last,
        "error: published 2 of 3 in /run/secrets, without: bad; repair the faults named above, and run: systemctl restart sops-nix-for-file-systems"
    );
}

#[test]
fn where_all_of_it_fails_nothing_is_published() {
    let Some(world) = World::system() else { return };
    let before = world.tree("/run");
    let said = world.run(&world.manifest().secret("a", &world.fixture("to-other.yaml"), "database/host"));
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert_eq!(
        said.err.lines().last().unwrap(),
        "error: nothing was published in /run/secrets, because every secret and template failed: a"
    );
    assert_eq!(world.tree("/run"), before);
}

#[test]
fn on_a_running_system_any_failure_leaves_the_live_generation_untouched() {
    let Some(world) = World::system() else { return };
    world.install(&good(&world));
    let before = (
        world.tree("/run"),
        world.shell("stat -c '%i %Y %Z' /run/secrets.d/1 /run/secrets /run/secrets/a"),
    );
    for (what, manifest) in failures(&world) {
        let said = world.run(&manifest);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{what}: {said:?}");
        let last = said.err.lines().last().unwrap();
        assert_eq!(
            last, "error: nothing was changed, because these failed: bad; /run/secrets is unchanged",
            "{what}"
        );
        let after = (
            world.tree("/run"),
            world.shell("stat -c '%i %Y %Z' /run/secrets.d/1 /run/secrets /run/secrets/a"),
        );
        assert_eq!(after, before, "{what}");
    }
}

#[test]
fn a_dry_run_tells_of_failures_as_the_real_run_would() {
    let Some(world) = World::system() else { return };
    let dry = |manifest: &Manifest| world.run_with(manifest, |command| command.env("NIXOS_ACTION", "dry-activate"));
    let failures = || {
        failures(&world)
            .into_iter()
            .filter(|(what, _)| !["owner", "group"].contains(what))
    };
    for (what, manifest) in failures() {
        assert_eq!(dry(&manifest).code, Some(3), "{what}");
        assert_eq!(world.tree("/run"), "0755 0:0 nixos/\n", "{what}");
    }
    world.install(&good(&world));
    for (what, manifest) in failures() {
        assert_eq!(
            (dry(&manifest).code, dry(&manifest).err),
            (Some(1), world.run(&manifest).err),
            "{what}"
        );
    }
}

#[test]
fn a_dry_activation_does_not_miss_users_and_groups_that_are_yet_to_be_made() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    world.install(&world.manifest().secret("a", &file, "database/host"));
    let fields = json!({"owner": "carol", "group": "wheel", "restartUnits": ["carol.service"]});
    let manifest = world
        .manifest()
        .secret("a", &file, "database/host")
        .secret_with("b", &file, "database/host", fields);
    let said = world.run_with(&manifest, |command| command.env("NIXOS_ACTION", "dry-activate"));
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (Some(0), "would add secret: b\n", "")
    );
    // In a real run, the users and groups have to exist.
    let said = world.run(&manifest);
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.err,
        "error: secret \"b\": there is no user \"carol\"; declare the user in users.users, or correct owner\n\
         error: nothing was changed, because these failed: b (used by carol.service); /run/secrets is unchanged\n"
    );
}

#[test]
fn an_unknown_group_is_named() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let manifest = world.manifest().secret("a", &file, "database/host");
    let said = world.run(&manifest.secret_with("b", &file, "database/host", json!({"group": "wheel"})));
    assert_eq!(said.code, Some(3));
    assert!(
        said.err.starts_with(
            "error: secret \"b\": there is no group \"wheel\"; declare the group in users.groups, or correct group\n"
        ),
        "{}",
        said.err
    );
}

#[test]
fn a_name_that_is_there_twice_is_no_secret() {
    let world = World::user();
    // An empty string is not encrypted, and does not change the MAC. So anybody can add one without a key.
    let add = |file: &str, first: &str| {
        let text = std::fs::read_to_string(world.fixture(file)).unwrap();
        let forged = text.replacen('{', &format!("{{{first}"), 1);
        world.write(&format!("forged-{file}"), forged)
    };
    let json = add("nesting.json", r#""database": {"host": ""},"#);
    let binary = add("text.bin", r#""data": "","#);
    let manifest = world.manifest().secret("a", &json, "database/host").secret("b", &binary, "");
    let said = world.run(&manifest);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("the file has the key \"database\" more than once"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("the file has the key \"data\" more than once"),
        "{}",
        said.err
    );
}

#[test]
fn every_failure_of_a_run_is_told_not_the_first_alone() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let manifest = good(&world)
        .secret("one", &file, "database/nothing")
        .secret("two", &world.input("absent.json"), "x")
        .secret_with("three", &file, "database/host", json!({"owner": "carol"}))
        .template("four", "<SOPS:0:PLACEHOLDER>", json!({}));
    let said = world.run(&manifest);
    for name in [
        "secret \"one\"",
        "absent.json",
        "secret \"three\"",
        "template \"four\"",
        "without: two, one, four, three;",
    ] {
        assert!(said.err.contains(name), "{name} is missing in:\n{}", said.err);
    }
}

#[test]
fn a_run_that_fails_while_it_writes_leaves_nothing_behind() {
    let Some(world) = World::system() else { return };
    // The file system has eight pages. The first generation and its directories take a few of them.
    world.shell("mkdir /run/secrets.d && mount -t tmpfs -o size=32k,mode=751 tmpfs /run/secrets.d && chgrp keys /run/secrets.d");
    world.install(&good(&world));
    world.shell("rm -f /run/nixos/*");
    let before = world.tree("/run");
    let file = world.fixture("types.json");
    let mut large = good(&world);
    for number in 0..20 {
        let fields = json!({"restartUnits": ["a.service"], "path": format!("/etc/{number}")});
        large = large.secret_with(&format!("dir/{number}"), &file, "", fields);
    }
    let said = world.run(&large);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err
            .lines()
            .any(|line| line.starts_with("error: cannot write /run/secrets.d/2/dir/")),
        "{}",
        said.err
    );
    assert!(
        said.err
            .contains(": no space left on device; to see which file system is full, run: df -h; df -i\n"),
        "{}",
        said.err
    );
    assert_eq!(world.tree("/run"), before);
    assert!(!world.tree("/etc").contains("link"), "no link was made");
}

#[test]
fn after_a_mac_mismatch_nothing_derived_from_plaintext_is_printed() {
    let Some(world) = World::system() else { return };
    // If a value is removed, all other values are still authentic. Only the MAC of the document shows the change.
    let text = std::fs::read_to_string(world.fixture("types.json")).unwrap();
    let start = text.find("\"string\"").unwrap();
    let end = start + text[start..].find('\n').unwrap() + 1;
    let file = world.write("shorter.json", [&text[..start], &text[end..]].concat());
    let said = world.run(&good(&world).secret("bad", &file, "int"));
    assert_eq!((said.code, said.out.as_str()), (Some(3), ""));
    assert_eq!(
        said.err,
        "error: cannot decrypt $DIR/shorter.json (needed by secret bad): the MAC does not match: the file was changed after sops wrote it; \
         restore the file from version control; if you have checked the change and accept it, run: sops --ignore-mac --rotate --in-place $DIR/shorter.json\n\
         error: published 2 of 3 in /run/secrets, without: bad; repair the faults named above, and run: /run/current-system/activate\n"
    );
}

/// A manifest of a good secret, and of one with this `onFailure`, from this key of this file, for these units.
fn with_policy(world: &World, policy: &str, file: &Path, key: &str) -> Manifest {
    let fields =
        json!({"onFailure": policy, "mode": "0440", "restartUnits": ["b.service", "a.service"], "reloadUnits": ["c.service"]});
    let manifest = world.manifest().with("version", 1);
    manifest
        .secret("good", &world.fixture("text.bin"), "")
        .secret_with("s", file, key, fields)
        .template("t", &format!("s={}", token("s")), json!({}))
}

const UNITS: &str = "a.service, b.service, c.service";

#[test]
fn a_secret_that_may_be_skipped_stops_no_other() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    world.install(&with_policy(&world, "skip", &file, "database/host"));
    let said = world.run(&with_policy(&world, "skip", &file, "database/hosts"));
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(3), "removing secret: s\nremoving rendered secret: t\n")
    );
    assert_eq!(
        said.err.lines().last().unwrap(),
        format!(
            "error: published 1 of 3 in /run/secrets, without: s (used by {UNITS}), t; repair the faults named above, and run: systemctl restart sops-nix"
        )
    );
    assert_eq!(world.shell("cd /run/secrets; find . -type f"), "./good\n");
    // The same again changes nothing.
    let before = world.shell("readlink /run/secrets");
    assert_eq!(world.run(&with_policy(&world, "skip", &file, "database/hosts")).code, Some(3));
    assert_eq!(world.shell("readlink /run/secrets"), before);
}

#[test]
fn a_secret_that_keeps_its_value_stops_no_other_and_its_templates_are_rendered() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let nowhere = world.input("absent.json");
    world.install(&with_policy(&world, "keep", &file, "database/host").secret("former", &file, "database/port"));
    let said = world.run(&with_policy(&world, "keep", &nowhere, "x").secret("new", &file, "database/port"));
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(3), "adding secret: new\nremoving secret: former\n"),
        "{said:?}"
    );
    assert_eq!(
        said.err.lines().last().unwrap(),
        format!(
            "error: published 4 of 4 in /run/secrets, with the live value of: s (used by {UNITS}); repair the faults named above, and run: systemctl restart sops-nix"
        )
    );
    assert_eq!(world.read("/run/secrets/s"), "db.example.org");
    assert_eq!(world.read("/run/secrets/rendered/t"), "s=db.example.org");
    assert_eq!(world.shell("stat -L -c %a /run/secrets/s"), "440\n");
}

#[test]
fn a_secret_without_a_live_value_cannot_keep_it() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    world.install(
        &world
            .manifest()
            .with("version", 1)
            .secret("good", &world.fixture("text.bin"), ""),
    );
    let said = world.run(&with_policy(&world, "keep", &file, "database/hosts"));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains(" without: s (used by "), "{said:?}");
    // At a first publication, too.
    let Some(world) = World::system() else { return };
    let said = world.run(&with_policy(&world, "keep", &file, "database/hosts"));
    assert!(
        said.err.contains("published 1 of 3 in /run/secrets, without: s (used by "),
        "{said:?}"
    );
}

#[test]
fn what_aborts_is_stronger_than_what_is_tolerated() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let nowhere = world.input("absent.json");
    let good = with_policy(&world, "keep", &file, "database/host");
    world.install(&good);
    let before = world.tree("/run");
    let kept = with_policy(&world, "keep", &nowhere, "x");
    for (what, manifest) in [
        ("a secret of the same file", kept.clone().secret("bad", &nowhere, "y")),
        ("a secret of another file", kept.clone().secret("bad", &file, "no/such/key")),
        (
            "a template of its own fault",
            kept.clone().template("bad", "<SOPS:0:PLACEHOLDER>", json!({})),
        ),
        (
            "a template that needs a secret which aborts, too",
            kept.secret("bad", &file, "no/such/key")
                .template("u", &format!("{}{}", token("s"), token("bad")), json!({})),
        ),
        (
            "a kept value has no owner",
            good.secret_with(
                "k",
                &file,
                "database/host",
                json!({"onFailure": "keep", "owner": "nobody-has-this"}),
            ),
        ),
    ] {
        let said = world.run(&manifest);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{what}: {said:?}");
        assert!(
            said.err.contains("nothing was changed, because these failed: "),
            "{what}: {said:?}"
        );
        assert_eq!(world.tree("/run"), before, "{what}");
    }
}
