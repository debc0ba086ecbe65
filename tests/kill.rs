//! Killed at any system call, the program leaves the old generation or the new one, whole, and the next run makes good the rest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

mod common;

use std::collections::HashMap;
use std::path::Path;

use common::{Manifest, Said, World, has, say, token};
use serde_json::json;

/// Two secrets, a template, a link where a file stands, one below missing directories of a user, one inside the published tree, and units.
fn manifest(world: &World, key: &str) -> Manifest {
    let file = world.fixture("nesting.json");
    world
        .manifest()
        .secret_with(
            "a",
            &file,
            key,
            json!({"owner": "alice", "group": "web", "mode": "0440", "path": "/etc/app/key",
                   "restartUnits": ["a.service"], "reloadUnits": ["r.service"]}),
        )
        .secret_with("d/b", &file, "database/host", json!({"path": "/run/secrets/other"}))
        .template(
            "t",
            &format!("x={}", token("a")),
            json!({"mode": "0444", "path": "/etc/alice/.config/app/t"}),
        )
}

const OLD: (&str, &str) = ("a/b/c/n", "5");
const NEW: (&str, &str) = ("database/port", "5432");

/// A generation with this value, as it has to be.
fn generation(value: &str) -> String {
    format!(
        "\
0440 1000:60 a \"{value}\"
0751 0:96 d/
0400 0:0 d/b \"db.example.org\"
link 0:0 other -> /run/secrets/d/b
0751 0:96 rendered/
0444 0:0 rendered/t \"x={value}\"
"
    )
}

/// Puts back what stood before: the file in the way of the link, and nothing published. (umount leaves a directory of its own.)
const NOTHING_LIVE: &str = "
    umount /run/secrets.d 2> /dev/null || :
    rm -rf /run/secrets /run/secrets.* /run/nixos /etc/app /etc/alice /run/mount
    mkdir -m 755 /run/nixos /etc/app /etc/alice; chown 1000:1000 /etc/alice
    echo precious > /etc/app/key; chmod 640 /etc/app/key; chown 1000:60 /etc/app/key
";

/// The same, with a live generation that was saved before.
const ONE_LIVE: &str = "
    rm -rf /run/secrets /run/secrets.* /run/nixos /etc/app /etc/alice /run/secrets.d/* 2> /dev/null || :
    mkdir -m 755 /run/nixos /etc/app /etc/alice; chown 1000:1000 /etc/alice
    echo precious > /etc/app/key; chmod 640 /etc/app/key; chown 1000:60 /etc/app/key
    cp -a /etc/saved/1 /run/secrets.d/1
    ln -s /run/secrets.d/1 /run/secrets
";

/// A system call of a run: its name, and which one of that name. strace counts each name for itself, and for each thread: of two threads
/// that come as far, the first one is killed.
type Point = (String, usize);

/// All calls of an undisturbed run, in their order.
fn points(world: &World, manifest: &Manifest) -> Vec<Point> {
    let (said, calls) = world.trace(manifest, &[], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut seen = HashMap::new();
    let mut points = Vec::new();
    // The first call is the program's own start, by strace.
    for call in calls.into_iter().skip(1) {
        let count = seen.entry((call.thread, call.name.clone())).or_insert(0_usize);
        *count += 1;
        let point = (call.name, *count);
        if !points.contains(&point) {
            points.push(point);
        }
    }
    points
}

/// Runs the script and then the program, killed on its way into a call.
fn killed_at(world: &World, script: &str, manifest: &Path, (name, count): &Point) -> Said {
    let strace = format!("strace -f -o /dev/null -e trace={name} -e inject={name}:signal=KILL:when={count}");
    let program = world.executable();
    let script = format!(
        "{{ {script}\n}}; exec {strace} '{}' '{}'",
        program.display(),
        manifest.display()
    );
    world.finish(world.command("sh").args(["-c", &script]))
}

/// The generation that the link names, with what is in it; none when there is no link.
fn live(world: &World) -> Option<(u64, String)> {
    let target = std::fs::read_link(world.path("/run/secrets")).ok()?;
    let number = target
        .strip_prefix("/run/secrets.d")
        .unwrap()
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    Some((number, world.tree(&format!("/run/secrets.d/{number}"))))
}

/// The file that stood in the way of the link is somewhere, as it was.
fn assert_nothing_is_lost(world: &World, point: &Point) {
    let tree = world.tree("/etc/app");
    assert_eq!(tree.matches("0640 1000:60 key").count(), 1, "{point:?}:\n{tree}");
    assert_eq!(tree.matches("\"precious\\n\"").count(), 1, "{point:?}:\n{tree}");
}

/// The directories made in a user's home are theirs, however far the run came.
fn assert_the_home_is_usable(world: &World, point: &Point) {
    for line in world.tree("/etc/alice").lines().filter(|line| line.ends_with('/')) {
        assert!(
            line.starts_with("0755 1000:1000 ") || line.ends_with(".sops-new/"),
            "{point:?}: {line}"
        );
    }
}

/// What is there when a run has come to its end, apart from the lists.
fn assert_complete(world: &World, number: u64, point: &Point) {
    assert_eq!(live(world), Some((number, generation(NEW.1))), "{point:?}");
    assert_eq!(
        world
            .shell("ls -A /run /run/secrets.d")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        format!("/run: nixos secrets secrets.d /run/secrets.d: .lock {number}"),
        "{point:?}"
    );
    assert_eq!(
        world.tree("/etc/app"),
        "link 1000:60 key -> /run/secrets/a\n0640 1000:60 key.sops-backup \"precious\\n\"\n",
        "{point:?}"
    );
    assert_eq!(
        world.tree("/etc/alice"),
        "0755 1000:1000 .config/\n0755 1000:1000 .config/app/\nlink 0:0 .config/app/t -> /run/secrets/rendered/t\n",
        "{point:?}"
    );
}

/// The units in a list.
fn listed(world: &World, list: &str) -> Vec<String> {
    let text = std::fs::read_to_string(world.path(&format!("/run/nixos/activation-{list}-list"))).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn killed_over_a_live_generation_the_old_set_or_the_new_one_is_published_whole() {
    if !has("strace") {
        return;
    }
    let Some(world) = World::system() else { return };
    let (old, new) = (manifest(&world, OLD.0), manifest(&world, NEW.0));
    world.shell(NOTHING_LIVE);
    world.install(&old);
    world.shell("mkdir /etc/saved; cp -a /run/secrets.d/1 /etc/saved/1");
    world.shell(ONE_LIVE);
    let points = points(&world, &new);
    assert_complete(&world, 2, &("none".to_owned(), 0));
    let path = world.save(&new);

    let (mut before_the_swap, mut after_the_swap, mut survived) = (0, 0, 0);
    for point in &points {
        let killed = killed_at(&world, ONE_LIVE, &path, point);
        let live = live(&world);
        match &live {
            Some((1, tree)) if *tree == generation(OLD.1) => before_the_swap += 1,
            Some((2, tree)) if *tree == generation(NEW.1) => after_the_swap += 1,
            other => panic!("{point:?} left {other:?}"),
        }
        assert_nothing_is_lost(&world, point);
        assert_the_home_is_usable(&world, point);
        if killed.code == Some(0) {
            survived += 1;
        }

        let number = live.unwrap().0;
        // A unit is told again only when the run died between telling it and forgetting that it was to be told.
        let is_untold = number == 1 || world.path("/run/secrets.d/2.pending").exists();
        let told = ["restart", "reload"].map(|list| listed(&world, list).len() + usize::from(is_untold));
        let next = world.run_arguments([&path]);
        assert_eq!(next.code, Some(0), "{point:?}: {next:?}");
        let changes = "modifying secret: a\nmodifying rendered secret: t\n";
        assert_eq!(next.out, if number == 1 { changes } else { "" }, "{point:?}");
        assert_complete(&world, number + 1, point);
        assert_eq!(listed(&world, "restart"), vec!["a.service"; told[0]], "{point:?}");
        assert_eq!(listed(&world, "reload"), vec!["r.service"; told[1]], "{point:?}");
        assert!(is_untold || told == [1, 1], "{point:?}: {told:?}");
    }
    say(&format!(
        "killed at {} system calls, {before_the_swap} with the old generation live and {after_the_swap} with the new one; {survived} runs survived",
        points.len()
    ));
    assert!(before_the_swap > 50 && after_the_swap > 20 && survived * 10 < points.len());
}

#[test]
fn killed_before_the_first_publication_nothing_or_a_whole_set_is_published() {
    if !has("strace") {
        return;
    }
    let Some(world) = World::system() else { return };
    let new = manifest(&world, NEW.0);
    world.shell(NOTHING_LIVE);
    let points = points(&world, &new);
    assert_complete(&world, 1, &("none".to_owned(), 0));
    let path = world.save(&new);

    let (mut nothing, mut published) = (0, 0);
    for point in &points {
        killed_at(&world, NOTHING_LIVE, &path, point);
        let live = live(&world);
        match &live {
            None => nothing += 1,
            Some((1, tree)) if *tree == generation(NEW.1) => published += 1,
            other => panic!("{point:?} left {other:?}"),
        }
        assert_nothing_is_lost(&world, point);
        assert_the_home_is_usable(&world, point);

        let next = world.run_arguments([&path]);
        assert_eq!((next.code, next.out.as_str()), (Some(0), ""), "{point:?}: {next:?}");
        assert_complete(&world, if live.is_none() { 1 } else { 2 }, point);
        assert_eq!(world.tree("/run/nixos"), "", "{point:?}: the first publication tells nobody");
        assert_eq!(
            world.shell("grep -c ' /run/secrets.d ' /proc/self/mounts"),
            "1\n",
            "{point:?}"
        );
    }
    say(&format!(
        "killed at {} system calls, {nothing} with nothing published and {published} with the whole",
        points.len()
    ));
    assert!(nothing > 50 && published > 20);
}
