//! The address of Google Cloud KMS.

use super::token::{Token, UNIVERSE};
use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    origin::Origin,
    quote::quote,
};

/// The address at which keys are asked for with `token`, with nothing behind the port: that in `SOPS_GCP_KMS_ENDPOINT`, which needs no scheme, or else that
/// of the cloud whose domain is in `SOPS_GCP_KMS_UNIVERSE_DOMAIN` or `GOOGLE_CLOUD_UNIVERSE_DOMAIN`, or else Google's own.
///
/// # Errors
///
/// If a variable has no address, or the token is for another cloud.
pub(crate) fn address(token: &Token, environment: &Environment) -> Result<String, Fault> {
    if let Some(named) = environment.get("SOPS_GCP_KMS_ENDPOINT") {
        let url = if named.contains("://") {
            named.to_owned()
        } else {
            format!("https://{named}")
        };
        return origin(&url, "SOPS_GCP_KMS_ENDPOINT", "https://host");
    }
    let variables = ["SOPS_GCP_KMS_UNIVERSE_DOMAIN", "GOOGLE_CLOUD_UNIVERSE_DOMAIN"];
    let found = variables.into_iter().find_map(|name| Some((name, environment.get(name)?)));
    let (variable, named) = found.unwrap_or((variables[0], UNIVERSE));
    if let Some(own) = token.universe.as_deref().filter(|own| *own != named) {
        let own = quote(own, &[]);
        let cause = format!("the credentials are for the cloud {own}, and {} is asked", quote(named, &[]));
        let fault = Fault::new(Kind::BadCredentials, cause).asked_by(&*token.identity);
        return Err(fault.remedy(format!(
            "set SOPS_GCP_KMS_UNIVERSE_DOMAIN to {own}, or give the host other credentials"
        )));
    }
    origin(&format!("https://cloudkms.{named}"), variable, "example.com")
}

/// What `variable` says may be a password, so it is not shown.
fn origin(url: &str, variable: &str, form: &str) -> Result<String, Fault> {
    let fault = || {
        let fault = Fault::new(
            Kind::Other,
            format!("{variable} is not the address of a server, or has more in it than that"),
        );
        fault.remedy(format!("write it as {form}, or remove it"))
    };
    Origin::alone(url).map(|origin| origin.to_string()).ok_or_else(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn asked(universe: Option<&str>, variables: &[(&str, &str)]) -> Result<String, String> {
        let mut token = Token::new(Secret::from("t"), "me");
        token.universe = universe.map(ToOwned::to_owned);
        address(&token, &Environment::of(variables)).map_err(|fault| fault.cause)
    }

    #[test]
    fn variables_choose_the_endpoint() {
        let google = Ok("https://cloudkms.googleapis.com".to_owned());
        assert_eq!(asked(None, &[]), google);
        assert_eq!(asked(Some("googleapis.com"), &[]), google);
        let general = ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "s3nsapis.fr");
        assert_eq!(
            asked(Some("s3nsapis.fr"), &[general]),
            Ok("https://cloudkms.s3nsapis.fr".to_owned())
        );
        let other = ("SOPS_GCP_KMS_UNIVERSE_DOMAIN", "s3nsapis.fr");
        assert_eq!(asked(None, &[other]), Ok("https://cloudkms.s3nsapis.fr".to_owned()));
        let named = ("SOPS_GCP_KMS_ENDPOINT", "cloudkms.example.com:443");
        assert_eq!(asked(None, &[other, named]), Ok("https://cloudkms.example.com".to_owned()));
        let local = ("SOPS_GCP_KMS_ENDPOINT", "http://127.0.0.1:9/");
        assert_eq!(asked(Some("s3nsapis.fr"), &[local]), Ok("http://127.0.0.1:9".to_owned()));
    }

    #[test]
    fn credentials_of_another_cloud_are_not_sent() {
        let cause = "the credentials are for the cloud s3nsapis.fr, and googleapis.com is asked";
        assert_eq!(asked(Some("s3nsapis.fr"), &[]), Err(cause.to_owned()));
        let cause = "the credentials are for the cloud googleapis.com, and s3nsapis.fr is asked";
        let other = ("SOPS_GCP_KMS_UNIVERSE_DOMAIN", "s3nsapis.fr");
        assert_eq!(asked(Some("googleapis.com"), &[other]), Err(cause.to_owned()));
        for (name, value) in [
            ("SOPS_GCP_KMS_ENDPOINT", "https://me:secret@a"),
            ("SOPS_GCP_KMS_UNIVERSE_DOMAIN", "a/secret"),
        ] {
            let cause = format!("{name} is not the address of a server, or has more in it than that");
            assert_eq!(asked(None, &[(name, value)]), Err(cause));
        }
    }
}
