//! Tokens of a service account that other credentials may act for.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{json, value::RawValue};
use zeroize::Zeroizing;

use super::{
    account::Credentials,
    refusal::{self, Right},
    token::{FIRST_SCOPE, Token, missing},
};
use crate::{caller::Caller, fault::Fault, http::Question, quote::quote, secret::Secret};

/// Credentials that act for a service account, and those that they act with.
#[derive(Deserialize)]
pub(crate) struct Impersonated<'a> {
    service_account_impersonation_url: String,
    #[serde(default)]
    delegates: Vec<String>,
    #[serde(borrow)]
    source_credentials: &'a RawValue,
}

/// What gives the token of a service account.
pub(crate) struct Target<'a> {
    /// The address of the call, which names the account.
    pub url: &'a str,
    /// The accounts in between.
    pub delegates: &'a [String],
    /// How long the token is to hold, in seconds.
    pub seconds: u32,
}

/// What the service gives.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    access_token: Secret,
}

/// The token for credentials of this type, which are `outer`.
///
/// # Errors
///
/// If there is no token for the credentials inside, or the account may not be acted for.
pub(crate) fn of_credentials(
    caller: &Caller<'_>,
    credentials: &Impersonated<'_>,
    outer: &Credentials<'_>,
    scopes: &[&str],
) -> Result<Token, Fault> {
    let inner = Credentials {
        text: credentials.source_credentials.get(),
        origin: outer.origin,
        depth: outer.depth + 1,
    };
    let source = inner.token(caller, &[FIRST_SCOPE])?;
    let target = Target {
        url: &credentials.service_account_impersonation_url,
        delegates: &credentials.delegates,
        seconds: 3600,
    };
    token(caller, &target, &source, scopes)
}

/// The token of the account that `target` names, for `scopes`, got with `source`.
///
/// # Errors
///
/// If the service does not answer, or refuses.
pub(crate) fn token(caller: &Caller<'_>, target: &Target<'_>, source: &Token, scopes: &[&str]) -> Result<Token, Fault> {
    let account = quote(account(target.url), &[]);
    let lifetime = format!("{}s", target.seconds);
    let body = json!({ "delegates": target.delegates, "lifetime": lifetime, "scope": scopes }).to_string();
    let answer = caller.client.ask(&Question {
        method: "POST",
        url: target.url,
        headers: vec![
            ("authorization", source.bearer()),
            ("content-type", Zeroizing::new("application/json".to_owned())),
        ],
        body: body.as_bytes(),
        patience: Duration::MAX,
    });
    let answer = answer.map_err(|fault| fault.asked_by(&*source.identity))?;
    if answer.status != 200 {
        let right = Right {
            permission: "iam.serviceAccounts.getAccessToken",
            role: "roles/iam.serviceAccountTokenCreator",
            object: &account,
            missing: "if there is no such account, correct service_account_impersonation_url",
        };
        return Err(refusal::fault(&answer, &right, &[source.secret.text()]).asked_by(&*source.identity));
    }
    let identity = format!("service account {account}, by {}", source.identity);
    serde_json::from_slice::<Issued>(answer.body.expose())
        .map(|issued| Token::new(issued.access_token, &*identity))
        .map_err(|_| missing(&answer, "the service that gives tokens of service accounts").asked_by(identity))
}

/// The account that an address names: `…/serviceAccounts/ACCOUNT:generateAccessToken`.
fn account(url: &str) -> &str {
    let rest = url
        .split_once("/serviceAccounts/")
        .map_or("of unusual form", |(_, rest)| rest);
    rest.split(':').next().unwrap_or_default()
}
