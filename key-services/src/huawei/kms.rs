//! Opens data keys with Huawei Cloud KMS.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::json;

use super::{
    call::Call,
    chain::{self, Identity},
    endpoint,
    key::Key,
    project, refusal,
};
use crate::{
    caller::Caller,
    deadline::Deadline,
    environment::Environment,
    fault::{Fault, Kind},
    form::encode,
    http::Client,
    secret::Secret,
    trust::{self, Trust},
};

/// What the search for a project came to. Entries that wait for the same search wait here.
type Found = Arc<OnceLock<Result<String, Fault>>>;

/// Huawei Cloud KMS, as one run asks it.
pub(crate) struct Huawei<'a> {
    environment: &'a Environment,
    client: Client,
    nearby: Client,
    /// What the search for credentials came to. Entries that wait for it wait here.
    identity: OnceLock<Result<Identity, Fault>>,
    /// The projects, by region.
    projects: Mutex<BTreeMap<String, Found>>,
}

/// What the service answers.
#[derive(Deserialize)]
struct Decrypted {
    plain_text: Secret,
}

impl<'a> Huawei<'a> {
    /// Huawei Cloud KMS, with what `environment` says about it.
    pub(crate) fn new(environment: &'a Environment, deadline: Deadline) -> Self {
        let trust = Trust::named_by(&["SSL_CERT_FILE", trust::DEFAULT], environment);
        Self {
            environment,
            client: Client::new(trust, environment, deadline),
            nearby: Client::nearby(deadline),
            identity: OnceLock::new(),
            projects: Mutex::default(),
        }
    }

    /// The data key that `enc` is, encrypted with the key `key_id`.
    ///
    /// # Errors
    ///
    /// If the entry is damaged, no credentials are found, or Huawei does not answer or refuses.
    pub(crate) fn open(&self, key_id: &str, enc: &str) -> Result<Secret, Fault> {
        let key = Key::parse(key_id)?;
        let identity = self.identity.get_or_init(|| chain::find(&self.caller()));
        let identity = identity.as_ref().map_err(Clone::clone)?;
        let credentials = &identity.credentials;
        let found = self.search(key.region);
        let project = found.get_or_init(|| project::find(&self.caller(), identity, key.region));
        let project = project.as_ref().map_err(Clone::clone)?;
        let body = json!({ "cipher_text": enc, "encryption_algorithm": "SYMMETRIC_DEFAULT", "key_id": key.id }).to_string();
        let call = Call {
            method: "POST",
            server: &endpoint::kms(key.region, self.environment)?,
            path: &format!("/v1.0/{}/kms/decrypt-data", encode(project)),
            query: "",
            project: Some(project),
            body: body.as_bytes(),
        };
        let answer = call.ask(&self.caller(), credentials);
        let answer = answer.map_err(|fault| fault.asked_by(credentials.identity()))?;
        if answer.status != 200 {
            let right = format!("kms:cmk:decryptData on {} for this identity", key.id);
            let fault = refusal::fault(&answer, &right, &credentials.secrets());
            return Err(fault.asked_by(credentials.identity()));
        }
        let odd = || Fault::new(Kind::ServiceFailed, "Huawei Cloud KMS gave an answer without a data key");
        // sops encrypts the text of the data key in base64, not the data key.
        let decrypted: Decrypted = serde_json::from_slice(answer.body.expose()).map_err(|_| odd())?;
        BASE64_STANDARD
            .decode(decrypted.plain_text.expose())
            .map(Secret::from)
            .map_err(|_| odd())
    }

    fn caller(&self) -> Caller<'_> {
        Caller {
            environment: self.environment,
            client: &self.client,
            nearby: &self.nearby,
        }
    }

    /// The search for the project of `region`, which many entries may share.
    fn search(&self, region: &str) -> Found {
        match self.projects.lock() {
            Ok(mut found) => found.entry(region.to_owned()).or_default().clone(),
            Err(_) => Found::default(),
        }
    }
}
