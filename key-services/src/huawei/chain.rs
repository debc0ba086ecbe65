//! Where credentials for Huawei Cloud are looked for, in the order of sops.

use super::{instance, profile};
use crate::{
    caller::Caller,
    credentials::Credentials,
    fault::{Fault, Kind},
    quote::quote,
    secret::Secret,
    trusted_file::{self, Writer},
};

/// The file with credentials, in the home directory.
const IN_HOME: &str = ".huaweicloud/credentials";

/// What identifies this host, and what is known of its account.
pub(crate) struct Identity {
    /// The access key.
    pub credentials: Credentials,
    /// The project, if somebody names it.
    pub project: Option<String>,
    /// The address of the identity service, if the file with the credentials names it.
    pub iam: Option<String>,
}

/// The first that are found: variables, the file that `HUAWEICLOUD_SDK_CREDENTIALS_FILE` names or else the one in the home directory, the agency of the instance.
///
/// # Errors
///
/// If there are none, or some that cannot be used.
pub(crate) fn find(caller: &Caller<'_>) -> Result<Identity, Fault> {
    let get = |name: &str| caller.environment.get(name);
    let project = get("HUAWEICLOUD_SDK_PROJECT_ID").map(ToOwned::to_owned);
    if get("HUAWEICLOUD_SDK_IDP_ID")
        .and(get("HUAWEICLOUD_SDK_ID_TOKEN_FILE"))
        .is_some()
    {
        return Err(not_spoken("HUAWEICLOUD_SDK_IDP_ID"));
    }
    if let (Some(id), Some(secret)) = (get("HUAWEICLOUD_SDK_AK"), get("HUAWEICLOUD_SDK_SK")) {
        let credentials = Credentials {
            id: id.to_owned(),
            secret: Secret::from(secret),
            token: get("HUAWEICLOUD_SDK_SECURITY_TOKEN").map(Secret::from),
            origin: "the environment".to_owned(),
        };
        let iam = None;
        return Ok(Identity {
            credentials,
            project,
            iam,
        });
    }
    let place = match of_file(caller, project.as_deref())? {
        Ok(identity) => return Ok(identity),
        Err(place) => place,
    };
    let credentials = instance::credentials(caller).map_err(|fault| {
        let variables = match get("HUAWEICLOUD_SDK_AK") {
            Some(_) => "HUAWEICLOUD_SDK_AK (without HUAWEICLOUD_SDK_SK)",
            None => "HUAWEICLOUD_SDK_AK",
        };
        let pod = match get("HC_CONTAINER_CREDENTIALS_FULL_URI") {
            Some(_) => "; HC_CONTAINER_CREDENTIALS_FULL_URI is set, which this program does not obey",
            None => "",
        };
        let cause = format!(
            "no credentials for Huawei Cloud: looked for {variables}, {place}, and an agency of the instance ({}){pod}",
            fault.cause
        );
        Fault::new(Kind::NoCredentials, cause).remedy("give the host one of these")
    })?;
    let iam = None;
    Ok(Identity {
        credentials,
        project,
        iam,
    })
}

/// What is in the file with credentials, or else the words for the file without any. `project` counts if the file names none.
fn of_file(caller: &Caller<'_>, project: Option<&str>) -> Result<Result<Identity, String>, Fault> {
    let named = caller
        .environment
        .get("HUAWEICLOUD_SDK_CREDENTIALS_FILE")
        .map(ToOwned::to_owned);
    let is_named = named.is_some();
    let Some(path) = named.or_else(|| caller.environment.in_home(IN_HOME)) else {
        return Ok(Err(format!("~/{IN_HOME} (HOME is not set)")));
    };
    if !path.starts_with('/') {
        let cause = "HUAWEICLOUD_SDK_CREDENTIALS_FILE is not the whole path of a file";
        return Err(Fault::new(Kind::NoCredentials, cause).remedy("correct it, or remove it so that the next source counts"));
    }
    let shown = quote(&path, &[]);
    let text = match trusted_file::read(&path, Writer::Reader) {
        Ok(text) => text,
        Err(why) if why.is_missing() && !is_named => return Ok(Err(format!("{shown} (not there)"))),
        Err(why) => return Err(why.fault(&shown, "name a file that is there, or have it written before this runs")),
    };
    let settings = profile::settings(&text);
    let get = |name: &str| {
        settings
            .get(name)
            .map(|value| value.as_str())
            .filter(|value| !value.is_empty())
    };
    if get("idp_id").and(get("id_token_file")).is_some() {
        return Err(not_spoken(&shown));
    }
    let (Some(id), Some(secret)) = (get("ak"), get("sk")) else {
        return Ok(Err(format!("{shown} (without ak and sk in [basic])")));
    };
    let credentials = Credentials {
        id: id.to_owned(),
        secret: Secret::from(secret),
        token: get("security_token").map(Secret::from),
        origin: shown,
    };
    Ok(Ok(Identity {
        credentials,
        project: get("project_id").or(project).map(ToOwned::to_owned),
        iam: get("iam_endpoint").map(ToOwned::to_owned),
    }))
}

fn not_spoken(place: &str) -> Fault {
    let cause = format!("{place} names another issuer of tokens, which this program cannot use");
    let fault = Fault::new(Kind::NotSpoken, cause);
    fault.remedy("give the host an access key or an agency, or set sops.keyServices.addresses to a sops keyservice")
}
