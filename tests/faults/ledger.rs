//! What was made outside the mount point goes with its secrets, wherever a run is killed: a run that makes it, and one that removes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::json;

use crate::common::{Said, World, calls, say};
use crate::point::{Fault, Point, points};

/// A host, and what it has before anything is installed.
struct Host {
    world: World,
    /// Manifests of one link, of other links, and of nothing.
    old: PathBuf,
    new: PathBuf,
    empty: PathBuf,
    untouched: String,
}

impl Host {
    fn new() -> Option<Self> {
        let world = World::system()?;
        // What is in memory would be gone with its file system. This one stands for a disk.
        world.shell(
            "mkdir /etc/app /run/lower /run/upper /run/work
             mount -t overlay overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work /etc/app",
        );
        world.shell("cd /etc/app; mkdir copy; echo theirs > copy/over; echo former > old; echo precious > new; chmod 640 new; chown 1000:60 new");
        let text = world.fixture("text.bin");
        let base = world.manifest().with("version", 1);
        let stays = base.clone().secret("stays", &text, "");
        let at = |manifest: crate::common::Manifest, name: &str| {
            let path = format!("/etc/app/{name}");
            manifest.secret_with(&name.replace('/', "-"), &text, "", json!({"path": path}))
        };
        // A copy that is made over a file of somebody, one that changes, and one that becomes a symlink.
        let copy = |manifest: crate::common::Manifest, name: &str, content: &str| {
            let fields = json!({"path": format!("/etc/app/copy/{name}"), "install": "copy", "copyToDisk": true});
            manifest.template(name, content, fields)
        };
        let old = at(at(stays.clone(), "old"), "one/old");
        let old = copy(copy(old, "changes", "one\n"), "becomes", "one\n");
        let new = ["new", "one/new", "two/a/b", "two/c"].into_iter().fold(stays, at);
        let new = copy(copy(new, "changes", "two\n"), "over", "one\n");
        let new = new.template("becomes", "one\n", json!({"path": "/etc/app/copy/becomes"}));
        world.save(&base);
        Some(Self {
            old: world.write("old.json", old.text()),
            new: world.write("new.json", new.text()),
            empty: world.write("empty.json", base.text()),
            untouched: world.tree("/etc/app"),
            world,
        })
    }

    fn install(&self, manifest: &Path) -> Said {
        let said = self.world.run_arguments([manifest]);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    /// Runs the program with `manifest`, by strace with these options.
    fn run_watched(&self, manifest: &Path, options: &[String]) -> Said {
        let mut command = self.world.command("timeout");
        command.args(["-k", "1", "30", "strace", "-f"]).args(options);
        self.world.finish(command.arg(self.world.executable()).arg(manifest))
    }

    /// The system calls of a run with `manifest` after one with `before`, from the first that concerns the ledger: those that change
    /// something, and the last one. A kill at any other leaves the same as a kill at the next of these.
    fn points(&self, before: &Path, manifest: &Path) -> Vec<Point> {
        self.install(before);
        let log = self.world.input("trace");
        let said = self.run_watched(manifest, &["-o".to_owned(), log.display().to_string()]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let mut points = points(calls(&log));
        // The log contains plaintext, so it is removed.
        fs::remove_file(log).unwrap();
        points.drain(..points.iter().position(Point::concerns_the_ledger).unwrap());
        let last = points.pop();
        points.retain(|point| point.changes);
        points.extend(last);
        points
    }

    /// Kills a run with `manifest` at `point`, after one with `before`. Then a run with nothing must leave nothing, also if there is one
    /// with `between` before it, and somebody touches the copy before that.
    fn kill(&self, before: &Path, manifest: &Path, point: &Point, between: Option<&Path>) {
        self.install(before);
        let options = [
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={}", point.name),
            "-e",
            &point.injection(Fault::Kill),
        ];
        let killed = self.run_watched(manifest, &options.map(str::to_owned));
        let there = self.world.tree("/etc/app");
        if between.is_some() {
            self.touch_the_copy();
        }
        let between = between.map(|manifest| self.install(manifest));
        let said = self.install(&self.empty);
        let what = format!("{point:?}: {killed:?}\n{there}\nthe next runs: {between:?} {said:?}");
        assert_eq!(self.world.tree("/etc/app"), self.untouched, "{what}");
        assert_eq!(self.world.shell("ls /var/lib/sops-nix"), "", "{what}");
    }

    /// Gives the copy that is made over a file of somebody another time, if it is there.
    fn touch_the_copy(&self) {
        let path = self.world.path("/etc/app/copy/over");
        if fs::read(&path).is_ok_and(|content| content == b"one\n") {
            let file = fs::OpenOptions::new().append(true).open(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
    }
}

/// Kills runs that make symlinks, and runs that remove them.
pub fn kills() {
    let Some(host) = Host::new() else { return };
    let mut tried = 0;
    for (before, manifest) in [(&host.old, &host.new), (&host.new, &host.empty)] {
        for point in &host.points(before, manifest) {
            for between in [None, Some(host.new.as_path())] {
                host.kill(before, manifest, point, between);
                tried += 1;
            }
        }
        host.install(&host.empty);
    }
    say(&format!("faults: the ledger, killed: {tried} points, 0 broken"));
    assert!(tried > 80, "only {tried} points");
}
