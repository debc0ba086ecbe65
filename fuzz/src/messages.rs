//! What no message may be.

/// A word that stands for a secret. The seeds and dictionaries have it in the places of values, and no message may show it.
pub const PLANTED: &str = "hunter2swordfish";

/// An error of one line, that a terminal can show.
///
/// # Panics
/// When it is not.
pub fn assert_presentable(message: &impl std::fmt::Display) {
    let text = message.to_string();
    assert!(!text.is_empty(), "an empty message");
    assert!(!text.chars().any(char::is_control), "a control character in {text:?}");
}

/// A message about a text in which secrets stand: presentable, and nothing of the text in it.
///
/// # Panics
/// When it is not.
pub fn assert_discreet(message: &impl std::fmt::Display) {
    assert_presentable(message);
    let text = message.to_string();
    assert!(!text.contains(PLANTED), "the secret is in {text:?}");
}
