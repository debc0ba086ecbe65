//! The token service of AWS: roles, and credentials for tokens of other issuers.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::{
    arn::Arn,
    call::{Call, Caller},
    credentials::Credentials,
    endpoint, refusal, xml,
};
use crate::{
    fault::{Fault, Kind},
    http::Answer,
    quote::quote,
    secret::Secret,
    trusted_file::{self, Writer},
};

/// A role, and how it is assumed.
pub(crate) struct Role<'a> {
    /// The ARN of the role.
    pub arn: &'a str,
    /// What the session is to be called. Empty: `sops@HOST`, as sops calls it.
    pub session: &'a str,
    /// What the owner of the role asks for, if the role is of another account.
    pub external_id: Option<&'a str>,
}

/// Credentials of `role`, assumed with `credentials`, from the token service in the region of `key`.
///
/// # Errors
///
/// If there is no answer, or a refusal.
pub(crate) fn assume(caller: &Caller<'_>, key: &Arn, role: &Role<'_>, credentials: &Credentials) -> Result<Credentials, Fault> {
    let mut form = form("AssumeRole", role);
    if let Some(id) = role.external_id {
        field(&mut form, "ExternalId", id);
    }
    let answer = ask(caller, key, &form, Some(credentials))?;
    if answer.status != 200 {
        let fault = refusal::fault(&answer, "sts:AssumeRole", &quote(role.arn, &[]), &credentials.secrets());
        return Err(fault.asked_by(credentials.identity()));
    }
    read(
        &answer,
        format!("role {}, assumed with {}", quote(role.arn, &[]), credentials.identity()),
    )
}

/// Credentials of `role` for the token of another issuer that is in the file `token_file`.
///
/// # Errors
///
/// If the file cannot be read, there is no answer, or a refusal.
pub(crate) fn assume_with_token(caller: &Caller<'_>, key: &Arn, role: &Role<'_>, token_file: &str) -> Result<Credentials, Fault> {
    if !endpoint::is_named("sts", caller.environment) {
        stays_at_home(role.arn, key, token_file)?;
    }
    let if_missing = "correct AWS_WEB_IDENTITY_TOKEN_FILE, or have the token written before this runs";
    let token = trusted_file::read(token_file, Writer::Owner).map_err(|why| why.fault(token_file, if_missing))?;
    let mut form = form("AssumeRoleWithWebIdentity", role);
    field(&mut form, "WebIdentityToken", token.trim());
    let identity = format!("role {} for the token in {token_file}", quote(role.arn, &[]));
    let answer = ask(caller, key, &form, None)?;
    if answer.status != 200 {
        let action = "sts:AssumeRoleWithWebIdentity";
        let fault = refusal::fault(&answer, action, &quote(role.arn, &[]), &[token.trim()]);
        return Err(fault.asked_by(identity));
    }
    read(&answer, identity)
}

/// Refuses a key whose partition is not that of the role: the file chooses the partition, and with it the token service that would get the
/// token, which is all that it takes to be this host.
fn stays_at_home(role: &str, key: &Arn, token_file: &str) -> Result<(), Fault> {
    let own = role.split(':').nth(1).unwrap_or_default();
    if own == key.partition {
        return Ok(());
    }
    let cause = format!(
        "the key is in the partition {} of AWS, and the role {} is not, so the token in {token_file} is not sent there",
        key.partition,
        quote(role, &[])
    );
    let fault = Fault::new(Kind::AddressRefused, cause);
    Err(fault.remedy(format!(
        "name a role in {} for this host, or correct the `arn` in the file",
        key.partition
    )))
}

fn ask(caller: &Caller<'_>, key: &Arn, form: &str, credentials: Option<&Credentials>) -> Result<Answer, Fault> {
    let call = Call {
        service: "sts",
        arn: key,
        content_type: "application/x-www-form-urlencoded; charset=utf-8",
        target: None,
        body: form.as_bytes(),
    };
    caller.post(&call, credentials)
}

fn form(action: &str, role: &Role<'_>) -> Zeroizing<String> {
    let mut form = Zeroizing::new(String::with_capacity(8192));
    let _ = write!(form, "Action={action}&Version=2011-06-15");
    field(&mut form, "RoleArn", role.arn);
    match role.session {
        "" => field(&mut form, "RoleSessionName", &session()),
        session => field(&mut form, "RoleSessionName", session),
    }
    form
}

/// `sops@HOST`, without what the name of a session may not have.
fn session() -> String {
    let name = rustix::system::uname();
    let host = name.nodename().to_string_lossy();
    let fits = |letter: &char| letter.is_ascii_alphanumeric() || "+=,.@-_".contains(*letter);
    "sops@".chars().chain(host.chars()).filter(fits).take(64).collect()
}

fn field(form: &mut String, name: &str, value: &str) {
    let _ = write!(form, "&{name}=");
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => form.push(char::from(byte)),
            _ => drop(write!(form, "%{byte:02X}")),
        }
    }
}

fn read(answer: &Answer, origin: String) -> Result<Credentials, Fault> {
    let text = |name| xml::text(answer.body.text(), name);
    match (text("AccessKeyId"), text("SecretAccessKey"), text("SessionToken")) {
        (Some(id), Some(secret), Some(token)) => Ok(Credentials {
            id: id.to_owned(),
            secret: Secret::from(secret),
            token: Some(Secret::from(token)),
            origin,
        }),
        _ => Err(Fault::new(
            Kind::ServiceFailed,
            "the token service of AWS gave an answer without credentials",
        )),
    }
}
