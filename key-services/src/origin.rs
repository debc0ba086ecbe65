//! The part of an address that says who is spoken to: scheme, host and port.

use std::{fmt, net::IpAddr};

use ureq::http::Uri;

/// Scheme, host and port of an address. Two addresses with the same origin lead to the same server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of the address `url`, unless `url` is no address of HTTP, or has a user name, which could pass for a host.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        // What follows the host and is no number would count as no port at all.
        let port = authority
            .port_u16()
            .or_else(|| (authority.as_str().len() == authority.host().len()).then_some(usual))?;
        (!host.is_empty()).then_some(Self { scheme, host, port })
    }

    /// The origin of `url`, unless `url` says more than an origin: a path, or a question.
    pub(crate) fn alone(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let is_alone = matches!(uri.path(), "" | "/") && uri.query().is_none() && !url.contains('#');
        Self::of(url).filter(|_| is_alone)
    }

    /// The host, in lower case.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether the server is on this host, by its name alone.
    pub(crate) fn is_here(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether the conversation is encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The value of the header `Host`.
    pub(crate) fn authority(&self) -> String {
        match (self.scheme.as_str(), self.port) {
            ("https", 443) | ("http", 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.scheme, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        Origin::of(url).map_or("none".to_owned(), |origin| origin.to_string())
    }

    #[test]
    fn the_same_server_has_one_origin() {
        for url in [
            "https://Vault.example.com/",
            "https://vault.example.com:443",
            "HTTPS://vault.example.com./v1/x?y",
        ] {
            assert_eq!(shown(url), "https://vault.example.com", "{url}");
        }
        assert_eq!(shown("http://[::1]:8200/x"), "http://[::1]:8200");
    }

    #[test]
    fn an_origin_with_more_behind_is_not_alone() {
        assert!(Origin::alone("https://a.example:8200/").is_some());
        for more in ["/v1", "?", "/?x", "#", "//"] {
            assert!(Origin::alone(&format!("https://a.example:8200{more}")).is_none(), "{more}");
        }
    }

    #[test]
    fn what_could_pass_for_another_host_has_no_origin() {
        for url in [
            "",
            "vault.example.com",
            "https://vault.example.com@evil.example",
            "https://vault.example.com:x",
            "https://vault.example.com:",
            "ftp://vault.example.com",
            "https:///x",
            "https://a b/",
        ] {
            assert_eq!(shown(url), "none", "{url}");
        }
    }
}
