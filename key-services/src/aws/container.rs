//! The role of a container, from the endpoint that ECS or the pod identity of EKS names.

use std::time::Duration;

use zeroize::Zeroizing;

use super::instance::Issued;
use crate::{
    caller::Caller,
    credentials::Credentials,
    fault::{Fault, Kind},
    http::Question,
    origin::Origin,
    quote::quote,
    trusted_file::{self, Writer},
};

/// The addresses that may be asked without TLS, beside those of this host: of ECS and EKS.
const NEARBY: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

/// The credentials of the role of this container; `None` if no variable names an endpoint.
///
/// # Errors
///
/// If the endpoint may not be asked, does not answer, or refuses.
pub(crate) fn credentials(caller: &Caller<'_>) -> Option<Result<Credentials, Fault>> {
    let relative = caller.environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    let relative = relative.map(|path| format!("http://169.254.170.2{path}"));
    let url = relative.or_else(|| {
        caller
            .environment
            .get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
            .map(ToOwned::to_owned)
    })?;
    Some(ask(caller, &url))
}

fn ask(caller: &Caller<'_>, url: &str) -> Result<Credentials, Fault> {
    let fault = |cause: String| Fault::new(Kind::NoCredentials, cause);
    let origin = Origin::of(url).ok_or_else(|| fault("AWS_CONTAINER_CREDENTIALS_FULL_URI is no address of HTTP".to_owned()))?;
    if !origin.is_https() && !origin.is_here() && !NEARBY.contains(&origin.host()) {
        let fault = fault(format!(
            "{origin} is neither this host nor an endpoint of ECS or EKS, and is not asked without TLS"
        ));
        return Err(fault.remedy("correct AWS_CONTAINER_CREDENTIALS_FULL_URI"));
    }
    let client = if origin.is_https() { caller.client } else { caller.nearby };
    let headers = token(caller)?.map(|token| ("authorization", token)).into_iter().collect();
    let answer = client.ask(&Question {
        method: "GET",
        url,
        headers,
        body: b"",
        patience: Duration::from_secs(2),
    })?;
    match answer.status {
        200 => Issued::read(&answer, &format!("the container endpoint {origin}")),
        status => Err(fault(format!("the container endpoint {origin} refuses")).status(format!("HTTP {status}"))),
    }
}

fn token(caller: &Caller<'_>) -> Result<Option<Zeroizing<String>>, Fault> {
    let own = || {
        caller
            .environment
            .get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
            .map(|token| Zeroizing::new(token.to_owned()))
    };
    let Some(path) = caller.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") else {
        return Ok(own());
    };
    let if_missing = "correct AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    let text = trusted_file::read(path, Writer::Owner).map_err(|why| why.fault(&quote(path, &[]), if_missing))?;
    Ok(Some(Zeroizing::new(text.trim().to_owned())))
}
