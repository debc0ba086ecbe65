//! Certificates of an application, and what is signed with them: a claim to be that application.

use std::{
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom as _, SystemRandom},
    rsa::KeyPair,
    signature::{KeyPair as _, RSA_PSS_SHA256},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::json;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    fault::{Fault, Kind},
    trusted_file::{self, Unusable, Writer},
};

/// How long a claim holds.
const LIFE: Duration = Duration::from_mins(10);

/// A certificate with its private key.
pub(crate) struct Certificate {
    key: KeyPair,
    /// The certificate, and then those above it.
    chain: Vec<CertificateDer<'static>>,
}

/// What a claim says.
pub(crate) struct Claim<'a> {
    /// The application.
    pub client: &'a str,
    /// Who is to believe it: the address that it is sent to.
    pub audience: &'a str,
    /// Whether the certificates go along, so that the application need only know who has issued them.
    pub has_chain: bool,
}

impl Certificate {
    /// Reads the certificates and the RSA key in the PEM file at `path`.
    ///
    /// # Errors
    ///
    /// If there are none, or the key is encrypted or belongs to none of the certificates.
    pub(crate) fn read(path: &str) -> Result<Self, Fault> {
        let if_missing = "correct AZURE_CLIENT_CERTIFICATE_PATH, or sops.keyServices.azure.certificateFile";
        let pem = trusted_file::read(path, Writer::Owner).map_err(|why| match &why {
            Unusable::Unreadable(error) if error.kind() == io::ErrorKind::InvalidData => no_pem(path),
            _ => why.fault(path, if_missing),
        })?;
        Self::parse(pem.as_bytes()).map_err(|why| match why {
            "" => no_pem(path),
            why => Fault::new(Kind::NoCredentials, format!("{path}: {why}"))
                .remedy("put the certificate and its RSA key of at least 2048 bits there, as PEM and without a password"),
        })
    }

    /// `Err("")`: there is no PEM.
    fn parse(pem: &[u8]) -> Result<Self, &'static str> {
        let has = |words: &[u8]| pem.windows(words.len()).any(|window| window == words);
        if !has(b"-----BEGIN ") {
            return Err("");
        }
        let none = if has(b"ENCRYPTED") {
            "the private key has a password"
        } else {
            "has no private key"
        };
        let mut der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| none)?;
        let key = match &der {
            PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
            _ => return Err("the private key is not of RSA"),
        };
        der.zeroize();
        let key = key.map_err(|_| "the private key is not of RSA, or has an unusual size")?;
        let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let mut chain = chain.map_err(|_| "has a damaged certificate")?;
        // A certificate has the public key in it, byte for byte.
        let public = key.public_key().as_ref();
        let is_own = |certificate: &CertificateDer<'_>| certificate.windows(public.len()).any(|window| window == public);
        let own = chain.iter().position(is_own).ok_or("has no certificate of its private key")?;
        chain.swap(0, own);
        Ok(Self { key, chain })
    }

    /// The signed `claim`, as of `now`. It identifies this host until it has expired.
    ///
    /// # Errors
    ///
    /// If the system gives no random numbers.
    pub(crate) fn sign(&self, claim: &Claim<'_>, now: SystemTime) -> Result<Zeroizing<String>, Fault> {
        let fault = |_| Fault::new(Kind::Other, "the system gives no random numbers");
        let random = SystemRandom::new();
        let mut number = [0; 16];
        random.fill(&mut number).map_err(fault)?;
        let body = format!(
            "{}.{}",
            encode(&self.head(claim).to_string()),
            encode(&claims(claim, now, &number).to_string())
        );
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &random, body.as_bytes(), &mut signature)
            .map_err(fault)?;
        Ok(Zeroizing::new(format!("{body}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }

    fn head(&self, claim: &Claim<'_>) -> serde_json::Value {
        let own = self.chain.first().map_or(&[][..], |own| own);
        let print = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, own));
        let mut head = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": print });
        if let (true, Some(head)) = (claim.has_chain, head.as_object_mut()) {
            let chain = self.chain.iter().map(|certificate| BASE64_STANDARD.encode(certificate));
            head.insert("x5c".to_owned(), chain.collect());
        }
        head
    }
}

fn claims(claim: &Claim<'_>, now: SystemTime, number: &[u8]) -> serde_json::Value {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    json!({
        "aud": claim.audience,
        "exp": seconds(now + LIFE),
        "iss": claim.client,
        "jti": BASE64_URL_SAFE_NO_PAD.encode(number),
        "nbf": seconds(now),
        "sub": claim.client,
    })
}

fn encode(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn no_pem(path: &str) -> Fault {
    let cause = format!("{path} is no PEM file, and this program does not read PFX (PKCS#12)");
    Fault::new(Kind::NotSpoken, cause).remedy(format!("make one of it: openssl pkcs12 -in {path} -nodes -out FILE.pem"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_told_apart() {
        let why = |pem: &str| Certificate::parse(pem.as_bytes()).err();
        assert_eq!(why("\u{30}\u{82}"), Some(""));
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(why(encrypted), Some("the private key has a password"));
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(why(certificate), Some("has no private key"));
        let damaged = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(why(damaged), Some("the private key is not of RSA, or has an unusual size"));
        let elliptic = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
        assert_eq!(why(elliptic), Some("the private key is not of RSA"));
    }
}
