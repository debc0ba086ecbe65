//! Which server is asked for a key: a file must not make the token of this host travel to an address of its choosing.

use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    origin::Origin,
    quote::quote,
};

/// The address, with nothing behind the port, at which the key is asked for that a file says is at `address`.
///
/// `VAULT_AGENT_ADDR` goes before what the file says; if it names a socket ([`socket`]), the address is that of this host. Else the file's address counts if `allowed`, `VAULT_ADDR` or `SOPS_HC_VAULT_ALLOWLIST` (with
/// commas between) has one of the same scheme, host and port.
///
/// # Errors
///
/// If nobody allows the address.
pub(crate) fn address(address: &str, allowed: &[String], environment: &Environment) -> Result<String, Fault> {
    if let Some(agent) = environment.get("VAULT_AGENT_ADDR") {
        if socket(environment).is_some() {
            return Ok("http://localhost".to_owned());
        }
        // It may have a password in it, so it is not shown.
        let no_address = || {
            Fault::new(
                Kind::Other,
                "VAULT_AGENT_ADDR is neither an address of HTTP nor unix:///path, or has a user in it",
            )
        };
        let agent = Origin::alone(agent).ok_or_else(|| no_address().remedy("write it as http://127.0.0.1:8100"))?;
        return Ok(agent.to_string());
    }
    of_file(address, allowed, environment).map(|origin| origin.to_string())
}

/// Whether any server is listed to which a file may lead.
pub(crate) fn is_any_listed(allowed: &[String], environment: &Environment) -> bool {
    listed(allowed, environment).next().is_some()
}

fn listed<'a>(allowed: &'a [String], environment: &'a Environment) -> impl Iterator<Item = Origin> {
    let list = environment.get("SOPS_HC_VAULT_ALLOWLIST").unwrap_or_default();
    let of_variables = list.split(',').map(str::trim).chain(environment.get("VAULT_ADDR"));
    let all = of_variables.chain(allowed.iter().map(String::as_str));
    all.filter_map(Origin::alone)
}

/// The path of the socket of an agent, if `VAULT_AGENT_ADDR` names one: `unix:///path`.
pub(super) fn socket(environment: &Environment) -> Option<&str> {
    let path = environment.get("VAULT_AGENT_ADDR")?.strip_prefix("unix://")?;
    path.starts_with('/').then_some(path)
}

/// The server at `address`, which a file names, if somebody has allowed it.
///
/// # Errors
///
/// If nobody allows the address.
pub(super) fn of_file(address: &str, allowed: &[String], environment: &Environment) -> Result<Origin, Fault> {
    let shown = quote(address, &[]);
    // What stands behind the port would lead to another call.
    let origin = Origin::alone(address).ok_or_else(|| {
        let fault = Fault::new(
            Kind::BadMetadata,
            format!("the `vault_address` {shown} in the file is no address of a server"),
        );
        fault.remedy("correct the address in .sops.yaml, and run sops updatekeys on the file")
    })?;
    if listed(allowed, environment).any(|listed| listed == origin) {
        return Ok(origin);
    }
    let cause = format!("the file asks for the token of this host to be sent to {origin}, which nobody has allowed");
    Err(Fault::new(Kind::AddressRefused, cause).remedy(format!(
        "if that is your server, add {origin} to sops.keyServices.allowedEndpoints"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(of_file: &str, allowed: &[&str], variables: &[(&str, &str)]) -> Result<String, Kind> {
        let allowed = allowed.iter().map(|address| (*address).to_owned()).collect::<Vec<_>>();
        address(of_file, &allowed, &Environment::of(variables)).map_err(|fault| fault.kind)
    }

    #[test]
    fn an_address_that_nobody_has_allowed_is_not_asked() {
        let good = "https://vault.example.com:8200";
        assert_eq!(asked(good, &[], &[]), Err(Kind::AddressRefused));
        assert_eq!(asked(good, &["https://vault.example.com"], &[]), Err(Kind::AddressRefused));
        assert_eq!(
            asked(good, &["http://vault.example.com:8200"], &[]),
            Err(Kind::AddressRefused)
        );
        assert_eq!(
            asked("https://vault.example.com:8200@evil.example", &[good], &[]),
            Err(Kind::BadMetadata)
        );
        assert_eq!(
            asked("https://vault.example.com.evil.example:8200", &[good], &[]),
            Err(Kind::AddressRefused)
        );
    }

    #[test]
    fn an_address_cannot_lead_to_another_call() {
        let good = "https://vault.example.com:8200";
        for more in ["/v1/auth/token/revoke-self?", "/v1/secret", "?", "#", "/#x", "/v1/sys/seal#"] {
            assert_eq!(
                asked(&format!("{good}{more}"), &[good], &[]),
                Err(Kind::BadMetadata),
                "{more}"
            );
        }
        // Who allows a part of a server does not allow all of it.
        let list = ("SOPS_HC_VAULT_ALLOWLIST", "https://vault.example.com:8200/team-a, all");
        assert_eq!(asked(good, &[], &[list]), Err(Kind::AddressRefused));
        let agent = ("VAULT_AGENT_ADDR", "http://me:secret@127.0.0.1:8100");
        assert_eq!(asked(good, &[], &[agent]), Err(Kind::Other));
    }

    #[test]
    fn each_way_allows_an_address() {
        let good = "https://vault.example.com:8200/";
        let shown = Ok("https://vault.example.com:8200".to_owned());
        assert_eq!(asked(good, &["https://VAULT.example.com:8200"], &[]), shown);
        assert_eq!(asked(good, &[], &[("VAULT_ADDR", good)]), shown);
        assert_eq!(
            asked(
                good,
                &[],
                &[("SOPS_HC_VAULT_ALLOWLIST", "https://a, https://vault.example.com:8200")]
            ),
            shown
        );
        assert_eq!(
            asked(good, &[], &[("VAULT_AGENT_ADDR", "http://127.0.0.1:8100/")]),
            Ok("http://127.0.0.1:8100".to_owned())
        );
        assert_eq!(
            asked(good, &[], &[("VAULT_AGENT_ADDR", "unix:///run/agent")]),
            Ok("http://localhost".to_owned())
        );
        assert_eq!(
            asked(good, &[], &[("VAULT_AGENT_ADDR", "unix://run/agent")]),
            Err(Kind::Other)
        );
    }
}
