//! Where a key service listens.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs as _},
    os::unix::net::UnixStream,
    time::Duration,
};

use crate::deadline::Deadline;

/// A connection whose reads and writes end at a deadline.
pub(crate) struct Connection {
    stream: Stream,
    deadline: Deadline,
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// Connects to `address`: `unix:///path`, `unix:path` or `tcp://host:port`.
///
/// # Errors
///
/// If `address` has another form, or nobody listens there.
pub(crate) fn connect(address: &str, deadline: Deadline) -> io::Result<Connection> {
    let stream = if let Some(rest) = address.strip_prefix("unix:") {
        let path = rest.strip_prefix("//").unwrap_or(rest).to_owned();
        Stream::Unix(deadline.within(move || UnixStream::connect(path))?)
    } else if let Some(rest) = address.strip_prefix("tcp://") {
        Stream::Tcp(connect_tcp(rest, deadline)?)
    } else {
        return Err(io::Error::other(
            "the address has neither the form unix:///path nor tcp://host:port",
        ));
    };
    Ok(Connection { stream, deadline })
}

fn connect_tcp(address: &str, deadline: Deadline) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the name has no address");
    let name = address.to_owned();
    for address in deadline.within(move || name.to_socket_addrs().map(Vec::from_iter))? {
        match TcpStream::connect_timeout(&address, time_left(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn time_left(deadline: Deadline) -> io::Result<Duration> {
    match deadline.remaining() {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        time => Ok(time),
    }
}

impl Connection {
    fn limit(&self) -> io::Result<()> {
        let time = Some(time_left(self.deadline)?);
        match &self.stream {
            Stream::Unix(stream) => stream.set_read_timeout(time).and_then(|()| stream.set_write_timeout(time)),
            Stream::Tcp(stream) => stream.set_read_timeout(time).and_then(|()| stream.set_write_timeout(time)),
        }
    }
}

impl Read for Connection {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.limit()?;
        match &mut self.stream {
            Stream::Unix(stream) => stream.read(bytes),
            Stream::Tcp(stream) => stream.read(bytes),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.limit()?;
        match &mut self.stream {
            Stream::Unix(stream) => stream.write(bytes),
            Stream::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
