//! Which server is asked for a key: a file must not make the token of this host travel to an address of its choosing.

use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    origin::Origin,
    quote::quote,
};

/// The address, without a slash at its end, at which the key is asked for that a file says is at `address`.
///
/// `VAULT_AGENT_ADDR` goes before what the file says. Else the file's address counts if `allowed`, `VAULT_ADDR` or `SOPS_HC_VAULT_ALLOWLIST` (with
/// commas between) has one of the same scheme, host and port.
///
/// # Errors
///
/// If nobody allows the address.
pub(crate) fn address(address: &str, allowed: &[String], environment: &Environment) -> Result<String, Fault> {
    if let Some(agent) = environment.get("VAULT_AGENT_ADDR") {
        if agent.starts_with("unix:") {
            let fault = Fault::new(
                Kind::NotSpoken,
                "VAULT_AGENT_ADDR names a Unix socket, which this program does not speak to",
            );
            return Err(fault.remedy("have the agent listen on 127.0.0.1 too, and name that address"));
        }
        return Ok(agent.trim_end_matches('/').to_owned());
    }
    let listed = environment
        .get("SOPS_HC_VAULT_ALLOWLIST")
        .unwrap_or_default()
        .split(',')
        .map(str::trim);
    let named = listed
        .chain(environment.get("VAULT_ADDR"))
        .chain(allowed.iter().map(String::as_str));
    let shown = quote(address, &[]);
    let origin = Origin::of(address).ok_or_else(|| {
        let fault = Fault::new(
            Kind::BadMetadata,
            format!("the `vault_address` {shown} in the file is no address of HTTP"),
        );
        fault.remedy("correct the address in .sops.yaml, and run sops updatekeys on the file")
    })?;
    if named.filter_map(Origin::of).any(|named| named == origin) {
        return Ok(address.trim_end_matches('/').to_owned());
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
    }
}
