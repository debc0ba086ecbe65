//! A rollback, by the command `sops-nix`, over and over from the same start: two generations with other values.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::common::{Said, Snapshot, World, calls, link_program, say};
use crate::point::{Fault, Point, points};

/// The value of the secret `a` in the older generation, and in the live one.
const VALUES: [&str; 2] = ["db.example.org", "correct horse battery staple"];

/// A host with two generations.
struct Rolling {
    world: World,
    manifest: PathBuf,
    before: Snapshot,
}

impl Rolling {
    fn new() -> Option<Self> {
        let world = World::system()?;
        link_program(Path::new(env!("CARGO_BIN_EXE_sops-nix")), &world.input("sops-nix"));
        world.allow_input("sops-nix");
        world.script("systemctl", "#!/bin/sh\necho \"$*\" >> /run/told\n");
        let manifest = |key| {
            let fields = json!({"restartUnits": ["a.service"]});
            let manifest = world.manifest().with("version", 1).with("keepGenerations", 3);
            manifest.secret_with("a", &world.fixture("nesting.json"), key, fields)
        };
        for key in ["database/host", "database/users/admin/password"] {
            world.install(&manifest(key));
        }
        let manifest = world.save(&manifest("database/users/admin/password"));
        let unit = format!(
            "[Service]\nExecStart={} {}\n",
            world.executable().display(),
            manifest.display()
        );
        world.shell(&format!(
            "rm -f /run/nixos/*; mkdir -p /etc/systemd/system; printf '{unit}' > /etc/systemd/system/sops-nix.service"
        ));
        Some(Self {
            before: Snapshot::take(&[world.path("/run")]),
            manifest,
            world,
        })
    }

    /// The command of the rollback, by `program` with these arguments.
    fn finish(&self, program: &str, arguments: &[String]) -> Said {
        let mut command = self.world.command(program);
        let path = format!("{}:{}", self.world.input("bin").display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).args(arguments);
        self.world.finish(&mut command)
    }

    /// Rolls back from the start, by strace with these options.
    fn roll_back_from_start(&self, options: &[&str]) -> Said {
        self.before.restore();
        let program = self.world.input("sops-nix").display().to_string();
        let words = ["-k", "1", "30", "strace"].iter().chain(options);
        let words = words.map(ToString::to_string).chain([program, "rollback".to_owned()]);
        self.finish("timeout", &words.collect::<Vec<_>>())
    }

    /// All system calls of a rollback without a fault. Those of the stand-in for systemctl are left out.
    fn points(&self) -> Vec<Point> {
        let log = self.world.input("trace");
        let said = self.roll_back_from_start(&["-o", log.to_str().unwrap()]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!((self.live(), self.told()), (1, 1), "{said:?}");
        let points = points(calls(&log));
        // The log contains plaintext, so it is removed.
        fs::remove_file(log).unwrap();
        points
    }

    /// The number of the live generation, which must be complete.
    fn live(&self) -> usize {
        let link = fs::read_link(self.world.path("/run/secrets")).unwrap();
        let number: usize = link.file_name().unwrap().to_str().unwrap().parse().unwrap();
        assert_eq!(self.world.read("/run/secrets/a"), VALUES[number - 1]);
        number
    }

    /// How often the unit was told.
    fn told(&self) -> usize {
        let told = fs::read_to_string(self.world.path("/run/told")).unwrap_or_default();
        told.lines().filter(|line| line.contains("try-restart -- a.service")).count()
    }

    /// Makes a rollback with a fault. Then another one has to succeed, or to be done already with its request recorded or made; and
    /// then a run publishes what the manifest says.
    fn attempt(&self, point: &Point, fault: Fault) {
        let (name, injection) = (format!("trace={}", point.name), point.injection(fault));
        let said = self.roll_back_from_start(&["-o", "/dev/null", "-e", &name, "-e", &injection]);
        let what = format!("{point:?}: {fault:?}\n{said:?}");
        let is_pending = self.world.path("/run/secrets.d/1.pending").exists();
        match (said.code, self.live()) {
            (Some(0), live) => assert_eq!((live, self.told()), (1, 1), "{what}"),
            // Only a rollback that was killed, or could not tell, leaves its request to the next run.
            (_, 1) => assert!(
                self.told() == 1 || is_pending && (fault == Fault::Kill || said.err.contains("a.service")),
                "{what}"
            ),
            (_, live) => {
                assert_eq!((live, self.told()), (2, 0), "{what}");
                let program = self.world.input("sops-nix").display().to_string();
                let again = self.finish(&program, &["rollback".to_owned()]);
                assert_eq!((again.code, self.live(), self.told()), (Some(0), 1, 1), "{what}\n{again:?}");
            }
        }
        let told = self.told();
        let next = self.world.run_arguments([&self.manifest]);
        assert_eq!((next.code, self.live()), (Some(0), 2), "{what}\n{next:?}");
        let names = self.world.shell("ls -A /run/secrets.d");
        assert_eq!(names, ".1.complete\n.2.complete\n.last-run.json\n.lock\n1\n2\n", "{what}");
        // The next run tells the unit of the change back, and of what the rollback has left.
        let list = self.world.path("/run/nixos/activation-restart-list");
        assert_eq!(fs::read_to_string(list).unwrap(), "a.service\n", "{what}, told {told} times");
    }
}

/// Makes each call fail in each way that is tried, and kills the command there.
pub fn faults() {
    let Some(rolling) = Rolling::new() else { return };
    let points = rolling.points();
    let mut tried = 0;
    // Nothing is written before the mount point is opened, so the calls before that are all alike.
    let first = points.iter().position(Point::opens_the_mount_point).unwrap();
    for point in &points[first..] {
        for fault in point.faults().into_iter().take(1).chain([Fault::Kill]) {
            rolling.attempt(point, fault);
            tried += 1;
        }
    }
    say(&format!(
        "faults: a rollback: {} calls, {tried} points, 0 broken",
        points.len()
    ));
    assert!(tried > 100, "only {tried} points");
}

/// Kills a run that publishes a third generation and prunes the first one. Whatever is marked as complete has to be so.
pub fn prunes() {
    let Some(world) = World::system() else { return };
    let manifest = |key| {
        let manifest = world.manifest().with("version", 1).with("keepGenerations", 2);
        let manifest = manifest.secret("a", &world.fixture("nesting.json"), key);
        manifest.secret("d/b", &world.fixture("text.bin"), "")
    };
    for key in ["database/host", "database/users/admin/password"] {
        world.install(&manifest(key));
    }
    let before = Snapshot::take(&[world.path("/run")]);
    let third = world.save(&manifest("database/port"));
    let run = |options: &[&str]| {
        before.restore();
        let mut command = world.command("timeout");
        command.args(["-k", "1", "30", "strace", "-f"]).args(options);
        world.finish(command.arg(world.executable()).arg(&third))
    };
    let log = world.input("trace");
    assert_eq!(run(&["-o", log.to_str().unwrap()]).code, Some(0));
    let names = world.shell("ls -A /run/secrets.d");
    assert_eq!(names, ".2.complete\n.3.complete\n.last-run.json\n.lock\n2\n3\n");
    let files = world.shell("cd /run/secrets.d/3; find . -type f | sort");
    let points = points(calls(&log));
    // The log contains plaintext, so it is removed.
    fs::remove_file(log).unwrap();
    let first = points.iter().position(Point::begins_a_third_generation).unwrap();
    let mut in_part = 0;
    for point in &points[first..] {
        let (name, injection) = (format!("trace={}", point.name), point.injection(Fault::Kill));
        run(&["-o", "/dev/null", "-e", &name, "-e", &injection]);
        for number in 1..=3 {
            let list = format!("cd /run/secrets.d/{number} 2> /dev/null && find . -type f | sort");
            let found = world.shell(&format!("{{ {list}; }} || true"));
            let is_marked = world.path(&format!("/run/secrets.d/.{number}.complete")).exists();
            assert!(
                !is_marked || found == files,
                "{point:?}: generation {number} is marked, and has {found}"
            );
            in_part += usize::from(!found.is_empty() && found != files);
        }
    }
    assert!(in_part > 0, "no run was killed while a generation was written or removed");
}
