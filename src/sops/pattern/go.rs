//! Reads a pattern as Go does, or not at all.
//!
//! The parser of the `regex` crate reads the pattern. Go gives some spellings another meaning: they are rewritten if people use them
//! (classes such as `\w`, which are Unicode's in the crate), and refused if not. Groups may stay as they are, and so may the greed
//! of repetitions, because only whether there is a match counts.

use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSet, ClassSetItem, ClassUnicode, ClassUnicodeKind, ErrorKind, Flag,
    Flags, FlagsItemKind, GroupKind, HexLiteralKind, Literal, LiteralKind, Repetition, RepetitionKind, RepetitionRange, Span,
    parse::Parser,
};

use super::problem::PatternError;

/// The greatest number of repetitions that Go allows for a part, with those of the groups around it multiplied in.
const MAX_REPETITIONS: u32 = 1000;

/// The pattern as the crate must have it. Nothing if Go refuses it too.
///
/// # Errors
/// When Go reads it in another way, or may.
pub(crate) fn translate(pattern: &str) -> Result<Option<String>, PatternError> {
    let mut reader = Reader {
        pattern,
        changes: Vec::new(),
    };
    let read = match Parser::new().parse(pattern) {
        Ok(ast) => reader.read(&ast, MAX_REPETITIONS),
        Err(error) => Err(reader.refusal(&error)),
    };
    match read {
        Ok(()) => Ok(Some(reader.changed())),
        Err(Refusal::Invalid) => Ok(None),
        Err(Refusal::Ambiguous) => Err(PatternError::Ambiguous),
    }
}

/// Why a pattern is not read.
enum Refusal {
    /// Go refuses it too.
    Invalid,
    /// Go reads it in another way, or may.
    Ambiguous,
}

struct Reader<'p> {
    pattern: &'p str,
    /// Parts of the pattern, in its order, and what is written in their place.
    changes: Vec<(Span, String)>,
}

impl<'p> Reader<'p> {
    fn changed(&self) -> String {
        let mut changed = self.pattern.to_owned();
        for (span, text) in self.changes.iter().rev() {
            changed.replace_range(span.start.offset..span.end.offset, text);
        }
        changed
    }

    fn text(&self, span: &Span) -> &'p str {
        self.pattern.get(span.start.offset..span.end.offset).unwrap_or_default()
    }

    /// What an error of the crate says about Go.
    fn refusal(&self, error: &ast::Error) -> Refusal {
        let (before, from) = self.pattern.split_at_checked(error.span().start.offset).unwrap_or_default();
        let is_invalid = match error.kind() {
            ErrorKind::ClassRangeInvalid
            | ErrorKind::EscapeUnexpectedEof
            | ErrorKind::FlagUnrecognized
            | ErrorKind::GroupUnclosed
            | ErrorKind::GroupUnopened
            | ErrorKind::RepetitionCountInvalid
            | ErrorKind::UnsupportedLookAround => true,
            // `\Q` begins a quotation in Go.
            ErrorKind::EscapeUnrecognized => self.text(error.span()) != r"\Q",
            // Go looks back over flags for what is repeated.
            ErrorKind::RepetitionMissing => from.starts_with(['*', '+']) && !before.ends_with(')'),
            _ => false,
        };
        if is_invalid { Refusal::Invalid } else { Refusal::Ambiguous }
    }

    /// Reads a part that may be repeated `most` times.
    fn read(&mut self, ast: &Ast, most: u32) -> Result<(), Refusal> {
        match ast {
            Ast::Empty(_) | Ast::Dot(_) => Ok(()),
            Ast::Flags(flags) => check_flags(&flags.flags),
            Ast::Literal(literal) => check_literal(literal),
            Ast::Assertion(assertion) => self.assertion(assertion),
            Ast::ClassUnicode(class) => check_unicode(class),
            Ast::ClassPerl(class) => {
                self.perl(class);
                Ok(())
            }
            Ast::ClassBracketed(class) => match &class.kind {
                ClassSet::Item(item) => self.member(item),
                ClassSet::BinaryOp(_) => Err(Refusal::Ambiguous),
            },
            Ast::Repetition(repetition) => self.repetition(repetition, most),
            Ast::Group(group) => check_group(&group.kind).and_then(|()| self.read(&group.ast, most)),
            Ast::Alternation(parts) => parts.asts.iter().try_for_each(|part| self.read(part, most)),
            Ast::Concat(parts) => parts.asts.iter().try_for_each(|part| self.read(part, most)),
        }
    }

    /// A place between the bytes of one character is none of Go's, but one of the crate's when it looks at ASCII words.
    fn assertion(&mut self, assertion: &ast::Assertion) -> Result<(), Refusal> {
        let text = match assertion.kind {
            AssertionKind::WordBoundary => r"(?-u:\b)",
            AssertionKind::NotWordBoundary => r"(?-u:\B)",
            AssertionKind::StartLine | AssertionKind::EndLine | AssertionKind::StartText | AssertionKind::EndText => {
                return Ok(());
            }
            _ => return Err(Refusal::Ambiguous),
        };
        self.changes.push((assertion.span, text.to_owned()));
        Ok(())
    }

    /// `\d`, `\s` and `\w`, which are ASCII in Go.
    fn perl(&mut self, class: &ClassPerl) {
        let members = match class.kind {
            ClassPerlKind::Digit => "0-9",
            ClassPerlKind::Space => r"\t\n\x0C\r\x20",
            ClassPerlKind::Word => "0-9A-Za-z_",
        };
        let not = if class.negated { "^" } else { "" };
        self.changes.push((class.span, format!("[{not}{members}]")));
    }

    /// A member of brackets, which in Go do not nest.
    fn member(&mut self, item: &ClassSetItem) -> Result<(), Refusal> {
        match item {
            ClassSetItem::Empty(_) | ClassSetItem::Ascii(_) => Ok(()),
            ClassSetItem::Literal(literal) => check_literal(literal),
            ClassSetItem::Range(range) => check_literal(&range.start).and_then(|()| check_literal(&range.end)),
            ClassSetItem::Unicode(class) => check_unicode(class),
            ClassSetItem::Perl(class) => {
                self.perl(class);
                Ok(())
            }
            ClassSetItem::Bracketed(_) => Err(Refusal::Ambiguous),
            ClassSetItem::Union(union) => union.items.iter().try_for_each(|item| self.member(item)),
        }
    }

    fn repetition(&mut self, repetition: &Repetition, most: u32) -> Result<(), Refusal> {
        if matches!(*repetition.ast, Ast::Repetition(_)) {
            return Err(Refusal::Invalid);
        }
        let (braces, count) = match &repetition.op.kind {
            RepetitionKind::Range(RepetitionRange::Exactly(count)) => (format!("{{{count}}}"), *count),
            RepetitionKind::Range(RepetitionRange::AtLeast(least)) => (format!("{{{least},}}"), *least),
            RepetitionKind::Range(RepetitionRange::Bounded(least, count)) => (format!("{{{least},{count}}}"), *count),
            _ => return self.read(&repetition.ast, most),
        };
        // Braces with anything else between them stand for themselves in Go.
        if self.text(&repetition.op.span).trim_end_matches('?') != braces {
            return Err(Refusal::Ambiguous);
        }
        if count > most {
            return Err(Refusal::Invalid);
        }
        // What is repeated no time is not counted.
        self.read(&repetition.ast, most.checked_div(count).unwrap_or(MAX_REPETITIONS))
    }
}

fn check_flags(flags: &Flags) -> Result<(), Refusal> {
    let is_foreign =
        |kind: &FlagsItemKind| matches!(kind, FlagsItemKind::Flag(Flag::Unicode | Flag::CRLF | Flag::IgnoreWhitespace));
    let has_foreign = flags.items.iter().any(|item| is_foreign(&item.kind));
    if has_foreign { Err(Refusal::Invalid) } else { Ok(()) }
}

fn check_group(kind: &GroupKind) -> Result<(), Refusal> {
    match kind {
        GroupKind::NonCapturing(flags) => check_flags(flags),
        GroupKind::CaptureName { name, .. }
            if name
                .name
                .contains(|letter: char| letter != '_' && !letter.is_ascii_alphanumeric()) =>
        {
            Err(Refusal::Invalid)
        }
        GroupKind::CaptureName { .. } | GroupKind::CaptureIndex(_) => Ok(()),
    }
}

/// `\u` and `\U` do not exist in Go.
fn check_literal(literal: &Literal) -> Result<(), Refusal> {
    match &literal.kind {
        LiteralKind::HexFixed(kind) | LiteralKind::HexBrace(kind) if *kind != HexLiteralKind::X => Err(Refusal::Invalid),
        _ => Ok(()),
    }
}

/// Categories of Unicode by their short names. Which longer names Go knows depends on its version.
fn check_unicode(class: &ClassUnicode) -> Result<(), Refusal> {
    match &class.kind {
        ClassUnicodeKind::OneLetter(_) => Ok(()),
        ClassUnicodeKind::Named(name) if name.len() <= 2 && name.bytes().all(|byte| byte.is_ascii_alphabetic()) => Ok(()),
        _ => Err(Refusal::Ambiguous),
    }
}
