//! Tests runs at the same time as other runs, as readers, and as users who change or lock files that the run needs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

mod common;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use common::{ALICE, KEYS, Manifest, World, assert_none_shown, say, token};
use rustix::fs::{FlockOperation, Mode, OFlags, RenameFlags, flock, open, openat, renameat_with};
use serde_json::json;

/// The number of runs in a race.
const RUNS: usize = 50;
/// Limit for a race on a slow machine.
const LONGEST: Duration = Duration::from_secs(15);
/// The number of secrets in a set.
const SECRETS: usize = 20;
/// The two sets: the key from which all secrets of the set come, and its value.
const SETS: [(&str, &str); 2] = [
    ("database/host", "db.example.org"),
    ("database/users/admin/password", "correct horse battery staple"),
];

/// A manifest with a set: all secrets have one value, and there is a template.
fn set(world: &World, key: &str) -> Manifest {
    let file = world.fixture("nesting.json");
    let fields = json!({"restartUnits": ["a.service"]});
    let manifest = (0..SECRETS).fold(world.manifest(), |manifest, number| {
        manifest.secret_with(&format!("s{number}"), &file, key, fields.clone())
    });
    manifest.template("t", &token("s0"), json!({}))
}

/// Whether a run keeps what does not change, as the manifests of the modules here ask for. A manifest of sops-nix has no version, and
/// each run publishes a new generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unchanged {
    Kept,
    New,
}

/// The places of the secrets and the template of a set.
fn names() -> Vec<String> {
    let secrets = (0..SECRETS).map(|number| format!("s{number}"));
    secrets.chain(["rendered/t".to_owned()]).collect()
}

/// The manifests of both sets.
fn two_sets(world: &World, keep: usize, unchanged: Unchanged) -> [PathBuf; 2] {
    [0, 1].map(|which| {
        let manifest = set(world, SETS[which].0).with("keepGenerations", keep);
        let manifest = match unchanged {
            Unchanged::Kept => manifest.with("version", 1),
            Unchanged::New => manifest,
        };
        world.save(&manifest);
        world.write(&format!("set-{which}.json"), manifest.text())
    })
}

/// Starts a run for each manifest at the same time, and waits for all runs. Each run must succeed. Returns how many runs reported
/// changes.
fn run_at_once(world: &World, manifests: &[&PathBuf]) -> usize {
    let start = |manifest: &&PathBuf| {
        let mut command = world.program([manifest]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs: Vec<_> = manifests.iter().map(start).collect();
    let ended = runs.into_iter().map(|run| {
        let output = run.wait_with_output().unwrap();
        assert_none_shown(&output);
        assert!(output.status.success(), "{:?}", world.said(&output));
        assert!(!world.said(&output).err.contains("does not know of this run"), "{output:?}");
        usize::from(!output.stdout.is_empty())
    });
    ended.sum()
}

/// The set in a generation. Fails if the generation is not complete.
fn whole_set(world: &World, number: usize) -> usize {
    let value = |name: &str| fs::read_to_string(world.path(&format!("/run/secrets.d/{number}/{name}"))).unwrap();
    let values: Vec<_> = names().iter().map(|name| value(name)).collect();
    let is_set = |which: &usize| values.iter().all(|value| value == SETS[*which].1);
    (0..2)
        .find(is_set)
        .unwrap_or_else(|| panic!("generation {number}: {values:?}"))
}

/// How often the unit is in the list.
fn told(world: &World) -> usize {
    let list = world.path("/run/nixos/activation-restart-list");
    fs::read_to_string(list).unwrap_or_default().lines().count()
}

#[test]
fn runs_of_one_manifest_at_once_all_succeed_and_leave_one_whole_set() {
    one_manifest(Unchanged::Kept, 1);
}

#[test]
fn runs_of_one_manifest_of_sops_nix_at_once_all_succeed_and_leave_one_whole_set() {
    one_manifest(Unchanged::New, RUNS);
}

/// Runs one manifest many times at once. `last` is the number of the generation that is live in the end.
fn one_manifest(unchanged: Unchanged, last: usize) {
    let Some(world) = World::system() else { return };
    let [manifest, _] = two_sets(&world, 1, unchanged);
    let changed = run_at_once(&world, &[&manifest; RUNS]);
    assert_eq!(
        (changed, told(&world)),
        (0, 0),
        "the first tells nobody, and the others change nothing"
    );
    assert_eq!(world.shell("readlink /run/secrets"), format!("/run/secrets.d/{last}\n"));
    assert_eq!(
        world.shell("ls -A /run/secrets.d"),
        format!(".last-run.json\n.lock\n{last}\n")
    );
    assert_eq!(
        world.shell("grep -o '\"generation\":[0-9]*' /run/secrets.d/.last-run.json"),
        format!("\"generation\":{last}\n"),
        "the record is that of the last publication"
    );
    assert_eq!(
        world.shell("grep -c ' /run/secrets.d ' /proc/self/mounts"),
        "1\n",
        "mounted once"
    );
    assert_eq!(whole_set(&world, last), 0);
    say(&format!(
        "races: {RUNS} runs at once of one manifest, all succeeded, 0 broken"
    ));
}

#[test]
fn runs_of_two_manifests_at_once_each_publish_a_whole_set_and_tell_each_change_once() {
    two_manifests(Unchanged::Kept);
}

#[test]
fn runs_of_two_manifests_of_sops_nix_at_once_each_publish_a_whole_set_and_tell_each_change_once() {
    two_manifests(Unchanged::New);
}

/// Runs two manifests many times at once.
fn two_manifests(unchanged: Unchanged) {
    let Some(world) = World::system() else { return };
    let manifests = two_sets(&world, 0, unchanged);
    let changed = run_at_once(&world, &(0..RUNS).map(|run| &manifests[run % 2]).collect::<Vec<_>>());
    let last: usize = world.shell("basename $(readlink /run/secrets)").trim().parse().unwrap();
    let sets: Vec<_> = (1..=last).map(|number| whole_set(&world, number)).collect();
    let swaps = sets.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(swaps > 0);
    match unchanged {
        Unchanged::Kept => assert_eq!(last, swaps + 1, "each change has its generation"),
        Unchanged::New => assert_eq!((last, sets.iter().sum()), (RUNS, RUNS / 2), "each run has its generation"),
    }
    assert_eq!((changed, told(&world)), (swaps, swaps));
    say(&format!(
        "races: {RUNS} runs at once of two manifests, all succeeded with {swaps} changes, each told once, 0 broken"
    ));
}

/// The content of one file in a directory.
fn read_at(dir: &impl std::os::fd::AsFd, name: &str) -> String {
    let mut text = String::new();
    let file = openat(dir, name, OFlags::RDONLY, Mode::empty()).unwrap();
    File::from(file).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_reader_through_one_descriptor_sees_one_generation_and_a_reader_by_path_whole_files() {
    let world = World::user();
    let manifests = two_sets(&world, 0, Unchanged::Kept);
    run_at_once(&world, &[&manifests[0]]);
    let link = world.input("home/.config/sops-nix/secrets");
    let (is_over, sets, files) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let (mut swaps, start) = (0, Instant::now());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) && start.elapsed() < 2 * LONGEST {
                let dir = open(&link, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
                let values: Vec<_> = names().iter().map(|name| read_at(&dir, name)).collect();
                let is_set = |(_, value): &(&str, &str)| values.iter().all(|found| found == value);
                assert!(SETS.iter().any(is_set), "{values:?}");
                sets.fetch_add(1, Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) && start.elapsed() < 2 * LONGEST {
                for name in names() {
                    let found = fs::read_to_string(link.join(name)).unwrap();
                    assert!(SETS.iter().any(|(_, value)| found == *value), "{found:?}");
                    files.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        while swaps < 200 && start.elapsed() < LONGEST {
            swaps += 1;
            run_at_once(&world, &[&manifests[swaps % 2]]);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let (sets, files) = (sets.into_inner(), files.into_inner());
    assert!(swaps > 2 && sets > swaps && files > swaps, "{swaps} {sets} {files}");
    say(&format!(
        "races: {swaps} swaps against {sets} sets read through a descriptor and {files} files by path, 0 mixed, torn or missing"
    ));
}

/// The variable that tells a process of this test what to do, and where.
const ROLE: &str = "SOPS_TEST_RACE_ROLE";

/// A process of another user, which acts until it is stopped.
struct User(Child);

impl User {
    /// Runs the test `name` of this program in the world's namespace, as alice, in the group `group`.
    fn new(world: &World, name: &str, group: u32) -> Self {
        let program = world.input("user");
        if !program.exists() {
            // This program is copied, because alice may not be able to reach the build directory. She can reach the world's
            // directory.
            let own = env::current_exe().unwrap();
            assert!(
                Command::new("install")
                    .args(["-m", "755"])
                    .args([&own, &program])
                    .status()
                    .unwrap()
                    .success()
            );
            fs::set_permissions(world.input(""), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
            world.allow_input("user");
        }
        let mut command = world.command("setpriv");
        command.args([
            format!("--reuid={ALICE}"),
            format!("--regid={group}"),
            "--clear-groups".to_owned(),
            "--".to_owned(),
        ]);
        command.arg(program).args(["--exact", name, "--nocapture"]).env(ROLE, "1");
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().unwrap().is_none(), "{name} has ended already");
        Self(child)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The time until which this process acts as a user; `None` if it does not act as a user. The time is before the test's time limit.
fn acts() -> Option<Instant> {
    env::var_os(ROLE)?;
    Some(Instant::now() + Duration::from_secs(50))
}

/// Exchanges the two names of each pair again and again.
fn exchange(pairs: &[(&str, &str)], until: Instant) {
    while Instant::now() < until {
        for (one, other) in pairs {
            let _ = renameat_with(rustix::fs::CWD, *one, rustix::fs::CWD, *other, RenameFlags::EXCHANGE);
        }
    }
}

#[test]
fn a_user_who_swaps_what_is_on_the_way_gets_nothing_written_owned_or_removed_elsewhere() {
    let pairs = [
        ("/etc/alice/app", "/etc/alice/to-victim"),
        ("/etc/alice/app/key", "/etc/alice/app/trap"),
        ("/etc/alice/deep", "/etc/alice/to-victim"),
        ("/etc/alice/app/key.sops-new", "/etc/alice/app/trap"),
        ("/etc/alice/deep.sops-new", "/etc/alice/app"),
    ];
    if let Some(until) = acts() {
        return exchange(&pairs, until);
    }
    let Some(world) = World::system() else { return };
    world.shell(
        "mkdir -p /etc/victim/dir /etc/victim/deep /etc/alice/app; echo precious > /etc/victim/key; echo precious > /etc/victim/dir/file
         chmod 600 /etc/victim/key; ln -s /etc/victim /etc/alice/to-victim; ln -s /etc/victim/key /etc/alice/app/trap
         touch /etc/alice/app/key; chown -hR 1000:1000 /etc/alice",
    );
    let file = world.fixture("nesting.json");
    let manifests = SETS.map(|(key, _)| {
        let fields = |path: &str| json!({"owner": "alice", "path": path});
        let manifest = world
            .manifest()
            .with("version", 1)
            .secret_with("a", &file, key, fields("/etc/alice/app/key"))
            .secret_with("b", &file, key, fields("/etc/alice/app/dir/key"))
            .secret_with("c", &file, key, fields("/etc/alice/deep/down/key"));
        world.save(&manifest);
        world.write(&format!("{}.json", key.replace('/', "-")), manifest.text())
    });
    let victim = world.tree("/etc/victim");
    let top = || world.shell("stat -c '%n %U %a' /etc /etc/victim /etc/passwd /etc/group");
    let before = top();
    let users: Vec<_> = (0..2).map(|_| User::new(&world, current_test(), ALICE)).collect();
    let (mut linked, mut refused, start) = (0, 0, Instant::now());
    for run in 0..300 {
        let said = world.run_arguments([&manifests[run % 2]]);
        match said.code {
            Some(0) => linked += 1,
            Some(3) => refused += 1,
            _ => panic!("{said:?}"),
        }
        assert_eq!(world.read("/run/secrets/a"), SETS[run % 2].1);
        assert_eq!(world.tree("/etc/victim"), victim, "run {run}: {said:?}");
        if start.elapsed() > LONGEST {
            break;
        }
    }
    drop(users);
    assert_eq!(top(), before);
    assert!(linked + refused > 10 && refused > 0, "{linked} {refused}");
    say(&format!(
        "races: {} runs against a user who swaps directories and symlinks, {linked} made all links and {refused} refused one, 0 reached anything else",
        linked + refused
    ));
}

/// The name of this test.
fn current_test() -> &'static str {
    // The test harness names each thread after its test.
    thread::current().name().unwrap().to_owned().leak()
}

/// Opens and locks every file and directory at and below a path, as far as possible, and keeps them open and locked.
fn hold(path: &Path, held: &mut Vec<File>) {
    if let Ok(file) = File::open(path) {
        let _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
        held.push(file);
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        hold(&entry.path(), held);
    }
}

#[test]
fn a_user_who_holds_and_locks_what_they_may_open_delays_nobody() {
    if let Some(until) = acts() {
        let mut held = Vec::new();
        while Instant::now() < until {
            for path in ["/run", "/run/secrets", "/etc/alice"] {
                hold(Path::new(path), &mut held);
            }
            // Some of the oldest files are closed, so that there are descriptors for new files.
            let excess = held.len().saturating_sub(500);
            held.drain(..excess);
        }
        return;
    }
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/alice; chown 1000:1000 /etc/alice");
    let file = world.fixture("nesting.json");
    let manifest = |key| {
        let fields = json!({"owner": "alice", "path": "/etc/alice/app/key", "restartUnits": ["a.service"]});
        world.manifest().with("version", 1).secret_with("a", &file, key, fields)
    };
    let runs = 60;
    let mut slowest = Duration::ZERO;
    let _users: Vec<_> = (0..2).map(|_| User::new(&world, current_test(), KEYS)).collect();
    for run in 0..runs {
        if run % 10 == 0 {
            // The test starts again from the state without a mount. The user holds files on the mount open, so only a lazy unmount
            // is possible.
            world.shell("umount -l /run/secrets.d 2> /dev/null || :; rm -rf /run/secrets /run/secrets.d");
        }
        let manifest = manifest(SETS[run % 2].0);
        let start = Instant::now();
        world.install(&manifest);
        slowest = slowest.max(start.elapsed());
        assert_eq!(world.read("/run/secrets/a"), SETS[run % 2].1);
    }
    // Each user keeps one processor busy, and other tests run too, so a run may be slow. But no run may wait for a lock, which
    // would take 60 s.
    assert!(slowest < Duration::from_secs(20), "{slowest:?}");
    say(&format!(
        "races: {runs} runs against users who hold and lock what they may open, the slowest took {} ms",
        slowest.as_millis()
    ));
}

/// Takes a lease (fcntl(2), `F_SETLEASE`) on a file, and ignores the signal that asks to give it up. The first argument is the kind of
/// lease: 0 (`F_RDLCK`) or 1 (`F_WRLCK`).
const LEASE: &str = r#"$| = 1; $SIG{IO} = 'IGNORE'; open my $file, '<', $ARGV[1] or die "$!";
fcntl $file, 1024, 0 + $ARGV[0] or die "$!"; print "held\n"; sleep 50"#;

#[test]
fn a_user_who_has_a_lease_on_a_secret_stops_no_update() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let manifest = |key| {
        let theirs = json!({"owner": "alice"});
        let manifest = world.manifest().with("version", 1).secret("changing", &file, key);
        let manifest = manifest.secret_with("a", &world.fixture("text.bin"), "", theirs);
        manifest.template("t", &token("a"), json!({"owner": "alice", "check": "/bin/true"}))
    };
    world.install(&manifest(SETS[0].0));
    let before = world.read("/run/secrets/a");
    let leases = ["a", "rendered/t"].into_iter().flat_map(|name| [(name, "0"), (name, "1")]);
    for (number, (name, kind)) in leases.enumerate() {
        let mut command = world.command("setpriv");
        let user = [
            format!("--reuid={ALICE}"),
            format!("--regid={ALICE}"),
            "--clear-groups".to_owned(),
        ];
        command
            .args(user)
            .args(["perl", "-e", LEASE, kind, &format!("/run/secrets/{name}")]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut held = [0; 5];
        child.stdout.take().unwrap().read_exact(&mut held).unwrap();
        let _user = User(child);
        let (key, value) = SETS[(number + 1) % 2];
        world.install(&manifest(key));
        assert_eq!(world.read("/run/secrets/changing"), value, "{name} {kind}");
        assert_eq!(world.read(&format!("/run/secrets/{name}")), before, "{name} {kind}");
    }
}
