//! What Vault and OpenBao refuse, in words.

use serde::Deserialize;

use crate::{
    fault::{Fault, Kind},
    http::Answer,
    quote::quote,
};

/// What the server says about a fault.
#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    errors: Vec<String>,
}

/// The fault that `answer` to the call that opens a data key tells. `path`: what was asked, as policies name it. `token`: what must not be shown.
pub(crate) fn fault(answer: &Answer, path: &str, token: &str) -> Fault {
    told(answer, &[token], |message| meaning(answer.status, message, path))
}

/// The fault that `answer` to a login at `path` tells. `secrets`: what must not be shown.
pub(crate) fn of_login(answer: &Answer, path: &str, secrets: &[&str]) -> Fault {
    told(answer, secrets, |message| match answer.status {
        400 | 401 | 403 => {
            let remedy = format!(
                "correct the role and what this host proves it by, and check that a method is mounted at {path}, and VAULT_NAMESPACE"
            );
            (Kind::BadCredentials, remedy)
        }
        404 => (Kind::BadCredentials, "check VAULT_AUTH_PATH, and VAULT_NAMESPACE".to_owned()),
        status => meaning(status, message, path),
    })
}

fn told(answer: &Answer, secrets: &[&str], meaning: impl Fn(&str) -> (Kind, String)) -> Fault {
    let said = serde_json::from_slice::<Said>(answer.body.expose()).unwrap_or_default();
    let errors = said.errors.iter().map(|error| plain(error)).collect::<Vec<_>>();
    let message = quote(&errors.join("; "), secrets);
    let (kind, remedy) = meaning(&message);
    let cause = if message.is_empty() {
        "the server gives no reason".to_owned()
    } else {
        message
    };
    let fault = Fault::new(kind, cause).status(format!("HTTP {}", answer.status));
    if remedy.is_empty() { fault } else { fault.remedy(remedy) }
}

/// `error` on one line. The server makes a list of several: `2 errors occurred:` and a line with a star for each.
fn plain(error: &str) -> String {
    let items = error
        .lines()
        .filter_map(|line| line.trim().strip_prefix("* "))
        .collect::<Vec<_>>();
    if items.is_empty() {
        error.to_owned()
    } else {
        items.join("; ")
    }
}

fn meaning(status: u16, message: &str, path: &str) -> (Kind, String) {
    let says = |words: &str| message.contains(words);
    let (kind, remedy) = match status {
        403 if says("invalid token") || says("bad token") => {
            (Kind::BadCredentials, "renew the token: it has expired, or is revoked")
        }
        403 => {
            let remedy = format!(
                "allow update on {path} in a policy of the token, and check that the token has not expired, and VAULT_NAMESPACE"
            );
            return (Kind::Denied, remedy);
        }
        404 => (
            Kind::NoSuchKey,
            "check the path of the engine in the file, and VAULT_NAMESPACE",
        ),
        400 if says("key not found") => (Kind::NoSuchKey, "check the name of the key in the file"),
        400 if says("disallowed by policy") => (
            Kind::KeyDisabled,
            "lower min_decryption_version of the key, or run sops updatekeys on the file",
        ),
        400 if says("message authentication failed") || says("invalid ciphertext") || says("unable to decrypt") => (
            Kind::WrongKeyOrContext,
            "the key of this name is another one now: restore it, or encrypt the file anew",
        ),
        503 if says("sealed") => (Kind::ServiceFailed, "unseal the server"),
        300..=399 => (
            Kind::Other,
            "the server sends elsewhere, where the token does not go: name the server that answers",
        ),
        429 | 472 | 473 | 500.. => (Kind::ServiceFailed, "try again later, or name the active server"),
        _ => (Kind::Other, ""),
    };
    (kind, remedy.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn said(status: u16, body: &str) -> Fault {
        let answer = Answer {
            status,
            date: None,
            challenge: None,
            body: Secret::from(body),
        };
        fault(&answer, "transit/decrypt/sops", "hvs.token")
    }

    #[test]
    fn refusals_have_kinds() {
        assert_eq!(said(403, r#"{"errors":["permission denied"]}"#).kind, Kind::Denied);
        let expired = said(
            403,
            r#"{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}"#,
        );
        assert_eq!(
            (expired.kind, expired.cause.as_str()),
            (Kind::BadCredentials, "permission denied; invalid token")
        );
        let denied = said(403, r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#);
        assert_eq!((denied.kind, denied.cause.as_str()), (Kind::Denied, "permission denied"));
        assert_eq!(said(400, r#"{"errors":["encryption key not found"]}"#).kind, Kind::NoSuchKey);
        assert_eq!(
            said(503, r#"{"errors":["Vault is sealed"]}"#).remedy.as_deref(),
            Some("unseal the server")
        );
        assert_eq!(said(418, r#"{"errors":["hvs.token?"]}"#).cause, "…?");
        assert_eq!(said(307, "").cause, "the server gives no reason");
    }
}
