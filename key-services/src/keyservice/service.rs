//! Asks a key service of sops.

use std::{io, sync::Mutex};

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
    address: &'a str,
    /// When every call has to be over.
    deadline: Deadline,
    /// What is to be said about the service, if it once did not answer. It is not asked again.
    silent: Mutex<Option<Fault>>,
}

impl<'a> KeyService<'a> {
    /// The service at `address`: `unix:///path` or `tcp://host:port`. Every call has to be over at `deadline`.
    pub(crate) fn new(address: &'a str, deadline: Deadline) -> Self {
        let silent = Mutex::default();
        Self {
            address,
            deadline,
            silent,
        }
    }

    /// The data key of `entry`. `rest`: how many services remain to be asked, this one among them. Each gets its share of the time.
    ///
    /// # Errors
    ///
    /// If the service does not answer, or refuses.
    pub(crate) fn open(&self, entry: &Entry, rest: usize) -> Result<Secret, Fault> {
        if let Some(fault) = self.silent.lock().ok().and_then(|silent| silent.clone()) {
            return Err(fault);
        }
        let answer = self.call(entry, self.deadline.share(rest)).map_err(|error| {
            let fault = self.unreachable(&error);
            if let Ok(mut silent) = self.silent.lock() {
                *silent = Some(fault.clone());
            }
            fault
        })?;
        let plaintext = message::plaintext(&answer.body).ok_or_else(|| self.refused(answer.header.as_deref()))?;
        Ok(Secret::from(plaintext.to_vec()))
    }

    fn call(&self, entry: &Entry, deadline: Deadline) -> io::Result<frames::Answer> {
        let mut connection = address::connect(self.address, deadline)?;
        let time = format!("{}m", deadline.remaining().as_millis().min(99_999_999));
        let headers = [
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("grpc-timeout", time.as_str()),
        ];
        let asked = message::request(entry);
        frames::post(&mut connection, "/KeyService/Decrypt", &headers, &asked, "grpc-message")
    }

    /// The fault if the service does not open the entry. `why`: what it says, in the form that gRPC gives to texts in headers.
    fn refused(&self, why: Option<&str>) -> Fault {
        let address = quote(self.address, &[]);
        let why = why.map(|why| quote(&message::reason(why), &[])).filter(|why| !why.is_empty());
        let cause = match why {
            Some(why) => format!("the key service at {address} refuses: {why}"),
            None => format!("the key service at {address} refuses, and gives no reason"),
        };
        Fault::new(Kind::Other, cause).remedy("give that service what it lacks, where it runs")
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
