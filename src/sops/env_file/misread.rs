//! Finds the variables that `EnvironmentFile=` of systemd does not give back as they are.

use std::collections::HashMap;

use super::{
    file::is_name,
    systemd::MOST,
    systemd_reader::{SystemdReader, is_readable},
};

/// A variable that a text should have, for the comparison with what systemd reads.
struct Expected<'v> {
    value: &'v [u8],
    is_read: bool,
}

/// The names of those `variables` that systemd does not read from `text`, or with another value, in their order. If a name is there more
/// than once, its last value counts, as for systemd. `is_same` compares a value with what systemd reads.
pub(crate) fn misread<'v>(
    variables: impl Iterator<Item = (&'v [u8], &'v [u8])>,
    text: &[u8],
    is_same: impl Fn(&[u8], &[u8]) -> bool,
) -> Vec<String> {
    let (mut names, mut expected) = (Vec::new(), HashMap::new());
    for (name, value) in variables {
        let variable = Expected { value, is_read: false };
        if expected.insert(name, variable).is_none() {
            names.push(name);
        }
    }
    let mut refuses_all = text.contains(&0);
    for (name, value) in SystemdReader::new(text) {
        let (name, value) = (name.expose(), value.expose());
        refuses_all |= !is_readable(name) || !is_readable(value);
        if let Some(variable) = expected.get_mut(name) {
            variable.is_read = is_passed_on(name, value) && is_same(variable.value, value);
        }
    }
    let is_read = |name: &&[u8]| !refuses_all && expected.get(*name).is_some_and(|variable| variable.is_read);
    let misread = names.into_iter().filter(|name| !is_read(name));
    misread.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// The names of those variables of a dotenv text, as sops prints it, that systemd does not give back as they are.
#[must_use]
pub fn misread_dotenv(text: &[u8]) -> Vec<String> {
    // A backslash and an `n` stand for a line feed. They are left as they are here: systemd gives back neither.
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.starts_with(b"#"));
    let variables = lines.filter_map(|line| {
        let (name, value) = line.split_at_checked(line.iter().position(|&byte| byte == b'=')?)?;
        Some((name, value.get(1..)?))
    });
    misread(variables, text, |value, read| value == read)
}

/// Whether the manager gives a variable that it has read to the process of the unit.
fn is_passed_on(name: &[u8], value: &[u8]) -> bool {
    is_name(name) && name.len().saturating_add(value.len()) <= MOST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_changes_is_named_once_and_in_the_order_of_the_file() {
        for (text, named) in [
            ("", &[][..]),
            ("A=\nB=x y\nC=a#b\n# c\nD=${x}`y`\n", &[]),
            ("A=a\\nb\nB='q'\nC=\"q\nD=d\n", &["A", "B", "C", "D"]),
            ("A= a\nB=b \nC=c\r\nD=\u{1}\nE=e\n", &["A", "B", "C"]),
            ("B=x\\\nA=lost\nC=c\n", &["B", "A"]),
            (
                "export A=1\nB.c=1\n1=1\n A=1\nA=1\n;=1\nA =2\n",
                &["export A", "B.c", "1", " A", "A", ";", "A "],
            ),
            ("A=1\nA='2'\nB='1'\nB=2\n", &["A"]),
            // In versions before 254, the backslash takes the next line into the comment.
            ("# c\\\nA=1\nB=2\n", &["A"]),
            // One code point that is no character, and systemd refuses the file.
            ("A=1\nB=\u{fdd0}\n", &["A", "B"]),
            ("A=1\0\nB=2\n", &["A", "B"]),
        ] {
            assert_eq!(misread_dotenv(text.as_bytes()), named, "{text:?}");
        }
        assert_eq!(misread_dotenv(b"A=1\nB=\xff\n"), ["A", "B"]);
        let long = |length| [b"LONG=", "x".repeat(length).as_bytes()].concat();
        assert!(misread_dotenv(&long(MOST - 4)).is_empty());
        assert_eq!(misread_dotenv(&long(MOST - 3)), ["LONG"]);
    }
}
