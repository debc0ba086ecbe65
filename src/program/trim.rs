//! Takes off the end of a secret what the manifest says.

use std::sync::Arc;

use crate::{manifest::Trim, system::plaintext::Plaintext, text::line_ends::without_line_ends};

/// The content without what `trim` takes off its end. A content that stays as it is stays shared.
pub(crate) fn trimmed(content: Arc<Plaintext>, trim: Trim) -> Arc<Plaintext> {
    let kept = match trim {
        Trim::Nothing => return content,
        Trim::LineEnds => without_line_ends(content.expose()),
    };
    if kept.len() == content.len() {
        return content;
    }
    // The buffer is as large as the text from the start, so secret bytes are not moved.
    let mut text = Plaintext::with_capacity(kept.len());
    text.push(kept);
    Arc::new(text)
}
