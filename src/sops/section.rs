//! Takes the `sops` metadata section out of the documents, whatever shape the section has in each format.

use std::{collections::HashSet, mem};

use super::{
    format::{Flaw, Format, SopsFileError, unflatten, with_line_feeds},
    tree::{Branch, Item, Key, ScalarType, Stored, Value},
};

/// The name of the metadata section. In a dotenv file, each key of the section begins with this name and `_`.
const NAME: &[u8] = b"sops";

/// Removes the metadata from the documents. Returns the metadata in the nested shape of YAML and JSON files.
///
/// Only the section of the first document is read. sops writes a copy of this section into every later YAML document. These
/// copies are dropped.
pub(crate) fn take_metadata<'a>(
    format: Format,
    documents: &mut [Branch<Stored<'a>>],
) -> Result<Branch<Stored<'a>>, SopsFileError> {
    let section = match format {
        Format::Yaml | Format::Json | Format::Binary => take_section(documents)?,
        Format::Ini => flat_section(take_section(documents)?)?,
        Format::Dotenv => flat_section(take_prefixed(documents))?,
    };
    if section.items.is_empty() {
        Err(not_found())
    } else {
        Ok(section)
    }
}

/// The error for a file that sops did not encrypt: the file has no section `sops`.
fn not_found() -> SopsFileError {
    SopsFileError {
        problem: "it has no sops metadata".to_owned(),
        flaw: Flaw::NoSection,
    }
}

/// One flag for each document: whether sops encrypted the document as a separate file. Such a document has a section, but no
/// message (encrypted data key) in common with the section of the first document. All other fields may differ between sections
/// of one file, such as the time of the last change.
pub(crate) fn foreign(documents: &[Branch<Stored<'_>>]) -> Vec<bool> {
    let mut messages = documents.iter().map(|document| messages_in(document.get(NAME)));
    let first = messages.next().unwrap_or_default();
    let first: HashSet<_> = first.into_iter().collect();
    let later = messages.map(|later| !later.is_empty() && !later.iter().any(|message| first.contains(message)));
    std::iter::once(false).chain(later).collect()
}

/// Collects the messages of a section. A message is the data key, encrypted to one recipient. In a section with key groups, the
/// messages are deeper than in a section without them. So the search covers every depth. Each value is visited once.
fn messages_in<'t>(section: Option<&'t Value<Stored<'_>>>) -> Vec<&'t [u8]> {
    let mut messages = Vec::new();
    let mut left: Vec<_> = section.into_iter().collect();
    while let Some(value) = left.pop() {
        match value {
            Value::List(elements) => left.extend(elements),
            Value::Map(map) => {
                for item in &map.items {
                    match (&item.key, &item.value) {
                        (Key::Name(name), Value::Scalar(_, message)) if **name == *b"enc" => messages.push(&**message),
                        (_, value) => left.push(value),
                    }
                }
            }
            _ => {}
        }
    }
    messages
}

/// Takes the entry `sops` out of every document. Returns the entry of the first document.
fn take_section<'a>(documents: &mut [Branch<Stored<'a>>]) -> Result<Branch<Stored<'a>>, SopsFileError> {
    let mut first = None;
    for document in documents {
        let taken = take(document, |name| (name == NAME).then(|| name.to_vec()));
        first.get_or_insert(taken);
    }
    let mut sections = first.unwrap_or_default().items.into_iter();
    match (sections.next(), sections.next()) {
        (None, _) => Err(not_found()),
        (Some(_), Some(_)) => Err(SopsFileError {
            problem: "it has two sops sections".to_owned(),
            flaw: Flaw::RepeatedSection,
        }),
        (
            Some(Item {
                value: Value::Map(section),
                ..
            }),
            None,
        ) => Ok(section),
        (Some(item), None) => Err(SopsFileError::metadata(format!(
            "its sops section is {}, not a map",
            item.value.type_name()
        ))),
    }
}

/// For dotenv files, whose sops section is the keys that begin with `sops_`: takes these keys out of the document, and removes the
/// prefix. A dotenv file has only one document.
fn take_prefixed<'a>(documents: &mut [Branch<Stored<'a>>]) -> Branch<Stored<'a>> {
    let document = documents.first_mut();
    document
        .map(|document| take(document, |name| Some(name.strip_prefix(b"sops_")?.to_vec())))
        .unwrap_or_default()
}

/// Takes items out of a document: those for which `rename` returns a new name. Returns the items under their new names.
fn take<'a>(document: &mut Branch<Stored<'a>>, rename: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Branch<Stored<'a>> {
    let mut taken = Branch::default();
    for item in mem::take(&mut document.items) {
        let renamed = match &item.key {
            Key::Name(name) => rename(name),
            Key::Comment(_) | Key::Other(_) => None,
        };
        match renamed {
            Some(name) => taken.items.push(Item {
                key: Key::Name(name),
                value: item.value,
            }),
            None => document.items.push(item),
        }
    }
    taken
}

/// Converts a flat section to its nested form. In a value, the two characters `\n` stand for a line feed.
fn flat_section(mut section: Branch<Stored<'_>>) -> Result<Branch<Stored<'_>>, SopsFileError> {
    for item in &mut section.items {
        if let Value::Scalar(ScalarType::Text, text) = &mut item.value {
            *text = with_line_feeds(mem::take(text));
        }
    }
    unflatten(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the metadata out of the text of a file. Returns the metadata in a form that can be compared, and the number of items
    /// that are left in the first document.
    fn take_from(format: Format, source: &[u8]) -> (Result<String, SopsFileError>, usize) {
        let mut documents = format.parse(source).unwrap();
        let metadata = take_metadata(format, &mut documents).map(|section| show(&Value::Map(section)));
        (metadata, documents[0].items.len())
    }

    fn show(value: &Value<Stored>) -> String {
        match value {
            Value::Map(branch) => {
                let items = branch.items.iter().map(|item| match &item.key {
                    Key::Name(name) => {
                        format!("{}:{}", String::from_utf8_lossy(name), show(&item.value))
                    }
                    _ => "?".to_owned(),
                });
                format!("<{}>", items.collect::<Vec<_>>().join(","))
            }
            Value::List(values) => format!("[{}]", values.iter().map(show).collect::<Vec<_>>().join(",")),
            Value::Scalar(_, text) => String::from_utf8_lossy(text).into_owned(),
            other => other.type_name().to_owned(),
        }
    }

    const NESTED: &str = "<age:[<enc:a\nb,recipient:age1x>,<enc:c,recipient:age1y>],kms:[<context:<Env:prod>>],version:3>";

    #[test]
    fn metadata_has_one_shape_in_all_formats() {
        let json = br#"{"k": 1, "sops": {"age": [{"enc": "a\nb", "recipient": "age1x"}, {"enc": "c", "recipient": "age1y"}],
            "kms": [{"context": {"Env": "prod"}}], "version": "3"}}"#;
        assert_eq!(take_from(Format::Json, json), (Ok(NESTED.to_owned()), 1));
        assert_eq!(take_from(Format::Binary, json), (Ok(NESTED.to_owned()), 1));
        let flat = "version=3\nage__list_1__map_recipient=age1y\nage__list_0__map_enc=a\\nb\nage__list_0__map_recipient=age1x\n\
            age__list_1__map_enc=c\nkms__list_0__map_context__map_Env=prod\n";
        let dotenv = format!(
            "K=1\n#c\n{}",
            flat.replace("\nkms", "\nsops_kms")
                .replace("age_", "sops_age_")
                .replace("version", "sops_version")
        );
        assert_eq!(take_from(Format::Dotenv, dotenv.as_bytes()), (Ok(NESTED.to_owned()), 2));
        let ini = format!("[s]\nk = 1\n[sops]\n; comment\n{flat}[t]\n");
        assert_eq!(take_from(Format::Ini, ini.as_bytes()), (Ok(NESTED.to_owned()), 3));
        let ini = ini.replace("a\\nb", "\"\"\"a\nb\"\"\"");
        assert_eq!(take_from(Format::Ini, ini.as_bytes()), (Ok(NESTED.to_owned()), 3));
    }

    #[test]
    fn a_file_without_a_proper_section_is_refused() {
        let none = "it has no sops metadata";
        let two = "it has two sops sections";
        for (format, source, error) in [
            (Format::Json, "{}", none),
            (Format::Json, r#"{"sops": {}}"#, none),
            (Format::Json, r#"{"sops": 5}"#, "its sops section is an integer, not a map"),
            (Format::Json, r#"{"sops": null}"#, "its sops section is null, not a map"),
            (Format::Json, r#"{"sops": {"a": 1}, "sops": {"a": 1}}"#, two),
            (Format::Ini, "[a]\nb = c\n", none),
            (Format::Ini, "[sops]\n", none),
            (Format::Ini, "[sops]\na = b\n[sops]\na = b\n", two),
            (Format::Dotenv, "SOPS_a=b\nsopsa=b\n", none),
        ] {
            let refused = take_from(format, source.as_bytes()).0.unwrap_err();
            assert_eq!(refused.problem, error, "{source}");
        }
    }

    #[test]
    fn sections_of_later_documents_are_dropped_unread() {
        let documents = |source: &'static [u8]| Format::Json.parse(source).unwrap().remove(0);
        let mut documents = [
            documents(br#"{"sops": {"a": 1}}"#),
            documents(br#"{"sops": 5, "sops": 6, "k": 7}"#),
        ];
        assert_eq!(
            take_metadata(Format::Yaml, &mut documents).map(|section| show(&Value::Map(section))),
            Ok("<a:1>".to_owned())
        );
        assert_eq!(documents.map(|document| document.items.len()), [0, 1]);
    }

    #[test]
    fn flat_keys_that_contradict_each_other_are_refused() {
        let two_types = "the metadata under sops.a is there twice, as two types";
        let gap = "the metadata list sops.a has a gap";
        for (source, error) in [
            ("sops_a=1\nsops_a=2\n", "the metadata key a occurs twice"),
            (
                "sops_a__list_0=1\nsops_a__list_x=2\n",
                "the metadata key a__list_x occurs twice",
            ),
            ("sops_a=1\nsops_a__map_b=2\n", two_types),
            ("sops_a__list_0=1\nsops_a__map_b=2\n", two_types),
            ("sops_a__list_1=1\n", gap),
            ("sops_a__list_-1=1\n", gap),
            ("sops_a__list_0=1\nsops_a__list_99999999999999999999=1\n", gap),
        ] {
            let refused = take_from(Format::Dotenv, source.as_bytes()).0.unwrap_err();
            assert_eq!(refused.problem, error, "{source}");
        }
    }

    #[test]
    fn flat_keys_cannot_write_to_the_terminal() {
        for (source, error) in [
            ("sops_\u{1b}=1\nsops_\u{1b}=2\n", r"the metadata key \u{1b} occurs twice"),
            ("sops_\u{9b}__list_1=1\n", r"the metadata list sops.\u{9b} has a gap"),
        ] {
            let error_of = |source: &str| take_from(Format::Dotenv, source.as_bytes()).0.unwrap_err().to_string();
            assert_eq!(error_of(source), error);
        }
    }

    #[test]
    fn endless_nesting_is_refused() {
        let source = format!("sops_{}=1\n", "a__map_".repeat(100_000));
        let error = take_from(Format::Dotenv, source.as_bytes()).0.unwrap_err();
        let start = &"a__map_".repeat(6)[..40];
        assert_eq!(error.problem, format!("the metadata key {start}… is nested too deeply"));
    }

    #[test]
    fn a_later_document_is_foreign_if_it_has_no_message_of_the_first() {
        let section = |message: &str, time: &str| format!("sops:\n  age:\n  - enc: {message}\n  lastmodified: {time}\n");
        let sources = [
            ("x", "2020", vec![false, false]),
            ("y", "2026", vec![false, true]),
            ("x", "2026", vec![false, false]),
        ];
        for (message, time, expected) in sources {
            let text = format!("{}---\n{}", section("x", "2020"), section(message, time));
            let documents = Format::Yaml.parse(text.as_bytes()).unwrap();
            assert_eq!(foreign(&documents), expected, "{message} {time}");
        }
    }
}
