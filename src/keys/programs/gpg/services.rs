//! The daemons of a GnuPG home. Those that served it before this run stay; those that this run started end with it.

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
/// gpg-agent has several sockets. Their names are that of the main one with a suffix, of which this is the longest.
const LONGEST_SUFFIX: &str = ".browser";

/// The daemons of a GnuPG home. Dropping this ends those that are ours.
pub(crate) struct Services {
    /// The agent, if it is ours.
    agent: Option<Daemon>,
    /// Sockets on which nobody listened at the start, of daemons that gpg and the agent start when they need them. Another gpg of the same
    /// user may start them too. Only at the end it is checked which of them are ours.
    others: Vec<PathBuf>,
}

impl Services {
    /// Starts an agent if none serves. `gpgconf` and `agent` are calls of these programs that lack arguments.
    pub(crate) fn start(mut gpgconf: Command, agent: Command, deadline: Deadline) -> Result<Self, GpgFailure> {
        let of_system = |error: io::Error| GpgFailure::no_agent(&reason(&error));
        let socket = agent_socket(&mut gpgconf, deadline).map_err(|reason| GpgFailure::no_agent(&reason))?;
        // This comes before any daemon is started: an earlier one would become a child of process 1, and would not be ended with this run.
        adopt_daemons().map_err(of_system)?;
        let mut others = vec![socket.with_file_name("S.keyboxd")];
        let mut ours = None;
        if !is_served(&socket) {
            // The smart card daemon belongs to the agent that started it. So it is ended only if the agent is ours.
            others.push(socket.with_file_name("S.scdaemon"));
            ours = start_agent(agent, &socket, deadline).map_err(|reason| GpgFailure::no_agent(&reason))?;
        }
        others.retain(|socket| !is_served(socket));
        Ok(Self { agent: ours, others })
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        // The other daemons are looked for before the agent ends: after that they may end by themselves, and do not answer any more.
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

/// Waits until `child` closes its standard output.
fn last_word(child: &mut Child) -> Result<(), ChildError> {
    while child.receive()? {}
    Ok(())
}

/// Starts an agent. `None` if another agent was faster: then that one serves, and none is ours.
fn start_agent(mut command: Command, socket: &Path, deadline: Deadline) -> Result<Option<Daemon>, String> {
    let of_child = |error| deadline.told(error).to_string();
    let mut starter = Child::start(command.arg("--daemon"), deadline.left()).map_err(of_child)?;
    if let Err(error) = last_word(&mut starter) {
        drop(starter);
        // Dropping the starter kills its process group. The agent may have left that group already.
        let _ = Daemon::at(socket, daemon::TIMEOUT).map(Daemon::end);
        return Err(of_child(error));
    }
    // The agent is looked for before `finish`, which kills the process group of the starter. Once the agent answers, it has left that
    // group.
    let agent = Daemon::at(socket, deadline.left());
    let finished = starter.finish().map_err(of_child)?;
    match agent {
        Ok(agent) => Ok(finished.status.success().then_some(agent)),
        Err(_) if socket.as_os_str().len() + LONGEST_SUFFIX.len() > MAX_SOCKET_PATH => Err(format!(
            "the path of its socket, {}, is too long: choose a GnuPG home with a shorter path",
            socket.display()
        )),
        Err(error) if finished.stderr.is_empty() => Err(format!(
            "it gives no reason, and nobody answers at {}: {}",
            socket.display(),
            reason(&error)
        )),
        Err(_) => Err(last_words(&finished.stderr)),
    }
}
