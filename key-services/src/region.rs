//! The names of the regions of clouds, which become parts of host names.

/// The most characters of the name of a region.
const MOST: usize = 63;

/// Whether `text` has the form of a region of AWS or Huawei: `us-gov-west-1`. Other names could lead to what anybody may rent from the cloud, as
/// `s3` in the place of a region would.
pub(crate) fn is_region(text: &str) -> bool {
    let mut parts = text.split('-').rev();
    let is_short = text.len() <= MOST;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    is_short && parts.next().is_some_and(is_number) && parts.clone().count() > 1 && parts.all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_all_clouds_are_regions() {
        for region in [
            "eu-west-1",
            "us-gov-west-1",
            "cn-northwest-1",
            "us-isob-east-1",
            "eusc-de-east-1",
            "ap-southeast-12",
            "eu-west-101",
            "my-kualalumpur-1",
            "ae-ad-1",
        ] {
            assert!(is_region(region), "{region}");
        }
    }
}
