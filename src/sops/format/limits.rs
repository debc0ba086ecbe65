//! How many values a file may have.

/// The most values of a file, comments included. A value of two bytes in the file takes a hundred times as much in memory, so a
/// limit on the size of the file is not enough. An encrypted value has at least 90 bytes, so an encrypted file with as many
/// values would have 180 MB.
pub(crate) const MOST_VALUES: usize = 2_000_000;

/// How many characters of the canonical text of a float count as one more value. `5e-324` has 326 characters in this form, which
/// the MAC needs.
pub(crate) const FLOAT_UNIT: usize = 32;

/// The message for a file with more values.
pub(crate) const TOO_MANY: &str =
    "it has millions of values (a very long float counts as several), more than a file of secrets can need";
