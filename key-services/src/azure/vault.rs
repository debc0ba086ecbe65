//! Which vault is asked for which key: a file must not make the token of this host travel to a server of its choosing.

use super::cloud::Cloud;
use crate::{
    fault::{Fault, Kind},
    origin::Origin,
    quote::quote,
    request::AzureKey,
};

/// A vault that may be asked.
pub(crate) struct Vault {
    /// Its address.
    pub origin: Origin,
    /// The cloud of the vault, and its domain there. `None` for a vault elsewhere, which the configuration allows.
    pub home: Option<(&'static Cloud, &'static str)>,
    /// The services that a token for the vault may be for: that of its domain, or for a vault elsewhere those above it that the configuration allows.
    pub services: Vec<Origin>,
}

impl Vault {
    /// The vault of `key`: a server of Azure for vaults, or one with the same host and port as an address in `allowed`. Without TLS none is asked.
    ///
    /// # Errors
    ///
    /// If the file has no address of a server, or nobody allows it.
    pub(crate) fn of(key: &AzureKey, allowed: &[String]) -> Result<Self, Fault> {
        let origin = Origin::alone(&key.vault_url).ok_or_else(|| {
            let shown = quote(&key.vault_url, &[]);
            let cause = format!("the `vault_url` {shown} in the file is no address of a server");
            Fault::new(Kind::BadMetadata, cause).remedy("correct the address in .sops.yaml, and run sops updatekeys on the file")
        })?;
        let home = Cloud::of_vault(origin.host()).filter(|_| origin.port() == 443);
        let listed = allowed
            .iter()
            .filter_map(|address| Origin::alone(address))
            .collect::<Vec<_>>();
        let is_allowed = origin.is_https() && (home.is_some() || listed.contains(&origin));
        if is_allowed {
            let services = match home {
                Some((_, domain)) => Origin::of(&format!("https://{domain}")).into_iter().collect(),
                None => listed.into_iter().filter(|above| is_above(above, &origin)).collect(),
            };
            return Ok(Self { origin, home, services });
        }
        let cause = format!(
            "the file asks for the token of this host to be sent to {origin}, which is no vault of Azure, and which nobody has allowed"
        );
        let remedy = if origin.is_https() {
            format!("if that is your server, add {origin} to sops.keyServices.allowedEndpoints")
        } else {
            "a vault is asked only by https: correct the address in .sops.yaml, and run sops updatekeys on the file".to_owned()
        };
        Err(Fault::new(Kind::AddressRefused, cause).remedy(remedy))
    }

    /// Whether the vault is a managed HSM.
    pub(crate) fn is_hsm(&self) -> bool {
        self.origin.host().contains(".managedhsm.")
    }
}

/// Whether the host of `service` is a domain above that of `server`.
pub(super) fn is_above(service: &Origin, server: &Origin) -> bool {
    let below = server.host().strip_suffix(service.host());
    service.is_https() && service.port() == 443 && below.is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// The path of the call that decrypts with `key`. A key without a version has two slashes there, and is the current one.
///
/// # Errors
///
/// If the name or the version has letters that no key of Azure has: they could lead to another call.
pub(crate) fn path(key: &AzureKey) -> Result<String, Fault> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_named = (1..=127).contains(&key.name.len()) && key.name.bytes().all(is_name);
    let has_version = key.version.len() <= 127 && key.version.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_named && has_version {
        return Ok(format!("/keys/{}/{}/decrypt", key.name, key.version));
    }
    let cause = "the `name` or the `version` of the entry has letters that no key of Azure has";
    Err(Fault::new(Kind::BadMetadata, cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(vault_url: &str, name: &str, version: &str) -> AzureKey {
        AzureKey {
            vault_url: vault_url.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            enc: String::new(),
        }
    }

    fn asked(vault_url: &str, allowed: &[&str]) -> Result<String, Kind> {
        let allowed = allowed.iter().map(|address| (*address).to_owned()).collect::<Vec<_>>();
        let vault = Vault::of(&key(vault_url, "n", ""), &allowed);
        vault.map(|vault| vault.origin.to_string()).map_err(|fault| fault.kind)
    }

    #[test]
    fn the_token_goes_to_vaults_of_azure() {
        for url in [
            "https://v.vault.azure.net",
            "https://V.vault.azure.net/",
            "https://v.vault.azure.net:443",
        ] {
            assert_eq!(asked(url, &[]), Ok("https://v.vault.azure.net".to_owned()), "{url}");
        }
        for url in [
            "http://v.vault.azure.net",
            "https://v.vault.azure.net:8443",
            "https://v.vault.azure.net.evil.example",
            "https://evil.example",
        ] {
            assert_eq!(asked(url, &[]), Err(Kind::AddressRefused), "{url}");
        }
        for url in [
            "",
            "v.vault.azure.net",
            "https://v.vault.azure.net/x",
            "https://v.vault.azure.net?x",
            "https://v.vault.azure.net#x",
            "https://v.vault.azure.net@evil.example",
        ] {
            assert_eq!(asked(url, &[]), Err(Kind::BadMetadata), "{url}");
        }
    }

    #[test]
    fn the_configuration_allows_other_servers_by_https() {
        let own = "https://v.vault.corp.example:8443";
        assert_eq!(asked(own, &[own]), Ok(own.to_owned()));
        assert_eq!(asked(own, &["https://v.vault.corp.example"]), Err(Kind::AddressRefused));
        let plain = "http://v.vault.corp.example";
        assert_eq!(asked(plain, &[plain]), Err(Kind::AddressRefused));
    }

    #[test]
    fn a_key_cannot_lead_to_another_call() {
        let path = |name, version| path(&key("", name, version)).ok();
        assert_eq!(path("sops-key", "0af"), Some("/keys/sops-key/0af/decrypt".to_owned()));
        assert_eq!(path("sops", ""), Some("/keys/sops//decrypt".to_owned()));
        for (name, version) in [
            ("", ""),
            ("..", ""),
            ("a/b", ""),
            ("a", ".."),
            ("a", "b/c"),
            ("a?", ""),
            ("a", "b?"),
            ("a%2f", ""),
        ] {
            assert_eq!(path(name, version), None, "{name} {version}");
        }
    }
}
