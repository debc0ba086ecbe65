//! Signatures of requests to AWS: Signature Version 4, as "AWS Signature Version 4 for API requests" of the IAM User Guide describes it.

use ring::hmac::{HMAC_SHA256, Key, Tag, sign};
use zeroize::Zeroizing;

use crate::{
    canonical::{Signed, hash, hex},
    credentials::Credentials,
    secret::Secret,
};

/// For whom and when a request is signed.
pub(crate) struct Scope<'a> {
    /// The region.
    pub region: &'a str,
    /// The service: `kms`, `sts`.
    pub service: &'a str,
    /// The time, as [`crate::canonical::time`] writes it.
    pub time: &'a str,
}

/// The value of the header `Authorization`.
pub(crate) fn authorization(request: &Signed<'_>, scope: &Scope<'_>, credentials: &Credentials) -> String {
    let (canonical, names) = request.canonical();
    let day = scope.time.get(..8).unwrap_or_default();
    let place = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let hash = hash(canonical.as_bytes());
    let text = format!("AWS4-HMAC-SHA256\n{}\n{place}\n{hash}", scope.time);
    let signature = hex(keyed(&signing_key(day, scope, &credentials.secret), &text).as_ref());
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{place}, SignedHeaders={names}, Signature={signature}",
        credentials.id
    )
}

fn signing_key(day: &str, scope: &Scope<'_>, secret: &Secret) -> Key {
    let first = Zeroizing::new([b"AWS4", secret.expose()].concat());
    let mut key = Key::new(HMAC_SHA256, &first);
    for part in [day, scope.region, scope.service, "aws4_request"] {
        key = Key::new(HMAC_SHA256, keyed(&key, part).as_ref());
    }
    key
}

fn keyed(key: &Key, text: &str) -> Tag {
    sign(key, text.as_bytes())
}

/// The cases are those of the test suite that AWS publishes (`aws-signing-test-suite`, version 4), by their names there.
#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: Scope<'_> = Scope {
        region: "us-east-1",
        service: "service",
        time: "20150830T123600Z",
    };

    fn credentials(token: Option<&str>) -> Credentials {
        Credentials {
            id: "AKIDEXAMPLE".to_owned(),
            secret: Secret::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            token: token.map(Secret::from),
            origin: "the suite".to_owned(),
        }
    }

    fn signed(method: &str, further: &[(&str, &str)], body: &[u8]) -> String {
        let mut headers = vec![("host", "example.amazonaws.com"), ("x-amz-date", SCOPE.time)];
        headers.extend_from_slice(further);
        let request = Signed {
            method,
            path: "/",
            query: "",
            headers,
            body,
        };
        authorization(&request, &SCOPE, &credentials(None))
    }

    fn expected(names: &str, signature: &str) -> String {
        let place = "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
        format!("AWS4-HMAC-SHA256 {place}, SignedHeaders={names}, Signature={signature}")
    }

    #[test]
    fn get_vanilla() {
        let signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert_eq!(signed("GET", &[], b""), expected("host;x-amz-date", signature));
    }

    #[test]
    fn post_vanilla() {
        let signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert_eq!(signed("POST", &[], b""), expected("host;x-amz-date", signature));
    }

    #[test]
    fn get_header_value_trim() {
        let signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736";
        let headers = [("my-header1", " value1"), ("my-header2", " \"a   b   c\"")];
        assert_eq!(
            signed("GET", &headers, b""),
            expected("host;my-header1;my-header2;x-amz-date", signature)
        );
    }

    #[test]
    fn get_vanilla_with_session_token() {
        let signature = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8";
        let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
        let names = "host;x-amz-date;x-amz-security-token";
        assert_eq!(
            signed("GET", &[("x-amz-security-token", token)], b""),
            expected(names, signature)
        );
    }

    #[test]
    fn post_x_www_form_urlencoded() {
        let signature = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b";
        let names = "content-length;content-type;host;x-amz-content-sha256;x-amz-date";
        let body = b"Param1=value1";
        let hash = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-length", "13"),
            ("x-amz-content-sha256", hash),
        ];
        assert_eq!(signed("POST", &headers, body), expected(names, signature));
    }
}
