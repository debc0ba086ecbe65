//! Files with credentials of Google, which the console, `gcloud` and the owners of workloads write.

use std::time::SystemTime;

use serde::Deserialize;

use super::{
    federation::{self, ExternalAccount},
    impersonation::{self, Impersonated},
    jwt::Statement,
    oauth::{self, Exchange},
    token::{Token, UNIVERSE},
};
use crate::{
    caller::Caller,
    fault::{Fault, Kind},
    quote::quote,
    secret::Secret,
};

/// The token endpoint of Google.
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// The most credentials that are in each other.
const MOST_NESTED: usize = 3;

/// What all files say.
#[derive(Deserialize)]
struct Common {
    #[serde(rename = "type")]
    kind: String,
    quota_project_id: Option<String>,
    universe_domain: Option<String>,
}

/// The key of a service account.
#[derive(Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key: Secret,
    #[serde(default)]
    private_key_id: String,
    token_uri: Option<String>,
}

/// A person, as `gcloud auth application-default login` writes it.
#[derive(Deserialize)]
struct User {
    client_id: String,
    client_secret: Secret,
    refresh_token: Secret,
}

/// Credentials as a file has them.
pub(crate) struct Credentials<'a> {
    /// The text of the file.
    pub text: &'a str,
    /// Where they are from, for messages.
    pub origin: &'a str,
    /// How many credentials they are inside of.
    pub depth: usize,
}

impl<'a> Credentials<'a> {
    /// Those in `text`, which is from `origin`.
    pub(crate) fn new(text: &'a str, origin: &'a str) -> Self {
        let depth = 0;
        Self { text, origin, depth }
    }

    /// The token for these credentials, which is to be for `scopes`.
    ///
    /// # Errors
    ///
    /// If the text has no credentials, or some that this program cannot use, or there is no token for them.
    pub(crate) fn token(&self, caller: &Caller<'_>, scopes: &[&str]) -> Result<Token, Fault> {
        let common: Common = self.read()?;
        let mut token = match common.kind.as_str() {
            "service_account" => self.of_service_account(caller, scopes, common.universe_domain.as_deref()),
            "authorized_user" => self.of_user(caller),
            "external_account" => federation::token(caller, &self.read::<ExternalAccount>()?, self.origin, scopes),
            "impersonated_service_account" if self.depth < MOST_NESTED => {
                impersonation::of_credentials(caller, &self.read::<Impersonated<'_>>()?, self, scopes)
            }
            kind => Err(self.not_spoken(kind)),
        }?;
        token.quota_project = common.quota_project_id;
        // Who names none means Google's own.
        token.universe = Some(
            common
                .universe_domain
                .filter(|domain| !domain.is_empty())
                .unwrap_or_else(|| UNIVERSE.to_owned()),
        );
        Ok(token)
    }

    /// What the text says. It is not shown, as it may be anything.
    fn read<T: Deserialize<'a>>(&self) -> Result<T, Fault> {
        serde_json::from_str(self.text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let cause = format!("{} has no credentials of Google in JSON ({place})", self.origin);
            Fault::new(Kind::NoCredentials, cause).remedy("write there what Google gave you, without a change")
        })
    }

    fn of_service_account(&self, caller: &Caller<'_>, scopes: &[&str], universe: Option<&str>) -> Result<Token, Fault> {
        let account: ServiceAccount = self.read()?;
        let identity = format!("service account {}, from {}", quote(&account.client_email, &[]), self.origin);
        // Google's own cloud gives a token for a statement. In all others, the statement is the token.
        let url = match universe {
            None | Some("" | UNIVERSE) => Some(account.token_uri.as_deref().unwrap_or(TOKEN_URL)),
            Some(_) => None,
        };
        let statement = Statement {
            account: &account.client_email,
            key_id: &account.private_key_id,
            audience: url,
            scope: &scopes.join(" "),
        };
        let signed = statement.sign(account.private_key.text(), SystemTime::now()).ok_or_else(|| {
            let cause = format!("the private_key in {} is no RSA key of 2048 bits or more", self.origin);
            Fault::new(Kind::BadCredentials, cause).remedy("make a new key of the service account")
        })?;
        let Some(url) = url else {
            return Ok(Token::new(signed.as_bytes().to_vec().into(), identity));
        };
        let exchange = Exchange {
            url,
            fields: &[
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", &signed),
            ],
            authorization: None,
            secrets: &[&signed],
            remedy: "the service account or its key was deleted or disabled: make a new key, and give it to the host",
        };
        match oauth::ask(caller, exchange) {
            Ok(secret) => Ok(Token::new(secret, identity)),
            Err(fault) => Err(fault.asked_by(identity)),
        }
    }

    fn of_user(&self, caller: &Caller<'_>) -> Result<Token, Fault> {
        let user: User = self.read()?;
        let identity = format!("the user who signed in, from {}", self.origin);
        let exchange = Exchange {
            url: TOKEN_URL,
            fields: &[
                ("grant_type", "refresh_token"),
                ("client_id", &user.client_id),
                ("client_secret", user.client_secret.text()),
                ("refresh_token", user.refresh_token.text()),
            ],
            authorization: None,
            secrets: &[user.client_secret.text(), user.refresh_token.text()],
            remedy: "run gcloud auth application-default login again, or give the host a service account",
        };
        match oauth::ask(caller, exchange) {
            Ok(secret) => Ok(Token::new(secret, identity)),
            Err(fault) => Err(fault.asked_by(identity)),
        }
    }

    fn not_spoken(&self, kind: &str) -> Fault {
        let cause = format!(
            "{} has credentials of the type {}, which this program cannot use",
            self.origin,
            quote(kind, &[])
        );
        Fault::new(Kind::NotSpoken, cause)
            .remedy("give the host a service account, or set sops.keyServices.addresses to a sops keyservice")
    }
}
