//! What Huawei Cloud refuses, in words.

use std::time::Duration;

use serde_json::Value;

use crate::{
    fault::{Fault, Kind},
    http::Answer,
    quote::quote,
};

/// How far clocks may differ.
const MOST_DIFFERENCE: Duration = Duration::from_mins(15);

/// What a service says about a fault: its code, and the message. The gateway before the services says both outside, the services inside.
fn said(body: &[u8]) -> (String, String) {
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let said = body.get("error").filter(|inside| inside.is_object()).unwrap_or(&body);
    let text = |name| said.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let message = text("error_msg").or_else(|| text("message")).unwrap_or_default();
    (text("error_code").unwrap_or_default().to_owned(), message.to_owned())
}

/// The fault that `answer` tells. `right`: what has to be allowed, for the advice. `secrets`: what was sent and must not be shown.
pub(crate) fn fault(answer: &Answer, right: &str, secrets: &[&str]) -> Fault {
    let (code, message) = said(answer.body.expose());
    let (code, message) = (quote(&code, secrets), quote(message.trim_end_matches('.'), secrets));
    let (kind, remedy) = meaning(&code, &message, answer, right);
    let cause = match (kind, message.is_empty()) {
        (Kind::Clock, _) => answer.clocks("Huawei"),
        (_, true) => "Huawei gives no reason".to_owned(),
        (_, false) => message,
    };
    let status = match code.as_str() {
        "" => format!("HTTP {}", answer.status),
        code => format!("{code} (HTTP {})", answer.status),
    };
    let fault = Fault::new(kind, cause).status(status);
    if remedy.is_empty() { fault } else { fault.remedy(remedy) }
}

fn meaning(code: &str, message: &str, answer: &Answer, right: &str) -> (Kind, String) {
    let says = |words: &str| message.to_ascii_lowercase().contains(words);
    let (kind, remedy) = match (answer.status, code) {
        (401, _) if answer.is_of_another_time(MOST_DIFFERENCE) => (Kind::Clock, "set the clock of this host"),
        (401, _) | (_, "KMS.0303") if says("expire") => (Kind::BadCredentials, "renew the credentials"),
        (_, "KMS.0306") | (403, _) => return (Kind::Denied, format!("allow {right}")),
        (401, _) => (
            Kind::BadCredentials,
            "correct the access key and its secret half; after five faults, Huawei refuses a key for five minutes",
        ),
        (_, "KMS.0209" | "KMS.1301") => (Kind::KeyDisabled, "enable the key"),
        (_, "KMS.0210") => (
            Kind::KeyDisabled,
            "the key waits for its deletion: cancel that, and enable the key",
        ),
        (_, "KMS.0205" | "KMS.0207") => (Kind::NoSuchKey, "check the region and the key in `key_id` of the file"),
        (400, _) if says("decrypt") || says("cipher") => (
            Kind::WrongKeyOrContext,
            "the key does not open this data key: compare `key_id` in the file with the key it was encrypted with",
        ),
        (429 | 500.., _) => (Kind::ServiceFailed, "try again later"),
        (300..=399, _) => (
            Kind::Other,
            "the server sends elsewhere, where the signature does not go: correct its address",
        ),
        _ => (Kind::Other, ""),
    };
    (kind, remedy.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn fault_of(status: u16, body: &str) -> Fault {
        let answer = Answer {
            status,
            date: None,
            challenge: None,
            body: Secret::from(body),
        };
        fault(&answer, "x on y", &["half"])
    }

    fn inside(status: u16, code: &str, message: &str) -> Fault {
        fault_of(
            status,
            &format!(r#"{{"error":{{"error_code":"{code}","error_msg":"{message}"}}}}"#),
        )
    }

    #[test]
    fn each_form_of_a_refusal_is_read() {
        let wrong = fault_of(
            401,
            r#"{"error_msg":"Incorrect IAM authentication information: verify aksk signature fail, half","error_code":"APIGW.0301","request_id":"1"}"#,
        );
        assert_eq!(wrong.kind, Kind::BadCredentials);
        assert_eq!(
            wrong.cause,
            "Incorrect IAM authentication information: verify aksk signature fail, …"
        );
        assert_eq!(wrong.status.as_deref(), Some("APIGW.0301 (HTTP 401)"));
        let identity = fault_of(403, r#"{"error":{"code":403,"message":"not allowed.","title":"Forbidden"}}"#);
        assert_eq!((identity.kind, identity.cause.as_str()), (Kind::Denied, "not allowed"));
        assert_eq!(identity.remedy.as_deref(), Some("allow x on y"));
        let both = fault_of(400, r#"{"error":null,"error_code":7,"error_msg":"why","message":"x"}"#);
        assert_eq!(both.cause, "why");
        assert_eq!(fault_of(502, "<html>").cause, "Huawei gives no reason");
        assert_eq!(fault_of(502, "<html>").kind, Kind::ServiceFailed);
    }

    #[test]
    fn refusals_have_kinds() {
        assert_eq!(inside(403, "KMS.0306", "No access right").kind, Kind::Denied);
        assert_eq!(inside(400, "KMS.0209", "The key has been disabled").kind, Kind::KeyDisabled);
        assert_eq!(
            inside(400, "KMS.0210", "The key is in Scheduled deletion state").kind,
            Kind::KeyDisabled
        );
        assert_eq!(inside(400, "KMS.0207", "The key does not exist").kind, Kind::NoSuchKey);
        assert_eq!(inside(400, "KMS.9", "Decrypt data failed").kind, Kind::WrongKeyOrContext);
        assert_eq!(
            inside(401, "APIGW.0301", "token expires").remedy.as_deref(),
            Some("renew the credentials")
        );
        assert_eq!(inside(400, "KMS.9", "odd").kind, Kind::Other);
    }

    #[test]
    fn a_wrong_clock_is_named() {
        let answer = Answer {
            status: 401,
            date: Some("Mon, 30 Nov 2020 06:00:00 GMT".to_owned()),
            challenge: None,
            body: Secret::from(r#"{"error_msg":"verify aksk signature fail","error_code":"APIGW.0301"}"#),
        };
        let fault = fault(&answer, "x", &[]);
        assert_eq!(fault.kind, Kind::Clock);
        assert!(
            fault.cause.ends_with(", that of Huawei Mon, 30 Nov 2020 06:00:00 GMT"),
            "{}",
            fault.cause
        );
    }
}
