//! The line ends at the end of a text.

/// The text without all line ends at its end: `\n` and `\r\n`.
pub(crate) fn without_line_ends(mut text: &[u8]) -> &[u8] {
    while let Some(before) = text.strip_suffix(b"\r\n").or_else(|| text.strip_suffix(b"\n")) {
        text = before;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The shell takes the same off the output of a command, but for the carriage returns.
        #[test]
        fn all_line_ends_at_the_end_go_and_nothing_else(text in "[a\r\n]{0,8}") {
            let left = without_line_ends(text.as_bytes());
            let (kept, gone) = text.split_at(left.len());
            prop_assert_eq!(kept.as_bytes(), left);
            prop_assert!(!kept.ends_with('\n'));
            prop_assert!(gone.replace("\r\n", "\n").chars().all(|character| character == '\n'));
        }
    }
}
