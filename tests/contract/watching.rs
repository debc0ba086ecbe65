//! Files that change when secrets change, for programs that watch.

use std::mem::MaybeUninit;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use serde_json::{Value, json};

use crate::common::{Manifest, World, token};

const ONE: &str = "database/host";
const OTHER: &str = "database/users/admin/password";
const PHASE: &str = "/run/sops-nix/changed/secrets";

/// The field that gives an entry its watch file.
fn watched(name: &str) -> Value {
    json!({ "watchFile": format!("{PHASE}.d/{name}") })
}

/// Two secrets and a template that are watched. `key` decides what the secret `changing` is.
fn manifest(world: &World, key: &str) -> Manifest {
    let (file, text) = (world.fixture("nesting.json"), world.fixture("text.bin"));
    world
        .manifest()
        .with("version", 1)
        .with("watchFile", PHASE)
        .secret_with("changing", &file, key, watched("changing"))
        .secret_with("same/deep", &text, "", watched("same/deep"))
        .template("t", &token("same/deep"), watched("rendered/t"))
}

/// The watch files, with their times of change.
fn files(world: &World) -> Vec<String> {
    let lines = world.shell("cd /run/sops-nix/changed && find . -type f -printf '%P %m %U:%G %C@\\n' | sort");
    lines.lines().map(str::to_owned).collect()
}

/// What inotify tells those who watch one of these paths during a run with this manifest: each event with its path, in their order.
fn told<'p>(world: &World, paths: &[&'p str], wanted: WatchFlags, manifest: &Manifest) -> Vec<(&'p str, ReadFlags)> {
    let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
    let numbers: Vec<_> = paths
        .iter()
        .map(|path| inotify::add_watch(&watch, world.path(path), wanted).unwrap())
        .collect();
    world.install(manifest);
    let (mut buffer, mut seen) = ([MaybeUninit::uninit(); 1 << 14], Vec::new());
    let mut reader = Reader::new(&watch, &mut buffer);
    while let Ok(event) = reader.next() {
        let position = numbers.iter().position(|number| *number == event.wd()).unwrap();
        seen.push((paths[position], event.events()));
    }
    seen
}

/// The paths of these events, if all of them are of one kind.
fn of_kind<'p>(events: &[(&'p str, ReadFlags)], kind: ReadFlags) -> Vec<&'p str> {
    let of_kind = events.iter().filter(|(_, event)| *event == kind);
    of_kind.map(|(path, _)| *path).collect()
}

const FILES: [&str; 4] = [
    "/run/sops-nix/changed/secrets",
    "/run/sops-nix/changed/secrets.d/changing",
    "/run/sops-nix/changed/secrets.d/same/deep",
    "/run/sops-nix/changed/secrets.d/rendered/t",
];

/// Those watch files that a run with this manifest writes and closes, in their order, and once for each time. This is what path units wait
/// for.
fn events(world: &World, manifest: &Manifest) -> Vec<&'static str> {
    let seen = told(world, &FILES, WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE, manifest);
    let written = of_kind(&seen, ReadFlags::MODIFY);
    assert_eq!(
        of_kind(&seen, ReadFlags::CLOSE_WRITE),
        written,
        "each is written once, and then closed"
    );
    written
}

#[test]
fn each_change_is_told_to_those_who_watch_what_changes() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let first = files(&world);
    let names: Vec<_> = first
        .iter()
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, _)| name)
        .collect();
    let all = ["secrets", "secrets.d/changing", "secrets.d/rendered/t", "secrets.d/same/deep"];
    assert_eq!(names, all.map(|name| format!("{name} 644 0:0")));
    world.install(&manifest(&world, ONE));
    assert_eq!(files(&world), first, "nothing has changed");
    assert!(events(&world, &manifest(&world, ONE)).is_empty(), "nothing has changed");
    world.install(&manifest(&world, OTHER));
    let changed: Vec<_> = files(&world).iter().zip(&first).map(|(now, before)| now != before).collect();
    assert_eq!(changed, [true, true, false, false]);
    let written = events(&world, &manifest(&world, ONE));
    assert_eq!(written, FILES[..2], "each is written once");
}

/// A text that gets shorter would be two changes of the file: of its bytes, and of its length.
#[test]
fn a_change_is_one_event_also_if_a_number_gets_shorter() {
    let Some(world) = World::system() else { return };
    for number in 0..10 {
        world.install(&manifest(&world, [ONE, OTHER][number % 2]));
    }
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/10\n");
    // Somebody begins anew, so that the next generation is the first.
    world.shell("rm /run/secrets; umount /run/secrets.d");
    let written = events(&world, &manifest(&world, ONE));
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/1\n");
    assert_eq!(written, FILES, "all files are others now");
    let lengths = world.shell("cd /run/sops-nix/changed && find . -type f -printf '%s\\n' | sort -u");
    assert_eq!(lengths, "105\n");
}

/// The cells of the page about inotify. The page says what is seen here.
#[test]
fn inotify_sees_no_write_of_a_secret_and_one_of_its_watch_file() {
    let Some(world) = World::system() else { return };
    let manifest = |key| manifest(&world, key).with("keepGenerations", 1);
    world.install(&manifest(ONE));
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/readers.md")).unwrap();
    let rows = [
        ("/run/secrets.d/1/changing", "`/run/secrets/NAME`"),
        ("/run/secrets.d/1", "`/run/secrets/`"),
        ("/run", "`/run`, where the link is"),
        ("/run/sops-nix/changed/secrets.d/changing", "the watch file of the secret"),
    ];
    let seen = told(&world, &rows.map(|(path, _)| path), WatchFlags::ALL_EVENTS, &manifest(OTHER));
    let mut missing = Vec::new();
    for (path, what) in rows {
        // What only looks, such as the run itself, counts no more than what looks from elsewhere.
        let looks = ReadFlags::OPEN | ReadFlags::ACCESS | ReadFlags::CLOSE_NOWRITE;
        let mut names: Vec<String> = Vec::new();
        for (_, event) in seen.iter().filter(|(of, event)| *of == path && !event.intersects(looks)) {
            let kind = event.difference(ReadFlags::ISDIR | ReadFlags::IGNORED);
            let more = kind.iter_names().map(|(name, _)| format!("`IN_{name}`"));
            names.extend(more.filter(|name| !names.contains(name)).collect::<Vec<_>>());
        }
        let row = format!("| {what} | {} | tested: `tests/contract` |", names.join(", "));
        if !page.contains(&row) {
            missing.push(row);
        }
    }
    assert!(missing.is_empty(), "docs/readers.md should have:\n{}", missing.join("\n"));
}

#[test]
fn a_watch_file_stays_the_same_file_and_says_nothing_of_the_secret() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let inode = || world.shell(&format!("stat -c %i {PHASE} {PHASE}.d/changing"));
    let before = inode();
    world.install(&manifest(&world, OTHER));
    assert_eq!(inode(), before);
    // The time as GNU stat prints it, with nine digits behind the dot.
    let generation = world.shell("stat -c 'sops-install-secrets generation 2 %i %.9Y' /run/secrets.d/2");
    assert_eq!(world.read(PHASE).trim_end(), generation.trim_end());
    let text = world.read(&format!("{PHASE}.d/changing"));
    let stamp = text.strip_prefix("sops-install-secrets file ").unwrap().trim_end();
    assert!(
        stamp
            .chars()
            .all(|character| character.is_ascii_digit() || " .".contains(character)),
        "{stamp}"
    );
}

#[test]
fn what_a_killed_run_did_not_tell_the_next_run_tells() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    for (name, rest) in [
        (PHASE.to_owned(), ""),
        (format!("{PHASE}.d/changing"), "sops-install-secrets file 1 1.000000001\n"),
    ] {
        let good = world.read(&name);
        world.shell(&format!("printf '{rest}' > {name}"));
        world.install(&manifest(&world, ONE));
        assert_eq!(world.read(&name), good);
    }
}

#[test]
fn what_is_no_watch_file_is_never_written_to() {
    let Some(world) = World::system() else { return };
    for obstacle in [
        "echo precious > file",
        "ln -s /etc/precious file; echo precious > /etc/precious",
        "mkfifo file",
        "mkdir file",
        "echo sops-install-secrets > file; chown 1234 file",
        "echo sops-install-secrets > other; ln -f other file",
    ] {
        world.shell(&format!(
            "mkdir -p {PHASE}.d && cd {PHASE}.d && rm -rf changing && {} ",
            obstacle.replace("file", "changing")
        ));
        let before = world.shell(&format!("cd {PHASE}.d && ls -l changing; [ ! -f changing ] || head changing"));
        let said = world.run(&manifest(&world, ONE));
        assert_eq!(said.code, Some(3), "{obstacle}: {said:?}");
        assert_eq!(
            said.err,
            format!(
                "error: cannot write the watch file {PHASE}.d/changing: something else is there; move it away, or choose another path\n"
            ),
            "{obstacle}"
        );
        assert_eq!(
            world.shell(&format!("cd {PHASE}.d && ls -l changing; [ ! -f changing ] || head changing")),
            before,
            "{obstacle}"
        );
        // A dry run foresees it.
        let dry = world.run_with(&manifest(&world, ONE), |command| command.env("NIXOS_ACTION", "dry-activate"));
        assert_eq!((dry.code, dry.err), (said.code, said.err), "{obstacle}");
    }
    assert!(!world.read("/run/secrets/changing").is_empty(), "the secrets are live");
}

#[test]
fn a_plain_user_has_watch_files_too() {
    let world = World::user();
    let manifest = world
        .manifest()
        .with("version", 1)
        .with("watchFile", "%r/sops-nix/changed/secrets")
        .secret("a", &world.fixture("nesting.json"), ONE);
    world.install(&manifest);
    let written = world.shell("cat run/sops-nix/changed/secrets");
    assert!(written.starts_with("sops-install-secrets generation 1 "), "{written}");
}
