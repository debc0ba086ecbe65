//! Which proxy leads to a server: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` (or the same in lower case), with the meaning that they have for Go, and
//! so for sops.

use std::net::IpAddr;

use ureq::Proxy;

use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    origin::Origin,
};

/// The proxies of a host.
pub(crate) struct Proxies {
    /// For servers with TLS.
    pub https: Result<Option<Proxy>, Fault>,
    /// For servers without TLS.
    pub http: Result<Option<Proxy>, Fault>,
    /// The servers that no proxy leads to, as `NO_PROXY` names them.
    exempt: Vec<String>,
}

impl Proxies {
    /// No proxy for any server.
    pub(crate) fn none() -> Self {
        Self {
            https: Ok(None),
            http: Ok(None),
            exempt: Vec::new(),
        }
    }

    /// The proxies that the variables in `environment` name.
    pub(crate) fn of(environment: &Environment) -> Self {
        let exempt = either("NO_PROXY", environment).unwrap_or_default().split(',');
        let exempt = exempt.map(|name| name.trim().to_ascii_lowercase());
        Self {
            https: proxy("HTTPS_PROXY", environment),
            http: proxy("HTTP_PROXY", environment),
            exempt: exempt.filter(|name| !name.is_empty()).collect(),
        }
    }

    /// Whether no proxy leads to `origin`: it is on this host, or `NO_PROXY` names it.
    pub(crate) fn is_exempt(&self, origin: &Origin) -> bool {
        origin.is_here() || self.exempt.iter().any(|name| covers(name, origin))
    }
}

fn either<'a>(name: &str, environment: &'a Environment) -> Option<&'a str> {
    environment.get(name).or_else(|| environment.get(&name.to_ascii_lowercase()))
}

/// The proxy that the variable `name` names. It may have a password in it, so no message shows it.
fn proxy(name: &str, environment: &Environment) -> Result<Option<Proxy>, Fault> {
    let Some(address) = either(name, environment) else {
        return Ok(None);
    };
    let address = if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    let usable = Some(&address).filter(|address| address.starts_with("http://") || address.starts_with("https://"));
    let proxy = usable.and_then(|address| Proxy::new(address).ok());
    let fault = || {
        let fault = Fault::new(Kind::Unreachable, format!("{name} is not the address of a proxy by HTTP"));
        fault.remedy(format!("write {name} as http://host:port, or remove it"))
    };
    proxy.ok_or_else(fault).map(Some)
}

/// Whether `name` of `NO_PROXY` means the server: `*`, a network, a host, or a domain; a name that begins with a dot means what is below it alone.
fn covers(name: &str, origin: &Origin) -> bool {
    let host = origin.host().trim_start_matches('[').trim_end_matches(']');
    let name = name.strip_suffix(&format!(":{}", origin.port())).unwrap_or(name);
    if let (Some((network, bits)), Ok(address)) = (name.split_once('/'), host.parse()) {
        return network
            .parse()
            .ok()
            .zip(bits.parse().ok())
            .is_some_and(|(network, bits)| is_within(address, network, bits));
    }
    let name = name
        .strip_prefix('*')
        .unwrap_or(name)
        .trim_start_matches('[')
        .trim_end_matches(']');
    let is_below = |domain: &str| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    };
    match name.strip_prefix('.') {
        Some(domain) => is_below(domain),
        None => name.is_empty() || name == host || is_below(name),
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differ = u32::from(address) ^ u32::from(network);
            bits <= u32::BITS && differ.checked_shr(u32::BITS - bits).unwrap_or_default() == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differ = u128::from(address) ^ u128::from(network);
            bits <= u128::BITS && differ.checked_shr(u128::BITS - bits).unwrap_or_default() == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_exempt(list: &str, url: &str) -> bool {
        let proxies = Proxies::of(&Environment::of(&[("no_proxy", list)]));
        Origin::of(url).is_some_and(|origin| proxies.is_exempt(&origin))
    }

    #[test]
    fn no_proxy_means_what_it_means_for_go() {
        for (list, url) in [
            ("*", "https://a.example"),
            ("b, example.com", "https://vault.example.com:8200"),
            ("example.com", "https://example.com"),
            (".example.com", "https://a.example.com"),
            ("*.example.com", "https://a.example.com"),
            ("example.com:8200", "https://a.example.com:8200"),
            ("10.0.0.0/8", "http://10.1.2.3"),
            ("0.0.0.0/0", "http://10.1.2.3"),
            ("10.1.2.3", "http://10.1.2.3:80"),
            ("fd00::/8", "http://[fd12::1]"),
            ("::1", "http://[::1]:5"),
            ("", "http://127.0.0.1:5"),
        ] {
            assert!(is_exempt(list, url), "{list} {url}");
        }
        for (list, url) in [
            ("", "https://a.example"),
            ("ample.com", "https://example.com"),
            (".example.com", "https://example.com"),
            ("example.com:8200", "https://example.com"),
            ("10.0.0.0/8", "http://11.1.2.3"),
            ("10.0.0.0/33", "http://10.0.0.1"),
            ("10.0.0.0/8", "https://a.example"),
        ] {
            assert!(!is_exempt(list, url), "{list} {url}");
        }
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        let one = Proxies::of(&Environment::of(&[("HTTP_PROXY", "p:3128"), ("ALL_PROXY", "http://q:1")]));
        assert!(one.https.is_ok_and(|proxy| proxy.is_none()));
        assert!(one.http.is_ok_and(|proxy| proxy.is_some()));
        let secret = Proxies::of(&Environment::of(&[("https_proxy", "socks5://u:pass@p:1")]));
        let cause = secret.https.err().map(|fault| fault.cause);
        assert_eq!(cause.as_deref(), Some("HTTPS_PROXY is not the address of a proxy by HTTP"));
    }
}
