//! Says what messages mean and what to do about them, as the list in the documents does.

use super::{
    audience::Audience,
    cli::MessagesArguments,
    layout::{columns, line},
    reply::Reply,
};
use crate::{
    program::{
        message_list::{row_of, rows},
        message_row::Row,
    },
    text::{diagnosis::Diagnosis, printable::quoted},
};

/// Carries out the command `sops-nix messages`. What the list does not have is a failure, and all else is shown.
pub(crate) fn answer(arguments: &MessagesArguments, audience: Audience) -> Reply {
    let mut found = vec![];
    let mut failures = vec![];
    for name in &arguments.names {
        match row(name) {
            Some(row) => found.push(row),
            None => failures.push(unknown(name)),
        }
    }
    if arguments.names.is_empty() {
        found.extend(rows());
    }
    let text = match audience {
        Audience::Person => found.iter().map(page).collect::<Vec<_>>().join("\n"),
        Audience::Script => found.iter().map(fields).collect(),
    };
    Reply {
        text,
        failures,
        ..Reply::default()
    }
}

/// The row that a message ends with, or that tells of a message which somebody has copied.
fn row(name: &str) -> Option<Row<'static>> {
    let named = |name: &str| rows().find(|row| row.anchor == name);
    named(name).or_else(|| named(row_of(name)?.anchor))
}

fn unknown(name: &str) -> Diagnosis {
    Diagnosis::new(
        format!("no message is {}", quoted(name)),
        "a line below a message belongs to that message; to see all messages, run: sops-nix messages",
    )
}

/// What a row says, for people.
fn page(row: &Row<'_>) -> String {
    let cells = [
        ("what you see", row.messages),
        ("what it means", row.meaning),
        ("what to do", row.remedy),
    ];
    let rows = cells.map(|(title, cell)| vec![title.to_owned(), plain(cell)]);
    format!("messages.md#{}\n{}", row.anchor, columns("  ", &rows))
}

/// What a row says, for a script.
fn fields(row: &Row<'_>) -> String {
    line(&[
        "message",
        row.anchor,
        &plain(row.messages),
        &plain(row.meaning),
        &plain(row.remedy),
    ])
}

/// A text in Markdown without its marks. Of links, the words are left.
fn plain(cell: &str) -> String {
    let mut text = String::new();
    let mut rest = cell;
    while let Some((before, link)) = rest.split_once("](") {
        let (before, words) = before.rsplit_once('[').unwrap_or((before, ""));
        text.extend([before, words]);
        rest = link.split_once(')').map_or(link, |(_, after)| after);
    }
    (text + rest).replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_markdown_the_words_are_left() {
        assert_eq!(plain("[a.md](a.md#b) lists `c`; [d](d) too"), "a.md lists c; d too");
        assert_eq!(plain("`[\"a/b\"][\"c\"]`"), "[\"a/b\"][\"c\"]");
    }
}
