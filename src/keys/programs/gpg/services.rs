//! Starts and ends the daemons of a GnuPG home. Daemons that served the home before this run are left alone. Daemons that this
//! run started end with the run.

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
use crate::{
    system::{child::Child, child_error::ChildError, progress::Progress, read::reason},
    text::printable::shown,
};

/// Limit: the path of a socket may have at most this many bytes (`sun_path` in unix(7), without the final zero byte).
const MAX_SOCKET_PATH: usize = 107;
/// The longest suffix of the sockets of gpg-agent. The agent has one main socket, and further sockets whose names have a suffix.
const LONGEST_SUFFIX: &str = ".browser";

/// The daemons of a GnuPG home. When the value is dropped, the daemons that this run started end.
pub(crate) struct Services {
    /// The agent, if this run started it. `None` if another agent serves the home.
    agent: Option<Daemon>,
    /// The sockets of further daemons, on which nobody listened at the start. gpg or the agent of this run may start such a
    /// daemon, but so may another gpg of the same user. Whether this run started a daemon is checked only at the end.
    others: Vec<PathBuf>,
}

impl Services {
    /// Starts an agent if no agent serves the GnuPG home. `gpgconf` and `agent` are commands that call gpgconf and gpg-agent. Their
    /// arguments are added here.
    pub(crate) fn start(mut gpgconf: Command, agent: Command, deadline: Deadline) -> Result<Self, GpgFailure> {
        let of_system = |error: io::Error| GpgFailure::no_agent(&reason(&error));
        let socket = agent_socket(&mut gpgconf, deadline).map_err(|reason| GpgFailure::no_agent(&reason))?;
        // No daemon may be started before this call. An earlier daemon would become a child of process 1, and would not end with
        // this run.
        adopt_daemons().map_err(of_system)?;
        let mut others = vec![socket.with_file_name("S.keyboxd")];
        let mut ours = None;
        if !is_served(&socket) {
            // A smart card daemon belongs to the agent that started it. So the smart card daemon is ended only if this run starts
            // the agent.
            others.push(socket.with_file_name("S.scdaemon"));
            ours = start_agent(agent, &socket, deadline).map_err(|reason| GpgFailure::no_agent(&reason))?;
        }
        others.retain(|socket| !is_served(socket));
        Ok(Self { agent: ours, others })
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        // The other daemons are looked for before the agent is ended. Once the agent has ended, the other daemons may end too and
        // no longer answer.
        let others: Vec<_> = self
            .others
            .iter()
            .filter_map(|socket| Daemon::at(socket, daemon::TIMEOUT).ok())
            .collect();
        self.agent.take().into_iter().chain(others).for_each(Daemon::end);
    }
}

/// Asks gpgconf for the path of the socket on which the agent of the GnuPG home listens.
///
/// # Errors
///
/// The reason as text.
fn agent_socket(gpgconf: &mut Command, deadline: Deadline) -> Result<PathBuf, String> {
    let of_child = |error| format!("gpgconf: {}", deadline.told(error));
    let child = Child::start(
        gpgconf.args(["--list-dirs", "agent-socket"]),
        deadline.left(),
        Progress::silent(),
    )
    .map_err(of_child)?;
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

/// Starts an agent. Returns `None` if another gpg was faster. In this case, the agent of that other gpg serves the home.
///
/// # Errors
///
/// The reason as text.
fn start_agent(mut command: Command, socket: &Path, deadline: Deadline) -> Result<Option<Daemon>, String> {
    let of_child = |error| deadline.told(error).to_string();
    let mut starter = Child::start(command.arg("--daemon"), deadline.left(), Progress::silent()).map_err(of_child)?;
    if let Err(error) = last_word(&mut starter) {
        drop(starter);
        // Dropping the starter has killed its process group. An agent that had already left this group still runs, so it is found
        // by its socket and ended. The result is ignored, since there may be no such agent.
        let _ = Daemon::at(socket, daemon::TIMEOUT).map(Daemon::end);
        return Err(of_child(error));
    }
    // The agent is looked for before `finish`, which kills the process group of the starter. An agent that answers has already
    // left this group.
    let agent = Daemon::at(socket, deadline.left());
    let finished = starter.finish().map_err(of_child)?;
    match agent {
        Ok(agent) => Ok(finished.status.success().then_some(agent)),
        Err(_) if socket.as_os_str().len() + LONGEST_SUFFIX.len() > MAX_SOCKET_PATH => Err(format!(
            "the path of its socket is too long: {}; choose a GnuPG home with a shorter path",
            shown(socket)
        )),
        Err(error) if finished.stderr.is_empty() => Err(format!(
            "it gives no reason, and its socket {} does not answer: {}",
            shown(socket),
            reason(&error)
        )),
        Err(_) => Err(last_words(&finished.stderr)),
    }
}
