//! Signatures of requests to Huawei Cloud: `SDK-HMAC-SHA256`, as its "API Request Signing Guide" describes it.

use ring::hmac::{HMAC_SHA256, Key, sign};

use crate::{
    canonical::{Signed, hash, hex},
    credentials::Credentials,
};

/// The value of the header `Authorization`. `request` has the header `x-sdk-date` with the value `time`, and a path that ends with a slash.
pub(crate) fn authorization(request: &Signed<'_>, time: &str, credentials: &Credentials) -> String {
    let (canonical, names) = request.canonical();
    let text = format!("SDK-HMAC-SHA256\n{time}\n{}", hash(canonical.as_bytes()));
    let signature = hex(sign(&Key::new(HMAC_SHA256, credentials.secret.expose()), text.as_bytes()).as_ref());
    format!(
        "SDK-HMAC-SHA256 Access={}, SignedHeaders={names}, Signature={signature}",
        credentials.id
    )
}

/// The cases are those that the Go library of Huawei is tested with.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn signed(method: &str, query: &str, body: &[u8]) -> String {
        let credentials = Credentials {
            id: "AccessKey".to_owned(),
            secret: Secret::from("SecretKey"),
            token: None,
            origin: "the tests".to_owned(),
        };
        let time = "20060102T150405Z";
        let request = Signed {
            method,
            path: "/path/",
            query,
            headers: vec![("x-sdk-date", time)],
            body,
        };
        authorization(&request, time, &credentials)
    }

    fn expected(signature: &str) -> String {
        format!("SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=x-sdk-date, Signature={signature}")
    }

    #[test]
    fn a_question_is_signed() {
        let signature = "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624";
        assert_eq!(signed("GET", "limit=1", b""), expected(signature));
    }

    #[test]
    fn a_body_is_signed() {
        let signature = "cecc2af119b18ab70b4d094c0750f3b42c02f254903179a0fc2cc72fc9db4f59";
        assert_eq!(
            signed("POST", "key=value", b"{\"Name\":\"test\",\"Id\":1}\n"),
            expected(signature)
        );
    }
}
