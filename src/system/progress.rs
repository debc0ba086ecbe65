//! Says what this process waits for, if that takes longer than two seconds.
//!
//! It is said once for each wait: as a message, on a terminal or in the journal, and to systemd, which shows it on the console at boot
//! and in `systemctl status`.

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
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// How long a wait is silent: 2 seconds. Most waits take milliseconds, and nobody has to hear of them.
pub(crate) const SILENCE: Duration = Duration::from_secs(2);

/// One wait. When the value is dropped, the wait is over.
pub(crate) struct Progress {
    /// What is waited for, as the end of a sentence.
    what: String,
    /// When to say it; `None` if nobody is to hear of it, or has heard already.
    tell_at: Option<Instant>,
    is_told: bool,
}

impl Progress {
    /// A wait that begins now, for `what`.
    pub(crate) fn about(what: String) -> Self {
        Self {
            what,
            tell_at: Some(Instant::now() + SILENCE),
            is_told: false,
        }
    }

    /// A wait that nobody has to hear of.
    pub(crate) fn silent() -> Self {
        Self {
            what: String::new(),
            tell_at: None,
            is_told: false,
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
        self.is_told = true;
        let said = format!("waiting for {}{}", self.what, more());
        tracing::info!("{said}");
        show(&said);
    }

    /// Says it later by `time`, because so long something else was done than to wait.
    pub(crate) fn forgive(&mut self, time: Duration) {
        self.tell_at = self.tell_at.map(|at| at + time);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_told {
            show("");
        }
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

/// Has systemd show `text` as the status of the unit that this process belongs to (`sd_notify`(3)). If no unit has asked for it, or
/// systemd does not take it, nothing is lost.
fn show(text: &str) {
    if let Some(socket) = env::var_os("NOTIFY_SOCKET") {
        let _ = send(&socket, &format!("STATUS={text}\n"));
    }
}

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
        assert!(!progress.is_told);
        assert!(progress.pause(Duration::from_mins(1)) <= SILENCE);
        assert_eq!(Progress::silent().pause(SILENCE * 2), SILENCE * 2);
        progress.tell_at = Some(Instant::now());
        progress.glance();
        assert!(progress.is_told && progress.tell_at.is_none());
    }
}
