//! Finds SSH public keys in lines of text: `.pub` files, `authorized_keys`, `known_hosts`, and what ssh-keyscan and GitHub print.

use crate::keys::recognize;

/// A public key in a line of text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PublicLine<'t> {
    /// The kind of the key, such as `ssh-ed25519`.
    pub(crate) kind: &'t str,
    /// The key in base64.
    pub(crate) key: &'t str,
    /// What stands before the key: the names of a host, or options. Empty in a `.pub` file.
    pub(crate) before: &'t str,
    /// What stands behind the key.
    pub(crate) comment: &'t str,
}

/// Why the key of a line is not the key of a host or of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineMark {
    /// The key is revoked: it may be in the hands of somebody else.
    Revoked,
    /// The key signs certificates.
    Authority,
}

impl PublicLine<'_> {
    /// What the markers of `known_hosts` and the options of `authorized_keys` say of the key (sshd(8)).
    pub(crate) fn mark(&self) -> Option<LineMark> {
        match self.before.split_ascii_whitespace().next()? {
            "@revoked" => return Some(LineMark::Revoked),
            "@cert-authority" => return Some(LineMark::Authority),
            _ => {}
        }
        let mut is_outside = outside_quotes();
        let mut options = self.before.split(move |character| is_outside(character) && character == ',');
        let is_authority = |option: &str| option.trim().eq_ignore_ascii_case("cert-authority");
        options.any(is_authority).then_some(LineMark::Authority)
    }
}

/// The public key in `line`. `None` if there is none.
pub(crate) fn public_key(line: &str) -> Option<PublicLine<'_>> {
    let words: Vec<_> = words(line).collect();
    let pair = words.windows(2).find_map(|pair| match pair {
        [(start, kind), (end, key)] if is_key(kind, key) => Some((*start, *kind, *end, *key)),
        _ => None,
    });
    let (start, kind, end, key) = pair?;
    Some(PublicLine {
        kind,
        key,
        before: line.get(..start)?.trim(),
        comment: line.get(end.checked_add(key.len())?..)?.trim(),
    })
}

/// Whether two words of a line are the kind of a key, and a key in base64. A key begins with the length of its kind, in four bytes.
/// The first three bytes are zero, which is `AAAA` in base64.
fn is_key(kind: &str, key: &str) -> bool {
    recognize::kind(kind.as_bytes()).is_some() && key.starts_with("AAAA")
}

/// The words of a line, each with its offset in bytes. Within double quotes, blanks separate no words, and `\"` is no quote. The
/// options of `authorized_keys` follow this rule (sshd(8)).
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_outside = outside_quotes();
    let separates = move |character: char| is_outside(character) && character.is_ascii_whitespace();
    let words = line.split(separates).scan(0_usize, |next, word| {
        let start = *next;
        // One byte separates two words.
        *next = start.saturating_add(word.len()).saturating_add(1);
        Some((start, word))
    });
    words.filter(|(_, word)| !word.is_empty())
}

/// Returns a function that takes the characters of a line, one after the other. The function says whether a character stands
/// outside of double quotes. `\"` is no quote.
fn outside_quotes() -> impl FnMut(char) -> bool {
    let (mut is_quoted, mut before) = (false, ' ');
    move |character| {
        is_quoted ^= character == '"' && before != '\\';
        before = character;
        !is_quoted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_revoked_or_signs_certificates_is_marked() {
        for (before, mark) in [
            ("@revoked *", Some(LineMark::Revoked)),
            ("@cert-authority *.example", Some(LineMark::Authority)),
            ("cert-authority", Some(LineMark::Authority)),
            (r#"command="a,\"b",Cert-Authority,no-pty"#, Some(LineMark::Authority)),
            (r#"command="a,cert-authority,b",no-pty"#, None),
            ("web.example", None),
            ("", None),
        ] {
            let line = format!("{before} ssh-ed25519 AAAAC3");
            assert_eq!(public_key(&line).unwrap().mark(), mark, "{line:?}");
        }
    }

    #[test]
    fn a_key_is_found_wherever_programs_put_it() {
        for (before, comment) in [
            ("", ""),
            ("", "alice@laptop of alice"),
            ("web.example,192.0.2.1", ""),
            ("[web.example]:2222", "comment"),
            ("@cert-authority *.example", ""),
            (r#"command="echo \" ssh-rsa AAAA",no-pty"#, "bob"),
            ("", "ssh-rsa AAAA"),
        ] {
            for line in [
                format!("{before} ssh-ed25519 AAAAC3 {comment}"),
                format!(" {before}\tssh-ed25519   AAAAC3\t{comment} \r"),
            ] {
                let found = PublicLine {
                    kind: "ssh-ed25519",
                    key: "AAAAC3",
                    before,
                    comment,
                };
                assert_eq!(public_key(&line), Some(found), "{line:?}");
            }
        }
        for line in ["", "ssh-ed25519", "ssh-ed25519 BBBB", "AAAA ssh-rsa", "\"ssh-rsa AAAA"] {
            assert_eq!(public_key(line), None, "{line:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_found_stands_in_the_line(line in "([ -~\u{e9}\t]|ssh-rsa|AAAA){0,12}") {
            if let Some(found) = public_key(&line) {
                let parts = [found.before, found.kind, found.key, found.comment];
                let all: String = parts.concat().split_whitespace().collect();
                assert_eq!(all, line.split_whitespace().collect::<String>());
            }
        }
    }
}
