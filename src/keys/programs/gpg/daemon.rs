//! Daemons of GnuPG, found by the sockets where they listen. What a socket says is not trusted: anybody may listen there.

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

/// How long a daemon may take to give its process number, and to end.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
/// The longest answer that may hold a process number, in bytes. A real one has some 30.
const MAX_ANSWER: usize = 1024;

/// A running daemon.
pub(crate) struct Daemon {
    process: OwnedFd,
    id: Pid,
    socket: PathBuf,
}

/// Makes this process the parent of all daemons that are started from now on. The process that started a daemon exits, and the daemon goes
/// to the nearest ancestor that asked for it (`PR_SET_CHILD_SUBREAPER` in prctl(2)), not to process 1. So the daemons of this run can be
/// told from those that another gpg starts meanwhile.
///
/// This is never undone. Children that are left when this process ends go to process 1 as usual.
pub(crate) fn adopt_daemons() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Whether a daemon serves `socket`: it takes the connection and greets. One that is about to end still listens, and takes no
/// connection any more: what waits there is closed when it ends. One that does not greet in time is busy.
pub(crate) fn is_served(socket: &Path) -> bool {
    open(socket).is_ok_and(|mut stream| match is_readable(&stream, TIMEOUT) {
        Ok(true) => stream.read(&mut [0]).is_ok_and(|count| count > 0),
        Ok(false) => true,
        Err(_) => false,
    })
}

impl Daemon {
    /// The daemon that serves `socket`.
    ///
    /// # Errors
    ///
    /// If nobody who runs as this user answers there, or not in time. Once this process is told to end, only [`TIMEOUT`] is left.
    pub(crate) fn at(socket: &Path, timeout: Duration) -> io::Result<Self> {
        let stream = open(socket)?;
        if socket_peercred(&stream)?.uid != geteuid() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        // The peer credentials are of no help with the number: GnuPG's daemons listen first and then fork.
        let id = process_id(&stream, Instant::now() + timeout)?;
        // The number is only what the socket says. Before `end` does anything to the process, it checks that this is a child of ours.
        let process = pidfd_open(id, PidfdFlags::empty())?;
        Ok(Self {
            process,
            id,
            socket: socket.to_owned(),
        })
    }

    /// Ends the daemon and what it started, such as a pinentry. Does nothing if this run did not start the daemon.
    pub(crate) fn end(self) {
        // Until the last `waitid` below, the process number of a child cannot be given to another process.
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

    /// Whether the daemon has ended. An error (`ECHILD`) if it is no child of this process: then this run did not start it, whatever the
    /// socket said.
    fn has_ended(&self) -> io::Result<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::PidFd(self.process.as_fd()), look)?.is_some())
    }

    /// Sends `signal` to the daemon. If it leads a process group, sends it to the group too, in which the daemon's own children are.
    fn signal(&self, signal: Signal) {
        if getpgid(Some(self.id)) == Ok(self.id) {
            let _ = kill_process_group(self.id, signal);
        }
        let _ = pidfd_send_signal(&self.process, signal);
    }

    /// Waits at most `timeout` for the end of the daemon. Returns whether it has ended.
    fn ends_within(&self, timeout: Duration) -> bool {
        is_readable(&self.process, timeout).unwrap_or(false)
    }

    /// Removes the sockets that a daemon left behind because it had to be killed. The names of all its sockets begin with that of the main
    /// one.
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

/// A connection that never blocks, neither now nor later. If the queue of the socket is full, this is an error (`EAGAIN`).
fn open(socket: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let ours = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&ours, &SocketAddrUnix::new(socket)?)?;
    Ok(UnixStream::from(ours))
}

/// Asks a daemon for its process number in the Assuan protocol. The answer is a line `D <number>` among other lines.
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

/// The process number in the first complete line that has one. The number 1 is refused: as that of a process group it would mean all
/// processes (kill(2)).
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

/// Whether the daemon sends something, or closes the stream, before `end`. If this process is told to stop meanwhile, it waits for
/// [`TIMEOUT`] from then on.
fn answers_before(stream: &UnixStream, end: Instant) -> io::Result<bool> {
    let timeout = Timespec::try_from(end.saturating_duration_since(Instant::now())).unwrap_or_default();
    let mut events = vec![PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN)];
    events.extend(stop::event());
    poll(&mut events, Some(&timeout))?;
    let has_answer = events.first().is_some_and(|answer| !answer.revents().is_empty());
    Ok(has_answer || (stop::is_requested() && is_readable(stream, TIMEOUT)?))
}

/// Whether there is something to be read, or an end, within `timeout`.
fn is_readable(stream: impl std::os::fd::AsFd, timeout: Duration) -> io::Result<bool> {
    let timeout = Timespec::try_from(timeout).unwrap_or_default();
    let mut events = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN)];
    Ok(poll(&mut events, Some(&timeout))? > 0)
}
