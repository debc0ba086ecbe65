//! Opens data keys with a transit engine.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    login::{Login, SignedIn},
    refusal, server,
    token::{self, Source, Token},
};
use crate::{
    deadline::Deadline,
    environment::Environment,
    fault::{Fault, Kind},
    form::encode,
    http::{Client, Question},
    identity,
    request::VaultKey,
    secret::Secret,
    trust::{self, Trust},
};

/// Variables that clients of Vault obey and this one does not.
const UNOBEYED: [&str; 7] = [
    "VAULT_CACERT_BYTES",
    "VAULT_CAPATH",
    "VAULT_HEADERS",
    "VAULT_HTTP_PROXY",
    "VAULT_PROXY_ADDR",
    "VAULT_SKIP_VERIFY",
    "VAULT_TLS_SERVER_NAME",
];

/// What a search for a token came to. Entries that wait for the same search wait here.
type Found = Arc<OnceLock<Result<Token, Fault>>>;

/// Vault and OpenBao, as one run asks them.
pub(crate) struct Vault<'a> {
    environment: &'a Environment,
    allowed: &'a [String],
    client: Client,
    /// The tokens, by the servers that they are for.
    tokens: Mutex<BTreeMap<String, Found>>,
}

/// What the engine answers.
#[derive(Deserialize)]
struct Answered {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    plaintext: Secret,
}

impl<'a> Vault<'a> {
    /// Vault and OpenBao, at the addresses in `allowed` and those that `environment` names.
    pub(crate) fn new(environment: &'a Environment, allowed: &'a [String], deadline: Deadline) -> Self {
        let client = server::socket(environment).map_or_else(
            || Client::new(trust(environment), environment, deadline),
            |path| Client::at_socket(path, deadline),
        );
        Self {
            environment,
            allowed,
            client,
            tokens: Mutex::default(),
        }
    }

    /// The data key of `key`.
    ///
    /// # Errors
    ///
    /// If the address is not allowed, there is no token, or the server does not answer or refuses.
    pub(crate) fn open(&self, key: &VaultKey) -> Result<Secret, Fault> {
        let server = server::address(&key.vault_address, self.allowed, self.environment)?;
        let path = path(key)?;
        let found = self.search(&server);
        let token = found.get_or_init(|| self.token(&server));
        let token = token.as_ref().map_err(Clone::clone)?;
        let body = json!({ "ciphertext": key.enc }).to_string();
        let url = format!("{server}/v1/{path}");
        let answer = self.client.ask(&self.put(&url, token.text.as_ref(), body.as_bytes()));
        let answer = answer.map_err(|fault| self.with_unobeyed(fault).asked_by(&*token.origin))?;
        if answer.status != 200 {
            let secret = token.text.as_ref().map_or("", |text| text.as_str());
            return Err(refusal::fault(&answer, &path, secret).asked_by(&*token.origin));
        }
        let odd = || Fault::new(Kind::ServiceFailed, format!("{server} gave an answer without a data key"));
        let answered: Answered = serde_json::from_slice(answer.body.expose()).map_err(|_| odd())?;
        BASE64_STANDARD
            .decode(answered.data.plaintext.expose())
            .map(Secret::from)
            .map_err(|_| odd())
    }

    /// Whether another program may ask for the key. That program does not look at the address and the path as this one does.
    pub(crate) fn may_be_passed_on(&self, key: &VaultKey) -> bool {
        server::of_file(&key.vault_address, self.allowed, self.environment).is_ok() && path(key).is_ok()
    }

    /// The search for the token for `server`, which many entries share.
    fn search(&self, server: &str) -> Found {
        match self.tokens.lock() {
            Ok(mut tokens) => tokens.entry(server.to_owned()).or_default().clone(),
            Err(_) => Found::default(),
        }
    }

    fn token(&self, server: &str) -> Result<Token, Fault> {
        match token::find(self.environment)? {
            Source::Here(token) => Ok(token),
            Source::Login(login) => self.sign_in(server, login),
        }
    }

    /// The token that `server` gives for `login`.
    fn sign_in(&self, server: &str, login: Login) -> Result<Token, Fault> {
        let url = format!("{server}/v1/{}", login.path);
        let answer = self.client.ask_for_once(&self.put(&url, None, login.body.expose()));
        let answer = answer.map_err(|fault| self.with_unobeyed(fault).asked_by(&*login.identity))?;
        if answer.status != 200 {
            let secrets = login.secrets.iter().map(|secret| secret.as_str()).collect::<Vec<_>>();
            return Err(refusal::of_login(&answer, &login.path, &secrets).asked_by(login.identity));
        }
        let signed_in = serde_json::from_slice::<SignedIn>(answer.body.expose()).ok();
        let token = signed_in.map(|signed_in| Zeroizing::new(signed_in.auth.client_token.text().to_owned()));
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            let cause = format!("{server} gave an answer to a login without a token");
            return Err(Fault::new(Kind::ServiceFailed, cause).asked_by(login.identity));
        };
        Ok(Token {
            text: Some(token),
            origin: login.identity,
        })
    }

    fn put<'q>(&self, url: &'q str, token: Option<&Zeroizing<String>>, body: &'q [u8]) -> Question<'q> {
        Question {
            method: "PUT",
            url,
            headers: self.headers(token),
            body,
            patience: Duration::MAX,
        }
    }

    /// The fault with the variables that other programs obey and this one does not: they may be why it fails.
    fn with_unobeyed(&self, fault: Fault) -> Fault {
        let set = UNOBEYED.iter().copied().filter(|name| self.environment.get(name).is_some());
        let set = set.collect::<Vec<_>>().join(" and ");
        if set.is_empty() {
            return fault;
        }
        let cause = format!("{}; {set} is set, which this program does not obey", fault.cause);
        Fault { cause, ..fault }.remedy("ask by an agent of Vault on this host, which does")
    }

    fn headers(&self, token: Option<&Zeroizing<String>>) -> Vec<(&'static str, Zeroizing<String>)> {
        let namespace = self
            .environment
            .get("VAULT_NAMESPACE")
            .map(|name| Zeroizing::new(name.to_owned()));
        let all = [
            ("x-vault-request", Some(Zeroizing::new("true".to_owned()))),
            ("x-vault-token", token.cloned()),
            ("x-vault-namespace", namespace),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Whom Vault is believed by, and the certificate of this host if it has one for Vault.
fn trust(environment: &Environment) -> Result<Trust, Fault> {
    let trust = Trust::named_by(&["VAULT_CACERT", "SSL_CERT_FILE", trust::DEFAULT], environment)?;
    Ok(trust.with(identity::named_by("VAULT_CLIENT_CERT", "VAULT_CLIENT_KEY", environment)?))
}

/// The path of the call, as policies name it: `ENGINE/decrypt/KEY`. What has a meaning in addresses is encoded, and no segment leads upwards.
/// The name of a key has no slash: key services of sops would take the rest for a path.
fn path(key: &VaultKey) -> Result<String, Fault> {
    let engine = key.engine_path.trim_matches('/').split('/');
    let segments = engine.chain(["decrypt", key.key_name.as_str()]).collect::<Vec<_>>();
    if key.key_name.contains('/') || segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return Err(Fault::new(
            Kind::BadMetadata,
            "the `engine_path` or the `key_name` of the entry is no path",
        ));
    }
    Ok(segments.into_iter().map(encode).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(engine: &str, name: &str) -> Option<String> {
        let key = VaultKey {
            vault_address: String::new(),
            engine_path: engine.to_owned(),
            key_name: name.to_owned(),
            enc: String::new(),
        };
        path(&key).ok()
    }

    #[test]
    fn a_key_cannot_lead_to_another_call() {
        assert_eq!(shown("a/b/transit/", "sops").as_deref(), Some("a/b/transit/decrypt/sops"));
        assert_eq!(shown("transit", "seal?x").as_deref(), Some("transit/decrypt/seal%3Fx"));
        assert_eq!(shown("transit", "../../sys/seal?x"), None);
        assert_eq!(shown("transit", ".."), None);
        assert_eq!(shown("a/../b", "x"), None);
        assert_eq!(shown("", "x"), None);
    }
}
