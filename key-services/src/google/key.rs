//! The names of keys in Google Cloud KMS.

use crate::fault::{Fault, Kind};

/// The parts of a name, each followed by a name that its owner has chosen.
const PARTS: [&str; 4] = ["projects", "locations", "keyRings", "cryptoKeys"];

/// The name of a key, as the path of a call has it: `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
///
/// `text` is the `resource_id` of an entry. A version of the key behind it is left out: the service finds the one that fits.
///
/// # Errors
///
/// If `text` has another form, or a character that would have a meaning in an address.
pub(crate) fn path(text: &str) -> Result<&str, Fault> {
    let key = text.split_once("/cryptoKeyVersions/").map_or(text, |(key, _)| key);
    let version = text
        .get(key.len()..)
        .and_then(|rest| rest.strip_prefix("/cryptoKeyVersions/"));
    let segments = key.split('/').collect::<Vec<_>>();
    let (pairs, rest) = segments.as_chunks::<2>();
    let is_key = pairs.len() == PARTS.len()
        && rest.is_empty()
        && pairs
            .iter()
            .zip(PARTS)
            .all(|([part, name], expected)| *part == expected && is_name(part, name))
        && version.is_none_or(|version| is_name("cryptoKeyVersions", version));
    is_key.then_some(key).ok_or_else(|| {
        let form = "projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY";
        let fault = Fault::new(
            Kind::BadMetadata,
            format!("the `resource_id` of the entry has not the form {form}"),
        );
        fault.remedy("correct the name in .sops.yaml, and run sops updatekeys on the file")
    })
}

/// The most characters of a name. Google takes 63 for most.
const MOST: usize = 128;

/// Whether `text` can be the name of such a part. Those of projects may have a domain in front: `example.com:project`.
fn is_name(part: &str, text: &str) -> bool {
    let further: &[u8] = if part == "projects" { b".:" } else { b"" };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || further.contains(&byte);
    (1..=MOST).contains(&text.len()) && !text.starts_with(['.', ':']) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_to_another_call() {
        let good = "projects/p-1/locations/europe-west1/keyRings/r_1/cryptoKeys/K";
        assert_eq!(path(good).ok(), Some(good));
        assert_eq!(path(&format!("{good}/cryptoKeyVersions/3")).ok(), Some(good));
        let odd = "projects/p/locations/global/keyRings/_r/cryptoKeys/-k";
        assert_eq!(path(odd).ok(), Some(odd));
        let domain = "projects/example.com:p/locations/global/keyRings/r/cryptoKeys/k";
        assert_eq!(path(domain).ok(), Some(domain));
        for bad in [
            "",
            "projects/p",
            "/projects/p/locations/l/keyRings/r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/",
            "projects/p/locations/l/keyRings/r/cryptoKeys/",
            "projects/../locations/l/keyRings/r/cryptoKeys/k",
            "projects/./locations/l/keyRings/r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k:encrypt",
            "projects/p/locations/l/keyRings/../cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k?x",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k#x",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k%2F..",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k\n",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1:destroy?",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1/cryptoKeyVersions/2",
            "organizations/p/locations/l/keyRings/r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/x",
        ] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }
}
