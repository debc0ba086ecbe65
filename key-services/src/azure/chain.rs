//! Where it is looked for what identifies this host to Azure, in the order of its own libraries.

use zeroize::Zeroizing;

use super::{
    assertion::Certificate,
    challenge::is_tenant,
    managed::{self, Managed},
};
use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    http::Client,
    quote::quote,
    trusted_file::{self, Writer},
};

/// What identifies this host.
pub(crate) enum Source {
    /// An application, which signs in.
    Application(Box<Application>),
    /// An identity that the machine has, and for which it is given tokens.
    Managed(Managed),
}

/// An application of a tenant.
pub(crate) struct Application {
    /// The tenant, by its number or its domain.
    pub tenant: String,
    /// The number of the application.
    pub client: String,
    /// What shows that this host is the application.
    pub proof: Proof,
    /// Where that comes from, for messages.
    pub origin: String,
}

/// What shows that a host is an application.
pub(crate) enum Proof {
    /// A secret that the application has.
    Secret(Zeroizing<String>),
    /// A certificate that the application has.
    Certificate(Box<Certificate>),
    /// A token of another issuer that the application trusts.
    Token(Zeroizing<String>),
}

/// Which kinds of sources count, as `AZURE_TOKEN_CREDENTIALS` says. Without it all do.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Choice {
    application: bool,
    workload: bool,
    managed: bool,
}

/// The first source that there is: an application with a secret or a certificate; an application with a token of another issuer; the identity of the
/// machine, which `nearby` asks for.
///
/// # Errors
///
/// If there is none, or one that cannot be used.
pub(crate) fn find(environment: &Environment, nearby: &Client) -> Result<Source, Fault> {
    let choice = choice(environment)?;
    let sources = [
        (choice.application, of_variables as fn(_) -> _),
        (choice.workload, of_workload),
    ];
    for (_, source) in sources.into_iter().filter(|(is_chosen, _)| *is_chosen) {
        if let Some(found) = source(environment) {
            return found.map(Box::new).map(Source::Application);
        }
    }
    if !choice.managed {
        return Err(nothing(environment, "AZURE_TOKEN_CREDENTIALS leaves it out"));
    }
    match managed::find(environment, nearby) {
        Ok(managed) => Ok(Source::Managed(managed)),
        Err(fault) if fault.kind == Kind::NotSpoken => Err(fault),
        Err(fault) => Err(nothing(environment, &fault.cause)),
    }
}

fn choice(environment: &Environment) -> Result<Choice, Fault> {
    let only = |application, workload, managed| Choice {
        application,
        workload,
        managed,
    };
    let Some(value) = environment.get("AZURE_TOKEN_CREDENTIALS") else {
        return Ok(only(true, true, true));
    };
    match value.to_ascii_lowercase().as_str() {
        "prod" => Ok(only(true, true, true)),
        "environmentcredential" => Ok(only(true, false, false)),
        "workloadidentitycredential" => Ok(only(false, true, false)),
        "managedidentitycredential" => Ok(only(false, false, true)),
        _ => {
            let cause = format!(
                "AZURE_TOKEN_CREDENTIALS is {}, which asks for nothing that this program can do",
                quote(value, &[])
            );
            Err(Fault::new(Kind::NotSpoken, cause).remedy("remove it: the tools az, azd and PowerShell are not started"))
        }
    }
}

/// The application that variables name with a secret or a certificate.
fn of_variables(environment: &Environment) -> Option<Result<Application, Fault>> {
    let get = |name| environment.get(name);
    let (tenant, client) = names(environment)?;
    let application = |proof: Result<Proof, Fault>, origin: String| {
        Some(
            tenant
                .clone()
                .and_then(|tenant| Ok(application(tenant, client, proof?, origin))),
        )
    };
    if let Some(secret) = get("AZURE_CLIENT_SECRET") {
        let secret = Proof::Secret(Zeroizing::new(secret.to_owned()));
        return application(Ok(secret), "the secret in AZURE_CLIENT_SECRET".to_owned());
    }
    if let Some(path) = get("AZURE_CLIENT_SECRET_FILE") {
        let if_missing = "correct sops.keyServices.azure.clientSecretFile, or wait for what writes it";
        let secret = file(path, if_missing).map(Proof::Secret);
        return application(secret, format!("the secret in {path}"));
    }
    if let Some(path) = get("AZURE_CLIENT_CERTIFICATE_PATH") {
        let certificate = Certificate::read(path).map(Box::new).map(Proof::Certificate);
        return application(certificate, format!("the certificate in {path}"));
    }
    get("AZURE_USERNAME").and(get("AZURE_PASSWORD"))?;
    let fault = Fault::new(Kind::NotSpoken, "AZURE_USERNAME is set, but this program signs in no people");
    Some(Err(fault.remedy(
        "give the host an application with a secret or a certificate, or a managed identity",
    )))
}

/// The application that variables name with the token of another issuer, as in a cluster.
fn of_workload(environment: &Environment) -> Option<Result<Application, Fault>> {
    let path = environment.get("AZURE_FEDERATED_TOKEN_FILE")?;
    let (tenant, client) = names(environment)?;
    let if_missing = "correct AZURE_FEDERATED_TOKEN_FILE, or have the token written before this runs";
    let token = file(path, if_missing).map(Proof::Token);
    Some(tenant.and_then(|tenant| Ok(application(tenant, client, token?, format!("the token in {path}")))))
}

/// The tenant and the number of the application. The tenant becomes part of an address.
fn names(environment: &Environment) -> Option<(Result<&str, Fault>, &str)> {
    let tenant = environment.get("AZURE_TENANT_ID")?;
    let client = environment.get("AZURE_CLIENT_ID")?;
    let fault = || Fault::new(Kind::NoCredentials, "AZURE_TENANT_ID is no tenant").remedy("set it to the number of the tenant");
    Some((Some(tenant).filter(|tenant| is_tenant(tenant)).ok_or_else(fault), client))
}

fn application(tenant: &str, client: &str, proof: Proof, origin: String) -> Application {
    Application {
        tenant: tenant.to_owned(),
        client: client.to_owned(),
        proof,
        origin,
    }
}

fn file(path: &str, if_missing: &str) -> Result<Zeroizing<String>, Fault> {
    let text = trusted_file::read(path, Writer::Owner).map_err(|why| why.fault(path, if_missing))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// The fault that the machine has no identity, with all other places that were looked at. Other faults stay as they are.
pub(crate) fn with_all_places(fault: Fault, environment: &Environment) -> Fault {
    if fault.kind != Kind::NoCredentials {
        return fault;
    }
    let cause = nothing(environment, &fault.cause).cause;
    Fault { cause, ..fault }
}

/// The fault that no source has anything, with all places. `why`: why the machine has no identity.
fn nothing(environment: &Environment, why: &str) -> Fault {
    let lacking = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"]
        .into_iter()
        .find(|name| environment.get(name).is_none());
    let shown = |name| match lacking.filter(|_| environment.get(name).is_some()) {
        Some(lacking) => format!("{name} (without {lacking})"),
        None => name.to_owned(),
    };
    let [secret, file, certificate, token] = [
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_SECRET_FILE",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_FEDERATED_TOKEN_FILE",
    ]
    .map(shown);
    let cause = format!(
        "no credentials for Azure: looked for {secret}, {file}, {certificate} and {token}, each with AZURE_TENANT_ID and AZURE_CLIENT_ID, and for a \
         managed identity ({why}); the tools az, azd and PowerShell are not started"
    );
    Fault::new(Kind::NoCredentials, cause).remedy("give the host one of these")
}
