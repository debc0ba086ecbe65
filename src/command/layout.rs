//! Lays out texts: columns for people, lines of fields for scripts, and JSON.

use serde::Serialize;

use crate::text::printable::{self, one_line};

/// The rows as lines. Each column is as wide as its widest field, and two blanks stand between columns.
pub(crate) fn columns(indent: &str, rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|field: &String| field.chars().count())
            .max()
    };
    let widths: Vec<_> = (0..count).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let fields = row.iter().zip(&widths).map(|(field, &width)| format!("{field:width$}"));
        let line = format!("{indent}{}", fields.collect::<Vec<_>>().join("  "));
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

/// One line for a script: fields with tabs between them. No field can end the line or begin another field.
pub(crate) fn line(fields: &[&str]) -> String {
    let fields: Vec<_> = fields.iter().map(|field| one_line(field)).collect();
    fields.join("\t") + "\n"
}

/// The lines of a text, each behind `indent` and safe to print.
pub(crate) fn indented(indent: &str, text: &str) -> String {
    let lines = text.trim_end().lines();
    lines
        .flat_map(|line| [indent.to_owned(), one_line(line), "\n".to_owned()])
        .collect()
}

/// The lines of a text as one field: each ends in a semicolon.
pub(crate) fn joined(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

/// A value as JSON. For people too, it is written with line breaks.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Writing numbers, texts and lists of them to a string cannot fail.
    printable::json(&serde_json::to_string_pretty(value).unwrap_or_default()) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters_and_no_line_ends_in_blanks() {
        let rows = [["a", "b", ""], ["äö", "c", "d"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns("  ", &rows), "  a   b\n  äö  c  d\n");
    }

    #[test]
    fn a_field_cannot_end_its_line() {
        assert_eq!(line(&["a\tb\n", "c"]), "a\u{fffd}b\u{fffd}\tc\n");
    }
}
