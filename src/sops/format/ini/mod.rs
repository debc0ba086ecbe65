//! INI files as sops reads them: the dialect of the Go library go-ini, in which sections may repeat.
//!
//! A document is a map of sections. The keys before the first header are in the section `DEFAULT`, which always exists. The
//! comment of a section is its first item. The comment of a key is the item behind the key. All values are strings.
//!
//! Some texts that sops prints would be read back as other values, and some values crash sops. In these cases we print a text
//! that is read back as the same value:
//!
//! - An empty line in a comment is written as `;`. (sops panics.)
//! - A value that is in quotes, begins with `"""`, or ends in a backslash is put into other quotes. (sops writes the value
//!   without quotes. Then the value loses its own quotes, or continues on the next line.)
//! - A name like `[x]` or `#1` is put into quotes. (sops writes the name without quotes, so that the name becomes a header or a
//!   comment.)
//!
//! No text can express some values of several lines that contain both a backtick and `"""`. Such a value is written as sops
//! writes it.

mod emit;
mod parse;
mod section;
mod spelling;

pub(crate) use emit::emit;
pub(crate) use parse::{parse, repeated};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::{
        format::{formats::Format, testing::reprinted},
        tree::{Branch, Item, Key, Value},
    };

    #[test]
    fn files_are_printed_as_sops_prints_them() {
        for (source, printed) in [
            ("", ""),
            (";only\n", ""),
            ("k = v", "k = v\n"),
            ("k =\n", "k = \n"),
            ("a=1\nlonger : 2\n\n[s]\nx=y\n", "a      = 1\nlonger = 2\n\n[s]\nx = y\n"),
            (
                "# top\nk = v ; tail\n[s] # c1\n; c2\na = b # c3\n",
                "; top\n; tail\nk = v\n\n; c1\n[s]\n; c2\n# c3\na = b\n",
            ),
            ("; one\n;; two\n# three\nk = v\n", "; one\n; ; two\n# three\nk = v\n"),
            ("k = \"\"\"two\nlines\"\"\"\n", "k = \"\"\"two\nlines\"\"\"\n"),
            ("k = \"\"\"x\"\"\" dropped ; too\n", "k = x\n"),
            (
                "k = \"\"\"a\nb\"\"\" \\\nc\"\"\" # d\n",
                "; d\nk = \"\"\"a\nb\"\"\" \\\nc\"\"\"\n",
            ),
            ("k = `a;b#c`\n", "k = `a;b#c`\n"),
            ("k = \" x \"\n", "k = \" x \"\n"),
            ("k = 'x'\n", "k = x\n"),
            ("k = \"a\" b\n", "k = \"a\" b\n"),
            ("k = a\\\n  b\\\n c\n", "k = abc\n"),
            ("k = a\nk2 = b\nk = c\n", "k  = c\nk2 = b\n"),
            (
                "[s]\na=1\n[s]\na=2\n[DEFAULT]\nb=3\n",
                "[s]\na = 1\n\n[s]\na = 2\n\n[DEFAULT]\nb = 3\n",
            ),
            ("[empty]\n[two]\n", "[empty]\n\n[two]\n"),
            ("[a]b]\nk=v\n", "[a]b]\nk = v\n"),
            ("`a=b` = 1\n\"\"\"c`d\"\"\" = 2\n", "`a=b`     = 1\n\"\"\"c`d\"\"\" = 2\n"),
            ("k = caf\u{e9}\u{a0}\n", "k = caf\u{e9}\n"),
            ("\u{feff}k = v\n", "k = v\n"),
        ] {
            assert_eq!(reprinted(Format::Ini, source.as_bytes()), printed, "{source}");
        }
    }

    #[test]
    fn what_sops_would_lose_is_printed_so_that_it_reads_back() {
        for (source, printed) in [
            ("#\n# b\nk = v\n", ";\n# b\nk = v\n"),
            ("- = a\n- = b\n", "`#1` = a\n`#2` = b\n"),
            ("`[x]` = v\n", "`[x]` = v\n"),
            ("k = `\"x\"`\n", "k = '\"x\"'\n"),
            ("k = `'x'`\n", "k = \"'x'\"\n"),
            ("k = `\"'\"`\n", "k = `\"'\"`\n"),
            ("k = `a\\`\nl = m\n", "k = \"a\\\"\nl = m\n"),
            ("k = `\"\"\"x`\n", "k = '\"\"\"x'\n"),
            ("k = ` \"x`\n", "k = ' \"x'\n"),
            ("k = `a\"\"\"b\nc`\n", "k = `a\"\"\"b\nc`\n"),
        ] {
            assert_eq!(reprinted(Format::Ini, source.as_bytes()), printed, "{source}");
            assert_eq!(parse(printed.as_bytes()), parse(source.as_bytes()), "{source}");
        }
    }

    #[test]
    fn errors_say_where_and_never_what() {
        for (source, error) in [
            ("\n[secret\n", "line 2: a section header without `]`"),
            ("\n[]\n", "line 2: a section without a name"),
            ("\nsecret\n", "line 2: neither a key nor a section"),
            ("\n= secret\n", "line 2: a key without a name"),
            ("\n\"\" = secret\n", "line 2: a key without a name"),
            ("\n\"k = secret\n", "line 2: a key with a quote that is not closed"),
            ("\nk = `secret\n", "line 2: a quote that is not closed"),
        ] {
            assert_eq!(reprinted(Format::Ini, source.as_bytes()), error);
        }
    }

    #[test]
    fn a_key_comment_stands_behind_its_key_and_a_section_comment_first() {
        let documents = parse(b"; s\n[s]\n# c1\nk = v # c2\n").unwrap();
        let Some(Value::Map(section)) = documents[0].get(b"s") else {
            panic!()
        };
        let keys = section.items.iter().map(|item| match &item.key {
            Key::Name(name) => String::from_utf8_lossy(name).into_owned(),
            Key::Comment(comment) => String::from_utf8_lossy(&comment.text).into_owned(),
            Key::Other(_) => panic!(),
        });
        assert_eq!(keys.collect::<Vec<_>>(), ["s", "k", "c1\n# c2"]);
    }

    #[test]
    fn a_value_in_the_place_of_a_section_has_no_spelling() {
        let item = Item {
            key: Key::Name(b"s".to_vec()),
            value: Value::Null,
        };
        assert!(emit(vec![Branch { items: vec![item] }], usize::MAX).is_err());
    }
}
