//! How many values a file may have.

/// The most values of a file, comments among them. In memory each takes a hundred times the two bytes that it can have in a file, and a
/// value that sops encrypted has 90.
pub(crate) const MOST_VALUES: usize = 2_000_000;

/// How many characters of a float count as another value: `5e-324` has 326 when it is written out, as it counts for the MAC.
pub(crate) const FLOAT_UNIT: usize = 32;

/// What is said of a file with more.
pub(crate) const TOO_MANY: &str = "it has millions of values, or very many extreme floats, more than a file of secrets can need";
