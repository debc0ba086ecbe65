//! Opens data keys with Azure Key Vault.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    chain::{self, Source},
    challenge::{self, Challenge},
    entra, refusal,
    token::{Outcome, Token},
    vault::{self, Vault},
};
use crate::{
    deadline::Deadline,
    environment::Environment,
    fault::{Fault, Kind},
    http::{Answer, Client, Question},
    origin::Origin,
    request::AzureKey,
    secret::Secret,
    trust::{self, Trust},
};

/// The version of the interface. All clouds have it.
const VERSION: &str = "7.4";

/// Something that is asked for once, by whoever comes first. The others wait.
type Once<T> = Arc<OnceLock<T>>;
/// The same for several things, each with its own key.
type Shared<K, T> = Mutex<BTreeMap<K, Once<T>>>;

/// Azure Key Vault, as one run asks it.
pub(crate) struct Azure<'a> {
    environment: &'a Environment,
    allowed: &'a [String],
    client: Client,
    nearby: Client,
    source: OnceLock<Result<Source, Fault>>,
    /// What vaults want to see.
    challenges: Shared<Origin, Result<Challenge, Fault>>,
    /// Tokens, by the vault's tenant, the service, and the cloud of the vault.
    tokens: Shared<(String, String, Option<&'static str>), Outcome>,
}

/// What a vault answers.
#[derive(Deserialize)]
struct Decrypted {
    value: Secret,
}

impl<'a> Azure<'a> {
    /// Azure Key Vault, with what `environment` says about it. Other servers than those of Azure are asked if they are in `allowed`.
    pub(crate) fn new(environment: &'a Environment, allowed: &'a [String], deadline: Deadline) -> Self {
        let trust = Trust::named_by(&["SSL_CERT_FILE", trust::DEFAULT], environment);
        Self {
            environment,
            allowed,
            client: Client::new(trust, environment, deadline),
            nearby: Client::nearby(deadline),
            source: OnceLock::new(),
            challenges: Mutex::default(),
            tokens: Mutex::default(),
        }
    }

    /// The data key of `key`.
    ///
    /// # Errors
    ///
    /// If the entry is damaged, the vault is not allowed, no credentials are found, or Azure does not answer or refuses.
    pub(crate) fn open(&self, key: &AzureKey) -> Result<Secret, Fault> {
        let vault = Vault::of(key, self.allowed)?;
        let url = format!("{}{}?api-version={VERSION}", vault.origin, vault::path(key)?);
        let no_ciphertext = |_| Fault::new(Kind::BadMetadata, "the `enc` of the entry is no base64 without padding");
        BASE64_URL_SAFE_NO_PAD.decode(&key.enc).map_err(no_ciphertext)?;
        let source = self.source.get_or_init(|| chain::find(self.environment, &self.nearby));
        let source = source.as_ref().map_err(Clone::clone)?;
        let challenge = self.wanted(source, &vault, &url, &key.name)?;
        let wanted = (
            challenge.tenant.clone(),
            challenge.resource.clone(),
            vault.home.map(|(cloud, _)| cloud.name),
        );
        let token = once(&self.tokens, wanted);
        let token = token.get_or_init(|| self.token(source, &vault, &challenge));
        self.decrypt(key, &vault, &url, token.as_ref().map_err(Clone::clone)?)
    }

    /// Whether another program may ask for the key. That program does not look at the address and the name as this one does.
    pub(crate) fn may_be_passed_on(&self, key: &AzureKey) -> bool {
        Vault::of(key, self.allowed).is_ok() && vault::path(key).is_ok()
    }

    /// What the vault wants to see. For the identity of a machine this is known without the vault, so that a machine that has none finds out at once.
    fn wanted(&self, source: &Source, vault: &Vault, url: &str, name: &str) -> Result<Challenge, Fault> {
        if let (Source::Managed(_), Some(_), Some(service)) = (source, vault.home, vault.services.first()) {
            return Ok(Challenge {
                tenant: String::new(),
                resource: service.to_string(),
            });
        }
        let challenge = once(&self.challenges, vault.origin.clone());
        challenge.get_or_init(|| self.challenge(vault, url, name)).clone()
    }

    /// What the vault wants to see. It says so to whoever asks without a token. `name`: the key that is asked for.
    fn challenge(&self, vault: &Vault, url: &str, name: &str) -> Result<Challenge, Fault> {
        let answer = self.post(url, Vec::new(), b"")?;
        match (answer.status, answer.challenge.as_deref()) {
            (401, Some(header)) => challenge::read(header, vault),
            (401, None) => Err(Fault::new(
                Kind::ServiceFailed,
                format!("{} does not say what it wants to see", vault.origin),
            )),
            _ => Err(refusal::of_vault(&answer, vault, name, "")),
        }
    }

    fn token(&self, source: &Source, vault: &Vault, challenge: &Challenge) -> Outcome {
        match source {
            Source::Application(application) => entra::token(application, (vault, challenge), self.environment, &self.client),
            Source::Managed(managed) => managed
                .token(&challenge.resource, &self.client, &self.nearby)
                .map_err(|fault| chain::with_all_places(fault, self.environment)),
        }
    }

    fn decrypt(&self, key: &AzureKey, vault: &Vault, url: &str, token: &Token) -> Result<Secret, Fault> {
        let body = json!({ "alg": "RSA-OAEP-256", "value": key.enc }).to_string();
        let mut bearer = Zeroizing::new(String::with_capacity(token.text.text().len() + 8));
        bearer.push_str("Bearer ");
        bearer.push_str(token.text.text());
        let headers = vec![
            ("authorization", bearer),
            ("content-type", Zeroizing::new("application/json".to_owned())),
        ];
        let answer = self
            .post(url, headers, body.as_bytes())
            .map_err(|fault| fault.asked_by(&*token.identity))?;
        if answer.status != 200 {
            let fault = refusal::of_vault(&answer, vault, &key.name, token.text.text());
            return Err(fault.asked_by(&*token.identity));
        }
        let odd = || {
            Fault::new(
                Kind::ServiceFailed,
                format!("{} gave an answer without a data key", vault.origin),
            )
        };
        let decrypted: Decrypted = serde_json::from_slice(answer.body.expose()).map_err(|_| odd())?;
        let value = decrypted.value.text().trim_end_matches('=');
        BASE64_URL_SAFE_NO_PAD.decode(value).map(Secret::from).map_err(|_| odd())
    }

    fn post(&self, url: &str, headers: Vec<(&str, Zeroizing<String>)>, body: &[u8]) -> Result<Answer, Fault> {
        self.client.ask(&Question {
            method: "POST",
            url,
            headers,
            body,
            patience: Duration::MAX,
        })
    }
}

fn once<K: Ord, T>(shared: &Shared<K, T>, key: K) -> Once<T> {
    match shared.lock() {
        Ok(mut shared) => shared.entry(key).or_default().clone(),
        Err(_) => Once::default(),
    }
}
