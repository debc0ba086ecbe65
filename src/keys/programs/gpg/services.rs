//! The daemons of a GnuPG home: those that served before we came stay, those that we caused to start end with us.

use std::{
    io,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    daemon::{self, Daemon, adopt_daemons, is_served},
    deadline::Deadline,
    failure::{GpgFailure, last_words},
};
use crate::system::{
    child::{Child, ChildError},
    read::reason,
};

/// The longest path of a socket, in bytes (`sun_path` in unix(7), without the final zero).
const MAX_SOCKET_PATH: usize = 107;
/// The longest name that gpg-agent gives to one of its sockets is this much longer than that of the first.
const LONGEST_SUFFIX: &str = ".browser";

/// The daemons of a GnuPG home. Dropping this ends those that are ours.
pub(crate) struct Services {
    /// The agent, if it is ours.
    agent: Option<Daemon>,
    /// Sockets where nobody served when we came, of daemons that gpg and our agent start when they need them. So may another gpg of
    /// the same user: whose a daemon is shows at the end.
    others: Vec<PathBuf>,
}

impl Services {
    /// Starts an agent if none serves. `gpgconf` and `agent` are calls of these programs that lack arguments.
    pub(crate) fn start(mut gpgconf: Command, agent: Command, deadline: Deadline) -> Result<Self, GpgFailure> {
        let of_system = |error: io::Error| GpgFailure::NoAgent(reason(&error));
        let socket = agent_socket(&mut gpgconf, deadline).map_err(GpgFailure::NoAgent)?;
        adopt_daemons().map_err(of_system)?;
        let mut others = vec![socket.with_file_name("S.keyboxd")];
        let mut ours = None;
        if !is_served(&socket) {
            // Another agent's smart card daemon is that agent's.
            others.push(socket.with_file_name("S.scdaemon"));
            ours = start_agent(agent, &socket, deadline).map_err(GpgFailure::NoAgent)?;
        }
        others.retain(|socket| !is_served(socket));
        Ok(Self { agent: ours, others })
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        // They must be found before the agent ends: with it goes what they listen for.
        let others: Vec<_> = self
            .others
            .iter()
            .filter_map(|socket| Daemon::at(socket, daemon::TIMEOUT).ok())
            .collect();
        self.agent.take().into_iter().chain(others).for_each(Daemon::end);
    }
}

/// Where the agent of the home listens.
fn agent_socket(gpgconf: &mut Command, deadline: Deadline) -> Result<PathBuf, String> {
    let of_child = |error| format!("gpgconf: {}", deadline.told(error));
    let child = Child::start(gpgconf.args(["--list-dirs", "agent-socket"]), deadline.left()).map_err(of_child)?;
    let finished = child.finish().map_err(of_child)?;
    let path = finished.output.expose().trim_ascii_end();
    if path.is_empty() {
        return Err(format!("gpgconf: {}", last_words(&finished.stderr)));
    }
    Ok(PathBuf::from(std::ffi::OsString::from_vec(path.to_vec())))
}

/// Waits until `child` has no more to say.
fn last_word(child: &mut Child) -> Result<(), ChildError> {
    while child.receive()? {}
    Ok(())
}

/// Starts an agent. None is ours if another was faster.
fn start_agent(mut command: Command, socket: &Path, deadline: Deadline) -> Result<Option<Daemon>, String> {
    let of_child = |error| deadline.told(error).to_string();
    let mut starter = Child::start(command.arg("--daemon"), deadline.left()).map_err(of_child)?;
    if let Err(error) = last_word(&mut starter) {
        drop(starter);
        // It may have left its starter's group by then.
        let _ = Daemon::at(socket, daemon::TIMEOUT).map(Daemon::end);
        return Err(of_child(error));
    }
    // Before the starter is forgotten and its process group killed: once the agent answers, it has left that group.
    let agent = Daemon::at(socket, deadline.left());
    let finished = starter.finish().map_err(of_child)?;
    match agent {
        Ok(agent) => Ok(finished.status.success().then_some(agent)),
        Err(_) if socket.as_os_str().len() + LONGEST_SUFFIX.len() > MAX_SOCKET_PATH => Err(format!(
            "the path of its socket, {}, is too long: choose a GnuPG home with a shorter path",
            socket.display()
        )),
        Err(error) if finished.stderr.is_empty() => Err(format!(
            "it says nothing, and nobody answers at {}: {}",
            socket.display(),
            reason(&error)
        )),
        Err(_) => Err(last_words(&finished.stderr)),
    }
}
