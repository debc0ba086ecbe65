//! One signed call to a service of AWS.

use std::time::{Duration, SystemTime};

use ureq::http::Uri;
use zeroize::Zeroizing;

use super::{
    arn::Arn,
    endpoint,
    signature::{Scope, authorization},
};
use crate::{
    caller::Caller,
    canonical::{Signed, time},
    credentials::Credentials,
    fault::{Fault, Kind},
    http::{Answer, Question},
    origin::Origin,
};

/// What is asked of a service.
pub(crate) struct Call<'a> {
    /// The service: `kms`, `sts`.
    pub service: &'a str,
    /// Where the key is; this gives the region.
    pub arn: &'a Arn,
    /// The type of the body.
    pub content_type: &'a str,
    /// The operation, where it is a header.
    pub target: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl Call<'_> {
    /// Asks, signed with `credentials` if there are some.
    ///
    /// # Errors
    ///
    /// If there is no answer. A refusal is an answer.
    pub(crate) fn post(&self, caller: &Caller<'_>, credentials: Option<&Credentials>) -> Result<Answer, Fault> {
        let url = endpoint::address(self.service, self.arn, caller.environment)? + "/";
        let headers = match credentials {
            Some(credentials) => signed_headers(self, &url, credentials)?,
            None => vec![("content-type", Zeroizing::new(self.content_type.to_owned()))],
        };
        caller.client.ask(&Question {
            method: "POST",
            url: &url,
            headers,
            body: self.body,
            patience: Duration::MAX,
        })
    }
}

fn signed_headers<'a>(call: &Call<'a>, url: &str, credentials: &Credentials) -> Result<Vec<(&'a str, Zeroizing<String>)>, Fault> {
    let no_address = || Fault::new(Kind::Other, "the address of the service is no address of HTTP");
    let host = Origin::of(url).ok_or_else(no_address)?.authority();
    let uri = url.parse::<Uri>().map_err(|_| no_address())?;
    let now = time(SystemTime::now());
    let mut headers = vec![
        ("content-type", Zeroizing::new(call.content_type.to_owned())),
        ("host", Zeroizing::new(host)),
        ("x-amz-date", Zeroizing::new(now.clone())),
    ];
    headers.extend(call.target.map(|target| ("x-amz-target", Zeroizing::new(target.to_owned()))));
    let token = credentials.token.as_ref();
    headers.extend(token.map(|token| ("x-amz-security-token", Zeroizing::new(token.text().to_owned()))));
    let request = Signed {
        method: "POST",
        path: uri.path(),
        query: "",
        headers: headers.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        body: call.body,
    };
    let scope = Scope {
        region: &call.arn.region,
        service: call.service,
        time: &now,
    };
    let authorization = authorization(&request, &scope, credentials);
    headers.push(("authorization", Zeroizing::new(authorization)));
    Ok(headers)
}
