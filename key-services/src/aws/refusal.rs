//! What AWS refuses, in words.

use serde::Deserialize;

use super::xml;
use crate::{
    fault::{Fault, Kind},
    http::Answer,
    quote::quote,
};

/// What AWS says about a fault. KMS answers with JSON, the token service with XML.
#[derive(Default, Deserialize)]
struct Said {
    #[serde(default, rename = "__type")]
    code: String,
    #[serde(default, alias = "Message")]
    message: Option<String>,
}

/// The fault that `answer` tells, when `action` (`kms:Decrypt`) was asked for on `object`. `secrets`: what was sent and must not be shown.
pub(crate) fn fault(answer: &Answer, action: &str, object: &str, secrets: &[&str]) -> Fault {
    let said = read(answer.body.text());
    let code = quote(said.code.rsplit('#').next().unwrap_or_default(), &[]);
    let message = quote(first_part(&code, said.message.as_deref().unwrap_or_default()), secrets);
    let (kind, remedy) = meaning(&code, &message, answer.status, action, object);
    let cause = match (kind, message.is_empty()) {
        (Kind::Clock, _) => answer.clocks("AWS"),
        (Kind::WrongKeyOrContext, true) => "the key does not open this data key with this encryption context".to_owned(),
        (_, true) => format!("AWS refuses {action}"),
        (_, false) => message,
    };
    let fault = Fault::new(kind, cause).status(format!("{code} (HTTP {})", answer.status).trim_start());
    if remedy.is_empty() { fault } else { fault.remedy(remedy) }
}

fn read(body: &str) -> Said {
    if body.trim_start().starts_with('<') {
        let text = |name| xml::text(body, name).map(ToOwned::to_owned);
        return Said {
            code: text("Code").unwrap_or_default(),
            message: text("Message"),
        };
    }
    serde_json::from_str(body).unwrap_or_default()
}

/// The part of `message` that may be shown. When a signature is wrong, AWS repeats the whole request, and so the token in it.
fn first_part<'a>(code: &str, message: &'a str) -> &'a str {
    match code {
        "InvalidSignatureException" | "SignatureDoesNotMatch" => message.split(['\n', '.']).next().unwrap_or_default(),
        _ => message,
    }
}

fn meaning(code: &str, message: &str, status: u16, action: &str, object: &str) -> (Kind, String) {
    let is_about_time = ["expired", "not yet current", "too skewed"]
        .iter()
        .any(|words| message.contains(words));
    let (kind, remedy) = match code {
        "AccessDeniedException" | "AccessDenied" => {
            return (Kind::Denied, format!("allow {action} on {object} for this identity"));
        }
        "InvalidCiphertextException" => (
            Kind::WrongKeyOrContext,
            "compare `context` and `arn` in the file with those it was encrypted with; if they are lost, encrypt the file anew",
        ),
        "IncorrectKeyException" => (
            Kind::WrongKeyOrContext,
            "the `arn` in the file names another key: run sops updatekeys on the file",
        ),
        "DisabledException" => (Kind::KeyDisabled, "enable the key"),
        "KMSInvalidStateException" => (Kind::KeyDisabled, "enable the key; if it waits for its deletion, cancel that"),
        "NotFoundException" => (Kind::NoSuchKey, "check the region and the account in the `arn` of the file"),
        "ExpiredTokenException" | "ExpiredToken" => (Kind::BadCredentials, "renew the credentials"),
        "SignatureDoesNotMatch" | "InvalidSignatureException" if is_about_time => (Kind::Clock, "set the clock of this host"),
        "RequestTimeTooSkewed" | "RequestExpired" => (Kind::Clock, "set the clock of this host"),
        "SignatureDoesNotMatch" | "InvalidSignatureException" => (
            Kind::BadCredentials,
            "the secret half does not belong to this access key: correct the two",
        ),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "IncompleteSignature"
        | "InvalidIdentityToken" => (
            Kind::BadCredentials,
            "AWS does not know what identifies this host: correct it, or remove it so that the next source counts",
        ),
        _ if status >= 500 || code.starts_with("Throttl") => (Kind::ServiceFailed, "try again later"),
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
            date: Some("Mon, 30 Nov 2026 06:00:00 GMT".to_owned()),
            challenge: None,
            body: Secret::from(body),
        };
        fault(&answer, "kms:Decrypt", "the key", &["half", "the-token"])
    }

    #[test]
    fn a_token_that_is_repeated_is_not_shown() {
        let request =
            r"The request signature we calculated does not match. The String should have been\nx-amz-security-token:the-token";
        let fault = said(
            403,
            &format!(r#"{{"__type":"InvalidSignatureException","message":"{request}"}}"#),
        );
        assert_eq!(fault.cause, "The request signature we calculated does not match");
        assert_eq!(fault.kind, Kind::BadCredentials);
        let fault = said(400, r#"{"__type":"x#Odd","Message":"got the-token"}"#);
        assert_eq!(fault.cause, "got …");
        let long = format!(r#"{{"__type":"x#Odd","Message":"{}the-token"}}"#, "x".repeat(295));
        assert!(!said(400, &long).cause.contains("the-t"));
        assert_eq!(fault.status.as_deref(), Some("Odd (HTTP 400)"));
    }

    #[test]
    fn a_wrong_clock_is_named() {
        let late = r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20261130T050000Z is now earlier than 20261130T055500Z"}"#;
        let fault = said(403, late);
        assert_eq!(fault.kind, Kind::Clock);
        assert!(
            fault.cause.ends_with("that of AWS Mon, 30 Nov 2026 06:00:00 GMT"),
            "{}",
            fault.cause
        );
    }

    #[test]
    fn each_form_of_a_refusal_is_read() {
        let xml = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>";
        assert_eq!(said(403, xml).kind, Kind::Denied);
        assert_eq!(
            said(400, r#"{"__type":"InvalidCiphertextException"}"#).kind,
            Kind::WrongKeyOrContext
        );
        assert_eq!(
            said(400, r#"{"__type":"DisabledException","message":"x is disabled."}"#).kind,
            Kind::KeyDisabled
        );
        assert_eq!(said(502, "<html>").kind, Kind::ServiceFailed);
        assert_eq!(said(404, "").cause, "AWS refuses kms:Decrypt");
    }
}
