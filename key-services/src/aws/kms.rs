//! Opens data keys with AWS KMS.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::json;

use super::{
    arn::Arn,
    call::Call,
    chain::Chain,
    refusal,
    sts::{self, Role},
};
use crate::{
    caller::Caller,
    credentials::Credentials,
    deadline::Deadline,
    environment::Environment,
    fault::{Fault, Kind},
    http::Client,
    quote::quote,
    request::AwsKey,
    secret::Secret,
    trust::{self, Trust},
};

/// What the search for credentials depends on: the profile, the role, the region.
type Wanted = (String, String, String);
/// What a search came to. Entries that wait for the same search wait here.
type Found = Arc<OnceLock<Result<Credentials, Fault>>>;

/// AWS KMS, as one run asks it.
pub(crate) struct Aws<'a> {
    environment: &'a Environment,
    client: Client,
    nearby: Client,
    found: Mutex<BTreeMap<Wanted, Found>>,
}

/// What KMS answers.
#[derive(Deserialize)]
struct Decrypted {
    #[serde(rename = "Plaintext")]
    plaintext: Secret,
}

impl<'a> Aws<'a> {
    /// AWS KMS, with what `environment` says about it.
    pub(crate) fn new(environment: &'a Environment, deadline: Deadline) -> Self {
        let trust = Trust::named_by(&["AWS_CA_BUNDLE", "SSL_CERT_FILE", trust::DEFAULT], environment);
        Self {
            environment,
            client: Client::new(trust, environment, deadline),
            nearby: Client::nearby(deadline),
            found: Mutex::default(),
        }
    }

    /// The data key of `key`.
    ///
    /// # Errors
    ///
    /// If the entry is damaged, no credentials are found, or AWS does not answer or refuses.
    pub(crate) fn open(&self, key: &AwsKey) -> Result<Secret, Fault> {
        let arn = Arn::parse(&key.arn)?;
        let found = self.search(key, &arn);
        let credentials = found.get_or_init(|| self.credentials(key, &arn));
        let credentials = credentials.as_ref().map_err(Clone::clone)?;
        let body = json!({ "CiphertextBlob": key.enc, "EncryptionContext": key.context, "KeyId": key.arn }).to_string();
        let call = Call {
            service: "kms",
            arn: &arn,
            content_type: "application/x-amz-json-1.1",
            target: Some("TrentService.Decrypt"),
            body: body.as_bytes(),
        };
        let answer = call
            .post(&self.caller(), Some(credentials))
            .map_err(|fault| fault.asked_by(credentials.identity()))?;
        if answer.status != 200 {
            let fault = refusal::fault(&answer, "kms:Decrypt", &quote(&key.arn, &[]), &credentials.secrets());
            return Err(fault.asked_by(credentials.identity()));
        }
        let odd = || Fault::new(Kind::ServiceFailed, "AWS KMS gave an answer without a data key");
        let decrypted: Decrypted = serde_json::from_slice(answer.body.expose()).map_err(|_| odd())?;
        BASE64_STANDARD
            .decode(decrypted.plaintext.expose())
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

    /// The search for the credentials for `key`, which many entries may share.
    fn search(&self, key: &AwsKey, arn: &Arn) -> Found {
        let wanted = (key.aws_profile.clone(), key.role.clone(), arn.region.clone());
        match self.found.lock() {
            Ok(mut found) => found.entry(wanted).or_default().clone(),
            Err(_) => Found::default(),
        }
    }

    fn credentials(&self, key: &AwsKey, arn: &Arn) -> Result<Credentials, Fault> {
        let caller = self.caller();
        let own = Chain { caller, key: arn }.find(&key.aws_profile)?;
        if key.role.is_empty() {
            return Ok(own);
        }
        let role = Role {
            arn: &key.role,
            session: "",
            external_id: None,
        };
        sts::assume(&caller, arn, &role, &own)
    }
}
