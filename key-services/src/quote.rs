//! Makes texts of services and files fit for messages.

/// The most characters of a foreign text that get into a message.
const MOST: usize = 300;

/// `text` on one line, without control characters, at most 300 characters long, and without `secrets`: a service may repeat in its answer
/// what it was sent.
pub(crate) fn quote(text: &str, secrets: &[&str]) -> String {
    let clean = secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret, "…"));
    let line = clean
        .split(|letter: char| letter.is_control() || letter.is_whitespace())
        .filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    let shown = line.chars().take(MOST).collect::<String>();
    if shown.len() < line.len() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_a_service_repeats_is_not_shown() {
        assert_eq!(quote("token hvs.abc is\n\tbad\u{7}", &["hvs.abc", ""]), "token … is bad");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(quote(&"é".repeat(400), &[]).chars().count(), 301);
    }
}
