//! A run over a generation that stays: it makes good what a killed run has left, a unit request and a symlink that is missing.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::common::{Said, Snapshot, World, calls, say};
use crate::point::{Fault, Point, points};

/// An installation in which nothing changes.
struct Staying {
    world: World,
    manifest: PathBuf,
    /// The published files, and their owners and modes.
    files: Vec<String>,
    before: Snapshot,
}

impl Staying {
    fn new() -> Option<Self> {
        let world = World::system()?;
        world.shell("mkdir /etc/app");
        let (file, text) = (world.fixture("nesting.json"), world.fixture("text.bin"));
        let fields = json!({"path": "/etc/app/key", "restartUnits": ["a.service"]});
        let manifest = world.manifest().with("version", 1).secret("d/b", &text, "");
        let manifest = manifest.secret_with("a", &file, "database/host", fields);
        world.install(&manifest);
        world.shell("rm /etc/app/key; echo 'restart a.service' > /run/secrets.d/1.pending");
        Some(Self {
            manifest: world.save(&manifest),
            files: files(&world),
            before: Snapshot::take(&["/run", "/etc/app"].map(|dir| world.path(dir))),
            world,
        })
    }

    /// Runs the program from the start, by strace with these options.
    fn run_from_start(&self, options: &[&str]) -> Said {
        self.before.restore();
        let mut command = self.world.command("timeout");
        command.args(["-k", "1", "30", "strace"]).args(options);
        self.world.finish(command.arg(self.world.executable()).arg(&self.manifest))
    }

    /// All system calls of a run without a fault.
    fn points(&self) -> Vec<Point> {
        let log = self.world.input("trace");
        let said = self.run_from_start(&["-f", "-o", &log.display().to_string()]);
        assert_eq!(said.code, Some(0), "{said:?}");
        self.assert_complete("undisturbed");
        let points = points(calls(&log));
        // The log contains plaintext, so it is removed.
        fs::remove_file(log).unwrap();
        points
    }

    /// Makes a run with a fault, and then a run without one.
    fn attempt(&self, point: &Point, fault: Fault) {
        let (name, injection) = (format!("trace={}", point.name), point.injection(fault));
        let options = ["-o", "/dev/null", "-e", &name, "-e", &injection];
        let said = self.run_from_start(&[fault.in_all_threads(), &options].concat());
        let what = format!("{point:?}: {fault:?}\n{said:?}");
        assert_eq!(files(&self.world), self.files, "{what}");
        if said.code == Some(0) {
            self.assert_link(&what);
            assert!(self.told() == 1 || said.err.contains("warning: "), "{what}");
        } else if fault != Fault::Kill && !point.is_mute(fault) && point.is_own {
            assert!(said.err.contains("error: "), "{what}");
        }
        let told = self.told();
        let said = self.world.run_arguments([&self.manifest]);
        let what = format!("{what}\nthe next run: {said:?}");
        assert_eq!(said.code, Some(0), "{what}");
        self.assert_complete(&what);
        assert!((1..=told + 1).contains(&self.told()), "{what}");
    }

    /// How often the unit was told.
    fn told(&self) -> usize {
        let list = self.world.path("/run/nixos/activation-restart-list");
        fs::read_to_string(list).unwrap_or_default().lines().count()
    }

    /// Checks that the symlink is made.
    fn assert_link(&self, what: &str) {
        assert_eq!(self.world.tree("/etc/app"), "link 0:0 key -> /run/secrets/a\n", "{what}");
    }

    /// Checks that everything is made good, and that nothing else is left.
    fn assert_complete(&self, what: &str) {
        assert_eq!(files(&self.world), self.files, "{what}");
        self.assert_link(what);
        let live = fs::read_link(self.world.path("/run/secrets")).unwrap();
        let number = live.file_name().unwrap().to_str().unwrap();
        assert_eq!(self.world.shell("ls -A /run"), "nixos\nsecrets\nsecrets.d\n", "{what}");
        assert_eq!(
            self.world.shell("ls -A /run/secrets.d"),
            format!(".last-run.json\n.lock\n{number}\n"),
            "{what}"
        );
    }
}

/// The files of the live generation. Its directories are left out, because their group is another one if it cannot be looked up.
fn files(world: &World) -> Vec<String> {
    let live = fs::read_link(world.path("/run/secrets")).unwrap();
    let tree = world.tree(live.to_str().unwrap());
    tree.lines().filter(|line| !line.ends_with('/')).map(str::to_owned).collect()
}

/// Makes each call fail in each way that is tried, and kills the program there.
pub fn faults() {
    let Some(staying) = Staying::new() else { return };
    let points = staying.points();
    let mut tried = 0;
    for point in points.iter().filter(|point| point.is_own) {
        for fault in point.faults().into_iter().take(1).chain([Fault::Kill]) {
            staying.attempt(point, fault);
            tried += 1;
        }
    }
    say(&format!(
        "faults: a generation that stays: {} calls, {tried} points, 0 broken",
        points.len()
    ));
    assert!(tried > 100, "only {tried} points");
}
