//! The identity that a machine of Azure has by itself: the metadata service of the machine gives tokens for it, or what the App Service has in its place.

use std::{path::Path, time::Duration};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::token::{Outcome, Token};
use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    form::form,
    http::{Answer, Client, Question},
    origin::Origin,
    quote::quote,
    secret::Secret,
};

/// The metadata service of a virtual machine.
const METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
/// The time in which a metadata service that is there answers a question that needs nothing else.
const PATIENCE: Duration = Duration::from_secs(1);
/// The program of Azure Arc, whose tokens are given in another way.
const ARC: &str = "/opt/azcmagent/bin/himds";

/// The identity of this machine.
pub(crate) struct Managed {
    place: Place,
    /// The number of the identity, if the machine has several.
    client: Option<String>,
}

enum Place {
    Machine,
    AppService { endpoint: String, header: Secret },
}

/// What a service of tokens gives.
#[derive(Deserialize)]
pub(crate) struct Issued {
    /// The token.
    pub access_token: Secret,
}

#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default, alias = "message")]
    error_description: String,
}

/// Who gives tokens for the identity of this machine. `nearby` looks whether there is a metadata service.
///
/// # Errors
///
/// If nobody does, or in a way that is not spoken here.
pub(crate) fn find(environment: &Environment, nearby: &Client) -> Result<Managed, Fault> {
    let get = |name| environment.get(name);
    let client = get("AZURE_CLIENT_ID").map(ToOwned::to_owned);
    if let Some(other) = unspoken(environment) {
        let cause = format!("this machine has a managed identity of {other}, for which this program does not ask");
        return Err(Fault::new(Kind::NotSpoken, cause).remedy("give the host an application with a secret or a certificate"));
    }
    if let (Some(endpoint), Some(header)) = (get("IDENTITY_ENDPOINT"), get("IDENTITY_HEADER")) {
        let place = Place::AppService {
            endpoint: endpoint.to_owned(),
            header: Secret::from(header),
        };
        return Ok(Managed { place, client });
    }
    // Without its header, the question is refused at once by whoever is there.
    let probe = Question {
        method: "GET",
        url: METADATA,
        headers: Vec::new(),
        body: b"",
        patience: PATIENCE,
    };
    nearby.ask(&probe)?;
    let place = Place::Machine;
    Ok(Managed { place, client })
}

/// A place that gives tokens in another way.
fn unspoken(environment: &Environment) -> Option<&'static str> {
    let is_set = |name| environment.get(name).is_some();
    if is_set("IDENTITY_ENDPOINT") && is_set("IDENTITY_HEADER") {
        return is_set("IDENTITY_SERVER_THUMBPRINT").then_some("Service Fabric");
    }
    if is_set("MSI_ENDPOINT") {
        return Some("Azure ML or the Cloud Shell");
    }
    let is_arc = is_set("IDENTITY_ENDPOINT") && is_set("IMDS_ENDPOINT") || Path::new(ARC).exists();
    is_arc.then_some("Azure Arc")
}

impl Managed {
    /// A token for `resource`. `client` asks what is elsewhere, `nearby` what is on this machine or beside it.
    ///
    /// # Errors
    ///
    /// If there is no answer, or the machine has no such identity.
    pub(crate) fn token(&self, resource: &str, client: &Client, nearby: &Client) -> Outcome {
        let answer = self
            .ask(resource, client, nearby)
            .map_err(|fault| fault.asked_by(self.identity()))?;
        if answer.status != 200 {
            return Err(self.refused(&answer));
        }
        let issued: Issued = serde_json::from_slice(answer.body.expose())
            .map_err(|_| Fault::new(Kind::NoCredentials, "the metadata service gave an answer without a token"))?;
        Ok(Token {
            text: issued.access_token,
            identity: self.identity(),
        })
    }

    fn ask(&self, resource: &str, client: &Client, nearby: &Client) -> Result<Answer, Fault> {
        let (url, version, header) = match &self.place {
            Place::Machine => (METADATA, "2018-02-01", ("metadata", "true")),
            Place::AppService { endpoint, header } => (endpoint.as_str(), "2019-08-01", ("x-identity-header", header.text())),
        };
        let identity = self.client.as_deref().map(|client| ("client_id", client));
        let fields = [("api-version", version), ("resource", resource)];
        let query = form(&fields.into_iter().chain(identity).collect::<Vec<_>>());
        let asked_by_tls = Origin::of(url).is_some_and(|origin| origin.is_https());
        let (name, value) = header;
        if asked_by_tls { client } else { nearby }.ask(&Question {
            method: "GET",
            url: &format!("{url}?{}", *query),
            headers: vec![(name, Zeroizing::new(value.to_owned()))],
            body: b"",
            patience: Duration::MAX,
        })
    }

    fn refused(&self, answer: &Answer) -> Fault {
        let secret = match &self.place {
            Place::Machine => "",
            Place::AppService { header, .. } => header.text(),
        };
        let refused: Refused = serde_json::from_slice(answer.body.expose()).unwrap_or_default();
        let why = quote(&refused.error_description, &[secret]);
        let why = if why.is_empty() {
            "it gives no reason".to_owned()
        } else {
            why
        };
        let cause = match answer.status {
            410 | 429 | 500.. => format!("the metadata service does not work now: {why}"),
            _ => format!("the machine has none, or not this one: {why}"),
        };
        let remedy = match (answer.status, &self.client) {
            (410 | 429 | 500.., _) => "try again later",
            _ if why.contains("AADSTS500011") => {
                "the vault is in another cloud than this machine: give the host an application there"
            }
            (_, Some(_)) => "assign the identity that AZURE_CLIENT_ID names to this machine",
            (_, None) => {
                "assign an identity to this machine; if it has several, set sops.keyServices.azure.clientId to the number of one"
            }
        };
        let fault = Fault::new(Kind::NoCredentials, cause).status(format!("HTTP {}", answer.status));
        fault.asked_by(self.identity()).remedy(remedy)
    }

    fn identity(&self) -> String {
        match &self.client {
            Some(client) => format!("the managed identity {} of this machine", number(client)),
            None => "the managed identity of this machine".to_owned(),
        }
    }
}

/// `text`, if it has the form of the number of an identity or an application: people mix it up with the secret.
pub(crate) fn number(text: &str) -> &str {
    let is_number = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_number { text } else { "of unusual form" }
}
