//! What services of Google refuse, in words.

use std::time::Duration;

use serde::Deserialize;

use super::oauth::status;
use crate::{
    fault::{Fault, Kind},
    http::Answer,
    quote::quote,
};

/// How far the clock of a host that signs may be behind or ahead.
const MOST_DIFFERENCE: Duration = Duration::from_mins(5);

/// What a call needs, for the advice.
pub(crate) struct Right<'a> {
    /// The permission.
    pub permission: &'a str,
    /// A role that has it.
    pub role: &'a str,
    /// The key or the account that it is needed on.
    pub object: &'a str,
    /// What to do if there is no such thing.
    pub missing: &'a str,
}

/// The body of a refusal.
#[derive(Default, Deserialize)]
struct Body {
    error: Said,
}

/// What a service says about a fault, as `google.rpc.Status` has it.
#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Default, Deserialize)]
struct Detail {
    #[serde(default)]
    reason: String,
}

/// The fault that `answer` tells about a call that needs `right`. `secrets`: what was sent and must not be shown.
pub(crate) fn fault(answer: &Answer, right: &Right<'_>, secrets: &[&str]) -> Fault {
    let said = serde_json::from_slice::<Body>(answer.body.expose()).unwrap_or_default().error;
    let (code, message) = (
        quote(&said.status, secrets),
        quote(said.message.trim_end_matches('.'), secrets),
    );
    let reasons = said.details.iter().map(|detail| detail.reason.as_str()).collect::<Vec<_>>();
    let (kind, remedy) = match answer.status {
        401 if answer.is_of_another_time(MOST_DIFFERENCE) => (Kind::Clock, "set the clock of this host".to_owned()),
        status => meaning(&code, &message, &reasons, status, right),
    };
    let cause = if kind == Kind::Clock {
        answer.clocks("Google")
    } else if message.is_empty() {
        format!("Google refuses {}", right.permission)
    } else {
        message
    };
    let fault = Fault::new(kind, cause).status(status(&code, answer.status));
    if remedy.is_empty() { fault } else { fault.remedy(remedy) }
}

fn meaning(code: &str, message: &str, reasons: &[&str], status: u16, right: &Right<'_>) -> (Kind, String) {
    let says = |words: &str| message.contains(words);
    let (kind, remedy) = match (status, code) {
        (403, _) if reasons.contains(&"SERVICE_DISABLED") => {
            (Kind::Denied, "enable this API in the project that the message names")
        }
        (403, _) if reasons.contains(&"ACCESS_TOKEN_SCOPE_INSUFFICIENT") => (
            Kind::Denied,
            "give the instance the scope https://www.googleapis.com/auth/cloud-platform, or the host other credentials",
        ),
        (403, _) => {
            let Right {
                permission,
                role,
                object,
                missing,
            } = right;
            let remedy = format!("grant {role} ({permission}) on {object} to this identity; {missing}");
            return (Kind::Denied, remedy);
        }
        (401, _) => (
            Kind::BadCredentials,
            "renew the token: it has expired, or is not one of this cloud",
        ),
        (404, _) => return (Kind::NoSuchKey, right.missing.to_owned()),
        (400, "FAILED_PRECONDITION") if says("DESTROYED") => (
            Kind::KeyDisabled,
            "the version of the key is gone for good: encrypt the file anew",
        ),
        (400, "FAILED_PRECONDITION") if says("not enabled") || says("DISABLED") || says("DESTROY_SCHEDULED") => (
            Kind::KeyDisabled,
            "enable the version of the key; if it waits for its destruction, restore it first",
        ),
        (400, "INVALID_ARGUMENT") if says("Decryption failed") || says("ciphertext") => (
            Kind::WrongKeyOrContext,
            "the key does not open this data key: compare `resource_id` in the file with the key it was encrypted with",
        ),
        (429 | 500.., _) => (Kind::ServiceFailed, "try again later"),
        (300..=399, _) => (
            Kind::Other,
            "the server sends elsewhere, where the token does not go: correct its address",
        ),
        _ => (Kind::Other, ""),
    };
    (kind, remedy.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::Secret;

    fn said(status: u16, body: &str) -> Fault {
        let answer = Answer {
            status,
            date: None,
            challenge: None,
            body: Secret::from(body),
        };
        let right = Right {
            permission: "P",
            role: "R",
            object: "the key",
            missing: "correct its name",
        };
        fault(&answer, &right, &["ya29.token"])
    }

    fn error(code: u16, status: &str, message: &str, reason: &str) -> Fault {
        let error =
            json!({ "code": code, "status": status, "message": message, "details": [{ "@type": "x", "reason": reason }, {}] });
        said(code, &json!({ "error": error }).to_string())
    }

    #[test]
    fn refusals_have_kinds() {
        let denied = error(403, "PERMISSION_DENIED", "denied on the key, ya29.token", "");
        assert_eq!(denied.kind, Kind::Denied);
        assert_eq!(denied.cause, "denied on the key, …");
        assert_eq!(
            denied.remedy.as_deref(),
            Some("grant R (P) on the key to this identity; correct its name")
        );
        assert_eq!(denied.status.as_deref(), Some("PERMISSION_DENIED (HTTP 403)"));
        let off = error(403, "PERMISSION_DENIED", "m", "SERVICE_DISABLED").remedy;
        assert_eq!(off.as_deref(), Some("enable this API in the project that the message names"));
        let scope = error(403, "PERMISSION_DENIED", "m", "ACCESS_TOKEN_SCOPE_INSUFFICIENT").remedy;
        assert!(scope.is_some_and(|remedy| remedy.starts_with("give the instance the scope ")));
        assert_eq!(error(401, "UNAUTHENTICATED", "m", "").kind, Kind::BadCredentials);
        assert_eq!(error(404, "NOT_FOUND", "m", "").kind, Kind::NoSuchKey);
        for state in ["DISABLED", "DESTROY_SCHEDULED"] {
            let fault = error(
                400,
                "FAILED_PRECONDITION",
                &format!("v is not enabled, current state is: {state}."),
                "",
            );
            assert_eq!(fault.kind, Kind::KeyDisabled);
            assert!(fault.remedy.is_some_and(|remedy| remedy.starts_with("enable the version")));
        }
        let gone = error(
            400,
            "FAILED_PRECONDITION",
            "v is not enabled, current state is: DESTROYED.",
            "",
        );
        assert!(gone.remedy.is_some_and(|remedy| remedy.ends_with("encrypt the file anew")));
        let wrong = error(400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.", "");
        assert_eq!(wrong.kind, Kind::WrongKeyOrContext);
        assert_eq!(said(503, "").cause, "Google refuses P");
        assert_eq!(said(503, "").kind, Kind::ServiceFailed);
        assert_eq!(said(302, "<html>").kind, Kind::Other);
    }
}
