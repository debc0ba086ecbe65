//! The role of an instance, from the metadata service of EC2 in its second version.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::caller::Caller;
use crate::{
    credentials::Credentials,
    fault::{Fault, Kind},
    http::{Answer, Question},
    quote::quote,
    secret::Secret,
};

/// The time for one answer. The service is on the machine that runs this one; where it is missing, nobody answers at all.
const PATIENCE: Duration = Duration::from_secs(1);

/// Credentials as the metadata services of instances and containers write them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Issued {
    access_key_id: String,
    secret_access_key: Secret,
    token: Option<Secret>,
}

impl Issued {
    /// Reads `answer`, which is from `place`.
    ///
    /// # Errors
    ///
    /// If `answer` has no credentials.
    pub(crate) fn read(answer: &Answer, place: &str) -> Result<Credentials, Fault> {
        let issued: Self = serde_json::from_slice(answer.body.expose())
            .map_err(|_| Fault::new(Kind::NoCredentials, format!("{place} gave an answer without credentials")))?;
        Ok(Credentials {
            id: issued.access_key_id,
            secret: issued.secret_access_key,
            token: issued.token,
            origin: place.to_owned(),
        })
    }
}

/// The credentials of the role of this instance.
///
/// # Errors
///
/// If the service is switched off by a variable, does not answer, or the instance has no role.
pub(crate) fn credentials(caller: &Caller<'_>) -> Result<Credentials, Fault> {
    let none = |cause: &str| Fault::new(Kind::NoCredentials, cause);
    if caller.environment.is_true("AWS_EC2_METADATA_DISABLED") {
        return Err(none("the metadata service is switched off by AWS_EC2_METADATA_DISABLED"));
    }
    let base = caller
        .environment
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .unwrap_or("http://169.254.169.254");
    let base = base.trim_end_matches('/');
    let ttl = ("x-aws-ec2-metadata-token-ttl-seconds", Zeroizing::new("300".to_owned()));
    let token = ask(caller, "PUT", &format!("{base}/latest/api/token"), ttl)?;
    if token.status != 200 {
        return Err(none("no metadata service of AWS is here, or it is switched off"));
    }
    let header = || ("x-aws-ec2-metadata-token", Zeroizing::new(token.body.text().to_owned()));
    let roles = format!("{base}/latest/meta-data/iam/security-credentials/");
    let list = ask(caller, "GET", &roles, header())?;
    let role = list.body.text().lines().next().unwrap_or_default().trim();
    if list.status != 200 || role.is_empty() {
        return Err(none("the instance has no role"));
    }
    let answer = ask(caller, "GET", &format!("{roles}{role}"), header())?;
    Issued::read(&answer, &format!("the role {} of the instance", quote(role, &[])))
}

fn ask(caller: &Caller<'_>, method: &str, url: &str, header: (&str, Zeroizing<String>)) -> Result<Answer, Fault> {
    caller.nearby.ask(&Question {
        method,
        url,
        headers: vec![header],
        body: b"",
        patience: PATIENCE,
    })
}
