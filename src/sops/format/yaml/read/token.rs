//! What the scanner hands to the composer.

use std::borrow::Cow;

use super::cursor::Mark;

/// A token and where it starts.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    /// Where it starts, or where it takes effect if nothing of the text stands for it.
    pub(crate) start: Mark,
    /// What it is.
    pub(crate) token: Token<'a>,
}

/// The smallest units of the grammar.
#[derive(Debug)]
pub(crate) enum Token<'a> {
    /// Before the first character.
    StreamStart,
    /// Behind the last character.
    StreamEnd,
    /// `%YAML 1.1`.
    Version,
    /// `%TAG handle prefix`.
    TagDirective {
        /// `!`, `!!` or `!name!`.
        handle: &'a str,
        /// What it stands for.
        prefix: Cow<'a, str>,
    },
    /// `---`.
    DocumentStart,
    /// `...`.
    DocumentEnd,
    /// A list begins by its indentation.
    BlockSequenceStart,
    /// A map begins by its indentation.
    BlockMappingStart,
    /// A list or a map ends by its indentation.
    BlockEnd,
    /// `[`.
    FlowSequenceStart,
    /// `]`.
    FlowSequenceEnd,
    /// `{`.
    FlowMappingStart,
    /// `}`.
    FlowMappingEnd,
    /// `-`.
    BlockEntry,
    /// `,`.
    FlowEntry,
    /// `?`, or the start of a key without it.
    Key,
    /// `:`.
    Value,
    /// `*name`.
    Alias(&'a str),
    /// `&name`.
    Anchor(&'a str),
    /// `!<suffix>` with an empty handle, else `handle suffix`.
    Tag {
        /// Empty, `!`, `!!` or `!name!`.
        handle: &'a str,
        /// The rest, decoded.
        suffix: Cow<'a, str>,
    },
    /// A scalar, decoded.
    Scalar {
        /// Its text.
        text: Cow<'a, str>,
        /// Whether it stood there without quotes and not as a block.
        plain: bool,
    },
}
