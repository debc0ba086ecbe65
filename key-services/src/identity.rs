//! What this host shows of itself when it connects by TLS: a certificate of its own.

use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use ureq::tls::{ClientCert, PrivateKey};
use zeroize::Zeroizing;

use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    trust,
    trusted_file::{self, Writer},
};

/// The certificate in the file that the variable `certificate` names, with the private key in the one that `key` names. `None` if neither is set.
///
/// # Errors
///
/// If one of the two is missing, cannot be read, or does not fit the other.
pub(crate) fn named_by(certificate: &str, key: &str, environment: &Environment) -> Result<Option<ClientCert>, Fault> {
    let (certificate_file, key_file) = match (environment.get(certificate), environment.get(key)) {
        (None, None) => return Ok(None),
        (Some(certificate_file), Some(key_file)) => (certificate_file, key_file),
        (Some(_), None) => return Err(half(certificate, key)),
        (None, Some(_)) => return Err(half(key, certificate)),
    };
    let chain = trust::certificates(read(certificate_file, certificate)?.as_bytes());
    if chain.is_empty() {
        return Err(unusable(certificate_file, certificate, "has no certificate in it"));
    }
    let text = read(key_file, key)?;
    let private = PrivateKey::from_pem(text.as_bytes());
    let private = private.map_err(|_| unusable(key_file, key, "has no private key in it that is not encrypted"))?;
    // What connects takes it for granted that the two fit.
    let ders = chain
        .iter()
        .map(|certificate| CertificateDer::from(certificate.der().to_vec()));
    if !fits(ders.collect(), text.as_bytes()) {
        let why = format!("is not the key of the certificate in {certificate_file}, or of an unusual kind");
        let fault = unusable(key_file, key, &why);
        return Err(fault.remedy("name the key of that certificate: of P-256, P-384, Ed25519, or RSA with 2048 bits or more"));
    }
    Ok(Some(ClientCert::new_with_certs(&chain, private)))
}

/// Whether the key belongs to the first certificate, and is of a kind that signs.
fn fits(chain: Vec<CertificateDer<'static>>, key: &[u8]) -> bool {
    let provider = rustls::crypto::ring::default_provider();
    let key = PrivateKeyDer::from_pem_slice(key);
    key.is_ok_and(|key| CertifiedKey::from_der(chain, key, &provider).is_ok())
}

fn read(path: &str, variable: &str) -> Result<Zeroizing<String>, Fault> {
    trusted_file::read(path, Writer::Owner).map_err(|why| why.fault(path, &format!("correct {variable}")))
}

fn half(set: &str, missing: &str) -> Fault {
    let fault = Fault::new(Kind::NoCredentials, format!("{set} is set, but {missing} is not"));
    fault.remedy(format!("set {missing}, too"))
}

fn unusable(path: &str, variable: &str, why: &str) -> Fault {
    let fault = Fault::new(Kind::BadCredentials, format!("{path}, which {variable} names, {why}"));
    fault.remedy("write it as PEM, without a password")
}
