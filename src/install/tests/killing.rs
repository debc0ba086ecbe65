//! Tests of a run that is killed at any system call. It leaves the old generation or the new one, and either is whole. The next run
//! makes good what is missing.

use std::os::unix::process::ExitStatusExt;

use super::*;

/// The variable that tells the killed process where to publish.
const WORLD: &str = "SOPS_TEST_KILLED_WORLD";

/// The system calls at which the run is killed: calls that change something, or that come right after such a call. A killed process
/// dies before the call is made. The calls are counted for each name and thread. Only `openat` and `write` also occur in the test
/// harness, before our code.
const CALLS: [&str; 10] = [
    "openat",
    "mkdirat",
    "symlinkat",
    "unlinkat",
    "renameat2",
    "fchown",
    "fchownat",
    "fchmod",
    "write",
    "flock",
];

/// The entries that the killed run publishes: their content is new, and a unit is to be restarted.
fn entries<'a>(top: &Path, unit: &'a [String], content: &'a [u8]) -> [Entry<'a>; 2] {
    [
        Entry {
            restart_units: unit,
            path: Some(top.join("etc/key")),
            ..secret("d/a", content)
        },
        Entry {
            path: Some(top.join("secrets/alias")),
            ..secret("b", content)
        },
    ]
}

#[test]
fn killed_at_any_call_the_link_names_a_whole_generation() {
    let test = "killing::killed_at_any_call_the_link_names_a_whole_generation";
    let unit = units(&["a.service"]);
    if let Some(top) = std::env::var_os(WORLD) {
        let top = PathBuf::from(top);
        let lists = Channel::Lists {
            directory: top.join("nixos"),
            dry: false,
            units: None,
            systemctl: None,
        };
        let site = site(&top, Store::Directory);
        publish(&site, &entries(&top, &unit, b"new"), Extent::Whole, &lists).unwrap();
        return;
    }
    if Command::new("strace").arg("-V").output().is_err() {
        writeln!(std::io::stderr(), "{test}: skipped: needs strace").unwrap();
        return;
    }
    // Some of the kills must come half-way through writing, and some between the swap and the request.
    let (mut half_written, mut untold) = (0, 0);
    for name in CALLS {
        for call in 1.. {
            assert!(call < 100, "the run never came to its end");
            let at = format!("{name} {call}");
            let world = world();
            let is_over = run_and_kill(test, &world, &format!("inject={name}:signal=KILL:when={call}"));
            let found = world.read("b");
            assert_eq!(world.read("d/a"), found, "{at}");
            assert!(found == "old" || found == "new", "{at}: {found}");
            let list = world.top.join("nixos/activation-restart-list");
            half_written += u32::from(found == "old" && world.site.generation(2).join("d").exists());
            untold += u32::from(found == "new" && !list.exists());

            let redone = world.publish_with_lists(&entries(&world.top, &unit, b"new")).unwrap();
            assert!(redone.failures.is_empty(), "{at}: {:?}", redone.failures);
            let told = fs::read_to_string(list).unwrap();
            assert!(told.starts_with("a.service\n"), "{at}: {told}");
            assert_eq!(world.tree(""), complete(redone.generation), "{at}");
            assert_eq!(fs::read_to_string(world.top.join("etc/key.sops-backup")).unwrap(), "precious");
            if is_over {
                break;
            }
        }
    }
    assert!(half_written > 5 && untold > 5, "{half_written} {untold}");
}

/// A world with a published generation, a directory for lists, and a foreign file at the path that the next generation declares.
fn world() -> World {
    let world = World::new();
    fs::create_dir(world.top.join("nixos")).unwrap();
    fs::create_dir(world.top.join("etc")).unwrap();
    fs::write(world.top.join("etc/key"), "precious").unwrap();
    world.publish(&[secret("d/a", b"old"), secret("b", b"old")]).unwrap();
    world
}

/// Runs the test in a process that is to be killed. Returns true if the process came to its end.
fn run_and_kill(test: &str, world: &World, inject: &str) -> bool {
    let output = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", inject])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("install::tests::{test}")])
        .env(WORLD, &world.top)
        // With the search path that Cargo sets, the loader would open dozens of files, and the run would be killed at each of these
        // calls too.
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .unwrap();
    assert!(
        output.status.success() || output.status.signal() == Some(9),
        "{inject}: {output:?}"
    );
    output.status.success()
}

/// The tree after a complete run. Nothing is left of the runs before.
fn complete(generation: u64) -> Vec<String> {
    let mut lines = vec![
        "etc/ 755".to_owned(),
        "etc/key -> secrets/d/a".to_owned(),
        "etc/key.sops-backup 644".to_owned(),
        "nixos/ 755".to_owned(),
        "nixos/activation-restart-list 600".to_owned(),
        format!("secrets -> secrets.d/{generation}"),
        "secrets.d/ 751".to_owned(),
        format!("secrets.d/{generation}/ 751"),
        format!("secrets.d/{generation}/alias -> secrets/b"),
        format!("secrets.d/{generation}/b 400"),
        format!("secrets.d/{generation}/d/ 751"),
        format!("secrets.d/{generation}/d/a 400"),
    ];
    lines.sort();
    lines
}
