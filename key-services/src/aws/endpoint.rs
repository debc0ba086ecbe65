//! The addresses of the services of AWS.

use super::arn::Arn;
use crate::environment::Environment;

/// The address of `service` (`kms`, `sts`) for keys at `arn`, without a slash at its end.
///
/// The first of these: the variable `AWS_ENDPOINT_URL_KMS` or `_STS`, the variable `AWS_ENDPOINT_URL`, the usual one. The first two do not count if
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is true.
pub(crate) fn address(service: &str, arn: &Arn, environment: &Environment) -> String {
    let own = format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase());
    let named = environment.get(&own).or_else(|| environment.get("AWS_ENDPOINT_URL"));
    match named.filter(|_| !environment.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
        Some(address) => address.trim_end_matches('/').to_owned(),
        None => usual(service, arn, environment),
    }
}

fn usual(service: &str, arn: &Arn, environment: &Environment) -> String {
    let fips = if environment.is_true("AWS_USE_FIPS_ENDPOINT") {
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
        address("kms", &arn, &Environment::of(variables))
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
    }
}
