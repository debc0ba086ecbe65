//! JSON files: one object, whose members keep their order and may repeat.
//!
//! The reader differs from sops in these cases:
//!
//! - Bytes after the object are an error. (sops ignores such bytes.)
//! - Bytes that are not UTF-8, and lone surrogate escapes, are errors. (sops replaces both by U+FFFD.)
//! - More than 127 levels of nesting are an error. (sops has no limit.)
//! - `-0` is read as a float, because sops writes `-0` only for a float. (sops reads an integer back.)

mod emit;
mod parse;

pub(crate) use emit::{emit, emit_scalar, emit_values};
pub(crate) use parse::parse;

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::{
        sops::{
            format::{formats::Format, testing::reprinted},
            tree::{Branch, Comment, Item, Key, Opened, ScalarType, Value},
        },
        system::plaintext::Plaintext,
    };

    #[test]
    fn a_document_is_printed_as_sops_prints_it() {
        let source = r#"{"b":1,"a":[1,2.50,{"c":null}],"b":true,"e":{},"l":[],
            "s":"x\u00e9\ud83d\ude00\/<&>\u2028\u0001\b\f\n\r\t\"\\"}"#;
        let printed = concat!(
            "{\n\t\"b\": 1,\n\t\"a\": [\n\t\t1,\n\t\t2.5,\n\t\t{\n\t\t\t\"c\": null\n\t\t}\n\t],\n\t\"b\": true,\n",
            "\t\"e\": {},\n\t\"l\": [],\n\t\"s\": \"xé😀/\\u003c\\u0026\\u003e\\u2028\\u0001\\b\\f\\n\\r\\t\\\"\\\\\"\n}\n",
        );
        assert_eq!(reprinted(Format::Json, source.as_bytes()), printed);
        assert_eq!(reprinted(Format::Json, b" { } "), "{}\n");
    }

    #[test]
    fn numbers_keep_their_type_and_value() {
        use ScalarType::{Float, Integer};
        for (source, kind, canonical, printed) in [
            ("9223372036854775807", Integer, "9223372036854775807", "9223372036854775807"),
            (
                "-9223372036854775808",
                Integer,
                "-9223372036854775808",
                "-9223372036854775808",
            ),
            ("9223372036854775808", Float, "9223372036854776000", "9223372036854776000"),
            ("18446744073709551616", Float, "18446744073709552000", "18446744073709552000"),
            ("1e21", Float, "1000000000000000000000", "1e+21"),
            ("1e20", Float, "100000000000000000000", "100000000000000000000"),
            ("1e-6", Float, "0.000001", "0.000001"),
            ("-1.5e-7", Float, "-0.00000015", "-1.5e-7"),
            ("1e-10", Float, "0.0000000001", "1e-10"),
            ("123456789.125", Float, "123456789.125", "123456789.125"),
            ("-0.0", Float, "-0", "-0"),
            ("-0", Float, "-0", "-0"),
            ("1E2", Float, "100", "100"),
            ("1e-400", Float, "0", "0"),
        ] {
            let document = format!("{{\"k\":{source}}}");
            let documents = parse(document.as_bytes()).unwrap();
            let value = documents[0].get(b"k").unwrap();
            assert_eq!(value, &Value::Scalar(kind, Cow::from(canonical.as_bytes())), "{source}");
            assert_eq!(
                reprinted(Format::Json, document.as_bytes()),
                format!("{{\n\t\"k\": {printed}\n}}\n")
            );
        }
    }

    #[test]
    fn strings_without_escapes_are_not_copied() {
        let documents = parse(br#"{"a": "plain", "b": "escaped\n"}"#).unwrap();
        let borrowed = |name| matches!(documents[0].get(name), Some(Value::Scalar(_, Cow::Borrowed(_))));
        assert!(borrowed(b"a") && !borrowed(b"b"));
    }

    #[test]
    fn what_json_cannot_say_is_dropped_or_written_in_its_words() {
        let text = |bytes: &[u8]| Opened::new(Plaintext::from(bytes.to_vec()));
        let comment = |bytes| Comment {
            text: text(bytes),
            inline: false,
        };
        let item = |name: &[u8], value| Item {
            key: Key::Name(name.to_vec()),
            value,
        };
        let time = Value::Scalar(ScalarType::Time, text(b"2001-12-14T21:59:43.1-05:00"));
        let list = vec![
            Value::Comment(comment(b"gone")),
            Value::Scalar(ScalarType::Text, text(b"\xff\xe2\x82")),
        ];
        let items = vec![
            Item {
                key: Key::Comment(comment(b"gone")),
                value: Value::Null,
            },
            item(b"t", time),
            item(b"c", Value::Comment(comment(b"x"))),
            item(b"l", Value::List(list)),
        ];
        let printed = emit(vec![Branch { items }], usize::MAX).unwrap().unwrap();
        let expected = concat!(
            "{\n\t\"t\": \"2001-12-14T21:59:43.1-05:00\",\n\t\"c\": {\n\t\t\"Value\": \"x\",\n\t\t\"Inline\": false\n\t},\n",
            "\t\"l\": [\n\t\t\"\\ufffd\\ufffd\\ufffd\"\n\t]\n}\n",
        );
        assert_eq!(String::from_utf8_lossy(printed.expose()), expected);
    }

    #[test]
    fn a_character_is_escaped_wherever_it_stands() {
        for (character, escape) in [
            ("\u{1}", "\\u0001"),
            ("\"", "\\\""),
            ("\\", "\\\\"),
            ("<", "\\u003c"),
            (">", "\\u003e"),
            ("&", "\\u0026"),
            ("\u{2028}", "\\u2028"),
            ("\u{2029}", "\\u2029"),
        ] {
            for before in 0..70 {
                let (before, after) = ("x".repeat(before), "é\u{2026}".repeat(20));
                let value = Opened::new(Plaintext::from(format!("{before}{character}{after}{character}")));
                let items = vec![Item {
                    key: Key::Name(b"k".to_vec()),
                    value: Value::Scalar(ScalarType::Text, value),
                }];
                let printed = emit(vec![Branch { items }], usize::MAX).unwrap().unwrap();
                let expected = format!("{{\n\t\"k\": \"{before}{escape}{after}{escape}\"\n}}\n");
                assert_eq!(String::from_utf8_lossy(printed.expose()), expected);
            }
        }
    }

    #[test]
    fn scalars_stand_alone_without_quotes() {
        for (kind, canonical, printed) in [
            (ScalarType::Integer, "-7", "-7"),
            (ScalarType::Float, "5", "5"),
            (ScalarType::Float, "0.00000015", "1.5e-7"),
            (ScalarType::Boolean, "False", "false"),
            (ScalarType::Time, "2001-12-14T21:59:43.1-05:00", "2001-12-14T21:59:43.1-05:00"),
        ] {
            let text = emit_scalar(kind, &Plaintext::from(canonical.to_owned())).unwrap();
            assert_eq!(text.expose(), printed.as_bytes());
        }
        for infinite in ["+Inf", "-Inf", "NaN"] {
            assert!(emit_scalar(ScalarType::Float, &Plaintext::from(infinite.to_owned())).is_err());
        }
    }

    #[test]
    fn errors_say_where_and_never_what() {
        for (source, error) in [
            ("[\"secret\"]", "line 1: the top level must be an object"),
            ("\"secret\"", "line 1: the top level must be an object"),
            ("{\n\"k\": secret}", "line 2: expected value at column 6"),
            ("{\"k\": \"secret}", "line 1: the text ends too early"),
            ("{\"k\": 1} secret", "line 1: trailing characters at column 10"),
            ("{\"k\": 1e400}", "line 1: number out of range at column 11"),
            (
                "{\"k\":\n\"\\udead\"}",
                "line 2: lone leading surrogate in hex escape at column 7",
            ),
            ("", "line 1: the text ends too early"),
        ] {
            let printed = reprinted(Format::Json, source.as_bytes());
            assert_eq!(printed, error, "{source}");
        }
        assert_eq!(reprinted(Format::Json, b"{\n\"\xff\":1}"), "line 2: not UTF-8");
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth| format!("{{\"k\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(126).as_bytes()).is_ok());
        assert!(parse(nested(127).as_bytes()).is_err());
        assert!(parse(nested(1_000_000).as_bytes()).is_err());
    }
}
