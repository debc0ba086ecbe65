//! Signs an application in at Entra, the directory of Azure.

use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::{
    assertion::Claim,
    chain::{Application, Proof},
    challenge::Challenge,
    cloud::{Cloud, PUBLIC},
    managed::{Issued, number},
    refusal,
    token::{Outcome, Token},
    vault::Vault,
};
use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    form::{self, form},
    http::{Client, Question},
    origin::Origin,
    quote::quote,
};

/// What says that an assertion is one.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token for what `challenge` of `vault` wants, for `application`.
///
/// # Errors
///
/// If the vault is of another cloud or tenant, or the application cannot sign in.
pub(crate) fn token(
    application: &Application,
    (vault, challenge): (&Vault, &Challenge),
    environment: &Environment,
    client: &Client,
) -> Outcome {
    let authority = authority(environment, vault)?;
    let tenant = tenant(application, challenge, environment)?;
    let url = format!("{authority}/{tenant}/oauth2/v2.0/token");
    let sign_in = SignIn {
        application,
        tenant,
        url: &url,
    };
    let identity = sign_in.identity();
    sign_in
        .ask(&challenge.resource, environment, client)
        .map_err(|fault| fault.asked_by(&*identity))
        .map(|issued| Token {
            text: issued.access_token,
            identity,
        })
}

/// An application that signs in at an address.
struct SignIn<'a> {
    application: &'a Application,
    tenant: &'a str,
    url: &'a str,
}

impl SignIn<'_> {
    fn ask(&self, resource: &str, environment: &Environment, client: &Client) -> Result<Issued, Fault> {
        let proof = self.proof(environment)?;
        let scope = format!("{resource}/.default");
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &*self.application.client),
            ("scope", &scope),
        ];
        if let Proof::Secret(_) = self.application.proof {
            fields.push(("client_secret", &proof));
        } else {
            fields.extend([("client_assertion_type", ASSERTION), ("client_assertion", &*proof)]);
        }
        let body = form(&fields);
        let answer = client.ask(&Question {
            method: "POST",
            url: self.url,
            headers: vec![("content-type", Zeroizing::new(form::CONTENT_TYPE.to_owned()))],
            body: body.as_bytes(),
            patience: Duration::MAX,
        })?;
        if answer.status != 200 {
            return Err(refusal::of_entra(&answer, &self.application.origin, &[&proof]));
        }
        serde_json::from_slice(answer.body.expose())
            .map_err(|_| Fault::new(Kind::ServiceFailed, "the directory of Azure gave an answer without a token"))
    }

    /// The text that shows that this host is the application.
    fn proof(&self, environment: &Environment) -> Result<Zeroizing<String>, Fault> {
        match &self.application.proof {
            Proof::Secret(text) | Proof::Token(text) => Ok(text.clone()),
            Proof::Certificate(certificate) => {
                let has_chain = environment.get("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
                let claim = Claim {
                    client: &self.application.client,
                    audience: self.url,
                    has_chain: has_chain.is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true")),
                };
                certificate.sign(&claim, SystemTime::now())
            }
        }
    }

    fn identity(&self) -> String {
        let Application { client, origin, .. } = self.application;
        format!("application {} of tenant {}, with {origin}", number(client), self.tenant)
    }
}

/// The server that signs this host in: that in `AZURE_AUTHORITY_HOST`, or that of the public cloud. The file chooses the cloud of the vault, so that
/// decides nothing.
///
/// # Errors
///
/// If the vault is in a cloud whose hosts sign in elsewhere.
fn authority(environment: &Environment, vault: &Vault) -> Result<Origin, Fault> {
    let named = environment
        .get("AZURE_AUTHORITY_HOST")
        .map_or_else(|| PUBLIC.authority(), ToOwned::to_owned);
    let fault = || {
        let fault = Fault::new(
            Kind::Other,
            "AZURE_AUTHORITY_HOST is no address of HTTPS, or has a user or a path in it",
        );
        fault.remedy(format!("write it as {}, or remove it", PUBLIC.authority()))
    };
    let authority = Origin::alone(&named).filter(Origin::is_https).ok_or_else(fault)?;
    match (Cloud::of_authority(&authority), vault.home) {
        (Some(own), Some((home, _))) if own.name != home.name => {
            let cause = format!(
                "{} is a vault of {}, and this host signs in at {authority}",
                vault.origin, home.name
            );
            let to_do = format!("set sops.keyServices.azure.authorityHost to {}", home.authority());
            Err(Fault::new(Kind::NoCredentials, cause).remedy(format!("if this host has an application there, {to_do}")))
        }
        _ => Ok(authority),
    }
}

/// The tenant at which the application signs in: its own, or that of the vault if `AZURE_ADDITIONALLY_ALLOWED_TENANTS` has it. A tenant that is
/// named by its domain cannot be compared: the vault will say whether it is the right one.
fn tenant<'a>(application: &'a Application, challenge: &'a Challenge, environment: &Environment) -> Result<&'a str, Fault> {
    let (own, of_vault) = (application.tenant.as_str(), challenge.tenant.as_str());
    let allowed = environment
        .get("AZURE_ADDITIONALLY_ALLOWED_TENANTS")
        .unwrap_or_default()
        .split(';')
        .map(str::trim);
    if own.eq_ignore_ascii_case(of_vault) {
        return Ok(own);
    }
    let is_allowed = |tenant: &str| tenant == "*" || tenant.eq_ignore_ascii_case(of_vault);
    if allowed.into_iter().any(is_allowed) {
        return Ok(of_vault);
    }
    if own.contains('.') {
        return Ok(own);
    }
    let cause = format!(
        "the vault belongs to the tenant {}, and this host to {}",
        quote(of_vault, &[]),
        quote(own, &[])
    );
    let remedy = "correct AZURE_TENANT_ID, or add the tenant of the vault to AZURE_ADDITIONALLY_ALLOWED_TENANTS if the application is known there";
    Err(Fault::new(Kind::BadCredentials, cause).remedy(remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::AzureKey;

    const OWN: &str = "11111111-2222-3333-4444-555555555555";
    const OTHER: &str = "99999999-2222-3333-4444-555555555555";

    fn asked_at(tenant: &str, of_vault: &str, allowed: &str) -> Result<String, Kind> {
        let application = Application {
            tenant: tenant.to_owned(),
            client: String::new(),
            proof: Proof::Token(Zeroizing::default()),
            origin: String::new(),
        };
        let challenge = Challenge {
            tenant: of_vault.to_owned(),
            resource: String::new(),
        };
        let environment = Environment::of(&[("AZURE_ADDITIONALLY_ALLOWED_TENANTS", allowed)]);
        let asked = super::tenant(&application, &challenge, &environment);
        asked.map(ToOwned::to_owned).map_err(|fault| fault.kind)
    }

    #[test]
    fn an_application_signs_in_at_its_own_tenant() {
        assert_eq!(asked_at(OWN, OWN, ""), Ok(OWN.to_owned()));
        assert_eq!(asked_at(OWN, OTHER, ""), Err(Kind::BadCredentials));
        assert_eq!(asked_at(OWN, OTHER, &format!("x; {OTHER}")), Ok(OTHER.to_owned()));
        assert_eq!(asked_at(OWN, OTHER, "*"), Ok(OTHER.to_owned()));
        assert_eq!(
            asked_at("contoso.onmicrosoft.com", OTHER, ""),
            Ok("contoso.onmicrosoft.com".to_owned())
        );
    }

    #[test]
    fn a_tenant_that_is_named_by_its_domain_may_have_others_beside_it() {
        assert_eq!(asked_at("contoso.onmicrosoft.com", OTHER, "*"), Ok(OTHER.to_owned()));
    }

    #[test]
    fn a_file_does_not_choose_the_cloud_at_which_this_host_signs_in() {
        let authority = |vault_url: &str, named: &str| {
            let key = AzureKey {
                vault_url: vault_url.to_owned(),
                name: String::new(),
                version: String::new(),
                enc: String::new(),
            };
            let vault = Vault::of(&key, &["https://v.vault.corp.example".to_owned()])?;
            super::authority(&Environment::of(&[("AZURE_AUTHORITY_HOST", named)]), &vault).map(|authority| authority.to_string())
        };
        let public = Ok("https://login.microsoftonline.com".to_owned());
        assert_eq!(authority("https://v.vault.azure.net", ""), public);
        assert_eq!(authority("https://v.managedhsm.azure.net", ""), public);
        let china = "https://v.vault.azure.cn";
        let fault = authority(china, "").err();
        assert_eq!(
            fault.map(|fault| (fault.kind, fault.cause)),
            Some((
                Kind::NoCredentials,
                format!("{china} is a vault of Azure China, and this host signs in at https://login.microsoftonline.com")
            ))
        );
        for at in [
            "https://login.chinacloudapi.cn/",
            "https://login.partner.microsoftonline.cn",
            "https://own.example",
        ] {
            assert_eq!(authority(china, at), Ok(at.trim_end_matches('/').to_owned()));
        }
        assert!(authority("https://v.vault.corp.example", "https://login.microsoftonline.us").is_ok());
        for odd in ["http://login.microsoftonline.com", "https://me:secret@a", "https://a/b", "x"] {
            let fault = authority("https://v.vault.azure.net", odd).err();
            assert_eq!(fault.map(|fault| fault.kind), Some(Kind::Other), "{odd}");
        }
    }
}
