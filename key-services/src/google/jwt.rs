//! Signed statements of a service account: JSON Web Tokens (RFC 7519) with RS256 (RFC 7518, section 3.3).

use std::time::{Duration, SystemTime};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::json;
use ureq::tls::PrivateKey;
use zeroize::Zeroizing;

/// How long a statement holds: the most that Google takes.
const LIFE: Duration = Duration::from_hours(1);
/// How far back a statement is dated, for clocks that differ a little.
const SLACK: Duration = Duration::from_secs(10);

/// What a service account says.
pub(crate) struct Statement<'a> {
    /// The account, by its address.
    pub account: &'a str,
    /// The number of its key, as the service knows it.
    pub key_id: &'a str,
    /// The address of the service that gives a token for the statement. `None`: the statement itself is the token.
    pub audience: Option<&'a str>,
    /// What the token is to be for.
    pub scope: &'a str,
}

impl Statement<'_> {
    /// The statement with its signature, as of `now`. `key`: the private key, as PEM (PKCS#8 or PKCS#1).
    ///
    /// `None`: `key` is no RSA key of 2048 bits or more.
    pub(crate) fn sign(&self, key: &str, now: SystemTime) -> Option<Zeroizing<String>> {
        let key = PrivateKey::from_pem(key.as_bytes()).ok()?;
        let key = RsaKeyPair::from_pkcs8(key.der())
            .or_else(|_| RsaKeyPair::from_der(key.der()))
            .ok()?;
        let start = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.saturating_sub(SLACK);
        let mut claims = json!({
            "iss": self.account,
            "scope": self.scope,
            "iat": start.as_secs(),
            "exp": (start + LIFE).as_secs(),
        });
        let further = match self.audience {
            Some(audience) => ("aud", audience),
            None => ("sub", self.account),
        };
        claims.as_object_mut()?.insert(further.0.to_owned(), json!(further.1));
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.key_id });
        let encoded = |value: String| BASE64_URL_SAFE_NO_PAD.encode(value);
        let mut token = Zeroizing::new(String::with_capacity(4096));
        token.push_str(&encoded(header.to_string()));
        token.push('.');
        token.push_str(&encoded(claims.to_string()));
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .ok()?;
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rsa_key_signs_nothing() {
        let statement = Statement {
            account: "a",
            key_id: "k",
            audience: None,
            scope: "s",
        };
        for key in [
            "",
            "x",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(statement.sign(key, SystemTime::now()).is_none(), "{key}");
        }
    }
}
