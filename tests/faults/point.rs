//! The system calls of a run, and what can go wrong with each.

use std::collections::HashMap;
use std::env;
use std::fmt;

use crate::common::Call;

/// A system call of a run.
#[derive(Clone)]
pub struct Point {
    /// Its name.
    pub name: String,
    /// Which one of that name; strace counts each name for itself, and for each thread: where two threads come as far, both fail.
    count: usize,
    /// Its arguments, as strace wrote them.
    arguments: String,
    /// Whether the program itself makes it, rather than the dynamic loader and the runtime before `main`.
    pub is_own: bool,
}

/// What is done to a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this error and does nothing.
    Once(&'static str),
    /// So does every call of its name after it.
    Lasting(&'static str),
    /// The process is killed on its way into it.
    Kill,
}

/// Errors that a caller answers with another attempt: they must end some time.
const PASSING: &[&str] = &["EINTR", "EAGAIN"];

/// The first call of `main`.
const FIRST_OWN: &str = "umask";

/// The calls of a run, in their order. The first of all is the program's own start, by strace.
pub fn points(calls: Vec<Call>) -> Vec<Point> {
    let mut seen = HashMap::new();
    let mut is_own = false;
    let mut point = |call: Call| {
        let count = seen.entry((call.thread, call.name.clone())).or_insert(0_usize);
        *count += 1;
        is_own |= call.name == FIRST_OWN;
        Point {
            count: *count,
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

/// Whether the environment asks for the whole matrix, which takes several times as long: each error also as a lasting one, and those
/// of the calls before `main` too.
pub fn wants_all() -> bool {
    env::var("FAULTS").is_ok_and(|wanted| wanted == "all")
}

impl Point {
    /// The ways in which the call is made to fail: each error once and the first of them lasting; before `main`, where nothing is of
    /// our making, the first one once.
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

    /// The errors that the kernel may give, the likeliest first; none for a call that cannot fail. Nor for `close`: strace would leave the
    /// descriptor open, and a kernel never does.
    fn errors(&self) -> &'static [&'static str] {
        match self.name.as_str() {
            "open" | "openat" | "openat2" if self.arguments.contains("O_CREAT") => {
                &["ENOSPC", "EMFILE", "EROFS", "EACCES", "ENOMEM", "EIO", "EINTR"]
            }
            "open" | "openat" | "openat2" => &["EMFILE", "EACCES", "ENOMEM", "EIO", "EINTR"],
            "read" | "pread64" => &["EIO", "EINTR", "ENOMEM"],
            "write" | "writev" => &["ENOSPC", "EIO", "EINTR", "EAGAIN"],
            "fstat" | "newfstatat" | "statx" | "fstatfs" | "getdents64" | "readlinkat" | "access" | "lseek" => {
                &["EIO", "EACCES", "ENOMEM"]
            }
            "mkdirat" | "symlinkat" | "renameat2" | "renameat" => &["ENOSPC", "EROFS", "EACCES", "ENOMEM", "EIO"],
            "unlinkat" | "fchmod" | "fchown" | "fchownat" => &["EIO", "EROFS", "EACCES", "ENOMEM"],
            "mount" => &["ENOMEM", "EPERM", "ENODEV", "EINVAL", "EBUSY"],
            "flock" => &["ENOLCK", "EINTR", "EAGAIN"],
            // brk has no errors: it gives the old end, and malloc takes a mapping instead.
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

    /// What tells strace to do it.
    pub fn injection(&self, fault: Fault) -> String {
        let Self { name, count, .. } = self;
        match fault {
            Fault::Once(error) => format!("inject={name}:error={error}:when={count}"),
            Fault::Lasting(error) => format!("inject={name}:error={error}:when={count}+"),
            Fault::Kill => format!("inject={name}:signal=KILL:when={count}"),
        }
    }

    /// Whether nothing can be said on standard output or standard error then.
    pub fn is_mute(&self, fault: Fault) -> bool {
        let is_speech = ["1,", "2,"].iter().any(|start| self.arguments.starts_with(start));
        self.name == "write" && (is_speech || matches!(fault, Fault::Lasting(_)))
    }

    /// Whether it is the swap of the link, by which a generation is published.
    pub fn is_swap(&self) -> bool {
        self.name == "renameat2" && self.arguments.contains("\"secrets\"")
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
