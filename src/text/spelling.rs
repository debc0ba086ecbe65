//! Which name somebody meant who wrote one that does not exist.

use std::borrow::Cow;

/// Longer names are compared with none: to compare two takes as long as the product of their lengths, and nobody mistypes so long a one.
const LONGEST: usize = 64;
/// How much alike two names are that are taken for one, of 1.
const ALIKE: f64 = 0.8;

/// The one of `names` that is spelled most like `wanted`, if one is near enough to be what was meant.
pub fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n [u8]>) -> Option<&'n [u8]> {
    if wanted.len() > LONGEST {
        return None;
    }
    let likeness = |name: &[u8]| {
        let text: Cow<'_, str> = String::from_utf8_lossy(name);
        strsim::jaro_winkler(&text, wanted)
    };
    names
        .filter(|name| name.len() <= LONGEST)
        .map(|name| (likeness(name), name))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_meant_is_the_most_alike_and_none_that_is_endless() {
        let long = "password".repeat(9);
        let names = ["user", "passwrd", "pastime", &long];
        let meant = |wanted: &str| nearest(wanted, names.iter().map(|name| name.as_bytes()));
        assert_eq!(meant("passwords"), Some(b"passwrd".as_slice()));
        assert_eq!(meant("token"), None);
        assert_eq!(meant(&long), None);
    }
}
