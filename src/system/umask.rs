//! Starts a child with another umask than the umask of this process.
//!
//! The umask belongs to the whole process. If it were changed for a moment, files that other threads make in that moment would get
//! wrong modes. So a separate thread starts the child. That thread first stops sharing its umask with the other threads, and the
//! child inherits the umask of that thread.

#[cfg(target_os = "linux")]
use std::thread;
use std::{
    io,
    process::{Child, Command},
    sync::{Mutex, PoisonError},
};

#[cfg(target_os = "linux")]
use nix::sched::{CloneFlags, unshare};
use rustix::{fs::Mode, process::umask};

/// The umask of a child. Only the child's user can access files that the child makes.
const CLOSED: Mode = Mode::RWXG.union(Mode::RWXO);

/// Starts `command` with the umask [`CLOSED`]. The umask of this process stays empty, because the program sets the modes of its files
/// itself.
#[cfg(target_os = "linux")]
pub(crate) fn spawn_closed(command: &mut Command) -> io::Result<Child> {
    let apart = || {
        unshare(CloneFlags::CLONE_FS).ok()?;
        umask(CLOSED);
        Some(command.spawn())
    };
    let started = thread::scope(|scope| {
        let thread = thread::Builder::new().name("starter".to_owned());
        thread.spawn_scoped(scope, apart).ok()?.join().ok()?
    });
    started.unwrap_or_else(|| spawn_in_turn(command))
}

/// Starts `command` with the umask [`CLOSED`]. On macOS, all threads share one umask.
#[cfg(not(target_os = "linux"))]
pub(crate) fn spawn_closed(command: &mut Command) -> io::Result<Child> {
    spawn_in_turn(command)
}

/// Starts `command` with the umask [`CLOSED`]. This function is used if a thread cannot have a umask of its own, as in some
/// containers. During the start, the whole process has the umask [`CLOSED`].
fn spawn_in_turn(command: &mut Command) -> io::Result<Child> {
    in_turn(|| {
        let ours = umask(CLOSED);
        let started = command.spawn();
        umask(ours);
        started
    })
}

/// Does `work` while no other caller does such work. Only one at a time may change the umask: otherwise a second caller could take the
/// umask of the first for the umask of the process, and restore the wrong umask in the end. And macOS makes a pipe in two steps, between
/// which a child that another thread starts would inherit the pipe, and keep it open.
pub(crate) fn in_turn<T>(work: impl FnOnce() -> T) -> T {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    work()
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::PermissionsExt as _,
        path::Path,
        process::Stdio,
        sync::atomic::{AtomicBool, Ordering},
    };

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn touch(path: &Path, spawn: impl FnOnce(&mut Command) -> io::Result<Child>) {
        let mut command = Command::new("touch");
        assert!(
            spawn(command.arg(path).stdin(Stdio::null()))
                .unwrap()
                .wait()
                .unwrap()
                .success()
        );
    }

    #[test]
    fn what_one_thread_makes_has_its_mode_while_another_starts_children() {
        let directory = tempfile::tempdir().unwrap();
        let is_over = AtomicBool::new(false);
        // The umask of this process is not known. A first directory shows which mode new directories get.
        let reference = directory.path().join("reference");
        fs::create_dir(&reference).unwrap();
        let expected = mode(&reference);
        thread::scope(|scope| {
            let maker = scope.spawn(|| {
                let mut count = 0;
                while !is_over.load(Ordering::Relaxed) || count < 10_000 {
                    let made = directory.path().join("made");
                    fs::create_dir(&made).unwrap();
                    assert_eq!(mode(&made), expected, "after {count}");
                    fs::remove_dir(&made).unwrap();
                    count += 1;
                }
            });
            for number in 0..1000 {
                let file = directory.path().join(number.to_string());
                touch(&file, spawn_closed);
                assert_eq!(mode(&file), 0o600);
            }
            is_over.store(true, Ordering::Relaxed);
            maker.join().unwrap();
        });
    }

    /// This test changes the umask of its whole process, while other tests make files. So this test runs in a process of its own.
    #[test]
    fn what_a_child_makes_is_closed_to_others_where_threads_share_a_umask_too() {
        const ALONE: &str = "UMASK_ALONE";
        let name = "system::umask::tests::what_a_child_makes_is_closed_to_others_where_threads_share_a_umask_too";
        if std::env::var_os(ALONE).is_none() {
            let mut alone = Command::new(std::env::current_exe().unwrap());
            let output = alone.args(["--exact", name]).env(ALONE, "1").output().unwrap();
            assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        touch(&file, spawn_in_turn);
        assert_eq!(mode(&file), 0o600);
    }
}
