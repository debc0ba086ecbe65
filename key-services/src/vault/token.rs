//! The token that this host shows to Vault or OpenBao.

use zeroize::Zeroizing;

use super::login::{self, Login};
use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    trusted_file::{self, Writer},
};

/// A token, or none where an agent adds its own.
pub(super) struct Token {
    /// The token.
    pub text: Option<Zeroizing<String>>,
    /// Where it is from, for messages.
    pub origin: String,
}

/// Where the token is from.
pub(super) enum Source {
    /// From this host, or an agent adds it.
    Here(Token),
    /// From the server, to which this host signs in.
    Login(Login),
}

/// The token in `VAULT_TOKEN`, or else in the file that `VAULT_TOKEN_FILE` names (a name of ours: an agent writes such a file, and no other program
/// has a variable for it), or else what a login gives, or else that in `~/.vault-token`. If an agent is asked, none is needed.
///
/// # Errors
///
/// If there is none, or a file cannot be read.
pub(super) fn find(environment: &Environment) -> Result<Source, Fault> {
    if let Some(text) = environment.get("VAULT_TOKEN") {
        return Ok(here(text, "the token in VAULT_TOKEN".to_owned()));
    }
    let named = environment.get("VAULT_TOKEN_FILE").map(ToOwned::to_owned);
    let is_named = named.is_some();
    let has_agent = environment.get("VAULT_AGENT_ADDR").is_some();
    // An agent signs in by itself.
    let login = if is_named || has_agent {
        None
    } else {
        login::find(environment)?
    };
    if let Some(login) = login {
        return Ok(Source::Login(login));
    }
    let file = named.or_else(|| environment.in_home(".vault-token"));
    let read = file.as_deref().map(|path| (path, trusted_file::read(path, Writer::Owner)));
    match read {
        Some((path, Ok(text))) if !text.trim().is_empty() => return Ok(here(&text, format!("the token in {path}"))),
        Some((path, Err(why))) if is_named || !why.is_missing() => {
            return Err(why.fault(path, "correct sops.keyServices.vault.tokenFile, or wait for what writes it"));
        }
        _ => {}
    }
    if has_agent {
        let origin = "no token of this host: the agent adds its own".to_owned();
        return Ok(Source::Here(Token { text: None, origin }));
    }
    let file = file.unwrap_or_else(|| "~/.vault-token (HOME is not set)".to_owned());
    let cause = format!(
        "no token for Vault: looked for VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_ROLE_ID, VAULT_KUBERNETES_ROLE, {file}, and an agent in VAULT_AGENT_ADDR"
    );
    Err(Fault::new(Kind::NoCredentials, cause).remedy("give the host one of these"))
}

fn here(text: &str, origin: String) -> Source {
    let text = Some(Zeroizing::new(text.trim().to_owned()));
    Source::Here(Token { text, origin })
}
