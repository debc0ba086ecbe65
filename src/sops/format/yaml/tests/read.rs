//! Tests of the reader of YAML: from a text to a tree.

use std::{borrow::Cow, fmt::Write};

use proptest::prelude::*;

use super::notation;
use crate::sops::{
    format::yaml::parse,
    tree::{Key, Value},
};

/// The result of reading a text: its documents in one line, or the error.
fn reading(source: &str) -> String {
    match parse(source.as_bytes()) {
        Ok(documents) => documents.iter().map(notation).collect::<Vec<_>>().join(" | "),
        Err(error) => error.to_string(),
    }
}

fn check(table: &[(&str, &str)]) {
    for (source, expected) in table {
        assert_eq!(&reading(source), expected, "of {source:?}");
    }
}

#[test]
fn keys_of_all_kinds_are_read() {
    check(KEYS);
}

#[test]
fn scalars_are_resolved() {
    check(SCALARS);
}

#[test]
fn every_spelling_of_text_is_read() {
    check(TEXTS);
}

#[test]
fn indentation_makes_collections() {
    check(LAYOUTS);
}

#[test]
fn documents_are_read_in_order() {
    check(DOCUMENTS);
}

#[test]
fn comments_are_attached_as_sops_attaches_them() {
    check(COMMENTS);
}

#[test]
fn a_file_without_content_has_no_documents() {
    for source in ["", "\n", "# comment\n", "   \n\n# a\n\n"] {
        assert_eq!(parse(source.as_bytes()).map(|documents| documents.len()), Ok(0));
    }
}

/// Texts that sops refuses, each followed by our error message.
const ERRORS: &[(&str, &str)] = &[
    ("a: 1\nb: 2\na: 3\n", r#"line 3: the key "a" is already defined at line 1"#),
    ("a: 1\n\"a\": 2\n", r#"line 2: the key "a" is already defined at line 1"#),
    (
        "x:\n  - a: 1\n    b: 1\n    a: 2\n",
        r#"line 4: the key "a" is already defined at line 2"#,
    ),
    ("a: !!int foo\n", "line 1: a value is not a !!int"),
    ("a: !!binary '*'\n", "line 1: a !!binary value is not base64"),
    ("- a\n", "line 1: a document must be a map, not a list"),
    ("a\n", "line 1: a document must be a map, not a single value"),
    ("a: 1\n---\n- b\n", "line 3: a document must be a map, not a list"),
    ("a: 1\n---\nb\n", "line 3: a document must be a map, not a single value"),
    (
        "%YAML 1.2\n---\na: 1\n",
        "line 1: the document wants another version of YAML than 1.1",
    ),
    ("%FOO\n---\na: 1\n", "line 1: unknown directive"),
    ("%YAML 1.1\n%YAML 1.1\n---\na: 1\n", "line 2: a directive is repeated"),
    ("%YAML 1.1\na: 1\n", "line 2: a value is not allowed here"),
    ("a: 1\n...\nb: 2\n", "line 3: the '---' before a document is missing"),
    ("a: \"\\/\"\n", "line 1: unknown escape character in quotes"),
    (
        "a: \"\\ud83d\\ude00\"\n",
        "line 1: an escape in quotes is no Unicode character",
    ),
    ("a: \"\\x4\"\n", "line 1: an escape in quotes wants hexadecimal digits"),
    ("a: 1\nb: \"c\nd\n", "line 2: quotes are not closed"),
    ("a: \"b\n---\nc\"\n", "line 1: a document ends inside quotes"),
    ("a: 1\nb: \u{1}\n", "line 2: control characters are not allowed"),
    ("a: \u{7f}\n", "line 1: control characters are not allowed"),
    (
        "a: *x\n",
        "line 1: an alias has no anchor (a value that begins with '*' needs quotes)",
    ),
    ("a: &x [*x]\n", "line 1: the value of an anchor contains itself"),
    ("a: 1\n---\nb: &x {c: *x}\n", "line 3: the value of an anchor contains itself"),
    (
        "a: & b\n",
        "line 1: the name of an anchor or an alias wants letters and digits",
    ),
    (
        "a: !e!x 1\n",
        "line 1: a tag has a handle that is not defined (a value that begins with '!' needs quotes)",
    ),
    ("a: !<x 1\n", "line 1: a tag is not closed by '>'"),
    ("a: !x%zz 1\n", "line 1: a tag has a wrong '%' escape"),
    ("a: b: c\n", "line 1: a value is not allowed here"),
    ("a: - b\n", "line 1: a list entry is not allowed here"),
    ("a: 1\nb\n", "line 2: could not find the ':' of a key"),
    ("a: 1\nb\nc: 2\n", "line 2: could not find the ':' of a key"),
    ("a: [1\nb: 2\n", "line 2: a ',' or the closing bracket is missing"),
    ("a: {b: 1\n", "line 2: a ',' or the closing bracket is missing"),
    ("a: ]\n", "line 1: a value is missing or not allowed here"),
    ("a: @b\n", "line 1: found a character that cannot start any token"),
    ("a: `b\n", "line 1: found a character that cannot start any token"),
    ("a:\n\t- b\n", "line 2: found a character that cannot start any token"),
    ("a: |\n\tb\n", "line 1: a tab indents a line of a scalar"),
    ("a: | b\n", "line 1: unexpected text behind '|' or '>'"),
    ("a: |0\n  b\n", "line 1: unexpected text behind '|' or '>'"),
    ("a:\n  b: 1\n c: 2\n", "line 3: a key is missing"),
    ("a:\n  - b\n  c: 1\n", "line 3: the '-' of a list entry is missing"),
];

#[test]
fn errors_say_the_line_and_the_problem() {
    check(ERRORS);
}

#[test]
fn what_is_not_utf_8_is_an_error() {
    let error = parse(b"a: 1\nb: \xff\n").map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "line 2: the text is not UTF-8");
}

#[test]
fn a_key_without_mark_may_be_1024_characters_long() {
    let key = |length: usize| format!("{}: 1\n", "é".repeat(length));
    assert!(parse(key(1024).as_bytes()).is_ok());
    assert!(parse(key(1025).as_bytes()).is_err());
}

#[test]
fn tokens_are_borrowed_from_the_source() {
    let documents = parse(b"a: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str] # c\n");
    let documents = documents.unwrap();
    let [comment, item] = documents[0].items.as_slice() else {
        panic!("a comment and an item");
    };
    assert!(matches!(&comment.key, Key::Comment(comment) if matches!(comment.text, Cow::Borrowed(_))));
    assert!(matches!(item.value, Value::Scalar(_, Cow::Borrowed(_))));
}

#[test]
fn nesting_is_limited() {
    let most = 198;
    let flow = |depth: usize| format!("a: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    let block = |depth: usize| {
        (0..depth).fold(String::new(), |mut text, level| {
            let _ = writeln!(text, "{}a:", " ".repeat(level));
            text
        })
    };
    let entries = |depth: usize| format!("a:\n{}x\n", "- ".repeat(depth));
    let keys = |depth: usize| format!("{}x\n", "? ".repeat(depth));
    for text in [flow(most), block(most), entries(most)] {
        assert!(parse(text.as_bytes()).is_ok());
    }
    for text in [flow(100_000), block(1000), entries(100_000), keys(100_000)] {
        let error = parse(text.as_bytes()).map(|_| ()).unwrap_err();
        assert!(error.problem.contains("200 levels deep"), "{error}");
    }
}

#[test]
fn aliases_cannot_nest_what_may_not_be_nested() {
    let chain = (1..1000).fold("a0: &a0 x\n".to_owned(), |mut text, level| {
        let _ = writeln!(text, "a{level}: &a{level} [*a{}]", level - 1);
        text
    });
    let error = parse(chain.as_bytes()).map(|_| ()).unwrap_err();
    assert!(error.problem.contains("200 levels deep"), "{error}");
}

#[test]
fn a_long_chain_of_aliases_is_no_deep_tree() {
    let chain = (0..200_000).fold("x: &x 1\n".to_owned(), |mut text, index| {
        let _ = writeln!(text, "x{index}: &x [*x]");
        text
    });
    assert!(parse(chain.as_bytes()).is_err());
}

#[test]
fn aliases_cannot_multiply_without_bound() {
    let bomb = (1..50).fold("a0: &a0 [x, x, x, x]\n".to_owned(), |mut text, level| {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        let _ = writeln!(text, "a{level}: &a{level} [{aliases}]");
        text
    });
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(1 << 10));
    let comments = format!("a: &a\n  b: 1\n{}c: [{}]\n", "  # x\n".repeat(10_000), "*a, ".repeat(1 << 10));
    for text in [bomb, long, comments] {
        let error = parse(text.as_bytes()).map(|_| ()).unwrap_err();
        assert_eq!(error.problem, "its aliases expand to more than 16 MiB");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[ab:\\-# \n\t\\[\\]{},?|>'\"&*!%@`~0-2.e+\\\\é\u{85}\u{2028}\r]{0,60}") {
        let _ = parse(text.as_bytes());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_lines_make_it_panic(lines in proptest::collection::vec((0..5_usize, 0..FRAGMENTS.len()), 0..12)) {
        let lines: Vec<_> = lines.iter().map(|(indent, index)| format!("{}{}", " ".repeat(*indent), FRAGMENTS[*index])).collect();
        let _ = parse(lines.join("\n").as_bytes());
    }
}

/// Pieces of text with which constructs of YAML begin. The pieces cover most of the grammar.
const FRAGMENTS: &[&str] = &[
    "a:",
    "b: c",
    "- x",
    "-",
    "# c",
    "? k",
    ": v",
    "[",
    "]",
    "{",
    "}",
    "a: [1,",
    "a: |",
    "a: >2-",
    "\"x",
    "'y'",
    "text",
    "",
    "---",
    "...",
    "%YAML 1.1",
    "%TAG ! !",
    "&a x",
    "*a",
    "a: &b",
    "!!int 3",
    "!<",
    "k: # c",
    "- # c",
    "- - a",
    "- k: v",
    "<<: *a",
    "\t",
    "\u{feff}",
];

/// Texts with keys of all kinds, each followed by the tree.
const KEYS: &[(&str, &str)] = &[
    ("a: 1", r#"{"a": int 1}"#),
    ("\"a b\": 1", r#"{"a b": int 1}"#),
    ("'it''s': 1", r#"{"it's": int 1}"#),
    ("? a\n: 1", r#"{"a": int 1}"#),
    ("? |\n  x\n  y\n: 1", r#"{"x\ny\n": int 1}"#),
    ("? long\n: - 1\n  - 2", r#"{"long": [int 1, int 2]}"#),
    ("1: a", r#"{?: "a"}"#),
    ("true: a", r#"{?: "a"}"#),
    ("null: a", r#"{?: "a"}"#),
    ("~: a", r#"{?: "a"}"#),
    ("1.5: a", r#"{?: "a"}"#),
    ("2001-01-01: a", r#"{?: "a"}"#),
    ("x: 1\n---\n? [a]\n: b", r#"{"x": int 1} | {?: "b"}"#),
    ("x: 1\n---\n{a: b}: c", r#"{"x": int 1} | {?: "c"}"#),
    ("<<: {a: b}", r#"{"<<": {"a": "b"}}"#),
    ("<<: &x {a: b}\nc: 1", r#"{"<<": {"a": "b"}, "c": int 1}"#),
    ("!!str 1: a", r#"{"1": "a"}"#),
    ("!!binary aGk=: a", r#"{"hi": "a"}"#),
    ("\"\": a", r#"{"": "a"}"#),
    ("? \n: a", r#"{?: "a"}"#),
    ("&x a: 1\nb: *x", r#"{"a": int 1, "b": "a"}"#),
    ("&x a: 1\n*x : 2", r#"{"a": int 1, "a": int 2}"#),
    ("a : 1", r#"{"a": int 1}"#),
    ("a#b: 1", r#"{"a#b": int 1}"#),
    ("a:b: 1", r#"{"a:b": int 1}"#),
    ("-a: 1", r#"{"-a": int 1}"#),
    ("?a: 1", r#"{"?a": int 1}"#),
    (":a: 1", r#"{":a": int 1}"#),
    ("\"a\\nb\": 1", r#"{"a\nb": int 1}"#),
    ("é: 1", r#"{"é": int 1}"#),
    ("日本: 1", r#"{"日本": int 1}"#),
    ("a\tb: 1", r#"{"a\tb": int 1}"#),
    ("a,b: 1", r#"{"a,b": int 1}"#),
    ("a]b: 1", r#"{"a]b": int 1}"#),
];

/// Texts with scalars, each followed by the tree, which shows the values of the scalars.
const SCALARS: &[(&str, &str)] = &[
    ("k: 1", r#"{"k": int 1}"#),
    ("k: 0", r#"{"k": int 0}"#),
    ("k: -0", r#"{"k": int 0}"#),
    ("k: +5", r#"{"k": int 5}"#),
    ("k: 017", r#"{"k": int 15}"#),
    ("k: 00", r#"{"k": int 0}"#),
    ("k: 08", r#"{"k": float 8}"#),
    ("k: 0x1F", r#"{"k": int 31}"#),
    ("k: 0X1f", r#"{"k": int 31}"#),
    ("k: -0x10", r#"{"k": int -16}"#),
    ("k: 0b11", r#"{"k": int 3}"#),
    ("k: 0o17", r#"{"k": int 15}"#),
    ("k: -0b1", r#"{"k": int -1}"#),
    ("k: 0b-1", r#"{"k": int -1}"#),
    ("k: 0o+7", r#"{"k": int 7}"#),
    ("k: 1_000", r#"{"k": int 1000}"#),
    ("k: _1", r#"{"k": "_1"}"#),
    ("k: 1__0", r#"{"k": int 10}"#),
    ("k: 9223372036854775807", r#"{"k": int 9223372036854775807}"#),
    ("k: 9223372036854775808", r#"{"k": uint 9223372036854775808}"#),
    ("k: -9223372036854775808", r#"{"k": int -9223372036854775808}"#),
    ("k: -9223372036854775809", r#"{"k": float -9223372036854776000}"#),
    ("k: 18446744073709551615", r#"{"k": uint 18446744073709551615}"#),
    ("k: 18446744073709551616", r#"{"k": float 18446744073709552000}"#),
    ("k: +9223372036854775808", r#"{"k": float 9223372036854776000}"#),
    ("k: 0xFFFFFFFFFFFFFFFF", r#"{"k": uint 18446744073709551615}"#),
    ("k: 1.5", r#"{"k": float 1.5}"#),
    ("k: 1.50", r#"{"k": float 1.5}"#),
    ("k: -1.5e3", r#"{"k": float -1500}"#),
    ("k: 1e3", r#"{"k": float 1000}"#),
    ("k: 1E+3", r#"{"k": float 1000}"#),
    ("k: 5.", r#"{"k": float 5}"#),
    ("k: .5", r#"{"k": float 0.5}"#),
    ("k: +.5", r#"{"k": float 0.5}"#),
    ("k: -.5e-2", r#"{"k": float -0.005}"#),
    ("k: .", r#"{"k": "."}"#),
    ("k: 1.2.3", r#"{"k": "1.2.3"}"#),
    ("k: 1e999", r#"{"k": "1e999"}"#),
    ("k: 1e-999", r#"{"k": float 0}"#),
    ("k: 1_0.5_0", r#"{"k": float 10.5}"#),
    ("k: 0x1p3", r#"{"k": "0x1p3"}"#),
    ("k: .nan", r#"{"k": float NaN}"#),
    ("k: .NaN", r#"{"k": float NaN}"#),
    ("k: .inf", r#"{"k": float +Inf}"#),
    ("k: -.INF", r#"{"k": float -Inf}"#),
    ("k: +.Inf", r#"{"k": float +Inf}"#),
    ("k: nan", r#"{"k": "nan"}"#),
    ("k: inf", r#"{"k": "inf"}"#),
    ("k: .INFINITY", r#"{"k": ".INFINITY"}"#),
    ("k: true", r#"{"k": bool True}"#),
    ("k: True", r#"{"k": bool True}"#),
    ("k: TRUE", r#"{"k": bool True}"#),
    ("k: tRue", r#"{"k": "tRue"}"#),
    ("k: false", r#"{"k": bool False}"#),
    ("k: yes", r#"{"k": "yes"}"#),
    ("k: no", r#"{"k": "no"}"#),
    ("k: on", r#"{"k": "on"}"#),
    ("k: off", r#"{"k": "off"}"#),
    ("k: y", r#"{"k": "y"}"#),
    ("k: n", r#"{"k": "n"}"#),
    ("k: ~", r#"{"k": null}"#),
    ("k: null", r#"{"k": null}"#),
    ("k: Null", r#"{"k": null}"#),
    ("k: NULL", r#"{"k": null}"#),
    ("k: nULL", r#"{"k": "nULL"}"#),
    ("k: ", r#"{"k": null}"#),
    ("k: 2001-12-14", r#"{"k": time 2001-12-14T00:00:00Z}"#),
    ("k: 2001-1-2", r#"{"k": time 2001-01-02T00:00:00Z}"#),
    (
        "k: 2001-12-14T21:59:43.10-05:00",
        r#"{"k": time 2001-12-14T21:59:43.1-05:00}"#,
    ),
    ("k: 2001-12-14t21:59:43Z", r#"{"k": time 2001-12-14T21:59:43Z}"#),
    ("k: 2001-12-14 21:59:43", r#"{"k": time 2001-12-14T21:59:43Z}"#),
    ("k: 2001-12-14   1:2:3.5", r#"{"k": time 2001-12-14T01:02:03.5Z}"#),
    ("k: 2001-12-14 21:59:43.10 -5", r#"{"k": "2001-12-14 21:59:43.10 -5"}"#),
    ("k: 2001-02-29", r#"{"k": "2001-02-29"}"#),
    ("k: 2000-02-29", r#"{"k": time 2000-02-29T00:00:00Z}"#),
    ("k: 2001-13-01", r#"{"k": "2001-13-01"}"#),
    ("k: 2001-12-14T21:59:43", r#"{"k": "2001-12-14T21:59:43"}"#),
    ("k: 2001-12-14T24:00:00Z", r#"{"k": "2001-12-14T24:00:00Z"}"#),
    ("k: 2001-12-14T21:59:60Z", r#"{"k": "2001-12-14T21:59:60Z"}"#),
    ("k: 2001-12-14T21:59:43,5Z", r#"{"k": time 2001-12-14T21:59:43.5Z}"#),
    (
        "k: 2001-12-14T21:59:43.1234567891Z",
        r#"{"k": time 2001-12-14T21:59:43.123456789Z}"#,
    ),
    ("k: 2001-12-14T21:59:43+00:00", r#"{"k": time 2001-12-14T21:59:43Z}"#),
    ("k: 2001-12-14T21:59:43+24:00", r#"{"k": time 2001-12-14T21:59:43+24:00}"#),
    ("k: 0000-01-01", r#"{"k": time 0000-01-01T00:00:00Z}"#),
    ("k: 20011-12-14", r#"{"k": "20011-12-14"}"#),
    ("k: 1:30", r#"{"k": "1:30"}"#),
    ("k: 1:30:00", r#"{"k": "1:30:00"}"#),
    ("k: =", r#"{"k": "="}"#),
    ("k: <<", r#"{"k": "<<"}"#),
    ("k: \"1\"", r#"{"k": "1"}"#),
    ("k: 'true'", r#"{"k": "true"}"#),
    ("k: !!str 1", r#"{"k": "1"}"#),
    ("k: !!str", r#"{"k": ""}"#),
    ("k: !!int 7", r#"{"k": int 7}"#),
    ("k: !!int \"7\"", r#"{"k": int 7}"#),
    ("k: !!int 18446744073709551615", r#"{"k": uint 18446744073709551615}"#),
    ("k: !!float 3", r#"{"k": float 3}"#),
    ("k: !!float 0x10", r#"{"k": float 16}"#),
    ("k: !!bool \"true\"", r#"{"k": bool True}"#),
    ("k: !!null \"\"", r#"{"k": null}"#),
    ("k: !!timestamp \"2001-01-01\"", r#"{"k": time 2001-01-01T00:00:00Z}"#),
    ("k: !!binary aGk=", r#"{"k": "hi"}"#),
    ("k: !!binary \"//8=\"", r#"{"k": "��"}"#),
    ("k: !!binary |\n  aG\n  k=", r#"{"k": "hi"}"#),
    ("k: !foo bar", r#"{"k": "bar"}"#),
    ("k: !foo 12", r#"{"k": "12"}"#),
    ("k: ! 12", r#"{"k": int 12}"#),
    ("k: ! \"12\"", r#"{"k": "12"}"#),
    ("k: !<tag:yaml.org,2002:int> \"12\"", r#"{"k": int 12}"#),
    ("k: !!map x", r#"{"k": "x"}"#),
    ("k: !!python/none x", r#"{"k": "x"}"#),
];

/// Texts with spellings of strings, and with collections in brackets, each followed by the tree.
const TEXTS: &[(&str, &str)] = &[
    ("k: a\n  b", r#"{"k": "a b"}"#),
    ("k: a\n\n  b", r#"{"k": "a\nb"}"#),
    ("k: a\n\n\n  b\n", r#"{"k": "a\n\nb"}"#),
    ("k: \"a\n  b\"", r#"{"k": "a b"}"#),
    ("k: \"a\n\n  b\"", r#"{"k": "a\nb"}"#),
    ("k: \"a \\\n  b\"", r#"{"k": "a b"}"#),
    ("k: \"a\\\n   \\ b\"", r#"{"k": "a b"}"#),
    ("k: 'a\n\n  b'", r#"{"k": "a\nb"}"#),
    ("k: 'it''s'", r#"{"k": "it's"}"#),
    (
        "k: \"\\x41\\u00e9\\U0001F600\\0\\a\\b\\t\\n\\v\\f\\r\\e\\\"\\\\\\N\\_\\L\\P\\' \"",
        r#"{"k": "Aé😀\0\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1b}\"\\\u{85}\u{a0}\u{2028}\u{2029}' "}"#,
    ),
    ("k: |\n  a\n  b\n", r#"{"k": "a\nb\n"}"#),
    ("k: |-\n  a\n  b\n", r#"{"k": "a\nb"}"#),
    ("k: |+\n  a\n  b\n\n", r#"{"k": "a\nb\n\n"}"#),
    ("k: |\n  a\n\n\nb: c", r#"{"k": "a\n", "b": "c"}"#),
    ("k: |2\n    a\n", r#"{"k": "  a\n"}"#),
    ("k: |-1\n  a\n", r#"{"k": " a"}"#),
    ("k: >\n  a\n  b\n", r#"{"k": "a b\n"}"#),
    ("k: >\n  a\n\n  b\n", r#"{"k": "a\nb\n"}"#),
    ("k: >\n  a\n   b\n  c\n", r#"{"k": "a\n b\nc\n"}"#),
    ("k: >-\n  a\n\n\n", r#"{"k": "a"}"#),
    ("k: >+\n\n  a\n", r#"{"k": "\na\n"}"#),
    ("k: |\n\n  a\n", r#"{"k": "\na\n"}"#),
    ("k: |\nb: c", r#"{"k": "", "b": "c"}"#),
    ("k: |\n", r#"{"k": ""}"#),
    ("k: |+\n\n\nb: c", r#"{"k": "\n\n", "b": "c"}"#),
    ("k: |\n  a\r\n  b\r\n", r#"{"k": "a\nb\n"}"#),
    ("k: a\u{2028}  b", r#"{"k": "a\u{2028}b"}"#),
    ("k: \"a\u{2028}  b\"", r#"{"k": "a\u{2028}b"}"#),
    ("k: |\n  a\u{2028}  b\u{85}  c", r#"{"k": "a\u{2028}b\nc"}"#),
    ("l:\n- |\n  a\n- >\n b\n", r#"{"l": ["a\n", "b\n"]}"#),
    ("k: a # b\n", r#"{-#" b", "k": "a"}"#),
    ("k: a#b", r#"{"k": "a#b"}"#),
    ("k: a:b", r#"{"k": "a:b"}"#),
    ("k: http://x/#y", r#"{"k": "http://x/#y"}"#),
    ("k: [a, b c, \"d\", 'e']", r#"{"k": ["a", "b c", "d", "e"]}"#),
    ("k: [a\n  b, c]", r#"{"k": ["a b", "c"]}"#),
    (
        "k: {a: 1, b, \"c\": d, ? e : f}",
        r#"{"k": {"a": int 1, "b": null, "c": "d", "e": "f"}}"#,
    ),
    ("k: [a: 1, ? b : c]", r#"{"k": [{"a": int 1}, {"b": "c"}]}"#),
    ("k: {a:b, c: {d: [e]}}", r#"{"k": {"a:b": null, "c": {"d": ["e"]}}}"#),
    ("k: []\nl: {}", r#"{"k": [], "l": {}}"#),
    ("k: [a,]", r#"{"k": ["a"]}"#),
    ("k: -a", r#"{"k": "-a"}"#),
    ("k: a@", r#"{"k": "a@"}"#),
    ("k: a!b&c*d", r#"{"k": "a!b&c*d"}"#),
    ("k: \"tab\there\"", r#"{"k": "tab\there"}"#),
    ("k: a\t# c", r#"{-#" c", "k": "a"}"#),
    ("\u{feff}k: v", r#"{"k": "v"}"#),
    ("k: é\nü: 日本 😀", r#"{"k": "é", "ü": "日本 😀"}"#),
    ("k: \"\\ud7ff\\ue000\"", r#"{"k": "\u{d7ff}\u{e000}"}"#),
    (
        "k: |\n  -----BEGIN AGE ENCRYPTED FILE-----\n  YWdl\n  -----END AGE ENCRYPTED FILE-----\n",
        r#"{"k": "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n"}"#,
    ),
    (
        "k: ENC[AES256_GCM,data:YQ==,iv:YQ/+=,tag:YQ==,type:str]",
        r#"{"k": "ENC[AES256_GCM,data:YQ==,iv:YQ/+=,tag:YQ==,type:str]"}"#,
    ),
];

/// Texts with collections that are written by indentation, each followed by the tree.
const LAYOUTS: &[(&str, &str)] = &[
    ("a: 1\nb:\n  c: 2\n", r#"{"a": int 1, "b": {"c": int 2}}"#),
    ("a:\n- 1\n- 2\nb: 3\n", r#"{"a": [int 1, int 2], "b": int 3}"#),
    ("a:\n  - - 1\n    - 2\n  - - 3\n", r#"{"a": [[int 1, int 2], [int 3]]}"#),
    (
        "a:\n  - b: 1\n    c: 2\n  -\n    d: 3\n",
        r#"{"a": [{"b": int 1, "c": int 2}, {"d": int 3}]}"#,
    ),
    ("a:\nb:\n", r#"{"a": null, "b": null}"#),
    ("a:\n  -\n  - \n  - x\n", r#"{"a": [null, null, "x"]}"#),
    ("a:\n- b:\n  - c\n- d\n", r#"{"a": [{"b": ["c"]}, "d"]}"#),
    ("{a: 1}\n", r#"{"a": int 1}"#),
    ("? a\n? b\n", r#"{"a": null, "b": null}"#),
    ("a:\n  ? b\n  : c\n", r#"{"a": {"b": "c"}}"#),
    ("a: &x\n  b: 1\n", r#"{"a": {"b": int 1}}"#),
    ("a: !!map\n  b: 1\n", r#"{"a": {"b": int 1}}"#),
    ("a:\n - 1\n - 2\n", r#"{"a": [int 1, int 2]}"#),
    ("  a: 1\n  b: 2\n", r#"{"a": int 1, "b": int 2}"#),
    ("\n\na: 1\n\n\n", r#"{"a": int 1}"#),
    ("a: 1", r#"{"a": int 1}"#),
    ("a:\t1\n", r#"{"a": int 1}"#),
    ("a: 1\t\n", r#"{"a": int 1}"#),
];

/// Texts with several documents, directives or anchors, each followed by the trees.
const DOCUMENTS: &[(&str, &str)] = &[
    ("a: 1\n---\nb: 2\n", r#"{"a": int 1} | {"b": int 2}"#),
    ("---\na: 1\n...\n---\nb: 2\n...\n", r#"{"a": int 1} | {"b": int 2}"#),
    ("---\n", "{}"),
    ("---\n---\na: 1\n", r#"{} | {"a": int 1}"#),
    ("a: 1\n---\n", r#"{"a": int 1} | {}"#),
    ("--- {a: 1}\n", r#"{"a": int 1}"#),
    ("--- # c\n", r#"{#" c"}"#),
    ("%YAML 1.1\n---\na: 1\n", r#"{"a": int 1}"#),
    ("%TAG !e! tag:yaml.org,2002:\n---\na: !e!int \"1\"\n", r#"{"a": int 1}"#),
    (
        "a: 1\n...\n%TAG ! tag:yaml.org,2002:\n---\nb: !str 1\n",
        r#"{"a": int 1} | {"b": "1"}"#,
    ),
    ("a: &x 1\n---\nb: *x\n", r#"{"a": int 1} | {"b": int 1}"#),
    ("a: &x {b: 1}\n--- *x\n", r#"{"a": {"b": int 1}} | {"b": int 1}"#),
    ("a: &x 1\nb: &x 2\nc: *x\n", r#"{"a": int 1, "b": int 2, "c": int 2}"#),
    (
        "a: &x [1, &y 2]\nb: [*x, *y]\n",
        r#"{"a": [int 1, int 2], "b": [[int 1, int 2], int 2]}"#,
    ),
    ("a: 1\n---\na: 1\na: 2\n", r#"{"a": int 1} | {"a": int 1, "a": int 2}"#),
    ("a: 1\n---\nb: !!int foo\n", r#"{"a": int 1} | {"b": null}"#),
    ("a: &x {b: &x c}\nd: *x\n", r#"{"a": {"b": "c"}, "d": "c"}"#),
    ("a: 1\n...\n...\n---\nb: 1\n", r#"{"a": int 1} | {"b": int 1}"#),
];

/// Texts with comments, each followed by the tree, which shows where the comments are put.
const COMMENTS: &[(&str, &str)] = &[
    (
        "# h\n\na: 1 # i\n# f\n\n# h2\nb: 2\n",
        r#"{#" h", -#" i", "a": int 1, #" f", #" h2", "b": int 2}"#,
    ),
    (
        "l:\n  # c1\n  - a # c2\n  # c3\n\n  # c4\n  - b\n  # c5\nx: y\n",
        r#"{"l": [#" c1", -#" c2", "a", #" c3", #" c4", "b", #" c5"], "x": "y"}"#,
    ),
    ("a: # c1\n  # c2\n  b: 1\n", r#"{#" c1", "a": {#" c2", "b": int 1}}"#),
    ("a: # c1\n- b\n", r#"{#" c1", "a": ["b"]}"#),
    (
        "a:\n  b: 1\n  # in a\n# at root\nc: 2\n",
        r#"{"a": {"b": int 1, #" in a"}, #" at root", "c": int 2}"#,
    ),
    ("a: | # c\n  x\nb: 1 # d\n", r#"{-#" c", "a": "x\n", -#" d", "b": int 1}"#),
    (
        "a: [1, # c\n 2]\nb: {c: d} # e\n",
        r#"{"a": [-#" c", int 1, int 2], "b": {#" e", "c": "d"}}"#,
    ),
    (
        "# top\n\n---\n# a\nx: 1\n# end\n---\n# b\ny: 2\n",
        r#"{#" top", #" a", "x": int 1, #" end"} | {#" b", "y": int 2}"#,
    ),
    (
        "# ha\na: &a # la\n  x: 1 # lx\nb: *a # lb\n",
        r#"{#" ha", "a": {#" la", -#" lx", "x": int 1}, -#" lb", "b": {#" la", -#" lx", "x": int 1}}"#,
    ),
    (
        "## x\n##\na: 1\n#\nb: 2\n",
        r##"{#"# x", #"#", "a": int 1, #"", "b": int 2}"##,
    ),
    ("l:\n  - # c\n    a: 1\n", r#"{"l": [{#" c", "a": int 1}]}"#),
    ("# a\n# b\nk: v\n", r#"{#" a", #" b", "k": "v"}"#),
    ("k: v\n# a\n\n# b\n", r#"{"k": "v", #" a", #" b"}"#),
    ("k: v\n\n# a\n", r#"{"k": "v", #" a"}"#),
    (
        "a:\n  b:\n    c: 1\n    # at c\n  # at b\n# at a\nd: 2\n",
        r#"{"a": {"b": {"c": int 1, #" at c"}, #" at b"}, #" at a", "d": int 2}"#,
    ),
    (
        "a:\n  b: 1\n  # c1\n\n  # c2\nd: 2\n",
        r#"{"a": {"b": int 1, #" c1"}, #" c2", "d": int 2}"#,
    ),
    ("l:\n  - # c1\n    # c2\n    - x\n", r#"{"l": [[#" c1", #" c2", "x"]]}"#),
    ("l:\n- # c\n- b # d\n", r#"{"l": [null, #" c", -#" d", "b"]}"#),
    (
        "l:\n    # 1\n    - a: b\n      # 2\n    # 3\n    - c: d\n    # 4\nx: y\n",
        r#"{"l": [#" 1", {"a": "b", #" 2"}, #" 3", {"c": "d", #" 4"}], "x": "y"}"#,
    ),
    (
        "a: {b: c, # one\n  # two\n  d: e # three\n  # four\n  }\n",
        r#"{"a": {-#" one", "b": "c", #" two", -#" three", "d": "e", #" four"}}"#,
    ),
    (
        "a: [\n  # one\n  1, # two\n  # three\n  ] # four\n",
        r#"{"a": [#" four", #" one", -#" two", int 1, #" three"]}"#,
    ),
    ("a: 1\n    # deep\nb: 2\n", r#"{"a": int 1, #" deep", "b": int 2}"#),
    ("a:\n    - x\n  # between\nb: 1\n", r#"{"a": ["x", #" between"], "b": int 1}"#),
    ("a: b # c\n  # d\n\n# e\n", r#"{-#" c", "a": "b", #" d", #" e"}"#),
    ("? a # k\n: b # v\n", r#"{#" k", -#" v", "a": "b"}"#),
    ("? # c\n  a\n: b\n", r#"{#" c", "a": "b"}"#),
    ("a: \"x # no\" # yes\n", r#"{-#" yes", "a": "x # no"}"#),
    ("a: x# no\n", r#"{"a": "x# no"}"#),
    (
        "a: >- # folded\n  text\n  more\n# after\n",
        r#"{-#" folded", "a": "text more", #" after"}"#,
    ),
    ("a: 1\r\n# c\r\nb: 2\r\n", r#"{"a": int 1, #" c", "b": int 2}"#),
    ("a:\n# c\n  b: 1\n", r#"{"a": {#" c", "b": int 1}}"#),
    ("a:\n  # c\n- b\n", r#"{"a": [#" c", "b"]}"#),
    ("# a\n\n# b\n\n# c\nk: v\n", r#"{#" a", #" b", #" c", "k": "v"}"#),
    ("--- # s\na: b\n... # e\n", r#"{#" s", "a": "b"}"#),
    ("a: b\n---\n# only\n---\nc: d\n", r#"{"a": "b"} | {#" only"} | {"c": "d"}"#),
    (
        "a: &x [1] # c\n# foot\n\nb: *x\n",
        r#"{"a": [#" c", int 1], #" foot", "b": [#" c", int 1]}"#,
    ),
    ("a: &x # c\n  - 1\nb: *x\n", r#"{"a": [-#" c", int 1], "b": [-#" c", int 1]}"#),
    ("a: !!map # c\n  b: 1\n", r#"{"a": {#" c", "b": int 1}}"#),
    ("a:   # éééé\n  b: 1\n", r#"{#" éééé", "a": {"b": int 1}}"#),
    (
        "a:\n  - b: 1\n    # x\n\n    # y\n    c: 2\n  # z\n",
        r#"{"a": [{"b": int 1, #" x", #" y", "c": int 2}], #" z"}"#,
    ),
    ("a: []\n# c\nb: {}\n# d\n", r#"{"a": [], #" c", "b": {}, #" d"}"#),
    (
        "# one\n#two\n#\n#  \n#\t\na: b\n",
        r#"{#" one", #"two", #"", #"  ", #"\t", "a": "b"}"#,
    ),
    ("a:\n\n\n  # c\n\n  b: 1\n", r#"{"a": {#" c", "b": int 1}}"#),
    (
        "l:\n    - - x\n      # a\n      - y\n    # b\n    - - z\n",
        r#"{"l": [["x", #" a", "y"], #" b", ["z"]]}"#,
    ),
    (
        "k: |\n    text\n    # not\n# yes\nb: c\n",
        r#"{"k": "text\n# not\n", #" yes", "b": "c"}"#,
    ),
    ("a: b\n#c\n#d\n  #e\nf: g\n", r#"{"a": "b", #"c", #"d", #"e", "f": "g"}"#),
    ("a:\n  b: c\n # odd\nd: e\n", r#"{"a": {"b": "c", #" odd"}, "d": "e"}"#),
    (
        "ENC: 1 #ENC[AES256_GCM,data:x,iv:y,tag:z,type:comment]\n#ENC[AES256_GCM,data:q,iv:y,tag:z,type:comment]\nb: 2\n",
        r#"{-#"ENC[AES256_GCM,data:x,iv:y,tag:z,type:comment]", "ENC": int 1, #"ENC[AES256_GCM,data:q,iv:y,tag:z,type:comment]", "b": int 2}"#,
    ),
    ("\"%{?-\\n\": \n  - >\n ##", r##"{"%{?-\n": [""], #"#"}"##),
    ("\nk9:\n#\n\n-", r#"{"k9": [null]}"#),
    ("k22:\n  - |\n\n #\n\n---", r#"{"k22": ["", #""]} | {}"#),
    ("k45:\n  k4:  \n\n# é", r#"{"k45": {"k4": null}, #" é"}"#),
    ("m: {a:\n#\n}", r#"{"m": {"a": null}, #""}"#),
    ("  ? k17\r\n#!\r\n#", r#"{"k17": null, #"!"}"#),
    ("c:\n  - x\n#", r#"{"c": ["x"], #""}"#),
    ("c:\n---\n#", r#"{"c": null, #""} | {}"#),
    ("k12:\n    k31: -0\n#\n  #!\n#", r#"{"k12": {"k31": int 0, #""}, #"!", #""}"#),
    ("c:\n#", r#"{"c": null, #""}"#),
    ("  k37: ''\n#\n #", r#"{"k37": "", #""}"#),
    ("j: []\n#", r#"{"j": [], #""}"#),
    (
        "k48:\n    - |-\n    ##\n    - \"a\\xA0b\" \n#\n\n    ##\n#",
        r##"{"k48": ["", #"#", "a\u{a0}b"], #"", #"#", #""}"##,
    ),
    ("# a\n\nk: &b # c\n", r#"{#" a", #" c", "k": null}"#),
    ("k: # c\n  - x\n", r#"{#" c", "k": ["x"]}"#),
    ("k: &b # c\n  - x\n", r#"{"k": [-#" c", "x"]}"#),
    ("k:\n  - # c\n\n    a: 1\n", r#"{"k": [{#" c", "a": int 1}]}"#),
    (
        "x:\n  a:\n  # c\n    b\n  # e\nd: 1\n",
        r#"{"x": {#" c", "a": "b", #" e"}, "d": int 1}"#,
    ),
    ("? p\n  # d\n#\n    # e\n", r#"{"p": null, #" d", #"", #" e"}"#),
    (
        "#\n  # v\n\n  e: # j\n#\n  d: 1\n",
        r#"{#"", #" v", #" j", "e": null, #"", "d": int 1}"#,
    ),
    ("  d: 1\n  # d\n#\n  # v\n\n", r#"{"d": int 1, #" d", #"", #" v"}"#),
    ("#\n  e: # j\n      # w\n\n", r#"{#"", #" j", "e": null, #" w"}"#),
    (
        "    # e\n? q # y\n      # w\n# c\n",
        r#"{#" e", #" y", "q": null, #" w", #" c"}"#,
    ),
    (
        "  # v\n  # v\n    # e\n  e: # j\n\n\n",
        r#"{#" v", #" v", #" e", #" j", "e": null}"#,
    ),
    (
        "c:\n  e: # j\n#\n  d: 1\n      # w\n? q # y\n#\n",
        r#"{"c": {#" j", "e": null, #"", "d": int 1, #" w"}, #"", #" y", "q": null}"#,
    ),
    (
        "  e: # j\n  - # r\n    # e\n    # e\n",
        r#"{#" j", "e": [null], #" r", #" e", #" e"}"#,
    ),
    ("  # d\nn: &a\n\n#\n      # w\n", r#"{#" d", "n": null, #"", #" w"}"#),
    ("    f: g # k\n  # v\n  # d\n", r#"{-#" k", "f": "g", #" v", #" d"}"#),
    ("n: &a\n#\n  - # r\n  - y # l\n", r#"{"n": [null, #"", #" r", -#" l", "y"]}"#),
    (
        "    m: n\n# c\n  # d\n    # e\n  # d\n      # w\n\n",
        r#"{"m": "n", #" c", #" d", #" e", #" d", #" w"}"#,
    ),
    (
        "  # v\nc:\nn: &a\n  - y # l\n\n  # v\n  # d",
        r#"{#" v", "c": null, "n": [-#" l", "y"], #" v", #" d"}"#,
    ),
    (
        "    # e\n  # d\nh: |\n  - y # l\n#",
        r#"{#" e", #" d", "h": "- y # l\n", #""}"#,
    ),
    (
        "  d: 1\n  e: # j\n  - # r\n    # e\n",
        r#"{"d": int 1, #" j", "e": [null], #" r", #" e"}"#,
    ),
    (
        "? q # y\nk: {} # s\nb: 2 # i\nj: []",
        r#"{#" y", "q": null, "k": {#" s"}, -#" i", "b": int 2, "j": []}"#,
    ),
    (
        "? q # y\n  # d\n? p\n  - x\n  - y # l\n",
        r#"{#" y", "q": null, #" d", #" l", "p - x - y": null}"#,
    ),
    (
        "k: {} # s\nn: &a\n? q # y\n      # w\n",
        r#"{"k": {#" s"}, "n": null, #" w", #" y", "q": null}"#,
    ),
    (
        "a: 1\n\n  # d\nn: &a\n? p\n# c\nb: 2 # i\n",
        r#"{"a": int 1, #" d", "n": null, "p": null, #" c", -#" i", "b": int 2}"#,
    ),
    (
        "      # w\nl: [1, # t\n# c\nn: &a\n  2]",
        r#"{#" w", "l": [-#" t", int 1, {#" c", "n": int 2}]}"#,
    ),
    (
        "  e: # j\n---\nh: |\n? q # y\n: r # z\n\n",
        r#"{#" j", "e": null} | {"h": "", #" y", -#" z", "q": "r"}"#,
    ),
    (
        "k: {} # s\n# c\nn: &a\n  z: 1\n  e: # j\n",
        r#"{"k": {#" s"}, #" c", "n": {"z": int 1, #" j", "e": null}}"#,
    ),
    (
        "? p\n: r # z\nb: 2 # i\n  # v\n? q # y\nn: &a\nh: |\n---\n\n",
        r#"{-#" z", "p": "r", -#" i", "b": int 2, #" v", #" y", "q": null, "n": null, "h": ""} | {}"#,
    ),
    (
        "      # w\nn: &a\n  # d\n    # e\n    m: n\n",
        r#"{#" w", "n": {#" d", #" e", "m": "n"}}"#,
    ),
    (
        "t: \"a\na: 1\n  d: 1\no: *a # x\n  b\" # aa\n# c\nb: 2 # i\n  # d",
        r#"{-#" aa", "t": "a a: 1 d: 1 o: *a # x b", #" c", -#" i", "b": int 2, #" d"}"#,
    ),
    (
        "a: 1\n  - y # l\ns: >-\n  # v\n  c: d\n? q # y\n---\n#\n",
        r##"{-#" l", "a": "1 - y", "s": "# v c: d", #" y", "q": null, #""} | {}"##,
    ),
    (
        "s: >-\n  c: d\n    m: n\nb: 2 # i\nk: {} # s\n      # w",
        r#"{"s": "c: d\n  m: n", -#" i", "b": int 2, "k": {#" s"}, #" w"}"#,
    ),
    (
        "a: 1\nj: []\n---\n---\n    # e\nn: &a\n    text\n# c\n  # v\n\n",
        r#"{"a": int 1, "j": []} | {} | {#" e", "n": "text", #" c", #" v"}"#,
    ),
    (
        "t: \"a\n  text\n  b\" # aa\nb: 2 # i\n      # w\ns: >-\n  e: # j",
        r#"{-#" aa", "t": "a text b", -#" i", "b": int 2, #" w", "s": "e: # j"}"#,
    ),
];
