//! Opens data keys with Google Cloud KMS.

use std::{sync::OnceLock, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    chain, endpoint, key,
    refusal::{self, Right},
    token::Token,
};
use crate::{
    caller::Caller,
    deadline::Deadline,
    environment::Environment,
    fault::{Fault, Kind},
    http::{Client, Question},
    secret::Secret,
    trust::{self, Trust},
};

/// Google Cloud KMS, as one run asks it.
pub(crate) struct Google<'a> {
    environment: &'a Environment,
    client: Client,
    nearby: Client,
    /// What the search for credentials came to. Entries that wait for it wait here.
    token: OnceLock<Result<Token, Fault>>,
}

/// What the service answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decrypted {
    plaintext: Secret,
    /// The check sum of the plaintext, as text or as a number.
    plaintext_crc32c: Option<Value>,
}

impl<'a> Google<'a> {
    /// Google Cloud KMS, with what `environment` says about it.
    pub(crate) fn new(environment: &'a Environment, deadline: Deadline) -> Self {
        let trust = Trust::named_by(&["SSL_CERT_FILE", trust::DEFAULT], environment);
        Self {
            environment,
            client: Client::new(trust, environment, deadline),
            nearby: Client::nearby(deadline),
            token: OnceLock::new(),
        }
    }

    /// The data key that `enc` is, encrypted with the key `resource_id`.
    ///
    /// # Errors
    ///
    /// If the entry is damaged, no credentials are found, or Google does not answer or refuses.
    pub(crate) fn open(&self, resource_id: &str, enc: &str) -> Result<Secret, Fault> {
        let key = key::path(resource_id)?;
        let ciphertext = BASE64_STANDARD
            .decode(enc)
            .map_err(|_| Fault::new(Kind::BadMetadata, "the `enc` of the entry is not base64"))?;
        let token = self.token.get_or_init(|| chain::find(&self.caller()));
        let token = token.as_ref().map_err(Clone::clone)?;
        let server = endpoint::address(token, self.environment)?;
        let body = json!({ "ciphertext": enc, "ciphertextCrc32c": check_sum(&ciphertext).to_string() }).to_string();
        let answer = self.client.ask(&Question {
            method: "POST",
            url: &format!("{server}/v1/{key}:decrypt"),
            headers: self.headers(token),
            body: body.as_bytes(),
            patience: Duration::MAX,
        });
        let answer = answer.map_err(|fault| fault.asked_by(&*token.identity))?;
        if answer.status != 200 {
            let right = Right {
                permission: "cloudkms.cryptoKeyVersions.useToDecrypt",
                role: "roles/cloudkms.cryptoKeyDecrypter",
                object: key,
                missing: "if there is no such key, correct `resource_id` in the file",
            };
            return Err(refusal::fault(&answer, &right, &[token.secret.text()]).asked_by(&*token.identity));
        }
        read(answer.body.expose())
    }

    fn caller(&self) -> Caller<'_> {
        Caller {
            environment: self.environment,
            client: &self.client,
            nearby: &self.nearby,
        }
    }

    fn headers(&self, token: &Token) -> Vec<(&'static str, Zeroizing<String>)> {
        let project = self.environment.get("GOOGLE_CLOUD_QUOTA_PROJECT");
        let project = project
            .or(token.quota_project.as_deref())
            .map(|name| Zeroizing::new(name.to_owned()));
        let all = [
            ("authorization", Some(token.bearer())),
            ("content-type", Some(Zeroizing::new("application/json".to_owned()))),
            ("x-goog-user-project", project),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The data key in the answer `body`.
fn read(body: &[u8]) -> Result<Secret, Fault> {
    let odd = || Fault::new(Kind::ServiceFailed, "Google Cloud KMS gave an answer without a data key");
    let decrypted: Decrypted = serde_json::from_slice(body).map_err(|_| odd())?;
    let plaintext = BASE64_STANDARD.decode(decrypted.plaintext.expose()).map(Secret::from);
    let plaintext = plaintext.map_err(|_| odd())?;
    let sum = check_sum(plaintext.expose()).to_string();
    let is_intact = |said: &Value| said.as_str().map_or_else(|| said.to_string(), ToOwned::to_owned) == sum;
    if decrypted.plaintext_crc32c.as_ref().is_none_or(is_intact) {
        return Ok(plaintext);
    }
    let fault = Fault::new(Kind::ServiceFailed, "the answer of Google Cloud KMS was damaged on its way");
    Err(fault.remedy("try again; if it stays, look for a proxy that changes answers"))
}

/// CRC-32C of `bytes` (RFC 3720, appendix B.4).
fn check_sum(bytes: &[u8]) -> u32 {
    let shifted = |sum: u32, _| (sum >> 1) ^ (0x82F6_3B78 & (sum & 1).wrapping_neg());
    !bytes
        .iter()
        .fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), shifted))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3720, appendix B.4, and the usual one.
    #[test]
    fn the_check_sum_is_that_of_the_standard() {
        assert_eq!(check_sum(b"123456789"), 0xE306_9283);
        assert_eq!(check_sum(&[0; 32]), 0x8A91_36AA);
        assert_eq!(check_sum(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(check_sum(b""), 0);
    }

    #[test]
    fn an_answer_that_was_changed_is_no_data_key() {
        let opened = |body: Value| {
            read(body.to_string().as_bytes())
                .map(|key| key.text().to_owned())
                .map_err(|fault| fault.cause)
        };
        let sum = check_sum(b"key");
        for said in [json!(sum), json!(sum.to_string())] {
            assert_eq!(
                opened(json!({ "plaintext": "a2V5", "plaintextCrc32c": said })),
                Ok("key".to_owned())
            );
        }
        assert_eq!(opened(json!({ "plaintext": "a2V5" })), Ok("key".to_owned()));
        let damaged = Err("the answer of Google Cloud KMS was damaged on its way".to_owned());
        assert_eq!(opened(json!({ "plaintext": "a2V5", "plaintextCrc32c": "1" })), damaged);
        let odd = Err("Google Cloud KMS gave an answer without a data key".to_owned());
        assert_eq!(opened(json!({ "plaintext": "?" })), odd);
        assert_eq!(opened(json!({})), odd);
    }
}
