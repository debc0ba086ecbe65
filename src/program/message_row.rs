//! A row of the list of messages in the documents.

/// A row of the list. The texts are in the form of Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'t> {
    /// The name to which links lead: `messages.md#NAME`.
    pub anchor: &'t str,
    /// The beginnings of the messages, each in backquotes, and where they stand if that is not plain.
    pub messages: &'t str,
    /// What they mean.
    pub meaning: &'t str,
    /// What to do about them.
    pub remedy: &'t str,
}

impl<'t> Row<'t> {
    /// Reads a line of the page. `None` if it is no row of the list.
    #[must_use]
    pub fn read(line: &'t str) -> Option<Self> {
        let (anchor, rest) = line.strip_prefix("| <a id=\"")?.split_once('"')?;
        let (_, cells) = rest.split_once("</a> ")?;
        let mut cells = cells.strip_suffix(" |")?.split(" | ");
        Some(Self {
            anchor,
            messages: cells.next()?,
            meaning: cells.next()?,
            remedy: cells.next()?,
        })
    }

    /// Whether the messages of this row only sum up what other messages of the same run have said.
    #[must_use]
    pub fn is_sum(&self) -> bool {
        self.meaning.starts_with("This message sums up")
    }
}
