//! Asks a token endpoint of OAuth 2.0 for an access token (RFC 6749; RFC 7523 for statements of service accounts, RFC 8693 for tokens of others).

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::token;
use crate::{
    caller::Caller,
    fault::{Fault, Kind},
    form::{CONTENT_TYPE, encode, form},
    http::{Answer, Question},
    origin::Origin,
    quote::quote,
    secret::Secret,
};

/// Words with which Google refuses a statement or a token whose time is not now.
const ABOUT_TIME: [&str; 2] = ["short-lived token", "reasonable timeframe"];

/// What is asked of a token endpoint.
pub(crate) struct Exchange<'a> {
    /// The address of the endpoint.
    pub url: &'a str,
    /// The fields of the form.
    pub fields: &'a [(&'a str, &'a str)],
    /// The value of the header `Authorization`.
    pub authorization: Option<Zeroizing<String>>,
    /// What was sent and must not be shown.
    pub secrets: &'a [&'a str],
    /// What to do if the endpoint does not believe the fields.
    pub remedy: &'a str,
}

/// What an endpoint gives.
#[derive(Deserialize)]
struct Issued {
    access_token: Secret,
}

/// What an endpoint says about a fault: as OAuth has it, or (`error` is no word then) as other services of Google have it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    error: Value,
    error_description: String,
}

impl Said {
    fn code(&self) -> &str {
        self.error
            .as_str()
            .or_else(|| self.error.get("status")?.as_str())
            .unwrap_or_default()
    }

    fn description(&self) -> &str {
        let message = self.error.get("message").and_then(Value::as_str);
        message.unwrap_or(&self.error_description).trim_end_matches('.')
    }
}

/// The token that the endpoint gives.
///
/// # Errors
///
/// If it does not answer, or refuses.
pub(crate) fn ask(caller: &Caller<'_>, exchange: Exchange<'_>) -> Result<Secret, Fault> {
    let form = form(exchange.fields);
    // What was sent may be repeated as it was sent.
    let encoded = exchange
        .secrets
        .iter()
        .map(|secret| Zeroizing::new(encode(secret)))
        .collect::<Vec<_>>();
    let header = exchange.authorization.clone();
    let encoded = encoded.iter().chain(&header).map(|secret| secret.as_str());
    let secrets = encoded.chain(exchange.secrets.iter().copied()).collect::<Vec<_>>();
    let content_type = ("content-type", Zeroizing::new(CONTENT_TYPE.to_owned()));
    let authorization = exchange.authorization.map(|value| ("authorization", value));
    let answer = caller.client.ask(&Question {
        method: "POST",
        url: exchange.url,
        headers: [Some(content_type), authorization].into_iter().flatten().collect(),
        body: form.as_bytes(),
        patience: Duration::MAX,
    })?;
    let server = Origin::of(exchange.url).map_or_else(String::new, |origin| origin.to_string());
    if answer.status != 200 {
        return Err(refused(&answer, &server, &secrets, exchange.remedy));
    }
    serde_json::from_slice::<Issued>(answer.body.expose())
        .map(|issued| issued.access_token)
        .map_err(|_| token::missing(&answer, &server))
}

fn refused(answer: &Answer, server: &str, secrets: &[&str], remedy: &str) -> Fault {
    let said = serde_json::from_slice::<Said>(answer.body.expose()).unwrap_or_default();
    let (code, description) = (quote(said.code(), secrets), quote(said.description(), secrets));
    let is_about_time = ABOUT_TIME.iter().any(|words| description.contains(words));
    let (kind, remedy) = match code.as_str() {
        "invalid_grant" if is_about_time => (Kind::Clock, "set the clock of this host"),
        "invalid_target" => (Kind::BadCredentials, "correct `audience` in the file with the credentials"),
        _ if answer.status >= 500 || answer.status == 429 => (Kind::ServiceFailed, "try again later"),
        _ => (Kind::BadCredentials, remedy),
    };
    let cause = match (kind, description.is_empty()) {
        (Kind::Clock, _) => answer.clocks("Google"),
        (_, true) => format!("{server} gives no token for these credentials"),
        (_, false) => description,
    };
    Fault::new(kind, cause).status(status(&code, answer.status)).remedy(remedy)
}

/// What a service of Google answered: its word for the fault, if there is one, and the status.
pub(super) fn status(code: &str, status: u16) -> String {
    match code {
        "" => format!("HTTP {status}"),
        code => format!("{code} (HTTP {status})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> Fault {
        let answer = Answer {
            status,
            date: Some("Mon, 30 Nov 2026 06:00:00 GMT".to_owned()),
            challenge: None,
            body: Secret::from(body),
        };
        refused(&answer, "https://oauth2.example", &["the-token"], "renew it")
    }

    #[test]
    fn refusals_have_kinds() {
        let late = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values";
        let fault = said(400, &format!(r#"{{"error":"invalid_grant","error_description":"{late}"}}"#));
        assert_eq!(fault.kind, Kind::Clock);
        assert!(
            fault.cause.ends_with(", that of Google Mon, 30 Nov 2026 06:00:00 GMT"),
            "{}",
            fault.cause
        );
        let fault = said(
            400,
            r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature: the-token."}"#,
        );
        assert_eq!(fault.kind, Kind::BadCredentials);
        assert_eq!(fault.cause, "Invalid JWT Signature: …");
        assert_eq!(fault.status.as_deref(), Some("invalid_grant (HTTP 400)"));
        assert_eq!(fault.remedy.as_deref(), Some("renew it"));
        assert_eq!(said(503, "").kind, Kind::ServiceFailed);
        let off = said(
            403,
            r#"{"error":{"code":403,"message":"the API is off.","status":"PERMISSION_DENIED"}}"#,
        );
        assert_eq!(off.cause, "the API is off");
        assert_eq!(off.status.as_deref(), Some("PERMISSION_DENIED (HTTP 403)"));
        let fault = said(403, "<html>");
        assert_eq!(fault.cause, "https://oauth2.example gives no token for these credentials");
        assert_eq!(fault.status.as_deref(), Some("HTTP 403"));
    }
}
