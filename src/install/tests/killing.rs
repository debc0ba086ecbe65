//! Killed at any system call, a run leaves the old generation or the new one, whole, and the next run makes good what is missing.

use std::os::unix::process::ExitStatusExt;

use super::*;

/// Tells the killed process where to publish to.
const WORLD: &str = "SOPS_TEST_KILLED_WORLD";

/// Calls that change something, or precede a change.
const CALLS: &str = "openat,mkdirat,symlinkat,unlink,unlinkat,rename,renameat,renameat2,fchown,fchownat,fchmod,write,flock,close";

/// What the killed run publishes: another content, and a unit to tell.
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
        };
        let site = site(&top, Store::Directory);
        publish(&site, &entries(&top, &unit, b"new"), &lists).unwrap();
        return;
    }
    if Command::new("strace").arg("-V").output().is_err() {
        writeln!(std::io::stderr(), "{test}: skipped: needs strace").unwrap();
        return;
    }
    for call in 1.. {
        assert!(call < 1000, "the run never came to its end");
        let world = World::new();
        fs::create_dir(world.top.join("nixos")).unwrap();
        fs::create_dir(world.top.join("etc")).unwrap();
        fs::write(world.top.join("etc/key"), "precious").unwrap();
        publish(&world.site, &[secret("d/a", b"old"), secret("b", b"old")], &Channel::Nobody).unwrap();
        let status = Command::new("strace")
            .args(["-o", "/dev/null", "-e", &format!("inject={CALLS}:signal=KILL:when={call}")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", &format!("install::tests::{test}"), "--test-threads=1"])
            .env(WORLD, &world.top)
            .output()
            .unwrap()
            .status;

        let found = world.read("b");
        assert_eq!(world.read("d/a"), found, "call {call}");
        assert!(found == "old" || found == "new", "call {call}: {found}");

        let last = world.publish_with_lists(&entries(&world.top, &unit, b"new")).unwrap();
        assert!(last.failures.is_empty(), "call {call}: {:?}", last.failures);
        let told = fs::read_to_string(world.top.join("nixos/activation-restart-list")).unwrap();
        assert!(told.starts_with("a.service\n"), "call {call}: {told}");
        let generation = last.generation;
        let expected = [
            "etc/key -> secrets/d/a".to_owned(),
            "etc/key.sops-backup 644".to_owned(),
            "etc/ 755".to_owned(),
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
        let mut tree = world.tree("");
        tree.sort();
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(tree, expected, "call {call}");
        assert_eq!(fs::read_to_string(world.top.join("etc/key.sops-backup")).unwrap(), "precious");
        if status.success() {
            assert!(call > 50, "only {call} calls were seen");
            return;
        }
        assert_eq!(status.signal(), Some(9), "call {call}: {status}");
    }
}
