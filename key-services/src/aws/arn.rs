//! The names of keys in AWS KMS.

use crate::{
    fault::{Fault, Kind},
    region::is_region,
};

/// The partitions of AWS, and the domain of the services of each: as usual, and of the endpoints for IPv4 and IPv6 together.
const PARTITIONS: [(&str, &str, &str); 8] = [
    ("aws", "amazonaws.com", "api.aws"),
    ("aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("aws-us-gov", "amazonaws.com", "api.aws"),
    ("aws-iso", "c2s.ic.gov", "api.aws.ic.gov"),
    ("aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"),
    ("aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"),
];

/// Where a key is, by its ARN: `arn:PARTITION:kms:REGION:ACCOUNT:key/…`.
pub(crate) struct Arn {
    /// The partition, which is a realm of AWS with credentials of its own.
    pub partition: &'static str,
    /// The region. It becomes part of a host name, so it has the form of a region and no other.
    pub region: String,
    /// The domain of the services of the partition.
    pub domain: &'static str,
    /// The domain of those that have addresses of both kinds.
    pub dual_stack_domain: &'static str,
}

impl Arn {
    /// Reads `text`, the `arn` of an entry.
    ///
    /// # Errors
    ///
    /// If `text` is no ARN of a key of AWS KMS, or of a partition that is not known.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let fault = |why: &str| Fault::new(Kind::BadMetadata, format!("the `arn` of the entry {why}"));
        let parts = text.splitn(6, ':').collect::<Vec<_>>();
        let ["arn", partition, "kms", region, account, key] = parts.as_slice() else {
            return Err(fault("has not the form arn:aws:kms:REGION:ACCOUNT:key/ID"));
        };
        if !is_region(region) {
            return Err(fault("has no region of AWS in its fourth place"));
        }
        let is_key = key.starts_with("key/") || key.starts_with("alias/");
        if account.is_empty() || !account.bytes().all(|byte| byte.is_ascii_digit()) || !is_key {
            return Err(fault("has not the form arn:aws:kms:REGION:ACCOUNT:key/ID"));
        }
        let known = PARTITIONS.iter().find(|(name, ..)| name == partition);
        let (partition, domain, dual_stack_domain) =
            known.ok_or_else(|| fault("names a partition of AWS that this program does not know"))?;
        Ok(Self {
            partition,
            region: (*region).to_owned(),
            domain,
            dual_stack_domain,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_cannot_lead_to_another_host() {
        for region in [
            "",
            "eu.evil.example/",
            "eu@evil",
            "EU",
            "eu west",
            "eu-west-1#",
            "s3",
            "s3-website-eu-west-1",
            "eu-1",
            "eu--1",
        ] {
            assert!(
                Arn::parse(&format!("arn:aws:kms:{region}:111122223333:key/x")).is_err(),
                "{region}"
            );
        }
    }

    #[test]
    fn partitions_have_domains() {
        let arn = Arn::parse("arn:aws-cn:kms:cn-north-1:111122223333:alias/a:b").ok();
        assert_eq!(
            arn.map(|arn| (arn.region, arn.domain)),
            Some(("cn-north-1".to_owned(), "amazonaws.com.cn"))
        );
        assert!(Arn::parse("arn:aws-moon:kms:eu-west-1:111122223333:key/x").is_err());
        assert!(Arn::parse("arn:aws:iam::111122223333:role/x").is_err());
        assert!(Arn::parse("arn:aws:kms:eu-west-1:x:key/x").is_err());
    }
}
