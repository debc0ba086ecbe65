//! What a vault says to whoever asks without a token: which tenant it belongs to, and for which service a token has to be.

use ureq::http::Uri;

use super::vault::{Vault, is_above};
use crate::{
    fault::{Fault, Kind},
    origin::Origin,
    quote::quote,
};

/// What a vault wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// The tenant that the vault belongs to.
    pub tenant: String,
    /// The service that a token has to be for: `https://vault.azure.net`.
    pub resource: String,
}

/// Reads `header`, the value of `WWW-Authenticate`, which `vault` has sent. Nothing in it is followed: the server that signs hosts in is that of the
/// configuration, and the token is for the service of the vault's own domain.
///
/// # Errors
///
/// If it is none, or wants a token for another service than the one that the vault is part of: such a token could be used elsewhere.
pub(crate) fn read(header: &str, vault: &Vault) -> Result<Challenge, Fault> {
    let odd = |what: &str| Fault::new(Kind::ServiceFailed, format!("{} {what}", vault.origin));
    let values = header
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("bearer "))
        .and_then(|_| header.get(7..))
        .unwrap_or_default();
    let value = |name: &str| {
        let mut pairs = values.split([',', ' ']).filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"'))
    };
    let tenant = value("authorization").or_else(|| value("authorization_uri")).and_then(tenant);
    let tenant = tenant.ok_or_else(|| odd("does not say which tenant it belongs to"))?;
    let resource = value("scope").or_else(|| value("resource")).unwrap_or_default();
    let named = Origin::alone(resource.trim_end_matches("/.default"));
    match vault.services.iter().find(|service| named.as_ref() == Some(*service)) {
        Some(service) => Ok(Challenge {
            tenant,
            resource: service.to_string(),
        }),
        None => Err(stray(resource, named.as_ref(), vault)),
    }
}

/// The fault that the vault wants a token for another service than those that it may get one for: `resource`, which is at `named`.
fn stray(resource: &str, named: Option<&Origin>, vault: &Vault) -> Fault {
    let resource = quote(resource, &[]);
    // One that is not above the vault is of no use in the list, either.
    if vault.home.is_some() || !named.is_some_and(|named| is_above(named, &vault.origin)) {
        let cause = format!(
            "{} wants a token for {resource}, to which it does not belong, so it gets none",
            vault.origin
        );
        return Fault::new(Kind::ServiceFailed, cause);
    }
    let cause = format!(
        "{} wants a token for {resource}, and nobody has allowed that it gets one",
        vault.origin
    );
    let remedy = format!("if that is the service above your server, add {resource} to sops.keyServices.allowedEndpoints, too");
    Fault::new(Kind::AddressRefused, cause).remedy(remedy)
}

/// The tenant at the end of the address of an authority.
fn tenant(authority: &str) -> Option<String> {
    let uri: Uri = authority.parse().ok()?;
    let tenant = uri.path().trim_matches('/');
    is_tenant(tenant).then(|| tenant.to_owned())
}

/// Whether `text` has the form of a tenant: a number in five parts, or a domain.
pub(crate) fn is_tenant(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (1..=255).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::AzureKey;

    const TENANT: &str = "11111111-2222-3333-4444-555555555555";

    fn vault(url: &str) -> Vault {
        let key = AzureKey {
            vault_url: url.to_owned(),
            name: String::new(),
            version: String::new(),
            enc: String::new(),
        };
        Vault::of(&key, &[url.to_owned(), "https://vault.corp.example".to_owned()])
            .unwrap_or_else(|fault| panic!("{}", fault.cause))
    }

    fn wanted(url: &str, header: &str) -> Option<(String, String)> {
        let challenge = read(header, &vault(url)).ok()?;
        Some((challenge.tenant, challenge.resource))
    }

    fn bearer(resource: &str) -> String {
        format!(r#"Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="{resource}""#)
    }

    #[test]
    fn each_form_is_read() {
        let read = Some((TENANT.to_owned(), "https://vault.azure.net".to_owned()));
        let url = "https://v.vault.azure.net";
        assert_eq!(wanted(url, &bearer("https://vault.azure.net")), read);
        let scope =
            format!(r#"Bearer authorization="https://login.windows.net/{TENANT}" scope="https://vault.azure.net/.default""#);
        assert_eq!(wanted(url, &scope), read);
        let uri = format!(r#"bearer authorization_uri="https://a.example/{TENANT}/", resource="https://vault.azure.net/""#);
        assert_eq!(wanted(url, &uri), read);
    }

    #[test]
    fn a_token_for_another_service_is_refused() {
        let of_azure = "https://v.vault.azure.net";
        for resource in [
            "",
            "https://management.azure.com",
            "https://azure.net",
            "https://managedhsm.azure.net",
            "https://vault.azure.cn",
            "http://vault.azure.net",
            "https://vault.azure.net/x",
            "https://vault.azure.net:8443",
        ] {
            assert_eq!(wanted(of_azure, &bearer(resource)), None, "{resource}");
        }
        let own = "https://v.vault.corp.example:8443";
        assert!(wanted(own, &bearer("https://vault.corp.example")).is_some());
        let kind = |resource: &str| read(&bearer(resource), &vault(own)).err().map(|fault| fault.kind);
        assert_eq!(kind("https://corp.example"), Some(Kind::AddressRefused));
        assert_eq!(kind("https://management.azure.com"), Some(Kind::ServiceFailed));
        for resource in [
            "https://vault.azure.net",
            "https://example",
            "https://v.vault.corp.example",
            "https://ult.corp.example",
        ] {
            assert_eq!(wanted(own, &bearer(resource)), None, "{resource}");
        }
    }

    #[test]
    fn a_tenant_cannot_lead_to_another_call() {
        let header = |tenant: &str| bearer("https://vault.azure.net").replace(TENANT, tenant);
        for tenant in ["", "..", "a/b", "a%2fb", "a_b"] {
            assert_eq!(wanted("https://v.vault.azure.net", &header(tenant)), None, "{tenant}");
        }
        assert_eq!(wanted("https://v.vault.azure.net", "Basic realm=x"), None);
        assert_eq!(wanted("https://v.vault.azure.net", ""), None);
    }
}
