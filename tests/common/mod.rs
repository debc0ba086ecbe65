//! A world in which tests run the real program: a directory with inputs. For root, the world also has a mount namespace of its own,
//! with an empty `/run` and `/etc`.

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
/// The version of sops whose fixtures are used if the version does not matter.
const VERSION: &str = "3.13.2";

/// The number of the plain user in user mode, if the tests run as root. In a namespace, this user is called `alice`.
pub const ALICE: u32 = 1000;
/// The group `keys` in a namespace.
pub const KEYS: u32 = 96;
/// The group `web` in a namespace.
pub const WEB: u32 = 60;

/// The place in which a test runs the program. It is removed at the end of the test. At the end of the test, no secret may be in
/// any file of the world, and no run may print one. Secrets are allowed only in the inputs, in the mount points of all manifests,
/// and in the paths that [`World::allow`] names.
pub struct World {
    dir: TempDir,
    namespace: Option<Namespace>,
    /// The paths at which plaintext and keys are allowed, as the tests see the paths.
    allowed: Mutex<BTreeSet<PathBuf>>,
    /// The program that is run in place of the program under test, if there is one.
    stand_in: Option<PathBuf>,
}

/// The output of a run, and how the run ended. In the texts, `$DIR` stands for the world's directory.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// The exit code. `None` if a signal ended the run.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error, without what is said when something takes longer than two seconds. On a busy machine anything may.
    pub err: String,
    /// Standard error as it is.
    pub told: String,
}

/// A text without the lines that say what is waited for.
pub fn without_waits(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !line.starts_with("waiting for "))
        .collect()
}

/// Prints a line that the test runner does not hide.
pub fn say(line: &str) {
    let name = thread::current().name().unwrap_or_default().to_owned();
    // The line is printed by one write, because other tests print at the same time.
    let _ = io::stderr().write_all(format!("{name}: {line}\n").as_bytes());
}

/// Whether `program` is installed. If not, prints that the test is skipped.
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
    /// A world for system mode. If there can be none, prints that, and returns `None`.
    pub fn system() -> Option<Self> {
        let dir = directory();
        let namespace = Namespace::new(dir.path(), Path::new(PROGRAM))
            .inspect_err(|reason| say(&format!("skipped: {reason}")))
            .ok()?;
        let world = Self::with(dir, Some(namespace));
        fs::create_dir(world.path("/run/nixos")).unwrap();
        Some(world)
    }

    /// A world for user mode: `$DIR/run` is the run-time directory, and `$DIR/home` is the home. If the tests run as root, another
    /// user runs the program.
    pub fn user() -> Self {
        let dir = directory();
        if is_root() {
            // The other user may not be able to reach the build directory.
            link_program(Path::new(PROGRAM), &dir.path().join("sops-install-secrets"));
        }
        let world = Self::with(dir, None);
        // The program may contain numbers that are also values of the fixtures.
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

    /// Runs `program` in place of the program under test, and under its name.
    pub fn pretend(&mut self, program: PathBuf) {
        self.stand_in = Some(program);
    }

    /// Allows plaintext at or below a path that the program sees.
    pub fn allow(&self, path: &str) {
        self.allowed.lock().unwrap().insert(self.path(path));
    }

    /// Allows plaintext in an input that was not written by this world.
    pub fn allow_input(&self, name: &str) {
        self.allowed.lock().unwrap().insert(self.input(name));
    }

    /// Fails if a secret is at a place where it is not allowed. Searches all places to which the program could write.
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

    /// Where the tests find the file that the program sees at `path`. Absolute symlinks there must not be followed.
    pub fn path(&self, path: &str) -> PathBuf {
        match &self.namespace {
            Some(namespace) => namespace.path(path),
            None => PathBuf::from(path),
        }
    }

    /// A path for an input. It is the same for the tests and for the program.
    pub fn input(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes an input that only the program's user can read.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.input(name);
        self.make_parents(&path);
        // An older file of this name may be one that this process cannot open.
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self.give(&path);
        self.allowed.lock().unwrap().insert(path.clone());
        path
    }

    /// Makes a shell script in the directory `bin`, ready to be run, and returns that directory. Each run of the script records its
    /// arguments and its environment, so that secrets in them are found.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let note = format!(
            "cat /proc/$$/environ /proc/$$/cmdline /proc/$PPID/cmdline >> '{}'\n",
            self.input("children").display()
        );
        let (shebang, rest) = text.split_once('\n').unwrap();
        // In a script of another language, the shell command that records would not work.
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

    /// A copy of a fixture under another name, in which the first `old` is replaced. `old` must occur.
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

    /// Runs the program with a manifest, after `special` has changed the command, for example by a variable.
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

    /// Runs the program with a manifest, and expects success.
    pub fn install(&self, manifest: &Manifest) -> Said {
        let said = self.run(manifest);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    /// Writes the manifest to the path that [`World::run`] uses.
    pub fn save(&self, manifest: &Manifest) -> PathBuf {
        if let Some(Value::String(mount_point)) = manifest.field("secretsMountPoint") {
            let run = self.input("run").display().to_string();
            let parts: Vec<_> = mount_point.split("%%").map(|part| part.replace("%r", &run)).collect();
            self.allow(&parts.join("%"));
        }
        self.write("manifest.json", manifest.text())
    }

    /// A command for the program with an empty environment, in the namespace or as the plain user.
    pub fn program<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.command(self.executable());
        command.args(arguments);
        command
    }

    /// The path of the program.
    pub fn executable(&self) -> PathBuf {
        match &self.namespace {
            _ if self.stand_in.is_some() => self.stand_in.clone().unwrap(),
            None if is_root() => self.input("sops-install-secrets"),
            _ => PathBuf::from(PROGRAM),
        }
    }

    /// A command for any program, in the namespace or as the plain user.
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

    /// A command for any program in the world, run by the user who runs the tests.
    pub fn as_tester(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = match &self.namespace {
            Some(_) => self.command(program),
            None => Command::new(program),
        };
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Gives all inputs that root made to the program's user, but not the programs, which are links to those of this build.
    pub fn give_all(&self) {
        if is_root() && self.namespace.is_none() {
            let status = Command::new("find")
                .arg(self.dir.path())
                .args(["-user", "0", "!", "(", "-type", "f", "-links", "+1", ")"])
                .args(["-exec", "chown", "--no-dereference"])
                .args([&format!("{ALICE}:{ALICE}"), "{}", "+"])
                .status();
            assert!(status.unwrap().success());
        }
    }

    /// Runs a command to its end. If it runs the program, fails if a secret was printed.
    pub fn finish(&self, command: &mut Command) -> Said {
        let output = command.output().unwrap();
        if self.runs_the_program(command) {
            assert_none_shown(&output);
        }
        self.said(&output)
    }

    /// Whether a command runs the program, directly or through another program.
    fn runs_the_program(&self, command: &Command) -> bool {
        let program = self.executable();
        let mut words = command.get_args().chain([command.get_program()]);
        words.any(|word| word.to_string_lossy().contains(program.to_str().unwrap()))
    }

    /// Runs a shell script in the same way as [`World::command`], and expects success.
    pub fn shell(&self, script: &str) -> String {
        let said = self.finish(self.command("sh").args(["-ec", script]));
        assert_eq!(said.code, Some(0), "{script}: {said:?}");
        said.out
    }

    /// The output of a finished command, with the world's directory as `$DIR`.
    pub fn said(&self, output: &Output) -> Said {
        let told = self.shown(&String::from_utf8_lossy(&output.stderr));
        Said {
            code: output.status.code(),
            out: self.shown(&String::from_utf8_lossy(&output.stdout)),
            err: without_waits(&told),
            told,
        }
    }

    /// A text with the world's directory as `$DIR`.
    pub fn shown(&self, text: &str) -> String {
        text.replace(self.dir.path().to_str().unwrap(), "$DIR")
    }

    /// Lists everything below `path`, as the program sees it: kind, mode, owner, name, and content or target.
    pub fn tree(&self, path: &str) -> String {
        self.shown(&tree(&self.path(path)))
    }

    /// The content that the program would read at `path`. Symlinks are followed in the same way.
    pub fn read(&self, path: &str) -> String {
        self.shell(&format!("cat '{path}'"))
    }

    /// Makes the directories in which `path` lies. They belong to the program's user.
    fn make_parents(&self, path: &Path) {
        let parent = path.parent().unwrap();
        if !parent.exists() {
            self.make_parents(parent);
            fs::create_dir(parent).unwrap();
            self.give(parent);
        }
    }

    /// Gives an input to the program's user.
    pub fn give(&self, path: &Path) {
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

/// Fails if the output of a run contains a secret, or if the run left a core file.
pub fn assert_none_shown(output: &Output) {
    for (stream, text) in [("standard output", &output.stdout), ("standard error", &output.stderr)] {
        assert_eq!(secret_in(text), None, "{stream}: {}", String::from_utf8_lossy(text));
    }
    assert!(!output.status.core_dumped(), "a core file was written");
}

/// Copies an executable, by another process. If this process wrote the copy, a child that another test starts at the same time
/// could inherit the open file. The kernel does not run a file that is open for writing.
pub fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("install").args(["-m", "755"]).args([from, to]).status().unwrap();
    assert!(status.success());
}

/// Puts a program of this build into a world, as a link: hundreds of copies would be many gigabytes. Copies it where no link is possible,
/// as from one file system to another, and where others may not run it.
pub fn link_program(from: &Path, to: &Path) {
    let is_for_all = from.metadata().unwrap().permissions().mode() & 0o005 == 0o005;
    if !is_for_all || fs::hard_link(from, to).is_err() {
        copy_program(from, to);
    }
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
