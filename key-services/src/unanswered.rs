//! Why a server gives no answer, in words.

use std::io;

use ureq::{Error, Timeout};

use crate::{
    deadline::Deadline,
    fault::{Fault, Kind},
    origin::Origin,
    quote::quote,
};

/// Whether the server was there, but the connection ended before the answer did.
pub(crate) fn is_broken_off(error: &Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        Error::Io(error) => matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof),
        Error::Protocol(_) | Error::BodyExceedsLimit(_) => true,
        _ => false,
    }
}

/// The fault that `error` is. `server`: what messages call the server at `origin`.
pub(crate) fn explain(error: &Error, origin: &Origin, server: &str, deadline: Deadline) -> Fault {
    let cause = match error {
        Error::Timeout(Timeout::Resolve) | Error::HostNotFound => {
            format!("the name {} has no address, or no name server answers", origin.host())
        }
        Error::Timeout(_) if deadline.remaining().is_zero() => format!("{server} did not answer in time"),
        Error::Timeout(_) => format!("{server} does not answer"),
        Error::Io(error) => return explain_io(error, origin, server),
        Error::Rustls(error) => return distrusted(error, origin),
        Error::Tls(why) => return untrusted(why, origin),
        Error::Http(_) => {
            return Fault::new(
                Kind::BadCredentials,
                "what identifies this host has a line break or a control character in it",
            );
        }
        error => format!("{server}: {}", quote(&error.to_string(), &[])),
    };
    Fault::new(Kind::Unreachable, cause).remedy("check the network, its name servers and its proxy")
}

fn explain_io(error: &io::Error, origin: &Origin, server: &str) -> Fault {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return distrusted(error, origin);
    }
    let cause = match error.kind() {
        io::ErrorKind::Other => format!("{}: {}", origin.host(), quote(&error.to_string(), &[])),
        _ => format!("{server}: {}", quote(&error.to_string(), &[])),
    };
    Fault::new(Kind::Unreachable, cause).remedy("check the network, its name servers and its proxy")
}

fn distrusted(error: &rustls::Error, origin: &Origin) -> Fault {
    let rustls::Error::AlertReceived(_) = error else {
        return untrusted(&error.to_string(), origin);
    };
    let cause = format!("{origin} breaks off the connection: {}", quote(&error.to_string(), &[]));
    Fault::new(Kind::Unreachable, cause)
        .remedy("if it wants to see a certificate of this host, name that (for Vault, VAULT_CLIENT_CERT and VAULT_CLIENT_KEY)")
}

fn untrusted(why: &str, origin: &Origin) -> Fault {
    let cause = format!("the certificate of {origin} is not trusted: {}", quote(why, &[]));
    Fault::new(Kind::Unreachable, cause)
        .remedy("check the clock of this host, and the file of authorities that SSL_CERT_FILE names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_misses_a_certificate_is_none_that_is_not_trusted() {
        let why = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let io = io::Error::new(io::ErrorKind::InvalidData, why);
        let fault = Origin::of("https://vault.example.com").map(|origin| explain_io(&io, &origin, "the server"));
        let cause = "https://vault.example.com breaks off the connection: received fatal alert: CertificateRequired";
        assert_eq!(fault.map(|fault| fault.cause).as_deref(), Some(cause));
    }
}
