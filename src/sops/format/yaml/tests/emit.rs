//! Tests of the writer of YAML: from a tree to a text.

use std::borrow::Cow;

use proptest::prelude::*;

use super::{decrypted, notation};
use crate::{
    sops::{
        format::yaml::{emit, emit_scalar, parse},
        tree::{Branch, Comment, Item, Key, Opened, ScalarType, Value},
    },
    system::plaintext::Plaintext,
};

/// The text that is printed for these documents.
fn print(documents: &[Branch<Opened>]) -> String {
    let text = emit(documents.to_vec(), usize::MAX)
        .unwrap_or_else(|error| panic!("{error}"))
        .unwrap();
    String::from_utf8(text.expose().to_vec()).unwrap()
}

/// Reads a text into documents. Returns the text that is printed for these documents.
fn reprint(source: &str, encrypted_comments: bool) -> String {
    let documents = parse(source.as_bytes()).unwrap();
    let documents = documents.iter().map(|branch| decrypted(branch, encrypted_comments));
    print(&documents.collect::<Vec<_>>())
}

/// A map with one item.
fn single(name: &str, value: Value<Opened>) -> Branch<Opened> {
    let key = Key::Name(name.as_bytes().to_vec());
    Branch {
        items: vec![Item { key, value }],
    }
}

fn string(text: impl AsRef<[u8]>) -> Value<Opened> {
    Value::Scalar(ScalarType::Text, Plaintext::from(text.as_ref().to_vec()).into())
}

fn comment(text: impl AsRef<[u8]>, inline: bool) -> Comment<Opened> {
    let text = Plaintext::from(text.as_ref().to_vec()).into();
    Comment { text, inline }
}

#[test]
fn documents_are_printed_as_sops_prints_them() {
    for (source, expected) in WHOLE {
        assert_eq!(&reprint(source, false), expected, "of {source:?}");
    }
}

#[test]
fn decrypted_comments_stand_on_lines_of_their_own() {
    for (source, expected) in DECRYPTED {
        assert_eq!(&reprint(source, true), expected, "of {source:?}");
    }
}

#[test]
fn strings_are_printed_in_the_style_of_sops() {
    for (text, expected) in VALUES {
        assert_eq!(&print(&[single("k", string(text))]), expected);
    }
    for (text, expected) in NAMES {
        assert_eq!(&print(&[single(text, string("v"))]), expected);
    }
    for (text, expected) in ENTRIES {
        assert_eq!(&print(&[single("k", Value::List(vec![string(text)]))]), expected);
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_printed_as_base64() {
    // sops prints these texts for `!!binary` values.
    assert_eq!(print(&[single("k", string(b"\xff\xfe"))]), "k: !!binary //4=\n");
    let lines = format!("k: !!binary |\n    {}\n    //////////\n", "/".repeat(70));
    assert_eq!(print(&[single("k", string([0xFF; 60]))]), lines);
}

/// Texts that sops reads, but does not print correctly. Each is followed by the text that this program prints.
const REPAIRED: &[(&str, &str)] = &[
    (
        "k:\n- &b # c\n- | # d\n  a\n  b\n",
        "k:\n    - null\n    - \"a\\nb\\n\" # c\n    # d\n",
    ),
    ("k: \"\\ta\\nb\"\n", "k: |4-\n    \ta\n    b\n"),
    ("\"\\ta\\nb\": 1\n", "? |4-\n    \ta\n    b\n: 1\n"),
    ("k: [\"\\ta\\nb\"]\n", "k:\n    - |2-\n      \ta\n      b\n"),
    ("k: [\" a\\nb\"]\n", "k:\n    - |2-\n       a\n      b\n"),
    ("k: [\"\\na\"]\n", "k:\n    - |2-\n\n      a\n"),
    ("k: [{a: \" a\\nb\"}]\n", "k:\n    - a: |2-\n         a\n        b\n"),
    ("k: [\"\\n\"]\n", "k:\n    - |4+\n\n"),
    ("k: &b # c\n- |- # d\n  a\n  b\n", "k:\n    - \"a\\nb\" # c\n    # d\n"),
    ("k:\n- [a] # c\n- []\n", "k:\n    - - a\n    - # c\n      []\n"),
    ("k: [{a: b}, # c\n  {}]\n", "k:\n    - a: b\n    - # c\n      {}\n"),
];

#[test]
fn what_sops_prints_wrong_is_printed_right() {
    for (source, expected) in REPAIRED {
        assert_eq!(&reprint(source, false), expected, "of {source:?}");
    }
}

#[test]
fn comments_are_made_printable() {
    let item = |text: &[u8]| Item {
        key: Key::Comment(comment(text, false)),
        value: Value::Null,
    };
    let items = vec![item(b" a\x07b\xFF\xFEc"), item(b" two\nlines"), item(b"")];
    let expected = "# a\u{FFFD}b\u{FFFD}\u{FFFD}c\n# two\n# lines\n#\n{}\n";
    assert_eq!(print(&[Branch { items }]), expected);
}

#[test]
fn a_comment_in_the_place_of_a_value_is_printed_as_a_map() {
    let value = Value::Comment(comment(" c", false));
    assert_eq!(print(&[single("k", value)]), "k:\n    value: ' c'\n    inline: false\n");
}

#[test]
fn a_key_that_is_not_a_string_cannot_be_printed() {
    let item = Item {
        key: Key::Other("an integer"),
        value: Value::Null,
    };
    let error = emit(vec![Branch { items: vec![item] }], usize::MAX).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "a key is an integer, not a string");
}

#[test]
fn a_single_value_is_printed_as_in_a_document() {
    for (kind, text, expected) in [
        (ScalarType::Integer, "-5", "-5"),
        (ScalarType::Float, "1000000", "1e+06"),
        (ScalarType::Float, "5", "5"),
        (ScalarType::Float, "+Inf", ".inf"),
        (ScalarType::Float, "-Inf", "-.inf"),
        (ScalarType::Float, "NaN", ".nan"),
        (ScalarType::Boolean, "True", "true"),
        (ScalarType::Boolean, "False", "false"),
        (ScalarType::Time, "2001-12-14T21:59:43.1-05:00", "2001-12-14T21:59:43.1-05:00"),
    ] {
        let printed = emit_scalar(kind, &Plaintext::from(text.to_owned()));
        assert_eq!(printed.expose(), expected.as_bytes());
    }
}

/// Random strings. Many of them are made of characters that decide about the style.
fn strings() -> impl Strategy<Value = String> {
    let hard = "[ab01:\\-# \n\t\"'\\\\{}\\[\\],&*!|>%@`~.e?=<é\u{85}\u{a0}\u{2028}\u{feff}😀\r\u{7f}\u{0}]{0,6}";
    prop_oneof![hard, any::<String>()]
}

proptest! {
    #[test]
    fn every_string_is_read_as_it_was_printed(text in strings(), name in strings()) {
        let string = || Value::Scalar(ScalarType::Text, Cow::Borrowed(text.as_bytes()));
        let map = |value| {
            let key = Key::Name(name.clone().into_bytes());
            Branch { items: vec![Item { key, value }] }
        };
        let entries = Value::List(vec![string(), Value::List(vec![string()])]);
        let maps = Value::List(vec![Value::Map(map(string())), Value::Map(map(Value::Map(map(string()))))]);
        for value in [string(), entries, maps] {
            let tree = map(value);
            let printed = print(&[decrypted(&tree, false)]);
            let documents = parse(printed.as_bytes()).map(|documents| documents.iter().map(notation).collect());
            prop_assert_eq!(documents, Ok(vec![notation(&tree)]), "of {:?}", printed);
        }
    }
}

/// Texts with documents, each followed by the text that is printed for them.
const WHOLE: &[(&str, &str)] = &[
    (
        "a: {b: {c: [x, {d: e, f: [g, h]}, [i, j, [k]], [], {}]}}\nz: null\n",
        "a:\n    b:\n        c:\n            - x\n            - d: e\n              f:\n                - g\n                - h\n            - - i\n              - j\n              - - k\n            - []\n            - {}\nz: null\n",
    ),
    ("# x\na: b\n# y\nc: d\n# z\n", "# x\na: b\n# y\nc: d\n# z\n"),
    ("m:\n  a: b\n  # y\n", "m:\n    a: b\n    # y\n"),
    (
        "l:\n  # 1\n  - a\n  # 2\n  - b\n  # 3\nx: y\n",
        "l:\n    # 1\n    - a\n    # 2\n    - b\n    # 3\nx: \"y\"\n",
    ),
    (
        "l:\n  # 1\n  - # 2\n    a: b\n    # 3\n  # 4\n  - c: d\n  # 5\nx: y\n",
        "l:\n    # 2\n    - a: b\n      # 3\n    # 4\n    - c: d\n      # 5\nx: \"y\"\n",
    ),
    ("a: b # i\n", "a: b # i\n"),
    ("a: | # i\n  b\n  c\n", "a: | # i\n    b\n    c\n"),
    ("# only\n--- {}\n", "# only\n{}\n"),
    (
        "a: \"1\"\n# end\n---\n# start\nb: \"2\"\n",
        "a: \"1\"\n# end\n---\n# start\nb: \"2\"\n",
    ),
    ("a: {} # c\nb: c\n", "a: {\n    # c\n}\nb: c\n"),
    ("z: {a: {}} # c\n", "z:\n    # c\n    a: {}\n"),
    ("a: [] # c\nb: c\n", "a: []\n# c\nb: c\n"),
    ("a: [{}, []] # c\nb: 1\n", "a:\n    # c\n    - {}\n    - []\nb: 1\n"),
    ("a:\n  - # c\n    []\nb: 1\n", "a:\n    # c\n    - []\nb: 1\n"),
    ("---\n", "{}\n"),
    ("a: 1\n---\n---\nb: 2\n", "a: 1\n---\n{}\n---\nb: 2\n"),
    ("--- # c\n", "# c\n{}\n"),
    (
        "a:\n  - b: c\n    # 1\n\n  - d\n# 2\n",
        "a:\n    - b: c\n      # 1\n    - d\n# 2\n",
    ),
    (
        "a: [1, 2] # x\nb: {c: d} # y\ne: [f] # z\ng: h\n",
        "a:\n    # x\n    - 1\n    - 2\nb:\n    # y\n    c: d\ne:\n    # z\n    - f\ng: h\n",
    ),
    (
        "a: &x # la\n  x: 1 # lx\nb: *x # lb\n",
        "a:\n    # la\n    x: 1 # lx\nb:\n    # la\n    x: 1 # lx\n",
    ),
    (
        "l:\n  - a # 1\n  - b # 2\n  - [c] # 3\n  - {d: e} # 4\n  - f\nk: v # 5\n",
        "l:\n    - a # 1\n    - b # 2\n    - - c\n    - # 3\n      d: e\n    - f # 4\nk: v # 5\n",
    ),
    ("? a # k\n: b: c\n", "# k\na:\n    b: c\n"),
    (
        "a: # x\n  b: # y\n    - c # z\n",
        "# x\na:\n    # y\n    b:\n        - c # z\n",
    ),
    ("k: true", "k: true\n"),
    ("k: 1", "k: 1\n"),
    ("k: -5", "k: -5\n"),
    ("k: 1.0", "k: 1\n"),
    ("k: 1.5", "k: 1.5\n"),
    ("k: 1e6", "k: 1e+06\n"),
    ("k: 123456.0", "k: 123456\n"),
    ("k: 1234567.0", "k: 1.234567e+06\n"),
    ("k: 1e21", "k: 1e+21\n"),
    ("k: 1e-5", "k: 1e-05\n"),
    ("k: 0.0001", "k: 0.0001\n"),
    ("k: -0.0", "k: -0\n"),
    ("k: .inf", "k: .inf\n"),
    ("k: -.inf", "k: -.inf\n"),
    ("k: .nan", "k: .nan\n"),
    ("k: null", "k: null\n"),
    ("k: 2001-12-14", "k: 2001-12-14T00:00:00Z\n"),
    ("k: 2001-12-14 1:2:3.5", "k: 2001-12-14T01:02:03.5Z\n"),
    ("k: 2001-12-14T21:59:43.10-05:00", "k: 2001-12-14T21:59:43.1-05:00\n"),
    ("k: 18446744073709551615", "k: 18446744073709551615\n"),
    (
        "k15:\n- [.inf, [\n]\n] ##\n\"a:\":\n  ? k11",
        "k15:\n    - - .inf\n      - []\n'a:': ##\n    k11: null\n",
    ),
    ("n: &a\n-\no: *a # x\nc:", "\"n\":\n    - null\no:\n    - null\nc: null # x\n"),
    ("k24: [\n] #\n#", "k24: []\n#\n\n#\n"),
    (
        "k3:\n- [+5,[ ],[\"#\", key] ]\n#",
        "k3:\n    - - 5\n      - []\n      - - '#'\n        - key\n\n#\n",
    ),
    (
        "k28:\n    -\n      - [\"é\", \"\"]\n      ##\n    - k9: ",
        "k28:\n    - - - é\n        - \"\"\n    -\n    ##\n      k9: null\n",
    ),
    (
        "l:\n  - {a: b}\n  # 1\nx: y\nz: 1\n",
        "l:\n    - a: b\nx: \"y\"\n# 1\n\nz: 1\n",
    ),
    (
        "l: # 1\n  - [a] # 2\nx: y # 3\nz:\n  - 1\n",
        "# 1\nl:\n    - - a\nx: \"y\" # 3\nz: # 2\n    - 1\n",
    ),
    (
        "a: [[]] # 1\nb: {c: d} # 2\ne: f\n",
        "a:\n    # 1\n    - []\nb:\n    # 2\n    c: d\ne: f\n",
    ),
    (
        "l:\n  - a: [1] # 1\n    b: 2\n",
        "l:\n    - a:\n        # 1\n        - 1\n      b: 2\n",
    ),
];

/// Texts with documents whose comments were all encrypted, each followed by the text that is printed for them.
const DECRYPTED: &[(&str, &str)] = &[
    ("# x\na: b\n# y\nc: d\n# z\n", "# x\na: b\n# y\nc: d\n# z\n"),
    ("m:\n  a: b\n  # y\n", "m:\n    a: b\n    # y\n"),
    (
        "l:\n  # 1\n  - a\n  # 2\n  - b\n  # 3\nx: y\n",
        "l:\n    # 1\n    - a\n    # 2\n    - b\n    # 3\nx: \"y\"\n",
    ),
    (
        "l:\n  # 1\n  - # 2\n    a: b\n    # 3\n  # 4\n  - c: d\n  # 5\nx: y\n",
        "l:\n    # 2\n    - a: b\n      # 3\n    # 4\n    - c: d\n      # 5\nx: \"y\"\n",
    ),
    ("a: b # i\n", "# i\na: b\n"),
    ("a: | # i\n  b\n  c\n", "# i\na: |\n    b\n    c\n"),
    ("# only\n--- {}\n", "# only\n{}\n"),
    (
        "a: \"1\"\n# end\n---\n# start\nb: \"2\"\n",
        "a: \"1\"\n# end\n---\n# start\nb: \"2\"\n",
    ),
    ("a: {} # c\nb: c\n", "a: {\n    # c\n}\nb: c\n"),
    ("z: {a: {}} # c\n", "z:\n    # c\n    a: {}\n"),
    ("a: [] # c\nb: c\n", "a: []\n# c\nb: c\n"),
    ("a: [{}, []] # c\nb: 1\n", "a:\n    # c\n    - {}\n    - []\nb: 1\n"),
    ("a:\n  - # c\n    []\nb: 1\n", "a:\n    # c\n    - []\nb: 1\n"),
    ("--- # c\n", "# c\n{}\n"),
    (
        "a:\n  - b: c\n    # 1\n\n  - d\n# 2\n",
        "a:\n    - b: c\n      # 1\n    - d\n# 2\n",
    ),
    (
        "a: [1, 2] # x\nb: {c: d} # y\ne: [f] # z\ng: h\n",
        "a:\n    # x\n    - 1\n    - 2\nb:\n    # y\n    c: d\ne:\n    # z\n    - f\ng: h\n",
    ),
    (
        "a: &x # la\n  x: 1 # lx\nb: *x # lb\n",
        "a:\n    # la\n    # lx\n    x: 1\n# lb\nb:\n    # la\n    # lx\n    x: 1\n",
    ),
    (
        "l:\n  - a # 1\n  - b # 2\n  - [c] # 3\n  - {d: e} # 4\n  - f\nk: v # 5\n",
        "l:\n    # 1\n    - a\n    # 2\n    - b\n    # 3\n    - - c\n    # 4\n    - d: e\n    - f\n# 5\nk: v\n",
    ),
    ("? a # k\n: b: c\n", "# k\na:\n    b: c\n"),
    (
        "a: # x\n  b: # y\n    - c # z\n",
        "# x\na:\n    # y\n    b:\n        # z\n        - c\n",
    ),
    (
        "k15:\n- [.inf, [\n]\n] ##\n\"a:\":\n  ? k11",
        "k15:\n    ##\n    - - .inf\n      - []\n'a:':\n    k11: null\n",
    ),
    (
        "n: &a\n-\no: *a # x\nc:",
        "\"n\":\n    - null\n# x\no:\n    - null\nc: null\n",
    ),
    ("k24: [\n] #\n#", "k24: []\n#\n\n#\n"),
    (
        "k3:\n- [+5,[ ],[\"#\", key] ]\n#",
        "k3:\n    - - 5\n      - []\n      - - '#'\n        - key\n\n#\n",
    ),
    (
        "k28:\n    -\n      - [\"é\", \"\"]\n      ##\n    - k9: ",
        "k28:\n    - - - é\n        - \"\"\n    -\n    ##\n      k9: null\n",
    ),
    (
        "l:\n  - {a: b}\n  # 1\nx: y\nz: 1\n",
        "l:\n    - a: b\nx: \"y\"\n# 1\n\nz: 1\n",
    ),
    (
        "l: # 1\n  - [a] # 2\nx: y # 3\nz:\n  - 1\n",
        "# 1\nl:\n    # 2\n    - - a\n# 3\nx: \"y\"\nz:\n    - 1\n",
    ),
    (
        "a: [[]] # 1\nb: {c: d} # 2\ne: f\n",
        "a:\n    # 1\n    - []\nb:\n    # 2\n    c: d\ne: f\n",
    ),
    (
        "l:\n  - a: [1] # 1\n    b: 2\n",
        "l:\n    - a:\n        # 1\n        - 1\n      b: 2\n",
    ),
    ("# h\n\na: 1 # i\n# f\n\n# h2\nb: 2\n", "# h\n# i\na: 1\n# f\n# h2\nb: 2\n"),
    (
        "l:\n  # c1\n  - a # c2\n  # c3\n\n  # c4\n  - b\n  # c5\nx: y\n",
        "l:\n    # c1\n    # c2\n    - a\n    # c3\n    # c4\n    - b\n    # c5\nx: \"y\"\n",
    ),
    ("a: # c1\n  # c2\n  b: 1\n", "# c1\na:\n    # c2\n    b: 1\n"),
    ("a: # c1\n- b\n", "# c1\na:\n    - b\n"),
    (
        "a:\n  b: 1\n  # in a\n# at root\nc: 2\n",
        "a:\n    b: 1\n    # in a\n# at root\nc: 2\n",
    ),
    ("a: | # c\n  x\nb: 1 # d\n", "# c\na: |\n    x\n# d\nb: 1\n"),
    (
        "a: [1, # c\n 2]\nb: {c: d} # e\n",
        "a:\n    # c\n    - 1\n    - 2\nb:\n    # e\n    c: d\n",
    ),
    (
        "# top\n\n---\n# a\nx: 1\n# end\n---\n# b\ny: 2\n",
        "# top\n# a\nx: 1\n# end\n---\n# b\n\"y\": 2\n",
    ),
    (
        "# ha\na: &a # la\n  x: 1 # lx\nb: *a # lb\n",
        "# ha\na:\n    # la\n    # lx\n    x: 1\n# lb\nb:\n    # la\n    # lx\n    x: 1\n",
    ),
    ("## x\n##\na: 1\n#\nb: 2\n", "## x\n##\na: 1\n#\nb: 2\n"),
    ("l:\n  - # c\n    a: 1\n", "l:\n    # c\n    - a: 1\n"),
    ("# a\n# b\nk: v\n", "# a\n# b\nk: v\n"),
    ("k: v\n# a\n\n# b\n", "k: v\n# a\n# b\n"),
    ("k: v\n\n# a\n", "k: v\n# a\n"),
    (
        "a:\n  b:\n    c: 1\n    # at c\n  # at b\n# at a\nd: 2\n",
        "a:\n    b:\n        c: 1\n        # at c\n    # at b\n# at a\nd: 2\n",
    ),
    ("a:\n  b: 1\n  # c1\n\n  # c2\nd: 2\n", "a:\n    b: 1\n    # c1\n# c2\nd: 2\n"),
    ("l:\n  - # c1\n    # c2\n    - x\n", "l:\n    # c1\n    # c2\n    - - x\n"),
    ("l:\n- # c\n- b # d\n", "l:\n    - null\n    # c\n    # d\n    - b\n"),
    (
        "l:\n    # 1\n    - a: b\n      # 2\n    # 3\n    - c: d\n    # 4\nx: y\n",
        "l:\n    # 1\n    - a: b\n      # 2\n    # 3\n    - c: d\n      # 4\nx: \"y\"\n",
    ),
    (
        "a: {b: c, # one\n  # two\n  d: e # three\n  # four\n  }\n",
        "a:\n    # one\n    b: c\n    # two\n    # three\n    d: e\n    # four\n",
    ),
    (
        "a: [\n  # one\n  1, # two\n  # three\n  ] # four\n",
        "a:\n    # four\n    # one\n    # two\n    - 1\n    # three\n",
    ),
    ("a: 1\n    # deep\nb: 2\n", "a: 1\n# deep\nb: 2\n"),
    ("a:\n    - x\n  # between\nb: 1\n", "a:\n    - x\n    # between\nb: 1\n"),
    ("a: b # c\n  # d\n\n# e\n", "# c\na: b\n# d\n# e\n"),
    ("? a # k\n: b # v\n", "# k\n# v\na: b\n"),
    ("? # c\n  a\n: b\n", "# c\na: b\n"),
    ("a: \"x # no\" # yes\n", "# yes\na: 'x # no'\n"),
    ("a: x# no\n", "a: x# no\n"),
    (
        "a: >- # folded\n  text\n  more\n# after\n",
        "# folded\na: text more\n# after\n",
    ),
    ("a: 1\r\n# c\r\nb: 2\r\n", "a: 1\n# c\nb: 2\n"),
    ("a:\n# c\n  b: 1\n", "a:\n    # c\n    b: 1\n"),
    ("a:\n  # c\n- b\n", "a:\n    # c\n    - b\n"),
    ("# a\n\n# b\n\n# c\nk: v\n", "# a\n# b\n# c\nk: v\n"),
    ("--- # s\na: b\n... # e\n", "# s\na: b\n"),
    ("a: b\n---\n# only\n---\nc: d\n", "a: b\n---\n# only\n{}\n---\nc: d\n"),
    (
        "a: &x [1] # c\n# foot\n\nb: *x\n",
        "a:\n    # c\n    - 1\n# foot\nb:\n    # c\n    - 1\n",
    ),
    ("a: &x # c\n  - 1\nb: *x\n", "a:\n    # c\n    - 1\nb:\n    # c\n    - 1\n"),
    ("a: !!map # c\n  b: 1\n", "a:\n    # c\n    b: 1\n"),
    ("a:   # éééé\n  b: 1\n", "# éééé\na:\n    b: 1\n"),
    (
        "a:\n  - b: 1\n    # x\n\n    # y\n    c: 2\n  # z\n",
        "a:\n    - b: 1\n      # x\n      # y\n      c: 2\n# z\n",
    ),
    ("a: []\n# c\nb: {}\n# d\n", "a: []\n# c\nb: {}\n# d\n"),
    ("# one\n#two\n#\n#  \n#\t\na: b\n", "# one\n#two\n#\n#  \n#\t\na: b\n"),
    ("a:\n\n\n  # c\n\n  b: 1\n", "a:\n    # c\n    b: 1\n"),
    (
        "l:\n    - - x\n      # a\n      - y\n    # b\n    - - z\n",
        "l:\n    - - x\n      # a\n      - \"y\"\n    # b\n    - - z\n",
    ),
    (
        "k: |\n    text\n    # not\n# yes\nb: c\n",
        "k: |\n    text\n    # not\n# yes\nb: c\n",
    ),
    ("a: b\n#c\n#d\n  #e\nf: g\n", "a: b\n#c\n#d\n#e\nf: g\n"),
    ("a:\n  b: c\n # odd\nd: e\n", "a:\n    b: c\n    # odd\nd: e\n"),
    (
        "ENC: 1 #ENC[AES256_GCM,data:x,iv:y,tag:z,type:comment]\n#ENC[AES256_GCM,data:q,iv:y,tag:z,type:comment]\nb: 2\n",
        "#ENC[AES256_GCM,data:x,iv:y,tag:z,type:comment]\nENC: 1\n#ENC[AES256_GCM,data:q,iv:y,tag:z,type:comment]\nb: 2\n",
    ),
    ("\"%{?-\\n\": \n  - >\n ##", "? |\n    %{?-\n:   - \"\"\n##\n"),
    ("k9:\n#\n\n-", "k9:\n    - null\n"),
    ("k22:\n  - |\n\n #\n\n---", "k22:\n    - \"\"\n    #\n---\n{}\n"),
    ("k45:\n  k4:  \n\n# é", "k45:\n    k4: null\n# é\n"),
    ("m: {a:\n#\n}", "m:\n    a: null\n#\n"),
    ("  ? k17\r\n#!\r\n#", "k17: null\n#!\n"),
    ("c:\n  - x\n#", "c:\n    - x\n#\n"),
    ("c:\n---\n#", "c: null\n#\n---\n{}\n"),
    ("k12:\n    k31: -0\n#\n  #!\n#", "k12:\n    k31: 0\n    #\n#!\n#\n"),
    ("c:\n#", "c: null\n#\n"),
    ("  k37: ''\n#\n #", "k37: \"\"\n#\n"),
    ("j: []\n#", "j: []\n#\n"),
    (
        "k48:\n    - |-\n    ##\n    - \"a\\xA0b\" \n#\n\n    ##\n#",
        "k48:\n    - \"\"\n    ##\n    - a\u{a0}b\n#\n##\n#\n",
    ),
    ("# a\n\nk: &b # c\n", "# a\n# c\nk: null\n"),
    ("k: # c\n  - x\n", "# c\nk:\n    - x\n"),
    ("k: &b # c\n  - x\n", "k:\n    # c\n    - x\n"),
    ("k:\n  - # c\n\n    a: 1\n", "k:\n    # c\n    - a: 1\n"),
    (
        "x:\n  a:\n  # c\n    b\n  # e\nd: 1\n",
        "x:\n    # c\n    a: b\n    # e\nd: 1\n",
    ),
];

/// Strings, each followed by the printed map in which the string is the value of `k`.
const VALUES: &[(&str, &str)] = &[
    ("", "k: \"\"\n"),
    ("a", "k: a\n"),
    ("a b", "k: a b\n"),
    (" a", "k: ' a'\n"),
    ("a ", "k: 'a '\n"),
    ("1", "k: \"1\"\n"),
    ("1.5", "k: \"1.5\"\n"),
    ("0x1F", "k: \"0x1F\"\n"),
    ("1_000", "k: \"1_000\"\n"),
    ("08", "k: \"08\"\n"),
    ("1:30", "k: \"1:30\"\n"),
    ("190:20:30.15", "k: \"190:20:30.15\"\n"),
    ("1:60", "k: 1:60\n"),
    ("true", "k: \"true\"\n"),
    ("TRUE", "k: \"TRUE\"\n"),
    ("tRue", "k: tRue\n"),
    ("null", "k: \"null\"\n"),
    ("nULL", "k: nULL\n"),
    ("~", "k: \"~\"\n"),
    ("y", "k: \"y\"\n"),
    ("Yes", "k: \"Yes\"\n"),
    ("on", "k: \"on\"\n"),
    ("off", "k: \"off\"\n"),
    ("2001-01-01", "k: \"2001-01-01\"\n"),
    ("2001-02-30", "k: 2001-02-30\n"),
    (".inf", "k: \".inf\"\n"),
    ("inf", "k: inf\n"),
    (".", "k: .\n"),
    ("-", "k: '-'\n"),
    ("?", "k: '?'\n"),
    (":", "k: ':'\n"),
    ("-a", "k: -a\n"),
    ("?a", "k: ?a\n"),
    (":a", "k: :a\n"),
    ("- a", "k: '- a'\n"),
    ("? a", "k: '? a'\n"),
    (": a", "k: ': a'\n"),
    ("a:", "k: 'a:'\n"),
    ("a: b", "k: 'a: b'\n"),
    ("a:b", "k: a:b\n"),
    ("a #b", "k: 'a #b'\n"),
    ("a#b", "k: a#b\n"),
    ("#a", "k: '#a'\n"),
    ("---", "k: '---'\n"),
    ("--- a", "k: '--- a'\n"),
    ("...", "k: '...'\n"),
    ("..a", "k: ..a\n"),
    ("=", "k: =\n"),
    ("@a", "k: '@a'\n"),
    ("`a", "k: '`a'\n"),
    ("%a", "k: '%a'\n"),
    ("!a", "k: '!a'\n"),
    ("&a", "k: '&a'\n"),
    ("*a", "k: '*a'\n"),
    ("|", "k: '|'\n"),
    (">", "k: '>'\n"),
    ("[a", "k: '[a'\n"),
    ("{a", "k: '{a'\n"),
    ("]a", "k: ']a'\n"),
    ("}a", "k: '}a'\n"),
    (",a", "k: ',a'\n"),
    ("a,b", "k: a,b\n"),
    ("\"a\"", "k: '\"a\"'\n"),
    ("'a'", "k: '''a'''\n"),
    ("it's", "k: it's\n"),
    ("back\\slash", "k: back\\slash\n"),
    ("a\tb", "k: \"a\\tb\"\n"),
    ("\ta", "k: \"\\ta\"\n"),
    ("a\nb", "k: |-\n    a\n    b\n"),
    ("a\nb\n", "k: |\n    a\n    b\n"),
    ("a\nb\n\n", "k: |+\n    a\n    b\n\n"),
    ("\n", "k: |4+\n\n"),
    ("\n\n", "k: |4+\n\n\n"),
    ("\na", "k: |4-\n\n    a\n"),
    ("a\n\nb", "k: |-\n    a\n\n    b\n"),
    ("a \nb", "k: \"a \\nb\"\n"),
    ("a\n b", "k: |-\n    a\n     b\n"),
    ("a\nb ", "k: \"a\\nb \"\n"),
    ("a\n\tb", "k: |-\n    a\n    \tb\n"),
    (" a\nb", "k: |4-\n     a\n    b\n"),
    ("a\n---\nb\n", "k: |\n    a\n    ---\n    b\n"),
    ("a\n# b\n", "k: |\n    a\n    # b\n"),
    ("a\rb", "k: \"a\\rb\"\n"),
    ("a\r\nb", "k: \"a\\r\\nb\"\n"),
    ("a\u{85}b", "k: \"a\\Nb\"\n"),
    ("a\u{2028}b", "k: 'a\u{2028}    b'\n"),
    ("\u{2028}", "k: '\u{2028}'\n"),
    ("a\u{2028}\nb", "k: |-\n    a\u{2028}\n    b\n"),
    ("\u{2028} a", "k: \"\\L a\"\n"),
    ("é", "k: é\n"),
    ("日本", "k: 日本\n"),
    ("a\u{a0}b", "k: a\u{a0}b\n"),
    ("😀", "k: \"\\U0001F600\"\n"),
    ("😀\na", "k: \"\\U0001F600\\na\"\n"),
    ("\0", "k: \"\\0\"\n"),
    ("\u{7}\u{1b}\u{7f}", "k: \"\\a\\e\\x7F\"\n"),
    ("a\u{feff}b", "k: \"a\\uFEFFb\"\n"),
    (
        "\u{feff}ab \u{a0}\u{85}é\u{2028}\"\\ x😀",
        "k: \"\\uFEFF\\x61\\x62\\x20\\_\\N\\xE9\\L\\\"\\\\\\x20\\x78\\U0001F600\"\n",
    ),
    ("\u{e000}", "k: \u{e000}\n"),
    ("<<", "k: !!merge <<\n"),
    (
        "ENC[AES256_GCM,data:YQ==,iv:YQ/+=,tag:YQ==,type:str]",
        "k: ENC[AES256_GCM,data:YQ==,iv:YQ/+=,tag:YQ==,type:str]\n",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "k: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
    ),
    (
        "-----BEGIN KEY-----\nYQ==\n-----END KEY-----\n",
        "k: |\n    -----BEGIN KEY-----\n    YQ==\n    -----END KEY-----\n",
    ),
    ("key: |\n  x\n", "k: |\n    key: |\n      x\n"),
    ("{\"a\": 1}", "k: '{\"a\": 1}'\n"),
    ("a, b", "k: a, b\n"),
    ("a?", "k: a?\n"),
    ("a [b]", "k: a [b]\n"),
    ("1.2.3.4", "k: 1.2.3.4\n"),
    ("12e", "k: 12e\n"),
    ("http://x/?y#z", "k: http://x/?y#z\n"),
    ("user@host", "k: user@host\n"),
    ("*.example.com", "k: '*.example.com'\n"),
    ("$y$j9T$x", "k: $y$j9T$x\n"),
    ("a\\nb", "k: a\\nb\n"),
];

/// Strings, each followed by the printed map in which the string is the only key.
const NAMES: &[(&str, &str)] = &[
    ("", "\"\": v\n"),
    ("a b", "a b: v\n"),
    ("1", "\"1\": v\n"),
    ("null", "\"null\": v\n"),
    ("a: b", "'a: b': v\n"),
    ("it's", "it's: v\n"),
    ("a\nb", "? |-\n    a\n    b\n: v\n"),
    ("a\nb\n", "? |\n    a\n    b\n: v\n"),
    ("a\nb\n\n", "? |+\n    a\n    b\n\n: v\n"),
    ("\n", "? |4+\n\n: v\n"),
    ("\n\n", "? |4+\n\n\n: v\n"),
    ("\na", "? |4-\n\n    a\n: v\n"),
    ("a\n\nb", "? |-\n    a\n\n    b\n: v\n"),
    ("a \nb", "? \"a \\nb\"\n: v\n"),
    ("a\n b", "? |-\n    a\n     b\n: v\n"),
    ("a\nb ", "? \"a\\nb \"\n: v\n"),
    ("a\n\tb", "? |-\n    a\n    \tb\n: v\n"),
    (" a\nb", "? |4-\n     a\n    b\n: v\n"),
    ("a\n---\nb\n", "? |\n    a\n    ---\n    b\n: v\n"),
    ("a\n# b\n", "? |\n    a\n    # b\n: v\n"),
    ("a\r\nb", "? \"a\\r\\nb\"\n: v\n"),
    ("a\u{2028}b", "? 'a\u{2028}    b'\n: v\n"),
    ("\u{2028}", "? '\u{2028}'\n: v\n"),
    ("a\u{2028}\nb", "? |-\n    a\u{2028}\n    b\n: v\n"),
    ("\u{2028} a", "? \"\\L a\"\n: v\n"),
    ("😀", "\"\\U0001F600\": v\n"),
    ("😀\na", "? \"\\U0001F600\\na\"\n: v\n"),
    (
        "ENC[AES256_GCM,data:YQ==,iv:YQ/+=,tag:YQ==,type:str]",
        "ENC[AES256_GCM,data:YQ==,iv:YQ/+=,tag:YQ==,type:str]: v\n",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "? xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n: v\n",
    ),
    (
        "-----BEGIN KEY-----\nYQ==\n-----END KEY-----\n",
        "? |\n    -----BEGIN KEY-----\n    YQ==\n    -----END KEY-----\n: v\n",
    ),
    ("key: |\n  x\n", "? |\n    key: |\n      x\n: v\n"),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: v\n",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "? xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n: v\n",
    ),
];

/// Strings, each followed by the printed map in which the value of `k` is a list with only this string.
const ENTRIES: &[(&str, &str)] = &[
    ("a\nb", "k:\n    - |-\n      a\n      b\n"),
    ("a\nb\n", "k:\n    - |\n      a\n      b\n"),
    ("a\nb\n\n", "k:\n    - |+\n      a\n      b\n\n"),
    ("\n", "k:\n    - |4+\n\n"),
    ("\n\n", "k:\n    - |4+\n\n\n"),
    ("a\n\nb", "k:\n    - |-\n      a\n\n      b\n"),
    ("a \nb", "k:\n    - \"a \\nb\"\n"),
    ("a\n b", "k:\n    - |-\n      a\n       b\n"),
    ("a\nb ", "k:\n    - \"a\\nb \"\n"),
    ("a\n\tb", "k:\n    - |-\n      a\n      \tb\n"),
    ("a\n---\nb\n", "k:\n    - |\n      a\n      ---\n      b\n"),
    ("a\n# b\n", "k:\n    - |\n      a\n      # b\n"),
    ("a\r\nb", "k:\n    - \"a\\r\\nb\"\n"),
    ("a\u{2028}b", "k:\n    - 'a\u{2028}      b'\n"),
    ("\u{2028}", "k:\n    - '\u{2028}'\n"),
    ("a\u{2028}\nb", "k:\n    - |-\n      a\u{2028}\n      b\n"),
    ("\u{2028} a", "k:\n    - \"\\L a\"\n"),
    ("😀\na", "k:\n    - \"\\U0001F600\\na\"\n"),
    (
        "-----BEGIN KEY-----\nYQ==\n-----END KEY-----\n",
        "k:\n    - |\n      -----BEGIN KEY-----\n      YQ==\n      -----END KEY-----\n",
    ),
    ("key: |\n  x\n", "k:\n    - |\n      key: |\n        x\n"),
];
