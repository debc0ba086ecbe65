//! Changes encrypted files in the ways in which files get damaged: by a broken disk, an editor, a merge, or a careless person.

use crate::random::Random;

/// Bytes that have a meaning in a format, for an editor, or in Unicode.
const INSERTIONS: &[&[u8]] = &[
    b" ",
    b"  ",
    b"\t",
    b"\n",
    b"\n\n",
    b"\r",
    b"\r\n",
    b"#",
    b"# comment\n",
    b";",
    b":",
    b": ",
    b"- ",
    b"=",
    b",",
    b"\"",
    b"'",
    b"`",
    b"\\",
    b"\\n",
    b"{}",
    b"[]",
    b"[s]\n",
    b"---\n",
    b"...\n",
    b"&a ",
    b"*a",
    b"!!str ",
    b"~",
    b"null",
    b"\0",
    b"\x1b",
    b"\x7f",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xc2\xa0",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xe2\x80\x8b",
    b"\xcc\x81",
    b"\xf0\x9f\x94\x91",
];

/// Values that replace the value of a metadata field.
const VALUES: &[&str] = &[
    "",
    "\"\"",
    "''",
    "null",
    "~",
    "true",
    "false",
    "0",
    "1",
    "2.0",
    "_x",
    "^secret",
    "[]",
    "{}",
    "2026-01-01T00:00:00Z",
    "3.99.0",
];

/// Names of metadata fields.
const FIELDS: &[&str] = &[
    "age",
    "pgp",
    "kms",
    "hc_vault",
    "key_groups",
    "shamir_threshold",
    "lastmodified",
    "mac",
    "mac_only_encrypted",
    "encrypted_regex",
    "encrypted_suffix",
    "unencrypted_regex",
    "unencrypted_suffix",
    "encrypted_comment_regex",
    "recipient",
    "enc",
    "created_at",
    "version",
];

/// A change: its name, and the function that changes a file. The second argument of the function is another file of the same
/// format.
pub type Mutation = (&'static str, fn(&[u8], &[u8], &mut Random) -> Vec<u8>);

/// All kinds of changes.
pub const MUTATIONS: &[Mutation] = &[
    ("byte flipped", |file, _, random| {
        let mut file = file.to_vec();
        let at = random.below(file.len());
        file[at] ^= 1 << random.below(8);
        file
    }),
    ("bytes deleted", |file, _, random| {
        let (from, to) = range(file, random);
        [&file[..from], &file[to..]].concat()
    }),
    ("bytes doubled", |file, _, random| {
        let (from, to) = range(file, random);
        [&file[..to], &file[from..]].concat()
    }),
    ("bytes inserted", |file, _, random| {
        let at = random.below(file.len() + 1);
        let insertion = *random.pick(INSERTIONS);
        [&file[..at], insertion, &file[at..]].concat()
    }),
    ("bytes inserted at a line's edge", |file, _, random| {
        change_line(file, random, |line, random| {
            let insertion = *random.pick(INSERTIONS);
            match random.below(2) {
                0 => [insertion, line].concat(),
                _ => [line, insertion].concat(),
            }
        })
    }),
    ("a line deleted", |file, _, random| {
        let mut lines = lines(file);
        lines.remove(random.below(lines.len()));
        lines.concat()
    }),
    ("a line doubled", |file, _, random| {
        let mut lines = lines(file);
        let at = random.below(lines.len());
        lines.insert(at, lines[at]);
        lines.concat()
    }),
    ("two lines swapped", |file, _, random| {
        let mut lines = lines(file);
        let (one, other) = (random.below(lines.len()), random.below(lines.len()));
        lines.swap(one, other);
        lines.concat()
    }),
    ("a line of another file", |file, other, random| {
        let (mut lines, others) = (lines(file), lines(other));
        lines.insert(random.below(lines.len() + 1), others[random.below(others.len())]);
        lines.concat()
    }),
    ("the end of another file", |file, other, random| {
        let (lines, others) = (lines(file), lines(other));
        let (end, start) = (random.below(lines.len()), random.below(others.len()));
        [lines[..end].concat(), others[start..].concat()].concat()
    }),
    ("metadata with another value", |file, _, random| {
        change_field(file, random, |before, _, random| {
            [before, random.pick(VALUES).as_bytes()].concat()
        })
    }),
    ("metadata in upper case", |file, _, random| {
        change_field(file, random, |before, value, _| {
            [&before.to_ascii_uppercase(), value].concat()
        })
    }),
    ("metadata in quotes", |file, _, random| {
        change_field(file, random, |before, value, random| {
            let quote = random.pick(&["\"", "'", "`"]).as_bytes();
            [before, quote, value, quote].concat()
        })
    }),
    ("metadata added", |file, _, random| {
        let field = *random.pick(FIELDS);
        let value = *random.pick(VALUES);
        change_field(file, random, |before, old, _| {
            let name = before.iter().position(u8::is_ascii_alphabetic).unwrap_or_default();
            let joint = before
                .iter()
                .rposition(u8::is_ascii_alphabetic)
                .map_or(before.len(), |at| at + 1);
            let added = [&before[..name], field.as_bytes(), &before[joint..], value.as_bytes(), b"\n"].concat();
            [&added, before, old].concat()
        })
    }),
    ("a token of another type", |file, _, random| {
        change_line(file, random, |line, random| {
            let kind = random.pick(&["str", "int", "float", "bool", "comment"]);
            let line = String::from_utf8_lossy(line);
            let start = line.rfind(",type:").map_or(line.len(), |at| at + ",type:".len());
            let end = line[start..].find(']').map_or(line.len(), |length| start + length);
            [&line[..start], if start < end { kind } else { "" }, &line[end..]]
                .concat()
                .into_bytes()
        })
    }),
    ("line ends of Windows", |file, _, _| replaced(file, b"\n", b"\r\n")),
    ("one line end of Windows", |file, _, random| {
        change_line(file, random, |line, _| [line, b"\r"].concat())
    }),
    ("a byte order mark", |file, _, _| [b"\xef\xbb\xbf", file].concat()),
    ("blanks before a line's end", |file, _, random| {
        let blanks = random.pick(&[" \n", "\t\n", "   \n"]);
        replaced(file, b"\n", blanks.as_bytes())
    }),
    ("tabs for blanks", |file, _, random| {
        change_line(file, random, |line, _| replaced(line, b" ", b"\t"))
    }),
    ("no last line end", |file, _, _| file.trim_ascii_end().to_vec()),
    ("cut off", |file, _, random| file[..random.below(file.len())].to_vec()),
];

/// The bounds of some bytes of the file, mostly of few bytes.
fn range(file: &[u8], random: &mut Random) -> (usize, usize) {
    let from = random.below(file.len());
    let length = if random.chance(70) {
        random.below(4)
    } else {
        random.below(200)
    };
    (from, (from + length + 1).min(file.len()))
}

/// The lines of the file, with their line ends. There is at least one line.
fn lines(file: &[u8]) -> Vec<&[u8]> {
    file.split_inclusive(|byte| *byte == b'\n').collect()
}

fn change_line(file: &[u8], random: &mut Random, change: impl Fn(&[u8], &mut Random) -> Vec<u8>) -> Vec<u8> {
    let lines = lines(file);
    let at = random.below(lines.len());
    change_at(&lines, at, |line| change(line, random))
}

/// The lines with one line changed. `change` gets the line without its line end.
fn change_at(lines: &[&[u8]], at: usize, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (line, end) = match lines[at].strip_suffix(b"\n") {
        Some(line) => (line, b"\n".as_slice()),
        None => (lines[at], b"".as_slice()),
    };
    [lines[..at].concat(), change(line), end.to_vec(), lines[at + 1..].concat()].concat()
}

/// Changes a line of the metadata. `change` gets two parts: the name together with the separator, and the value.
fn change_field(file: &[u8], random: &mut Random, change: impl Fn(&[u8], &[u8], &mut Random) -> Vec<u8>) -> Vec<u8> {
    let lines = lines(file);
    let is_field = |line: &&[u8]| {
        FIELDS
            .iter()
            .any(|field| line.windows(field.len()).any(|window| window == field.as_bytes()))
    };
    let fields: Vec<_> = (0..lines.len()).filter(|at| is_field(&lines[*at])).collect();
    let Some(at) = fields.get(random.below(fields.len())) else {
        return file.to_vec();
    };
    change_at(&lines, *at, |line| {
        let joint = line
            .iter()
            .position(|byte| b":=".contains(byte))
            .map_or(line.len(), |joint| joint + 1);
        let blanks = line[joint..].iter().take_while(|byte| **byte == b' ').count();
        let (before, value) = line.split_at(joint + blanks);
        change(before, value, random)
    })
}

fn replaced(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(tail) = rest.strip_prefix(old) {
            out.extend_from_slice(new);
            rest = tail;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}
