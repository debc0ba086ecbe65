//! Tries each wall of the confinement (capabilities, Landlock, the filter of system calls) alone, on a thread without the other
//! walls. The thread tries to do what this wall forbids, according to the table in `docs/reliability.md`.

use std::{
    ffi::CStr,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    net::{TcpListener, TcpStream},
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::{PermissionsExt as _, symlink},
            net::{SocketAddr, UnixListener, UnixStream},
        },
    },
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::{Child, Command},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::{
    fs::{CWD, FileType, Mode},
    mount::{MountFlags, mount},
    process::{Pid, Signal, chroot, kill_process},
    thread::{CapabilitySet, capabilities, set_thread_uid},
};
use tempfile::TempDir;

use super::{
    restriction::{drop_capabilities, restrict_access},
    *,
};

/// More time than any work in these tests needs.
const LONG: Duration = Duration::from_secs(20);

/// What was tried, and the number of the error; `None` if there was no error.
type Tried = Vec<(&'static str, Option<i32>)>;

/// Runs `attempts` on a new thread, after the function `wall` has restricted this thread.
fn behind(wall: impl FnOnce() + Send, attempts: impl FnOnce() -> Vec<(&'static str, io::Result<()>)> + Send) -> Tried {
    let work = move || {
        wall();
        attempts()
    };
    let tried = thread::scope(|scope| scope.spawn(work).join().unwrap());
    let number = |error: io::Error| error.raw_os_error().unwrap_or_default();
    tried
        .into_iter()
        .map(|(what, result)| (what, result.err().map(number)))
        .collect()
}

/// Asserts that each attempt ended with one of these errors.
fn all_refused(tried: Tried, errors: &[i32]) {
    let allowed = |(_, error): &(&str, Option<i32>)| !error.is_some_and(|error| errors.contains(&error));
    let allowed: Vec<_> = tried.into_iter().filter(allowed).collect();
    assert!(allowed.is_empty(), "allowed: {allowed:?}");
}

const EPERM: i32 = 1;
const EACCES: i32 = 13;
const EXDEV: i32 = 18;
const ENOSYS: i32 = 38;

/// Tries to write, make, rename and remove files and directories in `dir`.
fn changes(dir: &Path) -> Vec<(&'static str, io::Result<()>)> {
    let file = dir.join("file");
    assert_eq!(fs::read_to_string(&file).unwrap(), "content");
    vec![
        ("open for writing", OpenOptions::new().write(true).open(&file).map(drop)),
        ("append", OpenOptions::new().append(true).open(&file).map(drop)),
        ("cut off", OpenOptions::new().write(true).truncate(true).open(&file).map(drop)),
        ("make a file", File::create(dir.join("new")).map(drop)),
        ("make a directory", fs::create_dir(dir.join("directory"))),
        ("make a symlink", symlink("/", dir.join("symlink"))),
        ("make a link", fs::hard_link(&file, dir.join("link"))),
        ("make a pipe", make_pipe(&dir.join("pipe"))),
        ("rename", fs::rename(&file, dir.join("other"))),
        ("rename to another directory", fs::rename(&file, dir.join("old/other"))),
        ("remove a file", fs::remove_file(&file)),
        ("remove a directory", fs::remove_dir(dir.join("old"))),
    ]
}

fn make_pipe(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0)?)
}

/// A directory with a file and an empty directory, which [`changes`] tries to change.
fn scratch() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), "content").unwrap();
    fs::create_dir(dir.path().join("old")).unwrap();
    dir
}

#[test]
fn landlock_keeps_files_as_they_are() {
    let dir = scratch();
    let tried = behind(|| assert!(restrict_access().unwrap()), || changes(dir.path()));
    all_refused(tried, &[EACCES, EXDEV]);
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
#[test]
fn the_filter_without_landlock_keeps_files_as_they_are() {
    let dir = scratch();
    let tried = behind(|| system_calls::refuse(false).unwrap(), || changes(dir.path()));
    all_refused(tried, &[EPERM]);
}

/// Whether the kernel has this version or a later one. If not, prints that the kernel does not have `what`.
fn since(version: (u32, u32), what: &str) -> bool {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map(|number| number.parse().unwrap_or(0));
    let is_since = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= version;
    if !is_since {
        let _ = writeln!(io::stderr(), "skipped: Linux {release} has no {what}");
    }
    is_since
}

/// Another process, to which a confined thread tries to send a signal.
struct Sleeper(Child);

impl Sleeper {
    fn signal(&self) -> io::Result<()> {
        let process = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        Ok(kill_process(process, Signal::WINCH)?)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn landlock_starts_no_program_and_takes_devices_tcp_abstract_sockets_and_signals() {
    let dir = scratch();
    let script = dir.path().join("script");
    crate::install::tests::script(&script, "exit 0");
    let sleeper = Sleeper(Command::new("sleep").arg("100").spawn().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = SocketAddr::from_abstract_name(format!("sops-test-{}", std::process::id())).unwrap();
    let _other = UnixListener::bind_addr(&name).unwrap();
    let attempts = || {
        let mut attempts = vec![("execute", Command::new(&script).status().map(drop))];
        if since((6, 7), "Landlock for TCP") {
            attempts.push(("connect", TcpStream::connect(listener.local_addr().unwrap()).map(drop)));
            attempts.push(("bind", TcpListener::bind("127.0.0.1:0").map(drop)));
        }
        if since((6, 10), "Landlock for devices") {
            let device = File::open("/dev/ptmx").unwrap();
            attempts.push(("a device", rustix::termios::tcgetattr(&device).map(drop).map_err(Into::into)));
        }
        if since((6, 12), "Landlock for abstract sockets and signals") {
            attempts.push(("an abstract socket", UnixStream::connect_addr(&name).map(drop)));
            attempts.push(("a signal", sleeper.signal()));
        }
        attempts
    };
    let free: Vec<_> = behind(|| {}, attempts)
        .into_iter()
        .filter(|(_, error)| error.is_some())
        .collect();
    assert_eq!(free, [], "refused without Landlock");
    let tried = behind(|| assert!(restrict_access().unwrap()), attempts);
    all_refused(tried, &[EPERM, EACCES]);
}

/// Sets the clock to the time that it already shows.
fn set_clock() -> io::Result<()> {
    use rustix::time::{ClockId, clock_gettime, clock_settime};
    Ok(clock_settime(ClockId::Realtime, clock_gettime(ClockId::Realtime))?)
}

/// Gives the machine the name that it already has.
fn set_name() -> io::Result<()> {
    Ok(rustix::system::sethostname(rustix::system::uname().nodename().to_bytes())?)
}

#[test]
fn without_capabilities_root_can_do_none_of_what_needs_one() {
    if !crate::install::tests::is_root("without_capabilities_root_can_do_none_of_what_needs_one") {
        return;
    }
    let dir = scratch();
    let script = dir.path().join("file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::chown(&script, Some(1000), Some(1000)).unwrap();
    let none: &CStr = c"";
    let tried = behind(
        || drop_capabilities().unwrap(),
        || {
            assert_eq!(fs::read_to_string(&script).unwrap(), "content", "it can still read");
            vec![
                (
                    "mount",
                    mount("tmpfs", dir.path(), "tmpfs", MountFlags::empty(), None).map_err(Into::into),
                ),
                ("a module", rustix::system::init_module(b"", none).map_err(Into::into)),
                (
                    "remove a module",
                    rustix::system::delete_module(c"none", 0).map_err(Into::into),
                ),
                ("the clock", set_clock()),
                ("the machine's name", set_name()),
                (
                    "another user",
                    set_thread_uid(rustix::process::Uid::from_raw(1000)).map_err(Into::into),
                ),
                ("another root", chroot(dir.path()).map_err(Into::into)),
                (
                    "a device",
                    rustix::fs::mknodat(CWD, dir.path().join("null"), FileType::CharacterDevice, Mode::RWXU, 259)
                        .map_err(Into::into),
                ),
                (
                    "write to another's file",
                    OpenOptions::new().write(true).open(&script).map(drop),
                ),
                (
                    "change another's mode",
                    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)),
                ),
            ]
        },
    );
    // A kernel without modules gives `ENOSYS`.
    all_refused(tried, &[EPERM, EACCES, ENOSYS]);
    // kexec and a restart cannot be tried without harm. So the capability that both need must be missing.
    let held = thread::scope(|scope| {
        let held = scope.spawn(|| drop_capabilities().and_then(|()| capabilities(None)));
        held.join().unwrap().unwrap()
    });
    assert!(!held.permitted.contains(CapabilitySet::SYS_BOOT));
}

#[test]
fn work_that_takes_too_long_does_not_keep_the_next_from_being_done() {
    let confined = Confined::default();
    let (_keep, never) = mpsc::channel::<()>();
    assert_eq!(confined.run(LONG, || 1), Ok(1));
    assert_eq!(
        confined.run(Duration::from_millis(100), move || never.recv()),
        Err(Unfinished::Late)
    );
    assert_eq!(confined.run(LONG, || 2), Ok(2));
}

#[test]
fn a_panic_goes_on_where_the_work_was_given_out_and_the_thread_does_the_next() {
    let confined = Confined::default();
    let panicked = catch_unwind(AssertUnwindSafe(|| confined.run(LONG, || panic!("a fault"))));
    assert!(panicked.is_err());
    assert_eq!(confined.run(LONG, || 2), Ok(2));
}
