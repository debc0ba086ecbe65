//! Suggests an existing name for a name that does not exist and was probably mistyped.

/// A name that has more bytes than this is not compared with others. The time to compare two names grows with the product of their
/// lengths, and nobody types longer names by hand.
const LONGEST: usize = 64;
/// The likeness, from 0 to 1, above which a name counts as a mistyped form of another name.
const ALIKE: f64 = 0.8;
/// The likeness of two names that differ only in the order of two letters.
const SWAPPED: f64 = 0.95;

/// The name among `names` that is spelled most like `wanted`. Returns `None` if no name is similar enough.
pub(crate) fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n [u8]>) -> Option<&'n [u8]> {
    if wanted.len() > LONGEST {
        return None;
    }
    let wanted = wanted.to_lowercase();
    names
        .filter(|name| name.len() <= LONGEST)
        .map(|name| (likeness(&String::from_utf8_lossy(name).to_lowercase(), &wanted), name))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

/// The likeness of two names, from 0 to 1. Names that differ only in two swapped letters have the likeness [`SWAPPED`], because
/// the general measure finds short names of this kind too different.
fn likeness(one: &str, other: &str) -> f64 {
    match strsim::osa_distance(one, other) {
        0 => 1.0,
        1 if one.len() == other.len() && is_of_same_letters(one, other) => SWAPPED,
        _ => strsim::jaro_winkler(one, other),
    }
}

fn is_of_same_letters(one: &str, other: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(one) == sorted(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_may_stand_in_the_wrong_order() {
        let meant = |wanted: &str| nearest(wanted, [b"db".as_slice()].into_iter());
        assert_eq!(meant("bd"), Some(b"db".as_slice()));
        assert_eq!(meant("dx"), None);
    }

    #[test]
    fn the_name_meant_is_the_most_alike_and_none_that_is_endless() {
        let long = "password".repeat(9);
        let names = ["user", "passwrd", "pastime", &long];
        let meant = |wanted: &str| nearest(wanted, names.iter().map(|name| name.as_bytes()));
        assert_eq!(meant("passwords"), Some(b"passwrd".as_slice()));
        assert_eq!(meant("token"), None);
        assert_eq!(meant("USER"), Some(b"user".as_slice()));
        assert_eq!(meant("suer"), Some(b"user".as_slice()));
        assert_eq!(meant(&long), None);
    }
}
