//! The agency of an instance, from the metadata service of Huawei Cloud.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::caller::Caller;
use crate::{
    credentials::Credentials,
    fault::{Fault, Kind},
    http::{Answer, Question},
    secret::Secret,
};

/// The address of the metadata service.
const SERVICE: &str = "http://169.254.169.254";
/// The time for the answer to the first question. The service is on the machine that runs this one; where it is missing, nobody answers at all.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time for the access key, which the service gets from elsewhere.
const PATIENCE_FOR_KEY: Duration = Duration::from_secs(5);

/// What the service gives.
#[derive(Deserialize)]
struct Issued {
    credential: Credential,
}

#[derive(Deserialize)]
struct Credential {
    access: String,
    secret: Secret,
    securitytoken: Option<Secret>,
}

/// The credentials of the agency of this instance. The second version of the service asks for a token first; the first one has none.
///
/// # Errors
///
/// If the service does not answer, or the instance has no agency.
pub(crate) fn credentials(caller: &Caller<'_>) -> Result<Credentials, Fault> {
    let lifetime = ("x-metadata-token-ttl-seconds", Zeroizing::new("300".to_owned()));
    let token = ask(caller, "PUT", "/meta-data/latest/api/token", vec![lifetime], PATIENCE)?;
    let header = match token.status {
        200 => vec![("x-metadata-token", Zeroizing::new(token.body.text().trim().to_owned()))],
        _ => Vec::new(),
    };
    let answer = ask(caller, "GET", "/openstack/latest/securitykey", header, PATIENCE_FOR_KEY)?;
    let issued = serde_json::from_slice::<Issued>(answer.body.expose());
    let Credential {
        access,
        secret,
        securitytoken,
    } = issued.map_err(|_| missing(&answer))?.credential;
    Ok(Credentials {
        id: access,
        secret,
        token: securitytoken,
        origin: "the agency of the instance".to_owned(),
    })
}

fn missing(answer: &Answer) -> Fault {
    let cause = if answer.body.text().contains("Agency") {
        "the instance has no agency"
    } else {
        "no metadata service of Huawei is here"
    };
    Fault::new(Kind::NoCredentials, cause)
}

fn ask(
    caller: &Caller<'_>,
    method: &str,
    path: &str,
    headers: Vec<(&str, Zeroizing<String>)>,
    patience: Duration,
) -> Result<Answer, Fault> {
    caller.nearby.ask(&Question {
        method,
        url: &format!("{SERVICE}{path}"),
        headers,
        body: b"",
        patience,
    })
}
