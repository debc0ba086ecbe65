//! An installation that has everything, and what is at each place before and after a run.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::common::{Manifest, Snapshot, World, assert_none_shown, is_root, token};
use crate::point::{Fault, Point, points, wants_all};

/// The key and the value of the secret `a` before the run.
const OLD: (&str, &str) = ("database/host", "db.example.org");
/// The key and the value of the secret `a` after the run.
const NEW: (&str, &str) = ("database/users/admin/password", "correct horse battery staple");
/// The value of the secret `d/b`, which does not change.
const SAME: &str = "text without a line break at its end";

/// The output of a run that publishes the new values over the old values.
pub const CHANGES: &str = "modifying secret: a\nmodifying rendered secret: t\n";

/// A time in seconds that is longer than any run.
const DEADLINE: &str = "30";

/// How units are told that a secret has changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// No unit is told.
    Nobody,
    /// By the lists in `/run/nixos`.
    Lists,
    /// By `systemctl`. A script stands in for it.
    Systemctl,
}

/// The paths of the installation.
struct Places {
    /// The mount point.
    mount: String,
    /// The link to the live generation.
    link: String,
    /// A directory with a file at the path where a symlink is declared.
    app: String,
    /// A directory in which the parents of a declared path are made.
    home: String,
}

/// The owners of files and directories, as `tree` writes them.
struct Owners {
    /// The owner of files that are declared for alice.
    alice: &'static str,
    /// The owner of other files and symlinks.
    rest: &'static str,
    /// The owner of directories in a generation.
    directories: &'static str,
    /// The owner of directories in a user's home.
    home: &'static str,
    /// The owner of the file that is in the way of a symlink.
    precious: &'static str,
    /// The owner of the symlink that takes the place of that file.
    link: &'static str,
}

/// A place for many runs from the same start.
pub struct Stage {
    pub world: World,
    pub telling: Telling,
    /// Whether a generation is live before each run.
    pub is_live: bool,
    /// Whether the manifest has a version, so that what does not change stays. Requests through systemctl are made for one without.
    keeps_unchanged: bool,
    places: Places,
    owners: Owners,
    manifest: PathBuf,
    before: [Snapshot; 2],
    /// How many runs were started. Each run has a stand-in of its own, so that no run sees what an earlier stand-in records late.
    runs: Cell<usize>,
}

/// How a run ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub out: String,
    pub err: String,
}

/// What is published: the number of the generation, and its content. `None` if there is no link.
pub type Live = Option<(u64, String)>;

impl Ended {
    /// Whether the run reported that it could not look up the group of the directories.
    pub fn has_no_group(&self) -> bool {
        self.err.contains("warning: cannot look up the group \"keys\": ")
    }
}

impl Stage {
    /// A stage in system mode; `None` if that is not possible.
    pub fn system(telling: Telling, is_live: bool) -> Option<Self> {
        let world = World::system()?;
        world.shell(
            "mkdir -m 755 /etc/app /etc/alice; chown 1000:1000 /etc/alice
             echo precious > /etc/app/key; chmod 640 /etc/app/key; chown 1000:60 /etc/app/key",
        );
        let places = Places {
            mount: "/run/secrets.d".into(),
            link: "/run/secrets".into(),
            app: "/etc/app".into(),
            home: "/etc/alice".into(),
        };
        let owners = Owners {
            alice: "1000:60",
            rest: "0:0",
            directories: "0:96",
            home: "1000:1000",
            precious: "1000:60",
            link: "1000:60",
        };
        let published = ["/run", "/var/lib"].map(|dir| world.path(dir));
        Some(Self::new(world, telling, is_live, places, owners, &published))
    }

    /// A stage in user mode, with a live generation. Only root can use it, because the owners must be known.
    pub fn user() -> Option<Self> {
        if !is_root() {
            crate::common::say("skipped: needs root, to be another user");
            return None;
        }
        let world = World::user();
        let place = |name: &str| world.input(name).to_str().unwrap().to_owned();
        let places = Places {
            mount: place("run/secrets.d"),
            link: place("home/.config/sops-nix/secrets"),
            app: place("home/app"),
            home: place("home/alice"),
        };
        world.shell("mkdir -m 755 home/app home/alice home/.config; echo precious > home/app/key; chmod 640 home/app/key");
        let all = "1000:1000";
        let owners = Owners {
            alice: all,
            rest: all,
            directories: all,
            home: all,
            precious: all,
            link: all,
        };
        let published = ["run", "home/.config"].map(|dir| world.input(dir));
        Some(Self::new(world, Telling::Nobody, true, places, owners, &published))
    }

    fn new(world: World, telling: Telling, is_live: bool, places: Places, owners: Owners, published: &[PathBuf]) -> Self {
        world.script("systemctl", "#!/bin/sh\necho \"$*\" >> \"${0%/*}.log\"\n");
        // The snapshot is taken before the first installation, so in each run the symlinks at declared paths still have to be made.
        let declared = Snapshot::take(&[&places.app, &places.home].map(|dir| world.path(dir)));
        let keeps_unchanged = telling != Telling::Systemctl;
        let manifests = [OLD.0, NEW.0].map(|key| {
            let manifest = manifest(&world, &places, key);
            if keeps_unchanged {
                manifest.with("version", 1)
            } else {
                manifest
            }
        });
        if is_live {
            world.install(&manifests[0]);
        }
        Self {
            manifest: world.save(&manifests[1]),
            before: [declared, Snapshot::take(published)],
            world,
            telling,
            is_live,
            keeps_unchanged,
            places,
            owners,
            runs: Cell::new(0),
        }
    }

    /// All system calls of a run without a fault.
    pub fn points(&self) -> Vec<Point> {
        self.reset();
        let log = self.world.input("trace");
        let mut command = self.world.command("strace");
        let all_threads: &[_] = if self.is_with_stand_in() { &[] } else { &["-f"] };
        command.args(all_threads).arg("-o").arg(&log);
        let ended = self.end(command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        self.assert_complete(self.first_number(), "undisturbed");
        let mut points = points(crate::common::calls(&log));
        // The log contains plaintext, so it is removed.
        fs::remove_file(log).unwrap();
        if self.telling == Telling::Systemctl && !wants_all() {
            // Until it writes the new generation, such a run makes the same calls as one that writes lists.
            points.drain(..points.iter().position(Point::begins_a_generation).unwrap());
        }
        if !wants_all() {
            self.thin_out_the_ledger(&mut points);
        }
        points
    }

    /// Leaves of the calls for the ledger, until the first symlink, only those that change something or read the ledger; and none where
    /// a generation is live, because the first publication makes the same calls.
    fn thin_out_the_ledger(&self, points: &mut Vec<Point>) {
        let Some(first) = points.iter().position(|point| point.names("ledger.json")) else {
            return;
        };
        let count = points
            .iter()
            .skip(first)
            .take_while(|point| point.name != "symlinkat")
            .count();
        let is_left = |point: &Point| !self.is_live && (point.changes || point.names("ledger"));
        let left: Vec<_> = points.drain(first..first + count).filter(is_left).collect();
        points.splice(first..first, left);
    }

    /// The number of the generation that a run without a fault publishes.
    pub fn first_number(&self) -> u64 {
        if self.is_live { 2 } else { 1 }
    }

    /// The number that a run without a fault leaves live, where `before` is live.
    pub fn next_number(&self, before: &Live) -> u64 {
        let whole = self.new_whole(self.first_number(), false);
        match before {
            Some(live) if self.keeps_unchanged && *live == whole => whole.0,
            Some((number, _)) => number + 1,
            None => 1,
        }
    }

    /// Restores the state before the run.
    pub fn reset(&self) {
        self.before.iter().for_each(Snapshot::restore);
        let log = self.bin().with_extension("log");
        for old in [self.bin(), log, self.world.input("children")] {
            let _ = fs::remove_file(old);
        }
        self.runs.set(self.runs.get() + 1);
        symlink("bin", self.bin()).unwrap();
    }

    /// Runs the program, and injects a fault.
    pub fn run_with(&self, point: &Point, fault: Fault) -> Ended {
        let mut command = self.world.command("timeout");
        command.args(["-k", "1", DEADLINE, "strace", "-o", "/dev/null"]);
        command
            .args(if self.is_with_stand_in() {
                &[]
            } else {
                fault.in_all_threads()
            })
            .arg("-e")
            .arg(format!("trace={}", point.name))
            .arg("-e")
            .arg(point.injection(fault));
        self.end(command)
    }

    /// Whether a stand-in for systemctl is started. Its calls must not fail, so only those of the main thread do.
    fn is_with_stand_in(&self) -> bool {
        self.telling == Telling::Systemctl
    }

    /// Runs the program without a fault.
    pub fn run(&self) -> Ended {
        let mut command = self.world.command("timeout");
        command.args(["-k", "1", DEADLINE]);
        self.end(command)
    }

    /// Runs the program by `command`, and waits for its end.
    fn end(&self, mut command: Command) -> Ended {
        command.arg(self.world.executable()).arg(&self.manifest);
        if self.telling == Telling::Systemctl {
            let path = format!("{}:{}", self.bin().display(), std::env::var("PATH").unwrap());
            command.env("PATH", path).env("SOPS_RESTART_UNITS_VIA_SYSTEMCTL", "1");
        }
        let output = command.output().unwrap();
        assert_none_shown(&output);
        let said = self.world.said(&output);
        Ended {
            code: said.code,
            signal: output.status.signal(),
            out: said.out,
            err: said.err,
        }
    }

    /// The directory in which this run finds the stand-in for `systemctl`. The stand-in records its arguments in a file beside this
    /// directory.
    fn bin(&self) -> PathBuf {
        self.world.input(&format!("bin-{}", self.runs.get()))
    }

    /// The live generation.
    pub fn live(&self) -> Live {
        let target = fs::read_link(self.world.path(&self.places.link)).ok()?;
        let number = target.strip_prefix(&self.places.mount).unwrap().to_str().unwrap();
        Some((number.parse().unwrap(), self.world.tree(target.to_str().unwrap())))
    }

    /// The complete generation that was live before.
    pub fn old(&self) -> Live {
        self.is_live.then(|| (1, self.generation(OLD.1, self.owners.directories)))
    }

    /// The complete generation with the new values. If the group of the directories could not be looked up, the directories belong
    /// to root's group.
    pub fn new_whole(&self, number: u64, has_no_group: bool) -> (u64, String) {
        let directories = if has_no_group { "0:0" } else { self.owners.directories };
        (number, self.generation(NEW.1, directories))
    }

    fn generation(&self, value: &str, directories: &str) -> String {
        let Owners { alice, rest, .. } = self.owners;
        let link = self.world.shown(&self.places.link);
        format!(
            "\
0440 {alice} a \"{value}\"
0751 {directories} d/
0400 {rest} d/b \"{SAME}\"
link {rest} other -> {link}/d/b
0751 {directories} rendered/
0444 {rest} rendered/t \"x={value}\"
"
        )
    }

    /// Whether a request that is still to be made is recorded for the generation with this number.
    pub fn is_pending(&self, number: u64) -> bool {
        self.world.path(&format!("{}/{number}.pending", self.places.mount)).exists()
    }

    /// How often the unit of each kind was told: first the unit to restart, then the unit to reload.
    pub fn told(&self) -> [usize; 2] {
        let count = |text: &Path, line: &str| {
            let text = fs::read_to_string(text).unwrap_or_default();
            text.lines().filter(|found| *found == line).count()
        };
        let list = |name: &str| self.world.path(&format!("/run/nixos/activation-{name}-list"));
        let log = self.bin().with_extension("log");
        match self.telling {
            Telling::Nobody => [0, 0],
            Telling::Lists => [count(&list("restart"), "a.service"), count(&list("reload"), "r.service")],
            Telling::Systemctl => [
                count(&log, "--no-block try-restart -- a.service"),
                count(&log, "--no-block try-reload-or-restart -- r.service"),
            ],
        }
    }

    /// Checks that the file that was in the way of a symlink still exists unchanged, and that directories made in a user's home
    /// belong to the user.
    pub fn assert_nothing_is_lost(&self, what: &str) {
        let Owners { precious, home, .. } = self.owners;
        let tree = self.world.tree(&self.places.app);
        assert_eq!(tree.matches(&format!("0640 {precious} key")).count(), 1, "{what}:\n{tree}");
        assert_eq!(tree.matches("\"precious\\n\"").count(), 1, "{what}:\n{tree}");
        for line in self.world.tree(&self.places.home).lines().filter(|line| line.ends_with('/')) {
            let is_theirs = line.starts_with(&format!("0755 {home} "));
            assert!(is_theirs || line.ends_with(".sops-new/"), "{what}: {line}");
        }
    }

    /// Checks that the new generation is published, with all symlinks.
    pub fn assert_published(&self, number: u64, has_no_group: bool, what: &str) {
        let Owners {
            precious,
            home,
            link,
            rest,
            ..
        } = self.owners;
        let published = self.world.shown(&self.places.link);
        assert_eq!(self.live(), Some(self.new_whole(number, has_no_group)), "{what}");
        assert_eq!(
            self.world.tree(&self.places.app),
            format!("link {link} key -> {published}/a\n0640 {precious} key.sops-backup \"precious\\n\"\n"),
            "{what}"
        );
        assert_eq!(
            self.world.tree(&self.places.home),
            format!("0755 {home} .config/\n0755 {home} .config/app/\nlink {rest} .config/app/t -> {published}/rendered/t\n"),
            "{what}"
        );
    }

    /// Checks that the new generation is published, and that nothing else is left.
    pub fn assert_complete(&self, number: u64, what: &str) {
        self.assert_published(number, false, what);
        let names = |dir: &str| {
            let entries = fs::read_dir(self.world.path(dir)).unwrap();
            let mut names: Vec<_> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names.join(" ")
        };
        // The disturbed run may have made no record, and a run that changes nothing makes none.
        let found = names(&self.places.mount);
        let found = found.strip_prefix(".last-run.json ").unwrap_or(&found);
        assert_eq!(found, format!(".lock {number}"), "{what}");
        if self.telling == Telling::Nobody && self.is_live {
            assert_eq!(names(&self.world.input("run").display().to_string()), "secrets.d", "{what}");
            assert_eq!(
                names(&self.world.input("home/.config/sops-nix").display().to_string()),
                "secrets",
                "{what}"
            );
        } else {
            assert_eq!(names("/run"), "nixos secrets secrets.d", "{what}");
        }
    }
}

/// A manifest with two secrets, a template and units. There are three symlinks: one where a file is, one below missing directories
/// of a user, and one inside the published tree.
fn manifest(world: &World, places: &Places, key: &str) -> Manifest {
    let (file, text) = (world.fixture("nesting.json"), world.fixture("text.bin"));
    let Places { link, app, home, .. } = places;
    world
        .manifest()
        .secret_with(
            "a",
            &file,
            key,
            json!({"owner": "alice", "group": "web", "mode": "0440", "path": format!("{app}/key"),
                   "restartUnits": ["a.service"], "reloadUnits": ["r.service"]}),
        )
        .secret_with("d/b", &text, "", json!({"path": format!("{link}/other")}))
        .template(
            "t",
            &format!("x={}", token("a")),
            json!({"mode": "0444", "path": format!("{home}/.config/app/t")}),
        )
}
