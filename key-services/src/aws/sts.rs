//! The token service of AWS: roles, and credentials for tokens of other issuers.

use super::{arn::Arn, call::Call, endpoint, refusal, xml};
use crate::{
    caller::Caller,
    credentials::Credentials,
    fault::{Fault, Kind},
    form::form,
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

impl Role<'_> {
    fn session(&self) -> String {
        match self.session {
            "" => session(),
            session => session.to_owned(),
        }
    }
}

/// Credentials of `role`, assumed with `credentials`, from the token service in the region of `key`.
///
/// # Errors
///
/// If there is no answer, or a refusal.
pub(crate) fn assume(caller: &Caller<'_>, key: &Arn, role: &Role<'_>, credentials: &Credentials) -> Result<Credentials, Fault> {
    let session = role.session();
    let mut fields = fields("AssumeRole", role, &session);
    fields.extend(role.external_id.map(|id| ("ExternalId", id)));
    let form = form(&fields);
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
    let session = role.session();
    let mut fields = fields("AssumeRoleWithWebIdentity", role, &session);
    fields.push(("WebIdentityToken", token.trim()));
    let form = form(&fields);
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
    call.post(caller, credentials)
}

/// The fields that all actions have.
fn fields<'a>(action: &'a str, role: &Role<'a>, session: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("Action", action),
        ("Version", "2011-06-15"),
        ("RoleArn", role.arn),
        ("RoleSessionName", session),
    ]
}

/// `sops@HOST`, without what the name of a session may not have.
fn session() -> String {
    let name = rustix::system::uname();
    let host = name.nodename().to_string_lossy();
    let fits = |letter: &char| letter.is_ascii_alphanumeric() || "+=,.@-_".contains(*letter);
    "sops@".chars().chain(host.chars()).filter(fits).take(64).collect()
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
