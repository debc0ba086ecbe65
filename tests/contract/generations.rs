//! Tests of generations: what is reported about them, which of them are kept, and what a dry run leaves unchanged.

use std::fs;

use rustix::fs::{FlockOperation, flock};
use serde_json::json;

use crate::common::{Manifest, World, has, say};

/// Two secrets and a template.
fn before(world: &World) -> Manifest {
    let file = world.fixture("nesting.json");
    world
        .manifest()
        .secret("host", &file, "database/host")
        .secret("gone", &file, "database/port")
        .secret("same", &file, "database/tls")
        .template("old", "x", json!({}))
        .template("kept", "k", json!({}))
}

/// Compared with [`before`], one secret has another value, one is missing, and two are new. The same holds for the templates.
fn after(world: &World) -> Manifest {
    let file = world.fixture("nesting.json");
    world
        .manifest()
        .secret("new/b", &file, "database/host")
        .secret("new/a", &file, "database/host")
        .secret("host", &file, "a/b/c/d")
        .secret("same", &file, "database/tls")
        .template("kept", "other", json!({}))
        .template("fresh", "y", json!({}))
}

const CHANGES: &str = "\
adding secrets: new/a, new/b
modifying secret: host
removing secret: gone
adding rendered secret: fresh
modifying rendered secret: kept
removing rendered secret: old
";

#[test]
fn standard_output_has_the_lines_about_changes_and_nothing_else() {
    let Some(world) = World::system() else { return };
    let first = world.install(&before(&world));
    assert_eq!(
        (first.out.as_str(), first.err.as_str()),
        ("", ""),
        "the first publication changes nothing"
    );
    let second = world.install(&after(&world));
    assert_eq!((second.out.as_str(), second.err.as_str()), (CHANGES, ""));
    let third = world.install(&after(&world));
    assert_eq!((third.out.as_str(), third.err.as_str()), ("", ""), "nothing changed");
}

#[test]
fn the_lines_about_changes_are_only_printed_when_they_are_wanted() {
    let Some(world) = World::system() else { return };
    world.install(&before(&world));
    let quiet = after(&world).with("logging", json!({"keyImport": true, "secretChanges": false}));
    assert_eq!(world.install(&quiet).out, "");
    assert_eq!(world.read("/run/secrets/host"), "deep");
}

#[test]
fn an_imported_ssh_key_is_named_on_standard_error_only_when_that_is_wanted() {
    let Some(world) = World::system() else { return };
    let key = world.fixture("keys/ssh_ed25519");
    let manifest = before(&world).with("ageSshKeyPaths", json!([key]));
    // `ssh-to-age` gives this recipient for the key.
    let line = "sops-install-secrets: Imported $DIR/ssh_ed25519 as age key with fingerprint \
                age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl\n";
    let said = world.install(&manifest);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", line));
    let quiet = manifest.with("logging", json!({"secretChanges": true}));
    assert_eq!(world.install(&quiet).err, "");
}

#[test]
fn a_dry_run_says_what_the_real_run_would_and_changes_nothing() {
    let Some(world) = World::system() else { return };
    world.install(&before(&world));
    let (tree, mounts) = (world.tree("/run"), world.shell("cat /proc/self/mounts"));
    let said = world.run_with(&after(&world), |command| command.env("NIXOS_ACTION", "dry-activate"));
    let expected = CHANGES
        .replace("adding", "would add")
        .replace("modifying", "would modify")
        .replace("removing", "would remove");
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (Some(0), expected.as_str(), "")
    );
    assert_eq!(world.tree("/run"), tree);
    assert_eq!(world.shell("cat /proc/self/mounts"), mounts);
}

#[test]
fn a_dry_run_before_the_first_publication_makes_nothing() {
    let Some(world) = World::system() else { return };
    let tree = world.tree("/run");
    let said = world.run_with(&before(&world), |command| command.env("NIXOS_ACTION", "dry-activate"));
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""));
    assert_eq!(world.tree("/run"), tree);
}

/// The numbers of the generations that exist after five publications.
fn numbers_after_five(world: &World, keep: i64) -> Vec<String> {
    let file = world.fixture("text.bin");
    let manifest = world.manifest().secret("a", &file, "").with("keepGenerations", keep);
    for run in 1..=5 {
        world.install(&manifest);
        if run == 1 {
            world.shell("mkdir /run/secrets.d/mine && echo x > /run/secrets.d/07 && ln -s / /run/secrets.d/root");
        }
    }
    world.shell("ls /run/secrets.d").lines().map(str::to_owned).collect()
}

#[test]
fn old_generations_go_and_other_names_stay() {
    for (keep, stay) in [
        (0, &["1", "2", "3", "4", "5"][..]),
        (1, &["5"]),
        (3, &["3", "4", "5"]),
        (99, &["1", "2", "3", "4", "5"]),
    ] {
        let Some(world) = World::system() else { return };
        let mut expected = stay.to_vec();
        expected.extend(["07", "mine", "root"]);
        expected.sort_unstable();
        assert_eq!(numbers_after_five(&world, keep), expected, "keepGenerations is {keep}");
    }
}

#[test]
fn a_plain_directory_where_the_link_belongs_is_replaced_and_what_it_holds_is_kept() {
    let Some(world) = World::system() else { return };
    let manifest = before(&world);
    world.shell("mkdir /run/secrets");
    let said = world.install(&manifest);
    assert_eq!(said.err, "");
    assert_eq!(world.read("/run/secrets/host"), "db.example.org");

    world.shell("rm /run/secrets && mkdir /run/secrets && echo precious > /run/secrets/file");
    let said = world.install(&manifest);
    assert_eq!(
        said.err,
        "warning: /run/secrets was moved to /run/secrets.sops-backup, because a link belongs in its place\n"
    );
    assert_eq!(world.read("/run/secrets/host"), "db.example.org");
    assert_eq!(world.read("/run/secrets.sops-backup/file"), "precious\n");
}

#[test]
fn a_left_over_of_the_next_number_is_removed_first() {
    let Some(world) = World::system() else { return };
    world.install(&before(&world));
    world.shell("mkdir -p /run/secrets.d/2/host/deep && echo stale > /run/secrets.d/2/stale");
    world.install(&before(&world));
    let names = world.shell("cd /run/secrets.d; find . | sort");
    assert_eq!(
        names,
        ".\n./.last-run.json\n./.lock\n./2\n./2/gone\n./2/host\n./2/rendered\n./2/rendered/kept\n./2/rendered/old\n./2/same\n"
    );
}

#[test]
fn two_runs_never_interleave() {
    let Some(world) = World::system() else { return };
    let manifest = before(&world);
    world.install(&manifest);
    let tree = world.tree("/run/secrets.d");
    let lock = fs::File::open(world.path("/run/secrets.d/.lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let path = world.save(&manifest);
    let mut children: Vec<_> = (0..3).map(|_| world.program([&path]).spawn().unwrap()).collect();
    std::thread::sleep(std::time::Duration::from_millis(400));
    for child in &mut children {
        assert!(
            child.try_wait().unwrap().is_none(),
            "a run went on while another held the lock"
        );
    }
    assert_eq!(world.tree("/run/secrets.d"), tree, "a run wrote while another held the lock");
    drop(lock);
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/4\n");
    assert_eq!(world.shell("ls /run/secrets.d"), "4\n");
}

#[test]
fn runs_that_start_together_on_a_fresh_system_mount_once() {
    let Some(world) = World::system() else { return };
    let path = world.save(&before(&world));
    let mut children: Vec<_> = (0..6).map(|_| world.program([&path]).spawn().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(world.shell("grep -c ' /run/secrets.d ' /proc/self/mounts"), "1\n");
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/6\n");
    assert_eq!(world.read("/run/secrets/host"), "db.example.org");
    say("six runs at once");
}

#[test]
fn a_run_that_waits_in_vain_names_who_holds_the_lock_and_how_long_it_waited() {
    let Some(world) = World::system() else { return };
    let manifest = before(&world);
    world.install(&manifest);
    let mut holder = world
        .command("sh")
        .args([
            "-c",
            "exec flock --no-fork /run/secrets.d/.lock sh -c 'echo locked; exec sleep 100'",
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(holder.stdout.as_mut().unwrap()), &mut line).unwrap();
    // This process has held the lock for some time already when the run begins. The run cannot know for how long.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let start = std::time::Instant::now();
    let said = world.run(&manifest);
    let waited = start.elapsed().as_secs();
    let process = holder.id();
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(said.code, Some(1));
    assert!((60..80).contains(&waited), "{waited} s");
    assert_eq!(
        said.told,
        format!(
            "waiting for another run, process {process}, which holds the lock /run/secrets.d/.lock\n\
             error: /run/secrets.d is locked by another run (process {process}), which did not end within 60 s; \
             nothing was changed; if that process hangs, end it and run this again; to see what it does, run: ps -fp {process}\n"
        )
    );
}

#[test]
fn what_the_link_leads_to_stays_even_if_its_swap_fails_and_cannot_be_taken_back() {
    let Some(world) = has("strace").then(World::system).flatten() else {
        return;
    };
    world.install(&before(&world));
    // The old link has been exchanged for the new link. Now the old link cannot be removed, and the exchange cannot be undone
    // either.
    let faults = [
        "-e",
        "inject=unlinkat:error=EIO:when=3",
        "-e",
        "inject=renameat2:error=EIO:when=3+",
    ];
    let mut command = world.command("strace");
    command.args(["-f", "-qq", "-o", "/dev/null"]).args(faults);
    command.arg(world.executable()).arg(world.save(&after(&world)));
    let said = world.finish(&mut command);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(world.read("/run/secrets/host"), "deep", "{said:?}");
}
