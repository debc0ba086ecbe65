//! The tokens that the YAML scanner hands to the composer.

use std::borrow::Cow;

use super::cursor::Mark;

/// A YAML token, and the place where the token starts.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    /// The place where the token starts. For a token without text, this is the place where the token takes effect.
    pub(crate) start: Mark,
    /// The YAML token itself.
    pub(crate) token: Token<'a>,
}

/// The tokens of YAML, which are the smallest units of its grammar.
#[derive(Debug)]
pub(crate) enum Token<'a> {
    /// The start of the YAML stream, before the first character.
    StreamStart,
    /// The end of the YAML stream, after the last character.
    StreamEnd,
    /// The directive `%YAML 1.1`.
    Version,
    /// The directive `%TAG handle prefix`.
    TagDirective {
        /// The tag handle that a `%TAG` directive defines: `!`, `!!` or `!name!`.
        handle: &'a str,
        /// The prefix that the tag handle of a `%TAG` directive stands for.
        prefix: Cow<'a, str>,
    },
    /// The mark `---`, which starts a YAML document.
    DocumentStart,
    /// The mark `...`, which ends a YAML document.
    DocumentEnd,
    /// The start of a YAML list that is written by indentation.
    BlockSequenceStart,
    /// The start of a YAML map that is written by indentation.
    BlockMappingStart,
    /// The end of a YAML list or map that is written by indentation.
    BlockEnd,
    /// The bracket `[`, which starts a YAML list.
    FlowSequenceStart,
    /// The bracket `]`, which ends a YAML list.
    FlowSequenceEnd,
    /// The brace `{`, which starts a YAML map.
    FlowMappingStart,
    /// The brace `}`, which ends a YAML map.
    FlowMappingEnd,
    /// The mark `-` of an entry in a YAML list.
    BlockEntry,
    /// The mark `,` between YAML entries in brackets or braces.
    FlowEntry,
    /// The mark `?` of a YAML key, or the start of a key without this mark.
    Key,
    /// The mark `:` before a YAML value.
    Value,
    /// A YAML alias, `*name`, with its name.
    Alias(&'a str),
    /// A YAML anchor, `&name`, with its name.
    Anchor(&'a str),
    /// A YAML tag: the handle and the suffix together. If the handle is empty, the tag is `!<suffix>`, or `!` alone.
    Tag {
        /// The tag handle: `!`, `!!` or `!name!`; empty in a tag `!<suffix>`, and in `!` alone.
        handle: &'a str,
        /// The YAML tag without its handle, with the escapes decoded.
        suffix: Cow<'a, str>,
    },
    /// A YAML scalar, with its escapes decoded and its lines folded.
    Scalar {
        /// The text of the YAML scalar.
        text: Cow<'a, str>,
        /// Whether the scalar was written without quotes and not as a block.
        plain: bool,
    },
}
