//! The certificate authorities that a service is believed by.

use std::io::Read as _;

use ureq::tls::{Certificate, ClientCert, PemItem, parse_pem};

use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    trusted_file,
};

/// The variable with the file of authorities that counts if a host has no other (a name of ours).
pub(crate) const DEFAULT: &str = "SOPS_CERT_FILE";

/// The certificate authorities from one file, and what this host shows of itself.
pub(crate) struct Trust {
    /// The certificates.
    pub roots: Vec<Certificate<'static>>,
    /// The certificate of this host, if servers get to see one.
    pub identity: Option<ClientCert>,
}

impl Trust {
    /// The authorities in the file that the first of `variables` with a value names. There is no default: an unset variable on a host
    /// without a central list would mean that nobody is trusted, and the message says so. [`DEFAULT`] is what the configuration sets.
    ///
    /// # Errors
    ///
    /// If no variable has a value, or the file cannot be read or has no certificate.
    pub(crate) fn named_by(variables: &[&str], environment: &Environment) -> Result<Self, Fault> {
        let remedy = format!(
            "set {} to a file with the certificates of authorities, as PEM",
            shown(variables, " or ")
        );
        let Some((variable, path)) = variables.iter().find_map(|name| Some((name, environment.get(name)?))) else {
            let names = shown(variables, " and ");
            let verb = if names.contains(' ') { "are" } else { "is" };
            let cause = format!("no certificate authority is known: {names} {verb} not set");
            return Err(Fault::new(Kind::Unreachable, cause).remedy(remedy));
        };
        let fault =
            |why: &str| Fault::new(Kind::Unreachable, format!("{path}, which {variable} names: {why}")).remedy(remedy.clone());
        let mut text = Vec::new();
        let read = trusted_file::open(path).and_then(|mut file| Ok(file.read_to_end(&mut text)?));
        read.map_err(|why| fault(&why.to_string()))?;
        let roots = certificates(&text);
        if roots.is_empty() {
            return Err(fault("has no certificate in it"));
        }
        Ok(Self { roots, identity: None })
    }

    /// The same authorities; servers get to see `identity`.
    pub(crate) fn with(self, identity: Option<ClientCert>) -> Self {
        Self { identity, ..self }
    }
}

/// The names that people set.
fn shown(variables: &[&str], word: &str) -> String {
    let names = variables.iter().copied().filter(|name| *name != DEFAULT);
    names.collect::<Vec<_>>().join(word)
}

/// The certificates in a text.
pub(crate) fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(pem).filter_map(Result::ok);
    let found = items.filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    found.collect()
}
