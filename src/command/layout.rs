//! Lays out texts: columns for people, and lines of fields for scripts.

use crate::text::printable::one_line;

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
