//! Where credentials for Google Cloud are looked for, in the order of sops.

use super::{
    account::Credentials,
    instance,
    token::{SCOPES, Token},
};
use crate::{
    caller::Caller,
    fault::{Fault, Kind},
    quote::quote,
    secret::Secret,
    trusted_file::{self, Unusable, Writer},
};

/// Where `gcloud auth application-default login` puts credentials, in the home directory.
const OF_GCLOUD: &str = ".config/gcloud/application_default_credentials.json";

/// The token for the first credentials that are found: `GOOGLE_CREDENTIALS` (the credentials, or the path of a file with them),
/// `GOOGLE_OAUTH_ACCESS_TOKEN`, the file that `GOOGLE_APPLICATION_CREDENTIALS` names, the file of `gcloud`, the service account of the instance.
///
/// # Errors
///
/// If there are none, or some that cannot be used.
pub(crate) fn find(caller: &Caller<'_>) -> Result<Token, Fault> {
    let get = |name| caller.environment.get(name);
    if let Some(value) = get("GOOGLE_CREDENTIALS") {
        return of_variable(caller, value);
    }
    if let Some(token) = get("GOOGLE_OAUTH_ACCESS_TOKEN") {
        return Ok(Token::new(Secret::from(token), "the token in GOOGLE_OAUTH_ACCESS_TOKEN"));
    }
    if let Some(path) = get("GOOGLE_APPLICATION_CREDENTIALS") {
        if path.starts_with('/') {
            return of_file(caller, path).map_err(|why| unreadable(path, &why))?;
        }
        // It may be the credentials themselves.
        let cause = "GOOGLE_APPLICATION_CREDENTIALS is not the whole path of a file";
        return Err(
            Fault::new(Kind::NoCredentials, cause).remedy("correct it; credentials as JSON belong into GOOGLE_CREDENTIALS")
        );
    }
    let place = match caller.environment.in_home(OF_GCLOUD) {
        Some(path) => match of_file(caller, &path) {
            Err(why) if why.is_missing() => format!("{path} (not there)"),
            read => return read.map_err(|why| unreadable(&path, &why))?,
        },
        None => format!("~/{OF_GCLOUD} (HOME is not set)"),
    };
    instance::token(caller).map_err(|fault| {
        let cause = format!(
            "no credentials for Google Cloud: looked for GOOGLE_CREDENTIALS, GOOGLE_OAUTH_ACCESS_TOKEN, GOOGLE_APPLICATION_CREDENTIALS, \
             {place}, and a service account of the instance ({})",
            fault.cause
        );
        Fault::new(Kind::NoCredentials, cause).remedy("give the host one of these")
    })
}

/// `value` may be secret, so it is shown only if it begins as a path.
fn of_variable(caller: &Caller<'_>, value: &str) -> Result<Token, Fault> {
    if value.trim_start().starts_with('{') {
        return Credentials::new(value, "GOOGLE_CREDENTIALS").token(caller, &SCOPES);
    }
    if value.starts_with('/') {
        return of_file(caller, value).map_err(|why| unreadable(value, &why))?;
    }
    let cause = "GOOGLE_CREDENTIALS is neither JSON nor the whole path of a file";
    Err(Fault::new(Kind::NoCredentials, cause).remedy("correct it, or remove it so that the next source counts"))
}

/// The token for the credentials in the file at `path`. The outer error is that of the file.
fn of_file(caller: &Caller<'_>, path: &str) -> Result<Result<Token, Fault>, Unusable> {
    // It says to which servers the credentials go.
    let text = trusted_file::read(path, Writer::Reader)?;
    Ok(Credentials::new(&text, &quote(path, &[])).token(caller, &SCOPES))
}

fn unreadable(path: &str, why: &Unusable) -> Fault {
    why.fault(
        &quote(path, &[]),
        "name a file that is there, or have it written before this runs",
    )
}
