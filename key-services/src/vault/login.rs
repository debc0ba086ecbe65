//! How a host without a token and without an agent signs in to Vault or OpenBao: as a role of `AppRole`, or with the token of a pod of Kubernetes.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    form::encode,
    quote::quote,
    secret::Secret,
    trusted_file::{self, Writer},
};

/// Where Kubernetes puts the token of a pod.
const TOKEN_OF_POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// What is sent to sign in.
pub(super) struct Login {
    /// The path of the call.
    pub path: String,
    /// The document that is sent.
    pub body: Secret,
    /// The parts that must not be shown.
    pub secrets: Vec<Zeroizing<String>>,
    /// As whom this host asks, for messages.
    pub identity: String,
}

/// What the server answers.
#[derive(Deserialize)]
pub(super) struct SignedIn {
    /// See [`Auth`].
    pub auth: Auth,
}

/// What this host gets.
#[derive(Deserialize)]
pub(super) struct Auth {
    /// The token.
    pub client_token: Secret,
}

#[derive(Serialize)]
struct AppRole<'a> {
    role_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    secret_id: &'a str,
}

#[derive(Serialize)]
struct Kubernetes<'a> {
    role: &'a str,
    jwt: &'a str,
}

/// How this host signs in, if the configuration says so. All variables are names of ours: `VAULT_ROLE_ID`, with `VAULT_SECRET_ID` or
/// `VAULT_SECRET_ID_FILE` unless the role needs none; or `VAULT_KUBERNETES_ROLE`, with `VAULT_KUBERNETES_TOKEN_FILE` if the token is not where pods have it.
/// `VAULT_AUTH_PATH` is where the method is mounted, if not at its usual path.
///
/// # Errors
///
/// If a file cannot be read, or both ways are set.
pub(super) fn find(environment: &Environment) -> Result<Option<Login>, Fault> {
    match (environment.get("VAULT_ROLE_ID"), environment.get("VAULT_KUBERNETES_ROLE")) {
        (Some(_), Some(_)) => {
            let fault = Fault::new(Kind::BadCredentials, "VAULT_ROLE_ID and VAULT_KUBERNETES_ROLE are both set");
            Err(fault.remedy("keep the one by which this host signs in"))
        }
        (Some(role), None) => app_role(role, environment).map(Some),
        (None, Some(role)) => kubernetes(role, environment).map(Some),
        (None, None) => Ok(None),
    }
}

fn app_role(role: &str, environment: &Environment) -> Result<Login, Fault> {
    let secret = match (environment.get("VAULT_SECRET_ID"), environment.get("VAULT_SECRET_ID_FILE")) {
        (Some(secret), _) => Zeroizing::new(secret.to_owned()),
        (None, Some(file)) => of_file(
            file,
            "correct sops.keyServices.vault.secretIdFile, or wait for what writes it",
        )?,
        (None, None) => Zeroizing::default(),
    };
    let path = path(environment, "approle")?;
    let body = document(&AppRole {
        role_id: role,
        secret_id: &secret,
    });
    // The name of a role may be a word, which other texts have as well.
    let shown_by_nobody = (role.len() >= 8).then(|| Zeroizing::new(role.to_owned()));
    Ok(Login {
        identity: format!("a token for the role in VAULT_ROLE_ID, from {path}"),
        path,
        body,
        secrets: [Some(secret), shown_by_nobody].into_iter().flatten().collect(),
    })
}

fn kubernetes(role: &str, environment: &Environment) -> Result<Login, Fault> {
    let file = environment.get("VAULT_KUBERNETES_TOKEN_FILE").unwrap_or(TOKEN_OF_POD);
    let token = of_file(
        file,
        "correct sops.keyServices.vault.kubernetesTokenFile, or run this in a pod",
    )?;
    let path = path(environment, "kubernetes")?;
    let body = document(&Kubernetes { role, jwt: &token });
    Ok(Login {
        identity: format!(
            "a token for the role {}, from {path} for the token in {file}",
            quote(role, &[])
        ),
        path,
        body,
        secrets: vec![token],
    })
}

/// The path of the call, as policies name it.
fn path(environment: &Environment, usual: &str) -> Result<String, Fault> {
    let mount = environment.get("VAULT_AUTH_PATH").unwrap_or(usual).trim_matches('/');
    if mount.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        let fault = Fault::new(Kind::Other, "VAULT_AUTH_PATH is no path");
        return Err(fault.remedy(format!("write it as the path at which the method is mounted: {usual}")));
    }
    let mount = mount.split('/').map(encode).collect::<Vec<_>>().join("/");
    Ok(format!("auth/{mount}/login"))
}

fn of_file(file: &str, if_missing: &str) -> Result<Zeroizing<String>, Fault> {
    let text = trusted_file::read(file, Writer::Owner).map_err(|why| why.fault(file, if_missing))?;
    if text.trim().is_empty() {
        let fault = Fault::new(Kind::NoCredentials, format!("{file}: it is empty"));
        return Err(fault.remedy(if_missing));
    }
    Ok(Zeroizing::new(text.trim().to_owned()))
}

fn document(value: &impl Serialize) -> Secret {
    let mut text = Vec::with_capacity(16 << 10);
    // A document of texts can be written.
    let _ = serde_json::to_writer(&mut text, value);
    Secret::from(text)
}
