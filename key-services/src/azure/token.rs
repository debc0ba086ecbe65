//! What this host shows to a vault.

use crate::{fault::Fault, secret::Secret};

/// A token for vaults, which holds for an hour or so.
pub(crate) struct Token {
    /// The token.
    pub text: Secret,
    /// As whom this host asks, for messages.
    pub identity: String,
}

/// A token, or why there is none.
pub(crate) type Outcome = Result<Token, Fault>;
