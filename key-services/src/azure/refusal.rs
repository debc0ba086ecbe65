//! What vaults and the directory of Azure refuse, in words.

use serde::Deserialize;

use super::vault::Vault;
use crate::{
    fault::{Fault, Kind},
    http::Answer,
    quote::quote,
};

/// What a vault says about a fault.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    error: Reason,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    code: String,
    message: String,
    #[serde(alias = "innerError")]
    innererror: Option<Inner>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inner {
    code: String,
}

/// What the directory says about a fault.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Described {
    error: String,
    error_description: String,
}

/// The fault that `answer` of `vault` tells, when it was asked to decrypt with the key `name`. `token`: what was sent and must not be shown.
pub(crate) fn of_vault(answer: &Answer, vault: &Vault, name: &str, token: &str) -> Fault {
    let Reason {
        code,
        message,
        innererror,
    } = serde_json::from_slice::<Said>(answer.body.expose()).unwrap_or_default().error;
    let inner = innererror.unwrap_or_default().code;
    let code = quote(if inner.is_empty() { &code } else { &inner }, &[token]);
    let message = quote(&message, &[token]);
    let (kind, remedy) = meaning(answer.status, &code, &message, &Denied { vault, name });
    let cause = if message.is_empty() {
        "the vault gives no reason".to_owned()
    } else {
        message
    };
    told(kind, cause, remedy, &code, answer)
}

/// Who would have to be allowed what.
struct Denied<'a> {
    vault: &'a Vault,
    name: &'a str,
}

impl Denied<'_> {
    fn remedy(&self) -> String {
        let name = self.name;
        if self.vault.is_hsm() {
            return format!(
                "give this identity the role Managed HSM Crypto User for the key {name}: Microsoft.KeyVault/managedHsm/keys/decrypt/action"
            );
        }
        format!(
            "give this identity the role Key Vault Crypto User for the key {name} (Microsoft.KeyVault/vaults/keys/decrypt/action), or an access policy \
             of the vault with decrypt"
        )
    }
}

fn meaning(status: u16, code: &str, message: &str, denied: &Denied<'_>) -> (Kind, String) {
    let says = |words: &[&str]| words.iter().any(|word| code.contains(word) || message.contains(word));
    let (kind, remedy) = match status {
        401 if says(&["AKV10032", "Invalid issuer"]) => (
            Kind::BadCredentials,
            "the vault belongs to another tenant: give the host an identity of that tenant",
        ),
        401 => (
            Kind::BadCredentials,
            "the vault does not accept the token: check the tenant and the clock of this host",
        ),
        403 if says(&["KeyDisabled", "disabled key"]) => (Kind::KeyDisabled, "enable this version of the key"),
        403 if says(&["Expired", "expired key"]) => (Kind::KeyDisabled, "give the key a later date of expiration"),
        403 if says(&["NotYetValid", "not yet valid"]) => (Kind::KeyDisabled, "give the key an earlier date of activation"),
        403 if says(&["KeyOperationForbidden", "is not permitted on this key"]) => {
            (Kind::KeyDisabled, "add decrypt to the permitted operations of the key")
        }
        403 if says(&[
            "ForbiddenByFirewall",
            "ForbiddenByConnection",
            "Client address is not authorized",
            "Public network access",
        ]) =>
        {
            (Kind::Denied, "let the network of this host pass the firewall of the vault")
        }
        403 => return (Kind::Denied, denied.remedy()),
        404 => (
            Kind::NoSuchKey,
            "check the `name` and the `version` in the file; if the key was deleted, recover it",
        ),
        409 => (Kind::KeyDisabled, "if the key was deleted, recover it"),
        400 => (
            Kind::WrongKeyOrContext,
            "the key of this name and version does not open this data key: restore it, or encrypt the file anew",
        ),
        300..=399 => (
            Kind::Other,
            "the server sends elsewhere, where the token does not go: correct the `vault_url`",
        ),
        429 | 500.. => (Kind::ServiceFailed, "try again later"),
        _ => (Kind::Other, ""),
    };
    (kind, remedy.to_owned())
}

/// The fault that `answer` of the directory tells, when this host has signed in with `origin`. `secrets`: what was sent and must not be shown.
pub(crate) fn of_entra(answer: &Answer, origin: &str, secrets: &[&str]) -> Fault {
    let described = serde_json::from_slice::<Described>(answer.body.expose()).unwrap_or_default();
    // What follows is for the support of Azure.
    let words = described.error_description.split(" Trace ID:").next().unwrap_or_default();
    let words = quote(words.split(['\r', '\n']).next().unwrap_or_default(), secrets);
    let number = words
        .strip_prefix("AADSTS")
        .and_then(|rest| rest.split(':').next())
        .unwrap_or_default();
    let (kind, remedy) = directory(number, answer.status, origin);
    let cause = match (kind, words.is_empty()) {
        (Kind::Clock, _) => format!("{words} {}", answer.clocks("Azure")),
        (_, true) => "the directory of Azure gives no reason".to_owned(),
        (_, false) => words,
    };
    told(kind, cause, remedy, &quote(&described.error, secrets), answer)
}

fn directory(number: &str, status: u16, origin: &str) -> (Kind, String) {
    let (kind, remedy) = match number {
        "7000222" => (
            Kind::BadCredentials,
            format!("{origin} has expired: make another one, and remove this one"),
        ),
        "7000215" => (
            Kind::BadCredentials,
            format!("{origin} is not one of the application: use the value of the secret, and not its number"),
        ),
        "700016" | "7000229" => (
            Kind::BadCredentials,
            "check AZURE_CLIENT_ID and AZURE_TENANT_ID: the application is of another tenant, or gone".to_owned(),
        ),
        "90002" | "900023" => (Kind::BadCredentials, "check AZURE_TENANT_ID".to_owned()),
        "7000112" => (Kind::BadCredentials, "enable the application".to_owned()),
        "700027" | "700030" => (
            Kind::BadCredentials,
            format!("{origin} is not one of the application, or has expired: add it there"),
        ),
        "700024" => (Kind::Clock, format!("set the clock of this host, or renew {origin}")),
        "70021" | "700211" | "700212" | "700213" => (
            Kind::BadCredentials,
            format!("add issuer, subject and audience of {origin} to the federated credentials of the application"),
        ),
        "500011" => (
            Kind::BadCredentials,
            "check AZURE_TENANT_ID, and sops.keyServices.azure.authorityHost".to_owned(),
        ),
        _ if status == 429 || status >= 500 => (Kind::ServiceFailed, "try again later".to_owned()),
        _ => (
            Kind::BadCredentials,
            format!("check AZURE_CLIENT_ID, AZURE_TENANT_ID and {origin}"),
        ),
    };
    (kind, remedy)
}

fn told(kind: Kind, cause: String, remedy: String, code: &str, answer: &Answer) -> Fault {
    let fault = Fault::new(kind, cause).status(format!("{code} (HTTP {})", answer.status).trim_start());
    if remedy.is_empty() { fault } else { fault.remedy(remedy) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{request::AzureKey, secret::Secret};

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            date: Some("Mon, 30 Nov 2026 06:00:00 GMT".to_owned()),
            challenge: None,
            body: Secret::from(body),
        }
    }

    fn refused(host: &str, status: u16, code: &str, message: &str) -> Fault {
        let key = AzureKey {
            vault_url: format!("https://{host}"),
            name: "sops".to_owned(),
            version: String::new(),
            enc: String::new(),
        };
        let vault = Vault::of(&key, &[]).unwrap_or_else(|fault| panic!("{}", fault.cause));
        let body = format!(r#"{{"error":{{"code":"Forbidden","message":"{message}","innererror":{{"code":"{code}"}}}}}}"#);
        of_vault(&answer(status, &body), &vault, "sops", "the-token")
    }

    #[test]
    fn refusals_of_vaults_have_kinds() {
        let kind = |status, code, message| refused("v.vault.azure.net", status, code, message).kind;
        assert_eq!(kind(403, "KeyDisabled", ""), Kind::KeyDisabled);
        assert_eq!(
            kind(403, "", "Operation decrypt is not allowed on a disabled key."),
            Kind::KeyDisabled
        );
        assert_eq!(
            kind(403, "", "Operation decrypt is not allowed on an expired key."),
            Kind::KeyDisabled
        );
        assert_eq!(
            kind(
                403,
                "KeyOperationForbidden",
                "Operation decrypt is not permitted on this key."
            ),
            Kind::KeyDisabled
        );
        assert_eq!(kind(403, "ForbiddenByRbac", "Caller is not authorized"), Kind::Denied);
        assert_eq!(kind(401, "", "AKV10032: Invalid issuer."), Kind::BadCredentials);
        assert_eq!(kind(404, "KeyNotFound", ""), Kind::NoSuchKey);
        assert_eq!(kind(400, "BadParameter", ""), Kind::WrongKeyOrContext);
        assert_eq!(kind(503, "", ""), Kind::ServiceFailed);
        let fault = refused(
            "v.vault.azure.net",
            403,
            "ForbiddenByFirewall",
            "Client address is not authorized",
        );
        assert_eq!(fault.status.as_deref(), Some("ForbiddenByFirewall (HTTP 403)"));
        assert!(fault.remedy.is_some_and(|remedy| remedy.contains("firewall")));
        assert_eq!(refused("v.vault.azure.net", 418, "", "got the-token").cause, "got …");
    }

    #[test]
    fn what_to_allow_depends_on_the_kind_of_the_vault() {
        let remedy = |host| refused(host, 403, "", "").remedy.unwrap_or_default();
        assert!(remedy("v.vault.azure.net").contains("Microsoft.KeyVault/vaults/keys/decrypt/action"));
        assert!(remedy("v.managedhsm.azure.net").contains("Microsoft.KeyVault/managedHsm/keys/decrypt/action"));
    }

    #[test]
    fn refusals_of_the_directory_have_kinds() {
        let refused = |number: &str| {
            let words = format!("AADSTS{number}: No the-secret. Trace ID: 1 Correlation ID: 2");
            let body = format!(r#"{{"error":"invalid_client","error_description":"{words}","error_codes":[1]}}"#);
            of_entra(&answer(401, &body), "the secret in AZURE_CLIENT_SECRET", &["the-secret"])
        };
        let expired = refused("7000222");
        assert_eq!(expired.cause, "AADSTS7000222: No ….");
        assert_eq!(expired.status.as_deref(), Some("invalid_client (HTTP 401)"));
        assert_eq!(
            expired.remedy.as_deref(),
            Some("the secret in AZURE_CLIENT_SECRET has expired: make another one, and remove this one")
        );
        let late = refused("700024");
        assert_eq!(late.kind, Kind::Clock);
        assert!(
            late.cause.ends_with("that of Azure Mon, 30 Nov 2026 06:00:00 GMT"),
            "{}",
            late.cause
        );
        assert_eq!(refused("1").kind, Kind::BadCredentials);
        assert_eq!(of_entra(&answer(503, "<html>"), "x", &[]).kind, Kind::ServiceFailed);
    }
}
