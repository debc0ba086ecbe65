//! Instants as sops reads and writes them: RFC 3339 the way Go's `time` package understands it.

/// The canonical form of a decrypted or unencrypted time: RFC 3339 with its fraction (up to nanoseconds, trailing zeros removed)
/// and its offset, `Z` where that is zero. Go's `time.Time.UnmarshalText` followed by `MarshalText`. `None` if it is not one.
#[must_use]
pub fn canonical(text: &str) -> Option<String> {
    let _ = text;
    None
}

/// The form that authenticates a document's MAC: seconds precision. Go's `time.Parse(time.RFC3339, …)` (one-digit hours, `,`
/// before the fraction allowed) followed by `Format(time.RFC3339)`. `None` if it is not one.
#[must_use]
pub fn to_seconds(text: &str) -> Option<String> {
    let _ = text;
    None
}
