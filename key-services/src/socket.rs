//! HTTP to a server that listens at a Unix socket.

use std::{
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    os::unix::net::UnixStream,
    time::Duration,
};

use ureq::{
    Agent, Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport},
    },
};

use crate::deadline::Deadline;

/// The most time for a connection, an hour, so that the clock does not overflow. Questions have less.
const MOST: Duration = Duration::from_hours(1);

/// An agent that asks the server at the socket `path`, whatever server an address names.
pub(crate) fn agent(config: Config, path: &str) -> Agent {
    Agent::with_parts(config, Listener(path.to_owned()), Nowhere)
}

/// Connects to the socket at a path.
#[derive(Debug)]
struct Listener(String);

impl Connector for Listener {
    type Out = Connection;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Connection>, Error> {
        let (path, timeout) = (self.0.clone(), details.timeout);
        let deadline = Deadline::after((*timeout.after).min(MOST));
        let stream = deadline.within(move || UnixStream::connect(path));
        let stream = stream.map_err(|error| fault(error, timeout))?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Connection { stream, buffers }))
    }
}

/// A connection for one question.
#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        self.stream.set_write_timeout(Some(time(timeout)?))?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output).map_err(|error| fault(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        self.stream.set_read_timeout(Some(time(timeout)?))?;
        let amount = self.stream.read(self.buffers.input_append_buf());
        let amount = amount.map_err(|error| fault(error, timeout))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        // It is not kept for another question.
        false
    }
}

/// The time that is left, which must not be zero for the system.
fn time(timeout: NextTimeout) -> Result<Duration, Error> {
    match (*timeout.after).min(MOST) {
        Duration::ZERO => Err(Error::Timeout(timeout.reason)),
        time => Ok(time),
    }
}

fn fault(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}

/// Asks no name server: the address of the socket is its path.
#[derive(Debug)]
struct Nowhere;

impl Resolver for Nowhere {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::from(([127, 0, 0, 1], 0)));
        Ok(addresses)
    }
}
