//! Files that change when secrets change, for programs that watch.

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

/// Those watch files that a run with this manifest closes after they were open for writing, in their order, and once for each time. This
/// is what path units wait for.
fn events(world: &World, manifest: &Manifest) -> Vec<&'static str> {
    use std::mem::MaybeUninit;

    use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

    const FILES: [&str; 4] = ["secrets", "secrets.d/changing", "secrets.d/same/deep", "secrets.d/rendered/t"];
    let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
    let numbers = FILES.map(|name| {
        let path = world.path("/run/sops-nix/changed").join(name);
        inotify::add_watch(&watch, path, WatchFlags::CLOSE_WRITE).unwrap()
    });
    world.install(manifest);
    let (mut buffer, mut seen) = ([MaybeUninit::uninit(); 4096], Vec::new());
    let mut reader = Reader::new(&watch, &mut buffer);
    while let Ok(event) = reader.next() {
        let position = numbers.iter().position(|number| *number == event.wd()).unwrap();
        seen.push(FILES[position]);
    }
    seen
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
    assert_eq!(
        written,
        ["secrets", "secrets.d/changing"],
        "each is closed once, after it was written"
    );
}

#[test]
fn a_watch_file_stays_the_same_file_and_says_nothing_of_the_secret() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let inode = || world.shell(&format!("stat -c %i {PHASE} {PHASE}.d/changing"));
    let before = inode();
    world.install(&manifest(&world, OTHER));
    assert_eq!(inode(), before);
    let generation = world.shell("echo sops-install-secrets generation 2 $(stat -c %i /run/secrets.d/2)");
    assert_eq!(world.read(PHASE), generation);
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
