//! Tests what the thread that decrypts can do and cannot do, by trying it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

mod common;

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixDatagram;
use std::panic;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use common::{is_root, say};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::thread::{CapabilitySet, capabilities};
use sops_install_secrets::system::confinement::Confined;
use tempfile::TempDir;

/// Does `work` on a confined thread.
fn confined<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    Confined::default().run(Duration::from_mins(1), work).unwrap()
}

/// The actions that were tried, each with the number of its error, if it failed.
type Tried = Vec<(&'static str, Option<i32>)>;

/// A directory with a file that only root or its owner can read, and with files and directories to remove.
fn scratch() -> TempDir {
    let dir = tempfile::Builder::new().prefix("confinement-").tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "content").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(dir.path().join("old directory")).unwrap();
    symlink("/", dir.path().join("old link")).unwrap();
    if is_root() {
        chown(&file, Some(1000), Some(1000)).unwrap();
    }
    dir
}

/// Tries actions that decryption never needs. Each of them can be done only once.
fn try_all(dir: &Path) -> Tried {
    let (file, directory, link) = (dir.join("file"), dir.join("directory"), dir.join("link"));
    let writing = |path: &Path| OpenOptions::new().write(true).open(path).map(drop);
    let open = |family| socket(family, SocketType::DGRAM, None).map(drop).map_err(io::Error::from);
    let own = rustix::process::getpid();
    let attempts = [
        ("write to a file", writing(&file)),
        ("write to a file in /etc", writing(Path::new("/etc/passwd"))),
        ("create", fs::write(dir.join("new"), "")),
        ("create a directory", fs::create_dir(&directory)),
        ("mount", mount_and_unmount(dir)),
        ("remove a directory", fs::remove_dir(dir.join("old directory"))),
        ("create a link", symlink("/", &link)),
        ("remove a link", fs::remove_file(dir.join("old link"))),
        ("rename", fs::rename(&file, &file)),
        ("change a mode", fs::set_permissions(&file, Permissions::from_mode(0o600))),
        ("change an owner", chown(&file, None, None)),
        ("AF_UNIX", open(AddressFamily::UNIX)),
        ("AF_INET", open(AddressFamily::INET)),
        ("AF_INET6", open(AddressFamily::INET6)),
        ("AF_NETLINK", open(AddressFamily::NETLINK)),
        ("a pair of sockets", UnixDatagram::pair().map(drop)),
        ("a program", Command::new("true").status().map(drop)),
        ("a thread", thread::Builder::new().spawn(|| ()).map(drop)),
        ("a signal", rustix::process::test_kill_process(own).map_err(io::Error::from)),
    ];
    attempts
        .into_iter()
        .map(|(what, result)| (what, result.err().map(|error| error.raw_os_error().unwrap_or_default())))
        .collect()
}

fn mount_and_unmount(at: &Path) -> io::Result<()> {
    mount("tmpfs", at, "tmpfs", MountFlags::empty(), None)?;
    Ok(unmount(at, UnmountFlags::empty())?)
}

#[test]
fn it_can_read_and_nothing_else_and_the_others_can_do_what_they_could() {
    let dir = scratch();
    let path = dir.path().to_owned();
    let tried = confined(move || try_all(&path));
    // The only expected errors are EPERM and EACCES.
    let allowed: Vec<_> = tried.iter().filter(|(_, error)| !matches!(error, Some(1 | 13))).collect();
    assert!(allowed.is_empty(), "not refused: {allowed:?}");
    let (file, path) = (dir.path().join("file"), dir.path().to_owned());
    assert_eq!(confined(move || fs::read_to_string(file).unwrap()), "content");
    assert!(
        confined(move || fs::read_dir(path).unwrap().count()) == 3,
        "nothing was created or removed"
    );
    if !is_root() {
        say("skipped: needs root, the comparison with what the other threads can do");
        return;
    }
    let refused: Vec<_> = try_all(dir.path()).into_iter().filter(|(_, error)| error.is_some()).collect();
    assert!(refused.is_empty(), "refused outside: {refused:?}");
}

#[test]
fn of_capabilities_it_has_the_one_to_read_and_the_others_keep_theirs() {
    let before = capabilities(None).unwrap();
    let inside = confined(|| capabilities(None).unwrap());
    assert_eq!(inside.effective, before.effective & CapabilitySet::DAC_READ_SEARCH);
    assert_eq!(inside.permitted, inside.effective);
    assert_eq!(inside.inheritable, CapabilitySet::empty());
    assert_eq!(capabilities(None).unwrap(), before);
}

#[test]
fn it_can_tell_the_journal() {
    let dir = scratch();
    let journal = dir.path().join("journal");
    let (receiver, sender) = (UnixDatagram::bind(&journal).unwrap(), UnixDatagram::unbound().unwrap());
    confined(move || sender.send_to(b"a message", &journal).unwrap());
    let mut message = [0; 20];
    assert_eq!(receiver.recv(&mut message).unwrap(), 9);
    // A message that is too long is passed to the journal as a file without a name.
    confined(|| rustix::fs::memfd_create("message", rustix::fs::MemfdFlags::ALLOW_SEALING).map(drop)).unwrap();
}

#[test]
fn a_panic_goes_on_where_the_work_was_ordered() {
    let panicked = panic::catch_unwind(|| confined(|| panic!("a fault")));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"a fault"));
}

/// Uses the stack until it reaches this many bytes below `top`.
fn descend(top: usize, bytes: usize) -> usize {
    let frame = std::hint::black_box([0_u8; 4096]);
    let used = top - std::ptr::from_ref(&frame).addr();
    if used < bytes { descend(top, bytes).max(used) } else { used }
}

#[test]
fn its_stack_is_as_large_as_that_of_a_first_thread() {
    let bytes = 15 << 19;
    let used = confined(move || {
        let top = 0_u8;
        descend(std::ptr::from_ref(&top).addr(), bytes)
    });
    assert!(used >= bytes);
}
