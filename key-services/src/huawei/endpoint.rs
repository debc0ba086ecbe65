//! The addresses of the services of Huawei Cloud.

use crate::{
    environment::Environment,
    fault::{Fault, Kind},
    origin::Origin,
};

/// Regions whose keys are in the European site, which has a domain of its own.
const EUROPEAN: [&str; 1] = ["eu-west-101"];
/// Regions without an identity service of their own, as far as the library of Huawei knows: they share one.
const WITHOUT_IAM: [&str; 5] = ["af-north-1", "ap-southeast-5", "cn-north-11", "cn-south-4", "cn-southwest-3"];

/// The address of the key service in `region`: that in the variable `HUAWEICLOUD_SDK_REGION_KMS_` with the name of the region behind it
/// (`CN_NORTH_4`), or else the usual one.
///
/// # Errors
///
/// If the variable has no address.
pub(crate) fn kms(region: &str, environment: &Environment) -> Result<String, Fault> {
    let variable = format!("HUAWEICLOUD_SDK_REGION_KMS_{}", region.to_ascii_uppercase().replace('-', "_"));
    match environment.get(&variable) {
        Some(named) => origin(named, &variable),
        None => Ok(format!("https://kms.{region}.{}", domain(region))),
    }
}

/// The address of the identity service for `region`: `named`, which is from a file with credentials, or else that in the variable
/// `HUAWEICLOUD_SDK_IAM_ENDPOINT`, or else the usual one.
///
/// # Errors
///
/// If one of the first two has no address.
pub(crate) fn iam(region: &str, named: Option<&str>, environment: &Environment) -> Result<String, Fault> {
    if let Some(named) = named {
        return origin(named, "iam_endpoint");
    }
    match environment.get("HUAWEICLOUD_SDK_IAM_ENDPOINT") {
        Some(named) => origin(named, "HUAWEICLOUD_SDK_IAM_ENDPOINT"),
        None if WITHOUT_IAM.contains(&region) => Ok("https://iam.myhuaweicloud.com".to_owned()),
        None => Ok(format!("https://iam.{region}.{}", domain(region))),
    }
}

fn domain(region: &str) -> &'static str {
    if EUROPEAN.contains(&region) {
        "myhuaweicloud.eu"
    } else {
        "myhuaweicloud.com"
    }
}

/// The address in `named`, which needs no scheme. It may have a password in it, so it is not shown.
fn origin(named: &str, place: &str) -> Result<String, Fault> {
    let url = if named.contains("://") {
        named.to_owned()
    } else {
        format!("https://{named}")
    };
    Origin::alone(&url).map(|origin| origin.to_string()).ok_or_else(|| {
        let fault = Fault::new(
            Kind::Other,
            format!("{place} is not the address of a server, or has more in it than that"),
        );
        fault.remedy("write it as https://host, or remove it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_its_hosts() {
        let none = Environment::of(&[]);
        let hosts = |region| [kms(region, &none), iam(region, None, &none)].map(|url| url.unwrap_or_else(|fault| fault.cause));
        assert_eq!(
            hosts("cn-north-4"),
            [
                "https://kms.cn-north-4.myhuaweicloud.com",
                "https://iam.cn-north-4.myhuaweicloud.com"
            ]
        );
        assert_eq!(
            hosts("af-north-1"),
            ["https://kms.af-north-1.myhuaweicloud.com", "https://iam.myhuaweicloud.com"]
        );
        assert_eq!(
            hosts("eu-west-101"),
            [
                "https://kms.eu-west-101.myhuaweicloud.eu",
                "https://iam.eu-west-101.myhuaweicloud.eu"
            ]
        );
    }

    #[test]
    fn variables_choose_the_endpoints() {
        let environment = Environment::of(&[
            ("HUAWEICLOUD_SDK_REGION_KMS_CN_NORTH_4", "http://127.0.0.1:1/"),
            ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "iam.example.com"),
        ]);
        assert_eq!(kms("cn-north-4", &environment).ok().as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(
            kms("cn-north-1", &environment).ok().as_deref(),
            Some("https://kms.cn-north-1.myhuaweicloud.com")
        );
        assert_eq!(
            iam("cn-north-4", None, &environment).ok().as_deref(),
            Some("https://iam.example.com")
        );
        assert_eq!(
            iam("cn-north-4", Some("https://other"), &environment).ok().as_deref(),
            Some("https://other")
        );
        let secret = Environment::of(&[("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://me:secret@a")]);
        let cause = iam("cn-north-4", None, &secret).err().map(|fault| fault.cause);
        assert_eq!(
            cause.as_deref(),
            Some("HUAWEICLOUD_SDK_IAM_ENDPOINT is not the address of a server, or has more in it than that")
        );
    }
}
