//! Finds daemons of GnuPG by the sockets on which they listen, and ends them. An answer from a socket is not trusted, since
//! anybody may listen on the socket.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt::socket_peercred},
    process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, geteuid, getpgid, getpid, kill_process_group, pidfd_open,
        pidfd_send_signal, set_child_subreaper, waitid,
    },
};

use crate::system::stop;

/// The time that a daemon has to answer. A daemon has the same time again to end.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
/// Limit: an answer with a process number may have at most this many bytes. A real answer has about 30 bytes.
const MAX_ANSWER: usize = 1024;

/// A running daemon of GnuPG: a descriptor of its process, the process number, and the path of its main socket.
pub(crate) struct Daemon {
    /// A descriptor of the process (`pidfd_open(2)`), which never refers to another process.
    process: OwnedFd,
    id: Pid,
    /// The path of the main socket of the daemon.
    socket: PathBuf,
}

/// Makes this process the parent of all daemons that are started from now on.
///
/// The process that starts a daemon exits. The daemon then becomes a child of the nearest ancestor with `PR_SET_CHILD_SUBREAPER`
/// set (prctl(2)), instead of process 1. So this run can distinguish its own daemons from daemons that another gpg starts
/// meanwhile.
///
/// The setting is never undone. Children that are left when this process ends become children of process 1, as usual.
pub(crate) fn adopt_daemons() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Whether a daemon serves `socket`: the daemon accepts a connection and sends a greeting.
///
/// A daemon that is about to end still listens, but accepts no connection. A new connection waits, and is closed when the
/// daemon ends. A daemon that sends no greeting within [`TIMEOUT`] is busy, and counts as serving.
pub(crate) fn is_served(socket: &Path) -> bool {
    open(socket).is_ok_and(|mut stream| match is_readable(&stream, TIMEOUT) {
        Ok(true) => stream.read(&mut [0]).is_ok_and(|count| count > 0),
        Ok(false) => true,
        Err(_) => false,
    })
}

impl Daemon {
    /// Finds the daemon that serves `socket`.
    ///
    /// # Errors
    ///
    /// An error is returned if no process of this user answers at the socket within `timeout`. After this process is told to end,
    /// the daemon has only [`TIMEOUT`] left to answer.
    pub(crate) fn at(socket: &Path, timeout: Duration) -> io::Result<Self> {
        let stream = open(socket)?;
        if socket_peercred(&stream)?.uid != geteuid() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        // The daemon is asked for its process number. The credentials of the socket would give a wrong number, because GnuPG's
        // daemons first listen and then fork.
        let id = process_id(&stream, Instant::now() + timeout)?;
        // Whoever listens on the socket can give any number. So `end` first checks that the process is a child of this process.
        let process = pidfd_open(id, PidfdFlags::empty())?;
        Ok(Self {
            process,
            id,
            socket: socket.to_owned(),
        })
    }

    /// Ends the daemon and the processes that it started, such as a pinentry (a program that asks for passphrases). Does nothing
    /// if this run did not start the daemon.
    pub(crate) fn end(self) {
        // `has_ended` leaves an ended child as a zombie (`WNOWAIT`). So until the last `waitid` below, the system cannot give the
        // process number of the child to another process.
        let Ok(has_ended) = self.has_ended() else { return };
        if !has_ended {
            self.signal(Signal::TERM);
        }
        if !self.ends_within(TIMEOUT) {
            self.signal(Signal::KILL);
            self.ends_within(TIMEOUT);
        }
        let _ = waitid(
            WaitId::PidFd(self.process.as_fd()),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        );
        self.remove_sockets();
    }

    /// Whether the daemon has ended.
    ///
    /// # Errors
    ///
    /// `ECHILD` if the daemon is no child of this process. Such a daemon was not started by this run, even if the answer from the
    /// socket suggests it.
    fn has_ended(&self) -> io::Result<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::PidFd(self.process.as_fd()), look)?.is_some())
    }

    /// Sends `signal` to the daemon. If the daemon leads a process group, the signal also goes to the group, which has the
    /// daemon's own children.
    fn signal(&self, signal: Signal) {
        if getpgid(Some(self.id)) == Ok(self.id) {
            let _ = kill_process_group(self.id, signal);
        }
        let _ = pidfd_send_signal(&self.process, signal);
    }

    /// Waits for the end of the daemon, at most for `timeout`. Returns whether the daemon has ended.
    fn ends_within(&self, timeout: Duration) -> bool {
        is_readable(&self.process, timeout).unwrap_or(false)
    }

    /// Removes the sockets of a daemon that was killed before it could remove them. The name of each socket begins with the name
    /// of the main socket. A socket on which somebody listens is kept.
    fn remove_sockets(&self) {
        let (Some(directory), Some(name)) = (self.socket.parent(), self.socket.file_name()) else {
            return;
        };
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let is_its = entry.file_name().as_encoded_bytes().starts_with(name.as_encoded_bytes());
            let is_deserted = || open(&entry.path()).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
            if is_its && is_deserted() {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Connects to `socket`. Connecting does not block, and neither do later reads and writes.
///
/// # Errors
///
/// `EAGAIN` if the queue of the socket is full.
fn open(socket: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let ours = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&ours, &SocketAddrUnix::new(socket)?)?;
    Ok(UnixStream::from(ours))
}

/// Asks a daemon for its process number, in the Assuan protocol of GnuPG. The answer is a line `D <number>` among other lines.
fn process_id(mut stream: &UnixStream, end: Instant) -> io::Result<Pid> {
    stream.write_all(b"GETINFO pid\n")?;
    let mut answer = Vec::new();
    let mut chunk = [0; 64];
    while answer.len() < MAX_ANSWER && answers_before(stream, end)? {
        let count = match stream.read(&mut chunk)? {
            0 => break,
            count => count,
        };
        answer.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if let Some(number) = number_in(&answer) {
            return Ok(number);
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// The process number in the first complete line `D <number>` of the answer. The number 1 is refused: a signal to the process
/// group 1 would go to all processes (kill(2)).
fn number_in(answer: &[u8]) -> Option<Pid> {
    let mut whole = answer
        .split_inclusive(|&byte| byte == b'\n')
        .filter(|line| line.ends_with(b"\n"));
    let word = whole.find_map(|line| line.strip_prefix(b"D "))?;
    let number = str::from_utf8(word)
        .ok()?
        .trim()
        .parse()
        .ok()
        .filter(|&number: &i32| number > 1)?;
    Pid::from_raw(number)
}

/// Whether the daemon sends something or closes the connection before `end`. If this process is told to end meanwhile, the daemon
/// has only [`TIMEOUT`] left from then on.
fn answers_before(stream: &UnixStream, end: Instant) -> io::Result<bool> {
    let timeout = Timespec::try_from(end.saturating_duration_since(Instant::now())).unwrap_or_default();
    let mut events = vec![PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN)];
    events.extend(stop::event());
    poll(&mut events, Some(&timeout))?;
    let has_answer = events.first().is_some_and(|answer| !answer.revents().is_empty());
    Ok(has_answer || (stop::is_requested() && is_readable(stream, TIMEOUT)?))
}

/// Whether something can be read from `stream` within `timeout`, or its end is reached. A descriptor of a process becomes
/// readable when the process ends.
fn is_readable(stream: impl std::os::fd::AsFd, timeout: Duration) -> io::Result<bool> {
    let timeout = Timespec::try_from(timeout).unwrap_or_default();
    let mut events = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN)];
    Ok(poll(&mut events, Some(&timeout))? > 0)
}
