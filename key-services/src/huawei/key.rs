//! The names of keys in Huawei Cloud KMS.

use crate::{
    fault::{Fault, Kind},
    region::is_region,
};

/// Where a key is, and which one: `region:uuid`.
pub(crate) struct Key<'a> {
    /// The region. It becomes part of a host name, so it has the form of a region and no other.
    pub region: &'a str,
    /// The key, as its region knows it.
    pub id: &'a str,
}

impl<'a> Key<'a> {
    /// Reads `text`, the `key_id` of an entry.
    ///
    /// # Errors
    ///
    /// If `text` has another form.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Fault> {
        let parts = text.split_once(':').map(|(region, id)| (region.trim(), id.trim()));
        let (region, id) = parts.filter(|(region, id)| is_region(region) && is_id(id)).ok_or_else(|| {
            let fault = Fault::new(Kind::BadMetadata, "the `key_id` of the entry has not the form REGION:UUID");
            fault.remedy("correct the name in .sops.yaml, and run sops updatekeys on the file")
        })?;
        Ok(Self { region, id })
    }
}

/// The most characters of the name of a key. Huawei has 36.
const MOST: usize = 64;

fn is_id(text: &str) -> bool {
    (1..=MOST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_cannot_lead_to_another_host() {
        let parts = |text| Key::parse(text).ok().map(|key| (key.region.to_owned(), key.id.to_owned()));
        let good = Some(("cn-north-4".to_owned(), "0d0466b0-e727".to_owned()));
        assert_eq!(parts("cn-north-4:0d0466b0-e727"), good);
        assert_eq!(parts(" cn-north-4 : 0d0466b0-e727 "), good);
        for bad in [
            "",
            "cn-north-4",
            "cn-north-4:",
            ":x",
            "obs.cn-north-4:x",
            "cn-north-4.evil.example/:x",
            "evil.example#cn-north-4:x",
            "me@cn-north-4:x",
            "obs:x",
            "cn-north-4:x/../y",
            "cn-north-4:x:y",
        ] {
            assert!(Key::parse(bad).is_err(), "{bad}");
        }
    }
}
