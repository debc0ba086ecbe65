//! The checks of templates: what a run does for them fails, or the program is killed there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use crate::common::{Manifest, Said, Snapshot, World, calls, say};
use crate::point::{Fault, Point, points};

/// A host with a template at which a check looks.
struct Checked {
    world: World,
    /// Whether a generation is live. If not, the run may not mount, so that its texts lie in the directory of the mount point.
    is_live: bool,
    /// The manifest whose text the check accepts.
    good: PathBuf,
    /// The manifest of the runs with faults.
    wanted: PathBuf,
    before: Snapshot,
}

impl Checked {
    /// A first publication, of a text that the check accepts; or a run over a live generation, with a text that it refuses.
    fn new(is_live: bool) -> Option<Self> {
        let world = World::system()?;
        let check = world.script(
            "check",
            "#!/bin/sh\nread -r line < \"$1\"; echo \"seen $line\"; [ \"$line\" = good ]\n",
        );
        let manifest = |content: &str| -> Manifest {
            let manifest = world.manifest().with("version", 1).template("a", "same\n", json!({}));
            manifest.template("t", content, json!({"check": check.join("check")}))
        };
        if is_live {
            world.install(&manifest("good\nold\n"));
        }
        world.save(&manifest(""));
        let good = world.write("good.json", manifest("good\n").text());
        let bad = world.write("bad.json", manifest("bad\n").text());
        Some(Self {
            is_live,
            wanted: if is_live { bad } else { good.clone() },
            good,
            before: Snapshot::take(&[world.path("/run")]),
            world,
        })
    }

    /// Runs the program with `manifest`, by these words.
    fn run(&self, manifest: &PathBuf, words: &[&str]) -> Said {
        let mut command = self.world.command("timeout");
        command.args(["-k", "1", "30"]);
        if !self.is_live {
            command.args(["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]);
        }
        self.world
            .finish(command.args(words).arg(self.world.executable()).arg(manifest))
    }

    /// Makes the run from the start, by strace with these options.
    fn run_from_start(&self, options: &[&str]) -> Said {
        self.before.restore();
        self.run(&self.wanted, &[&["strace"], options].concat())
    }

    /// The system calls of the run that concern the checks, without those of the check itself.
    fn points(&self) -> Vec<Point> {
        let log = self.world.input("trace");
        let said = self.run_from_start(&["-o", log.to_str().unwrap()]);
        assert_eq!(said.code, Some(i32::from(self.is_live)), "{said:?}");
        let mut points = points(calls(&log));
        let first = if self.is_live { "\".checking.1\"" } else { "secrets.d\"" };
        let last = if self.is_live { "\".last-run.json" } else { "\"1\"" };
        let first = points.iter().position(|point| point.changes && point.names(first)).unwrap();
        let count = points[first..].iter().position(|point| point.names(last)).unwrap();
        points.drain(first..first + count).collect()
    }

    /// The text of the template that is live.
    fn live(&self) -> Option<String> {
        let live = fs::read_link(self.world.path("/run/secrets")).ok()?;
        let live = self.world.path(live.to_str().unwrap());
        assert_eq!(fs::read_to_string(live.join("rendered/a")).unwrap(), "same\n");
        Some(fs::read_to_string(live.join("rendered/t")).unwrap_or_default())
    }

    /// Makes the run with a fault, and then one without, whose text is good.
    fn attempt(&self, point: &Point, fault: Fault) {
        let (name, injection) = (format!("trace={}", point.name), point.injection(fault));
        let said = self.run_from_start(&["-o", "/dev/null", "-e", &name, "-e", &injection]);
        let what = format!("{point:?}: {fault:?}\n{said:?}");
        let live = self.live();
        let is_right = match (said.code, live.as_deref()) {
            // What its check has refused, or could not look at, never takes the place of what is live.
            (Some(1) | None, Some("good\nold\n")) => self.is_live,
            // At boot, the rest is published.
            (Some(0), Some("good\n")) | (Some(1) | None, None) | (Some(3), Some("" | "good\n")) => !self.is_live,
            _ => false,
        };
        assert!(is_right, "{what}\n{live:?}");
        assert!(said.code.is_none() == (fault == Fault::Kill), "{what}");
        assert!(
            fault == Fault::Kill || point.is_mute(fault) || !said.err.is_empty() || said.code == Some(0),
            "{what}"
        );
        self.assert_closed(&what);
        let next = self.run(&self.good, &[]);
        let what = format!("{what}\nthe next run: {next:?}");
        assert_eq!((next.code, self.live().as_deref()), (Some(0), Some("good\n")), "{what}");
        let names = fs::read_dir(self.world.path("/run/secrets.d")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left: Vec<_> = names.filter(|name| name.contains("check")).collect();
        assert_eq!(left, [""; 0], "{what}");
    }

    /// Checks that nobody else can reach what a check looks at or has printed, nor lock the directory in which nothing is live yet.
    fn assert_closed(&self, what: &str) {
        let root = self.world.path("/run/secrets.d");
        let Ok(entries) = fs::read_dir(&root) else { return };
        let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o7777;
        let of_checks = entries.map(|entry| entry.unwrap().path());
        let of_checks = of_checks.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(".check"));
        assert!(of_checks.map(mode).all(|mode| mode == 0o700), "{what}");
        assert!(self.live().is_some() || mode(root) == 0o700, "{what}");
    }
}

/// Makes each call fail once with its likeliest error, and kills the program where something was changed since the call before.
pub fn faults() {
    let start = Instant::now();
    let mut tried = 0;
    for is_live in [false, true] {
        let Some(checked) = Checked::new(is_live) else { return };
        for point in &checked.points() {
            let kill = point.changes.then_some(Fault::Kill);
            for fault in point.faults().into_iter().take(1).chain(kill) {
                checked.attempt(point, fault);
                tried += 1;
            }
        }
    }
    let seconds = start.elapsed().as_secs();
    say(&format!("faults: checks of templates: {tried} points, 0 broken, {seconds} s"));
    assert!(tried > 80, "only {tried} points");
}
