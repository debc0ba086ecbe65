//! Asks a key service of sops.

use std::io;

use super::{address, frames, message};
use crate::{
    deadline::Deadline,
    fault::{Fault, Kind},
    quote::quote,
    request::Entry,
    secret::Secret,
};

/// A key service of sops at an address.
pub(crate) struct KeyService<'a> {
    /// The address: `unix:///path` or `tcp://host:port`.
    pub address: &'a str,
    /// When every call has to be over.
    pub deadline: Deadline,
}

impl KeyService<'_> {
    /// The data key of `entry`.
    ///
    /// # Errors
    ///
    /// If the service does not answer, or refuses.
    pub(crate) fn open(&self, entry: &Entry) -> Result<Secret, Fault> {
        let answer = self.call(entry).map_err(|error| self.unreachable(&error))?;
        let plaintext = message::plaintext(&answer).ok_or_else(|| {
            let fault = Fault::new(
                Kind::Other,
                format!("the key service at {} refuses", quote(self.address, &[])),
            );
            fault.remedy("read in the log of that service why")
        })?;
        Ok(Secret::from(plaintext.to_vec()))
    }

    fn call(&self, entry: &Entry) -> io::Result<zeroize::Zeroizing<Vec<u8>>> {
        let mut connection = address::connect(self.address, self.deadline)?;
        let time = format!("{}m", self.deadline.remaining().as_millis().min(99_999_999));
        let headers = [
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("grpc-timeout", time.as_str()),
        ];
        frames::post(&mut connection, "/KeyService/Decrypt", &headers, &message::request(entry))
    }

    fn unreachable(&self, error: &io::Error) -> Fault {
        let address = quote(self.address, &[]);
        let cause = match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => format!("the key service at {address} did not answer in time"),
            _ => format!("the key service at {address}: {error}"),
        };
        Fault::new(Kind::Unreachable, cause).remedy("start the service, or correct its address")
    }
}
