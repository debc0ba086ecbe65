//! Workload identity federation: the token of another issuer, such as a cluster or another cloud, is exchanged for one of Google.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{json, value::RawValue};
use zeroize::Zeroizing;

use super::{
    impersonation::{self, Target},
    oauth::{self, Exchange},
    token::{FIRST_SCOPE, Token},
};
use crate::{
    caller::Caller,
    fault::{Fault, Kind},
    http::Question,
    origin::Origin,
    quote::quote,
    secret::Secret,
    trusted_file::{self, Writer},
};

/// The token service of Google.
const TOKEN_URL: &str = "https://sts.googleapis.com/v1/token";

/// Who the host is to another issuer, and what Google gives for it.
#[derive(Deserialize)]
pub(crate) struct ExternalAccount {
    audience: String,
    subject_token_type: String,
    token_url: Option<String>,
    credential_source: Source,
    service_account_impersonation_url: Option<String>,
    service_account_impersonation: Option<Lifetime>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    workforce_pool_user_project: Option<String>,
}

#[derive(Deserialize)]
struct Lifetime {
    token_lifetime_seconds: Option<u32>,
}

/// Where the token of the other issuer is.
#[derive(Deserialize)]
struct Source {
    environment_id: Option<String>,
    file: Option<String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    format: Option<Format>,
    executable: Option<IgnoredAny>,
    certificate: Option<IgnoredAny>,
}

/// How the token is written there.
#[derive(Deserialize)]
struct Format {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    subject_token_field_name: String,
}

/// The token for `account`, which is from `origin`, for `scopes`.
///
/// # Errors
///
/// If the token of the other issuer is missing, or Google does not take it.
pub(crate) fn token(caller: &Caller<'_>, account: &ExternalAccount, origin: &str, scopes: &[&str]) -> Result<Token, Fault> {
    let subject = account.credential_source.subject(caller, origin)?;
    let Some(url) = &account.service_account_impersonation_url else {
        return exchange(caller, account, &subject, scopes);
    };
    let federated = exchange(caller, account, &subject, &[FIRST_SCOPE])?;
    let lifetime = account.service_account_impersonation.as_ref();
    let target = Target {
        url,
        delegates: &[],
        seconds: lifetime.and_then(|lifetime| lifetime.token_lifetime_seconds).unwrap_or(3600),
    };
    impersonation::token(caller, &target, &federated, scopes)
}

fn exchange(caller: &Caller<'_>, account: &ExternalAccount, subject: &Subject, scopes: &[&str]) -> Result<Token, Fault> {
    let identity = format!("the token in {}, for {}", subject.place, quote(&account.audience, &[]));
    let scope = scopes.join(" ");
    let mut fields = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", account.audience.as_str()),
        ("scope", scope.as_str()),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token_type", account.subject_token_type.as_str()),
        ("subject_token", subject.token.as_str()),
    ];
    let project = account.workforce_pool_user_project.as_ref();
    let options = project.map(|project| json!({ "userProject": project }).to_string());
    if account.client_id.is_none() {
        fields.extend(options.as_deref().map(|options| ("options", options)));
    }
    let secret = account.client_secret.as_ref();
    let client = account.client_id.as_ref().zip(secret);
    let authorization = client.map(|(id, secret)| {
        let pair = Zeroizing::new(format!("{id}:{}", secret.text()));
        Zeroizing::new(format!("Basic {}", *Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()))))
    });
    let exchange = Exchange {
        url: account.token_url.as_deref().unwrap_or(TOKEN_URL),
        fields: &fields,
        authorization,
        secrets: &[&subject.token, secret.map_or("", |secret| secret.text())],
        remedy: "renew the token of the other issuer, and check that the pool of identities takes it",
    };
    match oauth::ask(caller, exchange) {
        Ok(secret) => Ok(Token::new(secret, identity)),
        Err(fault) => Err(fault.asked_by(identity)),
    }
}

/// The token of the other issuer.
struct Subject {
    token: Zeroizing<String>,
    /// Where it is, for messages.
    place: String,
}

impl Source {
    /// The token of the other issuer. `origin` says where the credentials are from.
    fn subject(&self, caller: &Caller<'_>, origin: &str) -> Result<Subject, Fault> {
        let is_aws = self.environment_id.as_deref().is_some_and(|id| id.starts_with("aws"));
        let (place, text) = match (is_aws, &self.file, &self.url) {
            (false, Some(file), _) => (quote(file, &[]), of_file(file)?),
            (false, None, Some(url)) => self.of_url(caller, url)?,
            _ => return Err(self.not_spoken(is_aws, origin)),
        };
        let token = self.part(text.trim());
        let cause = || format!("{place} has no token where credential_source in {origin} says that it is");
        let token = token.ok_or_else(|| Fault::new(Kind::NoCredentials, cause()).remedy("correct `format` there"))?;
        Ok(Subject { token, place })
    }

    fn of_url(&self, caller: &Caller<'_>, url: &str) -> Result<(String, Zeroizing<String>), Fault> {
        let origin = Origin::of(url).ok_or_else(|| {
            let cause = "credential_source has an address that is none of HTTP, or has a user in it";
            Fault::new(Kind::NoCredentials, cause).remedy("correct it in the file with the credentials")
        })?;
        let client = if origin.is_https() { caller.client } else { caller.nearby };
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), Zeroizing::new(value.text().to_owned())));
        let answer = client.ask(&Question {
            method: "GET",
            url,
            headers: headers.collect(),
            body: b"",
            patience: Duration::from_secs(5),
        })?;
        if answer.status != 200 {
            let fault = Fault::new(Kind::NoCredentials, format!("{origin} gives no token of the other issuer"));
            let fault = fault.status(format!("HTTP {}", answer.status));
            return Err(fault.remedy("correct credential_source in the file with the credentials"));
        }
        Ok((origin.to_string(), Zeroizing::new(answer.body.text().to_owned())))
    }

    /// The token in `text`.
    fn part(&self, text: &str) -> Option<Zeroizing<String>> {
        let token = match &self.format {
            Some(format) if format.kind == "json" => {
                let fields = serde_json::from_str::<BTreeMap<String, &RawValue>>(text).ok()?;
                let token = fields.get(&format.subject_token_field_name)?.get();
                serde_json::from_str::<Secret>(token).ok()?
            }
            _ => Secret::from(text),
        };
        Some(Zeroizing::new(token.text().to_owned())).filter(|token| !token.is_empty())
    }

    fn not_spoken(&self, is_aws: bool, origin: &str) -> Fault {
        let source = match (is_aws, &self.executable, &self.certificate) {
            (true, ..) => "a role of AWS",
            (_, Some(_), _) => "a program",
            (_, _, Some(_)) => "a certificate",
            _ => "a source of another kind",
        };
        let cause = format!("{origin} gets its token from {source}, which this program cannot use");
        let fault = Fault::new(Kind::NotSpoken, cause);
        fault.remedy("let the token come from a file or an address, or set sops.keyServices.addresses to a sops keyservice")
    }
}

fn of_file(path: &str) -> Result<Zeroizing<String>, Fault> {
    let if_missing = "correct credential_source in the file with the credentials, or have the token written before this runs";
    trusted_file::read(path, Writer::Owner).map_err(|why| why.fault(&quote(path, &[]), if_missing))
}
