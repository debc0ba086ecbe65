//! The daemons of a GnuPG home: those that served before we came stay, those that we caused to start end with us.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

use super::failure::{GpgFailure, last_words};
use crate::child::{Child, ChildError};

/// How long a daemon may take to say who it is, and to end.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest path of a socket, in bytes (`sun_path` in unix(7), without the final zero).
const MAX_SOCKET_PATH: usize = 107;
/// The longest name that gpg-agent gives to one of its sockets is this much longer than that of the first.
const LONGEST_SUFFIX: &str = ".browser";

/// The daemons of a GnuPG home. Dropping this ends those that are ours.
pub(super) struct Services {
    /// The agent, if it is ours.
    agent: Option<Daemon>,
    /// Sockets where nobody served when we came, of daemons that gpg and our agent start when they need them.
    others: Vec<PathBuf>,
}

/// A running daemon.
struct Daemon {
    process: OwnedFd,
    /// Also its process group, in which its own children are.
    id: Pid,
    socket: PathBuf,
}

impl Services {
    /// Starts an agent if none serves. `gpgconf` and `agent` are calls of these programs that lack arguments.
    pub fn start(mut gpgconf: Command, agent: Command, patience: Duration) -> Result<Self, GpgFailure> {
        let socket = agent_socket(&mut gpgconf, patience).map_err(GpgFailure::NoAgent)?;
        let is_served = |socket: &PathBuf| UnixStream::connect(socket).is_ok();
        let mut others = vec![socket.with_file_name("S.keyboxd")];
        let mut ours = None;
        if !is_served(&socket) {
            // Another agent's smart card daemon is that agent's.
            others.push(socket.with_file_name("S.scdaemon"));
            ours = start_agent(agent, &socket, patience).map_err(GpgFailure::NoAgent)?;
        }
        others.retain(|socket| !is_served(socket));
        Ok(Self { agent: ours, others })
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        // They must be found before the agent ends: with it goes what they listen for.
        let others: Vec<_> = self.others.iter().filter_map(|socket| Daemon::at(socket).ok()).collect();
        self.agent.take().into_iter().chain(others).for_each(Daemon::end);
    }
}

/// Where the agent of the home listens.
fn agent_socket(gpgconf: &mut Command, patience: Duration) -> Result<PathBuf, String> {
    let of_child = |error: ChildError| format!("gpgconf: {error}");
    let child = Child::start(gpgconf.args(["--list-dirs", "agent-socket"]), patience).map_err(of_child)?;
    let finished = child.finish().map_err(of_child)?;
    let path = finished.output.expose().trim_ascii_end();
    if path.is_empty() {
        return Err(format!("gpgconf: {}", last_words(&finished.complaint)));
    }
    Ok(PathBuf::from(std::ffi::OsString::from_vec(path.to_vec())))
}

/// Starts an agent. None is ours if another was faster.
fn start_agent(mut command: Command, socket: &Path, patience: Duration) -> Result<Option<Daemon>, String> {
    let of_child = |error: ChildError| error.to_string();
    let mut starter = Child::start(command.arg("--daemon"), patience).map_err(of_child)?;
    while starter.receive().map_err(of_child)? {}
    // Before the starter is forgotten and its process group killed: once the agent answers, it has left that group.
    let agent = Daemon::at(socket);
    let finished = starter.finish().map_err(of_child)?;
    match agent {
        Ok(agent) => Ok(finished.status.success().then_some(agent)),
        Err(_) if socket.as_os_str().len() + LONGEST_SUFFIX.len() > MAX_SOCKET_PATH => Err(format!(
            "the path of its socket, {}, is too long: choose a GnuPG home with a shorter path",
            socket.display()
        )),
        Err(error) if finished.complaint.is_empty() => Err(error.to_string()),
        Err(_) => Err(last_words(&finished.complaint)),
    }
}

impl Daemon {
    /// The daemon that serves `socket`.
    fn at(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        let id = process_id(&stream)?;
        // The connection is still open, so this is the process that answered.
        let process = pidfd_open(id, PidfdFlags::empty())?;
        Ok(Self {
            process,
            id,
            socket: socket.to_owned(),
        })
    }

    /// Ends it, together with what it started: a pinentry, the smart card daemon.
    fn end(self) {
        // The number of one that has ended may be somebody else's by now.
        if !self.ends_within(Duration::ZERO) {
            self.signal(Signal::TERM);
        }
        if !self.ends_within(PATIENCE) {
            self.signal(Signal::KILL);
            self.ends_within(PATIENCE);
        }
        self.remove_sockets();
    }

    /// Sends `signal` to it and its process group.
    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.id, signal);
        let _ = pidfd_send_signal(&self.process, signal);
    }

    /// Whether it has ended, or does within `patience`.
    fn ends_within(&self, patience: Duration) -> bool {
        let timeout = Timespec::try_from(patience).unwrap_or_default();
        let mut events = [PollFd::from_borrowed_fd(self.process.as_fd(), PollFlags::IN)];
        poll(&mut events, Some(&timeout)).is_ok_and(|count| count > 0)
    }

    /// Removes what a daemon that had to be killed left behind: its sockets have names that begin alike.
    fn remove_sockets(&self) {
        let (Some(directory), Some(name)) = (self.socket.parent(), self.socket.file_name()) else {
            return;
        };
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let is_its = entry.file_name().as_encoded_bytes().starts_with(name.as_encoded_bytes());
            if is_its && UnixStream::connect(entry.path()).is_err() {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Asks a daemon for its process number, in the Assuan protocol.
fn process_id(stream: &UnixStream) -> io::Result<Pid> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    (&*stream).write_all(b"GETINFO pid\n")?;
    for line in BufReader::new(stream).lines() {
        if let Some(number) = line?.strip_prefix("D ") {
            return number.trim().parse().ok().and_then(Pid::from_raw).ok_or_else(no_number);
        }
    }
    Err(no_number())
}

fn no_number() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no process number")
}
