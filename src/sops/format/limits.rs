//! The limits on the number of values in a sops file.

/// Limit: a file may have at most this many values, comments included. A limit on the size of the file is not enough, because a
/// value of two bytes takes a hundred times as much memory. No real file reaches this limit: an encrypted value has at least 90
/// bytes, so two million encrypted values would have 180 MB.
pub(crate) const MOST_VALUES: usize = 2_000_000;

/// How many characters in the canonical text of a float count as one more value. The MAC needs this text, which can be long:
/// `5e-324` has 326 characters in canonical form.
pub(crate) const FLOAT_UNIT: usize = 32;

/// The error message for a file with more values than the limit.
pub(crate) const TOO_MANY: &str =
    "it has millions of values (a very long float counts as several), more than a file of secrets can need";
