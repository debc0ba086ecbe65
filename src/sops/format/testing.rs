//! What the tests of the formats share.

use proptest::prelude::*;

use super::Format;
use crate::{
    sops::{
        section::take_metadata,
        tree::{Branch, Comment, Item, Key, Opened, Stored, Value},
    },
    system::plaintext::Plaintext,
};

/// The text that is printed for a file in which nothing is encrypted, or the text of the error.
pub(crate) fn reprinted(format: Format, source: &[u8]) -> String {
    let documents = match format.parse(source) {
        Ok(documents) => documents.into_iter().map(branch).collect::<Vec<_>>(),
        Err(error) => return error.to_string(),
    };
    match format.emit(documents, usize::MAX).map(Option::unwrap) {
        Ok(text) => String::from_utf8_lossy(text.expose()).into_owned(),
        Err(error) => error.to_string(),
    }
}

/// Converts a document to the form that it has after decryption, but decrypts nothing.
fn branch(branch: Branch<Stored>) -> Branch<Opened> {
    let items = branch.items.into_iter().map(|item| Item {
        key: match item.key {
            Key::Name(name) => Key::Name(name),
            Key::Comment(text) => Key::Comment(comment(text)),
            Key::Other(type_name) => Key::Other(type_name),
        },
        value: value(item.value),
    });
    Branch { items: items.collect() }
}

fn value(value: Value<Stored>) -> Value<Opened> {
    match value {
        Value::Null => Value::Null,
        Value::Scalar(kind, text) => Value::Scalar(kind, Plaintext::from(text.into_owned()).into()),
        Value::Comment(text) => Value::Comment(comment(text)),
        Value::List(values) => Value::List(values.into_iter().map(self::value).collect()),
        Value::Map(map) => Value::Map(branch(map)),
    }
}

fn comment(comment: Comment<Stored>) -> Comment<Opened> {
    Comment {
        text: Plaintext::from(comment.text.into_owned()).into(),
        inline: comment.inline,
    }
}

/// Random texts, made mostly of words that have a special meaning in one of the formats.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "a", "k", "=", ":", "\n", " ", "#", ";", "[", "]", "[s]\n", "\"", "'", "`", "\"\"\"", "\\", "\\\n", "\\n", "-", "{", "}",
        ",", "1", "e9", "null", "{\"k\":", "\u{a0}", "sops_", "__list_", "__map_",
    ];
    let word = prop_oneof![
        9 => proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    proptest::collection::vec(word, 0..16).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_text_makes_a_format_panic(text in texts()) {
        for format in [Format::Json, Format::Binary, Format::Dotenv, Format::Ini] {
            reprinted(format, &text);
            if let Ok(mut documents) = format.parse(&text) {
                let _ = take_metadata(format, &mut documents);
            }
        }
    }

    #[test]
    fn printing_a_second_time_changes_nothing(text in texts()) {
        for format in [Format::Json, Format::Dotenv] {
            let once = reprinted(format, &text);
            if format.parse(&text).is_ok() {
                prop_assert_eq!(reprinted(format, once.as_bytes()), once);
            }
        }
    }

    #[test]
    fn every_value_of_an_ini_file_reads_back(value in texts()) {
        let unspellable = value.contains(&b'`') && value.windows(3).any(|quote| quote == b"\"\"\"");
        prop_assume!(!unspellable);
        let quote: &[u8] = if value.contains(&b'`') { b"\"\"\"" } else { b"`" };
        let source = [b"k = ", quote, &value, quote, b"\nl = m\n"].concat();
        let parsed = Format::Ini.parse(&source).unwrap();
        let documents = Format::Ini.parse(&source).unwrap().into_iter().map(branch).collect::<Vec<_>>();
        let printed = Format::Ini.emit(documents, usize::MAX).unwrap().unwrap();
        prop_assert_eq!(Format::Ini.parse(printed.expose()).unwrap(), parsed);
    }
}
