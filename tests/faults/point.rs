//! The system calls of a run, and the faults that can be injected into each.

use std::collections::HashMap;
use std::env;
use std::fmt;

use crate::common::Call;

/// A system call of a run.
#[derive(Clone)]
pub struct Point {
    /// The name of the call.
    pub name: String,
    /// Which of the calls with this name it is. strace counts the calls for each name and each thread. If two threads make so many
    /// calls, both calls fail.
    count: usize,
    /// Its arguments, as strace wrote them.
    arguments: String,
    /// Whether the program itself makes the call. Otherwise, the dynamic loader or the runtime makes it before `main`.
    pub is_own: bool,
    /// Whether it changes something on a file system. Kills at two calls leave the same if no such call is between them.
    pub changes: bool,
}

/// What happens to a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call fails with this error, and does nothing.
    Once(&'static str),
    /// The call fails with this error, and so do all later calls of the same name.
    Lasting(&'static str),
    /// The process is killed when it makes the call.
    Kill,
}

/// Errors after which a caller tries again. If such an error never ended, the caller would try for ever.
const PASSING: &[&str] = &["EINTR", "EAGAIN"];

/// The first call of `main`.
const FIRST_OWN: &str = "umask";

/// The calls of a run, in their order. The first call is left out, because by it strace starts the program.
pub fn points(calls: Vec<Call>) -> Vec<Point> {
    let mut seen = HashMap::new();
    let mut is_own = false;
    let mut point = |call: Call| {
        let count = seen.entry((call.thread, call.name.clone())).or_insert(0_usize);
        *count += 1;
        is_own |= call.name == FIRST_OWN;
        Point {
            count: *count,
            changes: call.changes() || ["write", "fchmod", "fchown"].contains(&call.name.as_str()),
            name: call.name,
            arguments: call.arguments,
            is_own,
        }
    };
    let mut points: Vec<Point> = Vec::new();
    for point in calls.into_iter().skip(1).map(&mut point) {
        if !points
            .iter()
            .any(|known| (&known.name, known.count) == (&point.name, point.count))
        {
            points.push(point);
        }
    }
    points
}

/// Whether the environment asks for all faults, which takes several times as long. In that case, each error is also injected as a
/// lasting error, and so are the errors of calls before `main`.
pub fn wants_all() -> bool {
    env::var("FAULTS").is_ok_and(|wanted| wanted == "all")
}

impl Point {
    /// The faults to inject. Usually, the call fails once with each error, and its first error is also injected as a lasting one. A
    /// call before `main` is not made by our code, so it fails only once, with its first error.
    pub fn faults(&self) -> Vec<Fault> {
        let errors = self.errors();
        let lasting = errors
            .iter()
            .filter(|error| !PASSING.contains(error))
            .copied()
            .map(Fault::Lasting);
        let once = errors.iter().copied().map(Fault::Once);
        match (wants_all(), self.is_own) {
            (true, _) => once.chain(lasting).collect(),
            (false, true) => once.chain(lasting.take(1)).collect(),
            (false, false) => once.take(1).collect(),
        }
    }

    /// The errors that the kernel may return, the likeliest first. The list is empty for a call that cannot fail. It is also empty
    /// for `close`: strace would leave the descriptor open, which a kernel never does.
    fn errors(&self) -> &'static [&'static str] {
        match self.name.as_str() {
            "open" | "openat" | "openat2" if self.arguments.contains("O_CREAT") => {
                &["ENOSPC", "EMFILE", "EROFS", "EACCES", "ENOMEM", "EIO", "EINTR"]
            }
            "open" | "openat" | "openat2" => &["EMFILE", "EACCES", "ENOMEM", "EIO", "EINTR"],
            "read" | "pread64" => &["EIO", "EINTR", "ENOMEM"],
            "write" | "writev" => &["ENOSPC", "EIO", "EINTR", "EAGAIN"],
            "fgetxattr" | "fstat" | "newfstatat" | "statx" | "fstatfs" | "getdents64" | "readlinkat" | "access" | "lseek" => {
                &["EIO", "EACCES", "ENOMEM"]
            }
            "linkat" => &["EMLINK", "EPERM", "ENOSPC", "EIO"],
            "mkdirat" | "symlinkat" | "renameat2" | "renameat" => &["ENOSPC", "EROFS", "EACCES", "ENOMEM", "EIO"],
            "unlinkat" | "fchmod" | "fchown" | "fchownat" => &["EIO", "EROFS", "EACCES", "ENOMEM"],
            "mount" => &["ENOMEM", "EPERM", "ENODEV", "EINVAL", "EBUSY"],
            "fsync" => &["EIO", "ENOSPC"],
            "flock" => &["ENOLCK", "EINTR", "EAGAIN"],
            // brk returns no errors: on failure, it returns the old end of the heap. malloc then makes a mapping instead.
            "mmap" | "mremap" | "mprotect" => &["ENOMEM"],
            "memfd_create" | "dup" | "dup3" | "pipe2" | "socketpair" | "socket" => &["EMFILE", "ENOMEM"],
            "fcntl" if self.arguments.contains("F_DUPFD") => &["EMFILE"],
            "clone" | "clone3" | "vfork" | "fork" => &["EAGAIN", "ENOMEM"],
            "wait4" | "waitid" | "poll" | "clock_nanosleep" | "nanosleep" | "getrandom" => &["EINTR"],
            "connect" | "sendto" | "sendmsg" => &["EACCES", "ENOMEM"],
            "prctl" | "prlimit64" | "setrlimit" => &["EPERM"],
            _ => &[],
        }
    }

    /// The option by which strace injects the fault.
    pub fn injection(&self, fault: Fault) -> String {
        let Self { name, count, .. } = self;
        match fault {
            Fault::Once(error) => format!("inject={name}:error={error}:when={count}"),
            Fault::Lasting(error) => format!("inject={name}:error={error}:when={count}+"),
            Fault::Kill => format!("inject={name}:signal=KILL:when={count}"),
        }
    }

    /// Whether the fault prevents all output on standard output or standard error.
    pub fn is_mute(&self, fault: Fault) -> bool {
        let is_speech = ["1,", "2,"].iter().any(|start| self.arguments.starts_with(start));
        self.name == "write" && (is_speech || matches!(fault, Fault::Lasting(_)))
    }

    /// Whether it names this file.
    pub fn names(&self, file: &str) -> bool {
        self.arguments.contains(file)
    }

    /// Whether it looks for the ledger, or for its directory.
    pub fn concerns_the_ledger(&self) -> bool {
        self.arguments.contains("\"sops-nix\"")
    }

    /// Whether it opens the mount point.
    pub fn opens_the_mount_point(&self) -> bool {
        self.name.starts_with("open") && self.arguments.contains("secrets.d\"")
    }

    /// Whether it makes the directory of the third generation.
    pub fn begins_a_third_generation(&self) -> bool {
        self.name == "mkdirat" && self.arguments.contains("\"3\"")
    }

    /// Whether it makes the directory of the second generation.
    pub fn begins_a_generation(&self) -> bool {
        self.name == "mkdirat" && self.arguments.contains("\"2\"")
    }
}

impl Fault {
    /// The options of strace for faults in all threads. So that the run takes a fraction of the time, the kernel stops only the calls
    /// that strace asks for. In such a run, strace 6.1 does not deliver most signals, so a kill needs the other way.
    pub fn in_all_threads(self) -> &'static [&'static str] {
        match self {
            Self::Once(_) | Self::Lasting(_) => &["-f", "--seccomp-bpf"],
            Self::Kill => &["-f"],
        }
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}({})", self.name, self.count, self.arguments)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once(error) => write!(f, "{error} once"),
            Self::Lasting(error) => write!(f, "{error} from then on"),
            Self::Kill => f.write_str("killed"),
        }
    }
}
