//! One signed call to a service of Huawei Cloud.

use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::signature::authorization;
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
    /// The method.
    pub method: &'a str,
    /// The address of the service, with nothing behind the port.
    pub server: &'a str,
    /// The path, without a slash at its end.
    pub path: &'a str,
    /// What follows the path, without its question mark; may be empty.
    pub query: &'a str,
    /// The project that is asked for, if it is known.
    pub project: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl Call<'_> {
    /// Asks, signed with `credentials`.
    ///
    /// # Errors
    ///
    /// If there is no answer. A refusal is an answer.
    pub(crate) fn ask(&self, caller: &Caller<'_>, credentials: &Credentials) -> Result<Answer, Fault> {
        let question = if self.query.is_empty() { "" } else { "?" };
        caller.client.ask(&Question {
            method: self.method,
            url: &format!("{}{}{question}{}", self.server, self.path, self.query),
            headers: signed_headers(self, credentials)?,
            body: self.body,
            patience: Duration::MAX,
        })
    }
}

fn signed_headers<'a>(call: &Call<'a>, credentials: &Credentials) -> Result<Vec<(&'a str, Zeroizing<String>)>, Fault> {
    let no_address = || Fault::new(Kind::Other, "the address of the service is no address of HTTP");
    let host = Origin::of(call.server).ok_or_else(no_address)?.authority();
    let now = time(SystemTime::now());
    let mut headers = vec![("host", Zeroizing::new(host)), ("x-sdk-date", Zeroizing::new(now.clone()))];
    headers.extend(
        call.project
            .map(|project| ("x-project-id", Zeroizing::new(project.to_owned()))),
    );
    let token = credentials.token.as_ref();
    headers.extend(token.map(|token| ("x-security-token", Zeroizing::new(token.text().to_owned()))));
    // A path is signed with a slash at its end, with which it is not asked for.
    let request = Signed {
        method: call.method,
        path: &format!("{}/", call.path),
        query: call.query,
        headers: headers.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        body: call.body,
    };
    let authorization = authorization(&request, &now, credentials);
    headers.push(("authorization", Zeroizing::new(authorization)));
    headers.push(("content-type", Zeroizing::new("application/json;charset=UTF-8".to_owned())));
    Ok(headers)
}
