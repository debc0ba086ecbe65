//! Recognizes private keys in texts from outside, so that no message shows them.

/// The beginnings of age identities and of those that a plugin uses, and the words in the first line of other private keys.
const MARKS: [&str; 3] = ["AGE-SECRET-KEY-", "AGE-PLUGIN-", "PRIVATE KEY"];

/// Whether there is a private key in the text.
pub(crate) fn has_identity(text: &str) -> bool {
    MARKS.iter().any(|mark| text.contains(mark))
}

/// The text, or if there is a private key in it, words that say so.
pub(crate) fn without_identity(text: &str) -> &str {
    if has_identity(text) { "(a private key)" } else { text }
}
