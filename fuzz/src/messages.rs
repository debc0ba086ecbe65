//! Checks what a message must never contain.

/// A word that stands for a secret. The seeds and dictionaries contain it in place of values, and no message may show it.
pub const PLANTED: &str = "hunter2swordfish";

/// Checks that an error has one line and can be shown on a terminal.
///
/// # Panics
/// If the error has several lines or a control character.
pub fn assert_presentable(message: &impl std::fmt::Display) {
    let text = message.to_string();
    assert!(!text.is_empty(), "an empty message");
    assert!(!text.chars().any(char::is_control), "a control character in {text:?}");
}

/// Checks a message about a text that contains secrets: it can be shown, and it shows no secret of the text.
///
/// # Panics
/// If the message cannot be shown, or shows a secret.
pub fn assert_discreet(message: &impl std::fmt::Display) {
    assert_presentable(message);
    let text = message.to_string();
    assert!(!text.contains(PLANTED), "the secret is in {text:?}");
}
