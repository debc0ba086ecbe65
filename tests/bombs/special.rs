//! Puts things that are no regular files in the place of each file that the program reads.

use std::{
    fs::OpenOptions,
    os::unix::{fs::OpenOptionsExt as _, net::UnixListener},
    path::{Path, PathBuf},
};

use crate::{
    bounded::{run, run_manifest},
    common::{Manifest, World},
};

/// Limit in MiB. It is more than the program needs for any of these runs.
const MEMORY: usize = 64;

/// The kinds of such things, by name, and what the program says about each.
const KINDS: [(&str, &str); 8] = [
    ("/dev/zero", "it is a device, not a file"),
    ("/dev/urandom", "it is a device, not a file"),
    ("fifo", "it is a fifo, not a file"),
    ("fifo-held", "it is a fifo, not a file"),
    ("socket", "it is a socket, not a file"),
    ("home", "it is a directory, not a file"),
    ("loop", "the symlinks on its path lead in a circle"),
    ("dangling", "no such file"),
];

/// Makes one thing of each kind. The returned values keep two things alive: the writer of a fifo, who never writes, and the
/// listener of a socket.
fn make(world: &World) -> (std::fs::File, UnixListener) {
    let place = world.input("run");
    world.shell(&format!(
        "cd {}; mkfifo fifo fifo-held; ln -s loop loop; ln -s absent dangling; mkdir home",
        place.display()
    ));
    let listener = UnixListener::bind(place.join("socket")).unwrap();
    rustix::fs::chmod(place.join("socket"), rustix::fs::Mode::from_raw_mode(0o777)).unwrap();
    // The fifo is opened for both reading and writing, so that the call does not wait for a reader.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
    let writer = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(place.join("fifo-held"));
    (writer.unwrap(), listener)
}

/// The path of each thing, and what the program says about it.
fn kinds(world: &World) -> impl Iterator<Item = (PathBuf, &'static str)> {
    KINDS.into_iter().map(|(name, said)| (world.input("run").join(name), said))
}

/// Runs once for each kind. The function `line` gives the text that standard error must have exactly.
fn all(what: &str, code: i32, manifest: impl Fn(&World, &Path) -> Manifest, line: impl Fn(&Path, &str) -> String) {
    let world = World::user();
    let held = make(&world);
    for (path, said) in kinds(&world) {
        let ended = run(&world, &format!("{what}: {}", name(&path)), &manifest(&world, &path), MEMORY);
        assert_eq!((ended.code, ended.err), (Some(code), world.shown(&line(&path, said))));
    }
    drop(held);
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// A manifest with a good secret. The error about this secret also reports, in the same line, the key source that cannot be used.
fn good(world: &World) -> Manifest {
    world.manifest().secret("good", &world.fixture("types.json"), "string")
}

/// What is said about a key file of this kind, and what to do about it.
fn of_key(said: &str) -> (&str, &'static str) {
    match said {
        "no such file" => (
            "it is a symlink to a file that does not exist",
            "restore that file, or mount its file system",
        ),
        loops if !loops.starts_with("it is ") => (loops, "correct the path"),
        other => (other, "give the path of a key file"),
    }
}

#[test]
fn a_key_file_that_is_no_file_is_passed_over() {
    all(
        "age key file",
        1,
        |world, path| good(world).with("ageKeyFile", path.to_str().unwrap()),
        |path, said| {
            let (said, remedy) = of_key(said);
            let warning = format!("{said}; {remedy}");
            let hint = format!("repair {}: {remedy}", path.display());
            let said = of_key(said).0;
            format!(
                "warning: cannot use {0}: {warning}
error: cannot decrypt $DIR/types.json (needed by secret good)
  this file can be opened by:
    age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u
  this host has:
    (no key)  {0}: {said}
  hint: {hint}
error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: good
",
                path.display()
            )
        },
    );
}

#[test]
fn an_ssh_key_that_is_no_file_is_passed_over() {
    all(
        "SSH key",
        0,
        |world, path| good(world).with("ageSshKeyPaths", vec![path.to_str().unwrap()]),
        |path, said| {
            let (said, remedy) = of_key(said);
            let remedy = format!("; {remedy}");
            format!("warning: cannot use {}: {said}{remedy}\n", path.display())
        },
    );
}

#[test]
fn a_sops_file_that_is_no_file_is_an_error() {
    all(
        "sops file",
        1,
        |world, path| world.manifest().secret("s", path, "k"),
        |path, said| {
            let hint = match said {
                "no such file" => "; restore the file, or correct sopsFile",
                _ => "; correct sopsFile",
            };
            format!(
                "error: cannot read {} (needed by secret s): {said}{hint}\nerror: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: s\n",
                path.display()
            )
        },
    );
}

#[test]
fn a_template_file_that_is_no_file_is_an_error() {
    all(
        "template",
        1,
        |world, path| {
            world
                .manifest()
                .template("t", "", serde_json::json!({"file": path.to_str().unwrap()}))
        },
        |path, said| {
            format!(
                "error: template \"t\": cannot read its file {}: {said}\nerror: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: t\n",
                path.display()
            )
        },
    );
}

#[test]
fn a_manifest_that_is_no_file_is_an_error() {
    let world = World::user();
    let held = make(&world);
    for (path, said) in kinds(&world) {
        let ended = run_manifest(&world, &format!("manifest: {}", name(&path)), &path, MEMORY);
        let line = format!(
            "error: cannot read the manifest {}: {said}; correct the path\n",
            path.display()
        );
        assert_eq!((ended.code, ended.err), (Some(2), world.shown(&line)));
    }
    drop(held);
}
