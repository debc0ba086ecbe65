//! Shows texts on the boot screen of Plymouth, which covers the console while the machine boots.
//!
//! The protocol is that of `plymouth display-message` and `plymouth hide-message` (`ply-boot-protocol.h` of Plymouth). Plymouth takes
//! requests of root alone.

use std::{io::Write as _, os::unix::net::UnixStream};

use rustix::{
    io,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt::socket_peercred},
    process::{Uid, geteuid},
};

/// The abstract name at which Plymouth listens.
const NAME: &[u8] = b"/org/freedesktop/plymouthd";
/// Limit: a text has at most 254 bytes. One byte has its length, and counts the zero byte at its end.
const LONGEST: usize = 254;
/// The request that shows a text.
const SHOW: u8 = b'M';
/// The request that takes a text away.
const HIDE: u8 = b'm';

/// Shows the text `now` in the place of `before`. An empty text is none. Where there is no boot screen, nothing is lost.
pub(crate) fn replace(before: &str, now: &str) {
    if geteuid().is_root() && before != now {
        let requests = [request(HIDE, before), request(SHOW, now)];
        let _ = send(NAME, &requests.concat());
    }
}

/// A request about a text; nothing for an empty text.
fn request(word: u8, text: &str) -> Vec<u8> {
    let text = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default();
    match u8::try_from(text.len() + 1) {
        Ok(length) if !text.is_empty() => [&[word, 2, length], text.as_bytes(), &[0]].concat(),
        _ => Vec::new(),
    }
}

/// Sends requests to whoever listens at an abstract name, if that is root. The answer is not waited for.
fn send(name: &[u8], requests: &[u8]) -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new_abstract_name(name)?)?;
    // Where Plymouth does not run, anybody can listen at its name.
    if socket_peercred(&socket)?.uid != Uid::ROOT {
        return Err(io::Errno::ACCESS);
    }
    let sent = UnixStream::from(socket).write_all(requests);
    sent.map_err(|error| io::Errno::from_io_error(&error).unwrap_or(io::Errno::IO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shown_and_hidden_and_a_long_one_is_cut() {
        assert_eq!(request(SHOW, "ab"), b"M\x02\x03ab\0");
        assert_eq!(request(HIDE, ""), b"");
        let long = request(SHOW, &"ä".repeat(200));
        assert_eq!((long.len(), long[2]), (258, 255));
    }
}
