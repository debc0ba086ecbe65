//! What identifies this host to Google: an access token.

use zeroize::Zeroizing;

use crate::{
    fault::{Fault, Kind},
    http::Answer,
    secret::Secret,
};

/// What a token that is used at Google Cloud KMS may be for.
pub(crate) const SCOPES: [&str; 2] = [FIRST_SCOPE, "https://www.googleapis.com/auth/cloudkms"];
/// What a token is for that only serves to get another one.
pub(crate) const FIRST_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The domain of Google's own cloud. Others offer the same services in domains of theirs.
pub(crate) const UNIVERSE: &str = "googleapis.com";

/// An access token.
pub(crate) struct Token {
    /// The token.
    pub secret: Secret,
    /// As whom this host asks with it, for messages.
    pub identity: String,
    /// The project that calls are counted for, if the credentials name one.
    pub quota_project: Option<String>,
    /// The domain of the cloud that the token is for, if it is known.
    pub universe: Option<String>,
}

impl Token {
    /// A token whose credentials say nothing else.
    pub(crate) fn new(secret: Secret, identity: impl Into<String>) -> Self {
        Self {
            secret,
            identity: identity.into(),
            quota_project: None,
            universe: None,
        }
    }

    /// The value of the header `Authorization`.
    pub(crate) fn bearer(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", self.secret.text()))
    }
}

/// The fault if `answer`, which is from `service`, has no token.
pub(crate) fn missing(answer: &Answer, service: &str) -> Fault {
    Fault::new(Kind::ServiceFailed, format!("{service} gave an answer without a token")).status(format!("HTTP {}", answer.status))
}
