//! The service account of an instance, from the metadata service of Google Cloud.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::token::{SCOPES, Token};
use crate::{
    caller::Caller,
    fault::{Fault, Kind},
    form::encode,
    http::{Answer, Question},
    quote::quote,
    secret::Secret,
};

/// The time for the answer to the first question. The service is on the machine that runs this one; where it is missing, nobody answers at all.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time for the token, which the service of a cluster gets from elsewhere.
const PATIENCE_FOR_TOKEN: Duration = Duration::from_secs(5);

/// What the service gives.
#[derive(Deserialize)]
struct Issued {
    access_token: Secret,
}

/// The token of the service account of this instance. `GCE_METADATA_HOST` names the host of the metadata service, if it is another.
///
/// # Errors
///
/// If the service does not answer, or the instance has no service account.
pub(crate) fn token(caller: &Caller<'_>) -> Result<Token, Fault> {
    let none = |cause: &str| Fault::new(Kind::NoCredentials, cause);
    let host = caller.environment.get("GCE_METADATA_HOST").unwrap_or("169.254.169.254");
    let account = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default");
    let email = ask(caller, &format!("{account}/email"), PATIENCE)?;
    if email.status != 200 {
        return Err(none(
            "no metadata service of Google is here, or the instance has no service account",
        ));
    }
    let url = format!("{account}/token?scopes={}", encode(&SCOPES.join(",")));
    let answer = ask(caller, &url, PATIENCE_FOR_TOKEN)?;
    let issued = serde_json::from_slice::<Issued>(answer.body.expose())
        .ok()
        .filter(|_| answer.status == 200);
    let issued =
        issued.ok_or_else(|| none("the metadata service of Google gives no token").status(format!("HTTP {}", answer.status)))?;
    let identity = format!("service account {}, of the instance", quote(email.body.text(), &[]));
    Ok(Token::new(issued.access_token, identity))
}

fn ask(caller: &Caller<'_>, url: &str, patience: Duration) -> Result<Answer, Fault> {
    caller.nearby.ask(&Question {
        method: "GET",
        url,
        headers: vec![("metadata-flavor", Zeroizing::new("Google".to_owned()))],
        body: b"",
        patience,
    })
}
