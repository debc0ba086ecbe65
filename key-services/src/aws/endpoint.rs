//! The addresses of the services of AWS.

use super::arn::Arn;
use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    origin::Origin,
};

/// The address of `service` (`kms`, `sts`) for keys at `arn`, without a slash at its end.
///
/// The first of these: the variable `AWS_ENDPOINT_URL_KMS` or `_STS`, the variable `AWS_ENDPOINT_URL`, the usual one. The first two do not count if
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is true.
///
/// # Errors
///
/// If a variable has no address. What it has is not shown: it may be a password.
pub(crate) fn address(service: &str, arn: &Arn, environment: &Environment) -> Result<String, Fault> {
    match named(service, environment) {
        Some((_, address)) if Origin::of(address).is_some() => Ok(address.trim_end_matches('/').to_owned()),
        Some((name, _)) => {
            let fault = Fault::new(Kind::Other, format!("{name} is no address of HTTP, or has a user in it"));
            Err(fault.remedy("write it as https://host, or remove it"))
        }
        None => Ok(usual(service, arn, environment)),
    }
}

/// Whether a variable names the address of `service`, so that the ARN of a key does not choose it.
pub(crate) fn is_named(service: &str, environment: &Environment) -> bool {
    named(service, environment).is_some()
}

/// The variable that names the address of `service`, and what it has.
fn named<'a>(service: &str, environment: &'a Environment) -> Option<(String, &'a str)> {
    let own = format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase());
    let mut variables = [own, "AWS_ENDPOINT_URL".to_owned()].into_iter();
    let set = variables.find_map(|name| environment.get(&name).map(|address| (name, address)));
    set.filter(|_| !environment.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
}

fn usual(service: &str, arn: &Arn, environment: &Environment) -> String {
    // The token service of GovCloud is one by its usual name.
    let has_own_name = !(service == "sts" && arn.region.starts_with("us-gov-"));
    let fips = if environment.is_true("AWS_USE_FIPS_ENDPOINT") && has_own_name {
        "-fips"
    } else {
        ""
    };
    let dual_stack = environment.is_true("AWS_USE_DUALSTACK_ENDPOINT");
    let domain = if dual_stack { arn.dual_stack_domain } else { arn.domain };
    format!("https://{service}{fips}.{}.{domain}", arn.region)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kms(variables: &[(&str, &str)]) -> String {
        let arn = Arn::parse("arn:aws:kms:eu-west-1:111122223333:key/x").expect("an ARN");
        address("kms", &arn, &Environment::of(variables)).unwrap_or_else(|fault| fault.cause)
    }

    #[test]
    fn variables_choose_the_endpoint() {
        assert_eq!(kms(&[]), "https://kms.eu-west-1.amazonaws.com");
        assert_eq!(
            kms(&[("AWS_USE_FIPS_ENDPOINT", "true")]),
            "https://kms-fips.eu-west-1.amazonaws.com"
        );
        assert_eq!(
            kms(&[("AWS_USE_DUALSTACK_ENDPOINT", "TRUE")]),
            "https://kms.eu-west-1.api.aws"
        );
        let both = [("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_KMS", "http://b/")];
        assert_eq!(kms(&both), "http://b");
        assert_eq!(kms(&both[..1]), "http://a");
        assert_eq!(
            kms(&[both[0], ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]),
            "https://kms.eu-west-1.amazonaws.com"
        );
        let secret = [("AWS_ENDPOINT_URL", "https://me:secret@a")];
        assert_eq!(kms(&secret), "AWS_ENDPOINT_URL is no address of HTTP, or has a user in it");
    }

    #[test]
    fn govcloud_has_its_own_names() {
        let arn = Arn::parse("arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/x").expect("an ARN");
        let fips = Environment::of(&[("AWS_USE_FIPS_ENDPOINT", "true")]);
        let of = |service| address(service, &arn, &fips).unwrap_or_default();
        assert_eq!(of("kms"), "https://kms-fips.us-gov-west-1.amazonaws.com");
        assert_eq!(of("sts"), "https://sts.us-gov-west-1.amazonaws.com");
    }
}
