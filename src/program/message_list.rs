//! The list of messages in the documents: what each message means, and what to do about it.
//!
//! The page is a part of the program, so that it can be read on a host that has no network.

use std::cmp::Reverse;

use super::message_row::Row;

/// The page. The tests of the documents compare its list with what the program prints.
const PAGE: &str = include_str!("../../docs/messages.md");
/// The messages of the page, which `build.rs` takes out of it: a line for each row. The installer has no more of the page than this.
const MESSAGES: &str = include_str!(concat!(env!("OUT_DIR"), "/messages.txt"));

/// The words in the list that stand for other words. `…` stands for any text.
pub const NAMES: [&str; 26] = [
    "MANIFEST",
    "MOUNTPOINT",
    "TEMPLATE",
    "DIRECTORY",
    "CREDENTIAL",
    "KEYFILE",
    "FORMAT",
    "CIPHER",
    "PLUGIN",
    "SECRET",
    "FIELD",
    "ENTRY",
    "OTHER",
    "FILE",
    "HOME",
    "LINK",
    "LIST",
    "PATH",
    "PART",
    "UNIT",
    "VERB",
    "FLAG",
    "MODE",
    "USER",
    "KEY",
    "N",
];

/// The messages of one row of the list, without what the row says about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedMessages {
    /// The name of the row.
    pub anchor: &'static str,
    /// The beginnings of the messages, each in backquotes.
    messages: &'static str,
    /// Whether they only sum up what other messages of the same run have said.
    pub(crate) is_sum: bool,
}

impl ListedMessages {
    /// Reads a line of [`MESSAGES`].
    fn read(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        Some(Self {
            anchor: fields.next()?,
            messages: fields.next()?,
            is_sum: fields.next()? == "sum",
        })
    }

    /// How much of `message` is in this row: for each line, the letters of that message of the row which has most of the line. 0 if
    /// it has none.
    fn likeness(&self, message: &str) -> usize {
        let listed: Vec<_> = self.messages.split('`').skip(1).step_by(2).map(parts).collect();
        let of_line = |line| {
            let said = listed.iter().filter(|parts| has_in_order(line, parts));
            said.map(|parts| parts.iter().map(String::len).sum()).max().unwrap_or(0)
        };
        message.lines().map(of_line).sum()
    }
}

/// The rows of the list, in its order.
pub fn rows() -> impl Iterator<Item = Row<'static>> {
    PAGE.lines().filter_map(Row::read)
}

/// The row that tells of `message`, which may have several lines: the row that has most of it.
#[must_use]
pub fn row_of(message: &str) -> Option<ListedMessages> {
    let rows = MESSAGES.lines().filter_map(ListedMessages::read).enumerate();
    let alike = rows.map(|(number, row)| (row.likeness(message), Reverse(number), row));
    let (_, _, row) = alike
        .filter(|(likeness, ..)| *likeness > 0)
        .max_by_key(|(likeness, number, _)| (*likeness, *number))?;
    Some(row)
}

/// The parts of a message in the list that are printed as they stand. Which entry a message is about, people may leave out.
fn parts(listed: &str) -> Vec<String> {
    let listed = listed.strip_prefix("ENTRY: ").unwrap_or(listed);
    let words = listed.split_inclusive(|letter| !is_of_a_word(letter));
    let open = words.map(|word| match word.trim_end_matches(|letter| !is_of_a_word(letter)) {
        name if NAMES.contains(&name) => word.replacen(name, "…", 1),
        _ => word.to_owned(),
    });
    let open: String = open.collect();
    let parts = open.split('…').filter(|part| !part.trim().is_empty());
    parts.map(str::to_owned).collect()
}

fn is_of_a_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Whether a line has all parts, one after the other.
fn has_in_order(line: &str, parts: &[String]) -> bool {
    let rest = parts
        .iter()
        .try_fold(line, |rest, part| rest.split_once(part.as_str()).map(|(_, rest)| rest));
    rest.is_some() && !parts.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_listed_message_stand_for_anything() {
        assert_eq!(
            parts("cannot use line N of KEYFILE: it …"),
            ["cannot use line ", " of ", ": it "]
        );
        assert_eq!(
            parts("-FLAG cannot be \"…\"; usage: …"),
            ["-", " cannot be \"", "\"; usage: "]
        );
        assert_eq!(parts("cannot use SOPS_AGE_KEY_CMD: …"), ["cannot use SOPS_AGE_KEY_CMD: "]);
        assert_eq!(parts("… and 5 NAMES"), [" and 5 NAMES"]);
        assert_eq!(parts("ENTRY: cannot copy to PATH: …"), ["cannot copy to ", ": "]);
    }

    #[test]
    fn each_message_leads_to_the_row_that_has_most_of_it() {
        let cases = [
            ("cannot decrypt a.yaml (needed by secret a)\n  age1x\n", "no-key-opens-it"),
            (
                "cannot decrypt a.yaml (needed by secret a)\n  k.txt  (no key)\n",
                "no-key-from-a-source",
            ),
            (
                "cannot decrypt a.yaml (needed by secret a): the MAC does not match",
                "mac-does-not-match",
            ),
            (
                "cannot decrypt a.yaml (needed by secret a): the key \"b\": the value is a number in plain text",
                "value-in-plain-text",
            ),
            (
                "cannot decrypt a.yaml (needed by secret a): something new",
                "sops-file-not-valid",
            ),
            (
                "cannot use a.yaml (needed by a) as a sops file: it is not valid yaml: line 9: a: two files seem to be joined",
                "two-files-joined",
            ),
            (
                "cannot use a.yaml as a sops file: it was never encrypted; encrypt it",
                "never-encrypted",
            ),
            (
                "cannot read the manifest m.json: no such file; correct the path",
                "manifest-unreadable",
            ),
            ("cannot use /k.txt: no such file; restore it", "key-missing"),
            ("cannot use /k.txt: something new", "key-unusable"),
            (
                "the file system of /x is neither ramfs nor tmpfs, so a copy there would be plaintext on a disk; set copyToDisk",
                "copy-refused",
            ),
            (
                "/a/key was moved to /a/key.sops-backup, because a copy belongs in its place",
                "moved-aside",
            ),
            ("secret \"a\": there is no user \"u\"; declare it", "no-such-user"),
        ];
        for (message, anchor) in cases {
            assert_eq!(row_of(message).map(|row| row.anchor), Some(anchor), "{message}");
        }
        for other in ["what nobody says", "copy", "link"] {
            assert_eq!(row_of(other), None, "{other}");
        }
    }

    #[test]
    fn only_the_two_sums_of_a_run_are_sums() {
        let sums: Vec<_> = MESSAGES
            .lines()
            .filter_map(ListedMessages::read)
            .filter(|row| row.is_sum)
            .map(|row| row.anchor)
            .collect();
        assert_eq!(sums, ["nothing-was-changed", "published-in-part"]);
    }
}
