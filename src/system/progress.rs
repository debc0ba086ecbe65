//! Says what this process waits for, if that takes longer than two seconds.
//!
//! It is said once for each wait: as a message, on a terminal or in the journal, to systemd, which shows it on the console at boot
//! and in `systemctl status`, and to the boot screen, which covers the console.

#[cfg(target_os = "linux")]
use std::{
    env,
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
};
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

#[cfg(target_os = "linux")]
use super::splash;

/// How long a wait is silent: 2 seconds. Most waits take milliseconds, and nobody has to hear of them.
pub(crate) const SILENCE: Duration = Duration::from_secs(2);

/// One wait. When the value is dropped, the wait is over.
pub(crate) struct Progress {
    /// What is waited for, as the end of a sentence.
    what: String,
    /// When to say it; `None` if nobody is to hear of it, or has heard already.
    tell_at: Option<Instant>,
    /// The number under which it was said; `None` if it was not.
    told_as: Option<u64>,
}

impl Progress {
    /// A wait that begins now, for `what`.
    pub(crate) fn about(what: String) -> Self {
        Self {
            what,
            tell_at: Some(Instant::now() + SILENCE),
            told_as: None,
        }
    }

    /// A wait that nobody has to hear of.
    pub(crate) fn silent() -> Self {
        Self {
            what: String::new(),
            tell_at: None,
            told_as: None,
        }
    }

    /// How long to sleep before the next [`Progress::glance`], at most `most`.
    pub(crate) fn pause(&self, most: Duration) -> Duration {
        let now = Instant::now();
        self.tell_at.map_or(most, |at| at.saturating_duration_since(now).min(most))
    }

    /// Says what is waited for, if it is time.
    pub(crate) fn glance(&mut self) {
        self.glance_with(String::new);
    }

    /// Does what [`Progress::glance`] does. `more` is said behind it.
    pub(crate) fn glance_with(&mut self, more: impl FnOnce() -> String) {
        if self.tell_at.is_none_or(|at| Instant::now() < at) {
            return;
        }
        self.tell_at = None;
        let said = format!("waiting for {}{}", self.what, more());
        tracing::info!("{said}");
        self.told_as = Some(STATUS.begin(said));
    }

    /// Says it later by `time`, because so long something else was done than to wait.
    pub(crate) fn forgive(&mut self, time: Duration) {
        self.tell_at = self.tell_at.map(|at| at + time);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(number) = self.told_as {
            STATUS.end(number);
        }
    }
}

/// The status of the unit that this process belongs to: the latest of the waits that go on.
static STATUS: ToldWaits = ToldWaits {
    number: AtomicU64::new(0),
    waits: Mutex::new(Vec::new()),
};

/// The waits that were said and go on, in the order in which they were said. Waits of several threads can overlap.
struct ToldWaits {
    /// The number of the next wait.
    number: AtomicU64,
    waits: Mutex<Vec<(u64, String)>>,
}

impl ToldWaits {
    /// Shows what is waited for, and returns the number of this wait.
    fn begin(&self, said: String) -> u64 {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        self.change(|waits| waits.push((number, said)));
        number
    }

    /// Shows the wait before, if it goes on, or else nothing.
    fn end(&self, number: u64) {
        self.change(|waits| waits.retain(|(other, _)| *other != number));
    }

    /// Shows the latest wait after a change. The lock is held until it is shown, so that the last to change is the last to show.
    fn change(&self, change: impl FnOnce(&mut Vec<(u64, String)>)) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = |waits: &[(u64, String)]| waits.last().map(|(_, said)| said.clone()).unwrap_or_default();
        let before = latest(&waits);
        change(&mut waits);
        show(&before, &latest(&waits));
    }
}

/// Does `work`, which cannot look at a clock, and says on another thread what is waited for.
pub(crate) fn during<T>(what: String, work: impl FnOnce() -> T) -> T {
    let (end, is_over) = mpsc::channel::<()>();
    let watch = move || {
        let mut progress = Progress::about(what);
        if is_over.recv_timeout(SILENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            progress.glance();
            // The error is what is waited for: the other end is dropped.
            let _ = is_over.recv();
        }
    };
    // Without a thread, nothing is said.
    let watcher = thread::Builder::new().spawn(watch);
    let done = work();
    drop(end);
    let _ = watcher.map(thread::JoinHandle::join);
    done
}

/// Has systemd show `text` as the status of the unit that this process belongs to (`sd_notify`(3)), and the boot screen in the place of
/// `before`. If no unit has asked for it, or systemd does not take it, nothing is lost.
#[cfg(target_os = "linux")]
fn show(before: &str, text: &str) {
    splash::replace(before, text);
    if let Some(socket) = env::var_os("NOTIFY_SOCKET") {
        let _ = send(&socket, &format!("STATUS={text}\n"));
    }
}

/// Does nothing: there is no systemd and no boot screen.
#[cfg(not(target_os = "linux"))]
fn show(_before: &str, _text: &str) {}

#[cfg(target_os = "linux")]
fn send(socket: &OsStr, message: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        path => SocketAddr::from_pathname(OsStr::from_bytes(path))?,
    };
    let sender = UnixDatagram::unbound()?;
    sender.set_nonblocking(true)?;
    sender.send_to_addr(message.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_gets_the_status_at_a_path_and_at_an_abstract_name() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("notify");
        let name = format!("sops-test-{}", std::process::id());
        let listeners = [
            (path.as_os_str().to_owned(), UnixDatagram::bind(&path).unwrap()),
            (
                format!("@{name}").into(),
                UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap(),
            ),
        ];
        for (socket, listener) in listeners {
            send(&socket, "STATUS=x\n").unwrap();
            let mut text = [0; 20];
            let length = listener.recv(&mut text).unwrap();
            assert_eq!(&text[..length], b"STATUS=x\n");
        }
    }

    #[test]
    fn a_short_wait_is_silent_and_a_pause_ends_when_it_is_time() {
        let mut progress = Progress::about("x".to_owned());
        progress.glance();
        assert!(progress.told_as.is_none());
        assert!(progress.pause(Duration::from_mins(1)) <= SILENCE);
        assert_eq!(Progress::silent().pause(SILENCE * 2), SILENCE * 2);
        progress.tell_at = Some(Instant::now());
        progress.glance();
        assert!(progress.told_as.is_some() && progress.tell_at.is_none());
    }

    #[test]
    fn the_end_of_a_wait_shows_the_one_that_goes_on() {
        let status = ToldWaits {
            number: AtomicU64::new(0),
            waits: Mutex::new(Vec::new()),
        };
        let latest = || status.waits.lock().unwrap().last().map(|(_, said)| said.clone());
        let [first, second] = ["a", "b"].map(|said| status.begin(said.to_owned()));
        status.end(first);
        assert_eq!(latest().as_deref(), Some("b"));
        let third = status.begin("c".to_owned());
        assert_eq!(latest().as_deref(), Some("c"));
        status.end(third);
        assert_eq!(latest().as_deref(), Some("b"));
        status.end(second);
        assert_eq!(latest(), None);
    }
}
