//! Why a key service did not open a data key.

use serde::Serialize;

/// The kind of a fault, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// No answer: the name is unknown, nobody listens, the time is over, or the certificate is not trusted.
    Unreachable,
    /// The address is in the file, and neither the configuration nor the environment names it.
    AddressRefused,
    /// Nothing to identify this host with was found.
    NoCredentials,
    /// What identifies this host is not valid, or not any more.
    BadCredentials,
    /// The clock of this host differs too much from that of the service.
    Clock,
    /// The service knows who asks, and does not allow it.
    Denied,
    /// The service has no such key where it was asked.
    NoSuchKey,
    /// The key is there, but may not be used now.
    KeyDisabled,
    /// The key does not open this ciphertext, or not with this context.
    WrongKeyOrContext,
    /// The service is overloaded, sealed, or has failed.
    ServiceFailed,
    /// The metadata of the file are not what sops writes.
    BadMetadata,
    /// This program cannot use what identifies this host.
    NotSpoken,
    /// Something else.
    Other,
}

/// Why a key service did not open a data key: what happened, and what to do about it. No part of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// The kind, for programs.
    pub kind: Kind,
    /// What happened: lower case, no full stop.
    pub cause: String,
    /// What to do: lower case, no full stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// As whom this host asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// What the service answered: the code of the error and the HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

impl Fault {
    /// A fault that has neither a remedy nor an identity nor a status yet.
    pub(crate) fn new(kind: Kind, cause: impl Into<String>) -> Self {
        Self {
            kind,
            cause: cause.into(),
            remedy: None,
            identity: None,
            status: None,
        }
    }

    /// Adds what to do.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds as whom this host asked.
    pub(crate) fn asked_by(mut self, identity: impl Into<String>) -> Self {
        self.identity = Some(identity.into());
        self
    }

    /// The same fault, whose cause says all that is known.
    pub(crate) fn in_one(mut self) -> Self {
        let asked = self.identity.take().map(|identity| format!("asked with {identity}"));
        let answered = self.status.take().map(|status| format!("answered {status}"));
        let known = [asked, answered].into_iter().flatten().collect::<Vec<_>>().join(", ");
        if !known.is_empty() {
            self.cause = format!("{} ({known})", self.cause);
        }
        self
    }

    /// Adds what the service answered.
    pub(crate) fn status(mut self, status: impl Into<String>) -> Self {
        self.status = Some(status.into());
        self
    }
}
