//! A world for the real program: a directory of inputs and, for root, a mount namespace of its own with an empty `/run` and `/etc`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]
#![allow(dead_code, unused_imports, reason = "each test crate uses a part of this")]

mod leaks;
mod manifest;
mod namespace;
mod programs;
mod snapshot;
mod trace;
mod tree;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::{env, fs, io, thread};

use serde_json::{Value, json};
use tempfile::TempDir;

pub use leaks::{secret_in, secrets};
pub use manifest::{Manifest, token};
use namespace::Namespace;
pub use snapshot::Snapshot;
pub use trace::{Call, calls};
pub use tree::tree;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_sops-install-secrets");
/// The version of sops whose fixtures are used where it does not matter.
const VERSION: &str = "3.13.2";

/// The plain user of user mode, where the tests have a choice; `alice` in a namespace.
pub const ALICE: u32 = 1000;
/// The group `keys` in a namespace.
pub const KEYS: u32 = 96;
/// The group `web` in a namespace.
pub const WEB: u32 = 60;

/// Where a test runs the program, gone with it. At its end, and in the output of each run, there must be nothing secret, but for what
/// is allowed: inputs, the mount points of all manifests, and what [`World::allow`] names.
pub struct World {
    dir: TempDir,
    namespace: Option<Namespace>,
    /// Where plaintext and keys may be, as the tests see it.
    allowed: Mutex<BTreeSet<PathBuf>>,
    /// What is run instead of the program, if anything.
    stand_in: Option<PathBuf>,
}

/// What a run said, and how it ended. The world's directory is `$DIR` in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Says something that the test runner does not swallow.
pub fn say(line: &str) {
    let name = thread::current().name().unwrap_or_default().to_owned();
    // In one write: other tests are talking too.
    let _ = io::stderr().write_all(format!("{name}: {line}\n").as_bytes());
}

/// Whether `program` is installed; says that the test is skipped if it is not.
pub fn has(program: &str) -> bool {
    let found = env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(program).is_file());
    if !found {
        say(&format!("skipped: needs {program}"));
    }
    found
}

/// A file below `tests/fixtures`.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

impl World {
    /// A world for system mode, or nothing and a line that says so.
    pub fn system() -> Option<Self> {
        let dir = directory();
        let namespace = Namespace::new(dir.path(), Path::new(PROGRAM))
            .inspect_err(|reason| say(&format!("skipped: {reason}")))
            .ok()?;
        let world = Self::with(dir, Some(namespace));
        fs::create_dir(world.path("/run/nixos")).unwrap();
        Some(world)
    }

    /// A world for user mode: `$DIR/run` is the run-time directory, `$DIR/home` the home. For root, another user runs the program.
    pub fn user() -> Self {
        let dir = directory();
        if is_root() {
            // The other user may not be able to reach the build directory.
            copy_program(Path::new(PROGRAM), &dir.path().join("sops-install-secrets"));
        }
        let world = Self::with(dir, None);
        // Numbers of the fixtures may be numbers of the program too.
        world.allow_input("sops-install-secrets");
        for name in ["run", "home"] {
            fs::create_dir(world.input(name)).unwrap();
            world.give(&world.input(name));
        }
        world.give(world.dir.path());
        world
    }

    fn with(dir: TempDir, namespace: Option<Namespace>) -> Self {
        Self {
            dir,
            namespace,
            allowed: Mutex::default(),
            stand_in: None,
        }
    }

    /// Runs another program under the name of the one under test.
    pub fn pretend(&mut self, program: PathBuf) {
        self.stand_in = Some(program);
    }

    /// Allows plaintext at or below a path that the program sees.
    pub fn allow(&self, path: &str) {
        self.allowed.lock().unwrap().insert(self.path(path));
    }

    /// Allows plaintext in an input that the world did not write itself.
    pub fn allow_input(&self, name: &str) {
        self.allowed.lock().unwrap().insert(self.input(name));
    }

    /// Fails if something secret lies where it is not allowed, in any place that the program could write to.
    pub fn assert_no_leak(&self) {
        let allowed = self.allowed.lock().unwrap();
        let mut leaks = leaks::leaks(self.dir.path(), &allowed);
        if self.namespace.is_some() {
            for place in ["/run", "/etc", "/dev/shm"] {
                leaks.extend(leaks::leaks(&self.path(place), &allowed));
            }
        }
        assert!(leaks.is_empty(), "leaked to {}", leaks.join("\n"));
    }

    /// Where the tests see what the program sees at `path`. Do not follow absolute links there.
    pub fn path(&self, path: &str) -> PathBuf {
        match &self.namespace {
            Some(namespace) => namespace.path(path),
            None => PathBuf::from(path),
        }
    }

    /// A place for an input, at the same path for tests and program.
    pub fn input(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes an input that only the program's user can read.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.input(name);
        self.make_parents(&path);
        // An older one may be closed to us.
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self.give(&path);
        self.allowed.lock().unwrap().insert(path.clone());
        path
    }

    /// A shell script in the directory `bin`, ready to be run. Gives that directory. Arguments and environment of each run are noted,
    /// so that what should not be there is found.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let note = format!(
            "cat /proc/$$/environ /proc/$$/cmdline /proc/$PPID/cmdline >> '{}'\n",
            self.input("children").display()
        );
        let (shebang, rest) = text.split_once('\n').unwrap();
        // Other languages have other words for it.
        let note = if shebang.ends_with("sh") { note } else { String::new() };
        let (source, bin) = (
            self.write(&format!("{name}.sh"), [shebang, "\n", &note, rest].concat()),
            self.input("bin"),
        );
        fs::create_dir_all(&bin).unwrap();
        copy_program(&source, &bin.join(name));
        bin
    }

    /// A copy of `tests/fixtures/<version>/<name>`, or of `tests/fixtures/<name>` if that names a directory.
    pub fn fixture(&self, name: &str) -> PathBuf {
        let origin = if name.contains('/') {
            fixtures().join(name)
        } else {
            fixtures().join(VERSION).join(name)
        };
        let content = fs::read(&origin).unwrap_or_else(|error| panic!("{}: {error}", origin.display()));
        self.write(origin.file_name().and_then(OsStr::to_str).unwrap(), content)
    }

    /// A fixture with its first `old` replaced, under another name. It has to be there.
    pub fn damaged(&self, fixture: &str, new_name: &str, old: &str, new: &str) -> PathBuf {
        let text = fs::read_to_string(self.fixture(fixture)).unwrap();
        assert!(text.contains(old), "{fixture} does not contain {old:?}");
        self.write(new_name, text.replacen(old, new, 1))
    }

    /// A JSON fixture with the encrypted value of `key` altered.
    pub fn altered(&self, fixture: &str, new_name: &str, key: &str) -> PathBuf {
        let start = format!("\"{key}\": \"ENC[AES256_GCM,data:");
        let text = fs::read_to_string(self.fixture(fixture)).unwrap();
        let at = text.find(&start).unwrap() + start.len();
        let other = if text[at..].starts_with('A') { "B" } else { "A" };
        self.write(new_name, [&text[..at], other, &text[at + 1..]].concat())
    }

    /// An empty manifest with the key that opens most fixtures.
    pub fn manifest(&self) -> Manifest {
        let key = self.fixture("keys/age.txt");
        let manifest = Manifest::new()
            .with("keepGenerations", 1)
            .with("ageKeyFile", key.to_str().unwrap())
            .with("logging", json!({"keyImport": true, "secretChanges": true}));
        if self.namespace.is_some() {
            return manifest
                .with("secretsMountPoint", "/run/secrets.d")
                .with("symlinkPath", "/run/secrets");
        }
        let link = self.input("home/.config/sops-nix/secrets");
        manifest
            .with("userMode", true)
            .with("secretsMountPoint", "%r/secrets.d")
            .with("symlinkPath", link.to_str().unwrap())
    }

    /// Runs the program with a manifest.
    pub fn run(&self, manifest: &Manifest) -> Said {
        self.run_with(manifest, |command| command)
    }

    /// Runs the program with a manifest and something special, such as a variable.
    pub fn run_with(&self, manifest: &Manifest, special: impl FnOnce(&mut Command) -> &mut Command) -> Said {
        let path = self.save(manifest);
        let mut command = self.program([path]);
        special(&mut command);
        self.finish(&mut command)
    }

    /// Runs the program with these arguments.
    pub fn run_arguments<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Said {
        self.finish(&mut self.program(arguments))
    }

    /// Runs the program with a manifest, which has to succeed.
    pub fn install(&self, manifest: &Manifest) -> Said {
        let said = self.run(manifest);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    /// Writes the manifest where [`World::run`] does.
    pub fn save(&self, manifest: &Manifest) -> PathBuf {
        if let Some(Value::String(mount_point)) = manifest.field("secretsMountPoint") {
            let run = self.input("run").display().to_string();
            let parts: Vec<_> = mount_point.split("%%").map(|part| part.replace("%r", &run)).collect();
            self.allow(&parts.join("%"));
        }
        self.write("manifest.json", manifest.text())
    }

    /// The program, in the namespace or as the plain user, with an empty environment.
    pub fn program<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.command(self.executable());
        command.args(arguments);
        command
    }

    /// Where the program is.
    pub fn executable(&self) -> PathBuf {
        match &self.namespace {
            _ if self.stand_in.is_some() => self.stand_in.clone().unwrap(),
            None if is_root() => self.input("sops-install-secrets"),
            _ => PathBuf::from(PROGRAM),
        }
    }

    /// Any program, in the same surroundings.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = match &self.namespace {
            Some(namespace) => namespace.enter(program.as_ref()),
            None => Command::new(program),
        };
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
        if self.namespace.is_none() {
            command.env("XDG_RUNTIME_DIR", self.input("run")).current_dir(self.dir.path());
            if is_root() {
                command.uid(ALICE).gid(ALICE);
            }
        }
        command
    }

    /// Any program in the same surroundings, but run by whoever runs the tests.
    pub fn as_tester(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = match &self.namespace {
            Some(_) => self.command(program),
            None => Command::new(program),
        };
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Makes the program's user the owner of all that root made among the inputs.
    pub fn give_all(&self) {
        if is_root() && self.namespace.is_none() {
            let owner = format!("{ALICE}:{ALICE}");
            let status = Command::new("chown")
                .args(["-R", "--from=0", "--no-dereference", &owner])
                .arg(self.dir.path())
                .status();
            assert!(status.unwrap().success());
        }
    }

    /// Runs a command to its end.
    pub fn finish(&self, command: &mut Command) -> Said {
        let output = command.output().unwrap();
        if self.runs_the_program(command) {
            assert_none_shown(&output);
        }
        self.said(&output)
    }

    /// Whether a command leads to the program, by whatever other one.
    fn runs_the_program(&self, command: &Command) -> bool {
        let program = self.executable();
        let mut words = command.get_args().chain([command.get_program()]);
        words.any(|word| word.to_string_lossy().contains(program.to_str().unwrap()))
    }

    /// Runs a shell script in the same surroundings, which has to succeed.
    pub fn shell(&self, script: &str) -> String {
        let said = self.finish(self.command("sh").args(["-ec", script]));
        assert_eq!(said.code, Some(0), "{script}: {said:?}");
        said.out
    }

    /// What a finished command said.
    pub fn said(&self, output: &Output) -> Said {
        Said {
            code: output.status.code(),
            out: self.shown(&String::from_utf8_lossy(&output.stdout)),
            err: self.shown(&String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// A text with the world's directory as `$DIR`.
    pub fn shown(&self, text: &str) -> String {
        text.replace(self.dir.path().to_str().unwrap(), "$DIR")
    }

    /// What is below a path that the program sees: kind, mode, owner, name, and content or target.
    pub fn tree(&self, path: &str) -> String {
        self.shown(&tree(&self.path(path)))
    }

    /// What a program that opens `path` reads: links are followed as it would.
    pub fn read(&self, path: &str) -> String {
        self.shell(&format!("cat '{path}'"))
    }

    /// Makes the directories that `path` lies in, as the program's user.
    fn make_parents(&self, path: &Path) {
        let parent = path.parent().unwrap();
        if !parent.exists() {
            self.make_parents(parent);
            fs::create_dir(parent).unwrap();
            self.give(parent);
        }
    }

    /// Makes the program's user the owner of an input.
    fn give(&self, path: &Path) {
        if is_root() && self.namespace.is_none() {
            chown(path, Some(ALICE), Some(ALICE)).unwrap();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.assert_no_leak();
        }
    }
}

/// Fails if a run showed something secret, or left a core file.
pub fn assert_none_shown(output: &Output) {
    for (stream, text) in [("standard output", &output.stdout), ("standard error", &output.stderr)] {
        assert_eq!(secret_in(text), None, "{stream}: {}", String::from_utf8_lossy(text));
    }
    assert!(!output.status.core_dumped(), "a core file was written");
}

/// Copies an executable by another process. Were it open for writing in this one, a child that another test is just starting would have
/// it open too, and it could not be run.
pub fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("install").args(["-m", "755"]).args([from, to]).status().unwrap();
    assert!(status.success());
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A new directory, without symlinks in its path.
fn directory() -> TempDir {
    let parent = env::temp_dir().canonicalize().unwrap();
    tempfile::Builder::new().prefix("world-").tempdir_in(parent).unwrap()
}
