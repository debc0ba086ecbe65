//! Lists the values of a sops file without a key, and says of each whether it is encrypted.

use serde::Serialize;

use super::{
    format::SopsFileError,
    key::{KeyPath, KeyStep},
    rules::{CommentStack, Rule},
    tree::{Branch, Comment, Item, Key, ScalarType, Stored, Value},
    value::{Parts, Type},
};

/// One value of a sops file, as the file has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoredValue {
    /// The number of the document that contains the value, counted from 1.
    pub(crate) document: usize,
    /// The steps from the document down to the value.
    pub(crate) key: KeyPath,
    /// The type of the value. For a token, this is the type that the token names. `None` for null, and for a token that names no
    /// type of a scalar.
    pub(crate) kind: Option<ScalarType>,
    /// Whether the value is encrypted, and whether it should be.
    pub(crate) state: ValueState,
}

/// Whether a value is encrypted, and whether the selection rule of its file says so too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum ValueState {
    /// The value is encrypted, as the rule says.
    Encrypted,
    /// The value is in the clear, as the rule says.
    Clear,
    /// The value is null or an empty string, which sops never encrypts.
    Empty,
    /// The value is in the clear, although the rule says that it should be encrypted. Somebody added it after sops wrote the file.
    Unprotected,
    /// The value is encrypted, although the rule says that it should be in the clear. sops will not decrypt the value.
    NotDecrypted,
}

/// Limits the list of paths: for each byte of the file, at most this many bytes of paths are listed. Without a limit, long keys
/// above many values would fill the memory.
const PATHS_PER_BYTE: usize = 8;
/// This many bytes of paths (1 MiB) are always listed, even if the file is very small.
const FEW_PATHS: usize = 1 << 20;
/// Each step of a path counts as this many bytes, in addition to the bytes of its name. So a position in a list counts too,
/// although a position has no name.
const STEP: usize = 8;

/// All values of the documents of a file of `size` bytes, in their order. Comments are left out.
///
/// # Errors
/// When the selection rule takes too long, or the paths of the values are many times as long as the file.
pub(crate) fn survey(documents: &[Branch<Stored<'_>>], rule: &mut Rule, size: usize) -> Result<Vec<StoredValue>, SopsFileError> {
    let mut survey = Survey {
        rule,
        document: 0,
        comments: CommentStack::default(),
        steps: Vec::new(),
        names: Vec::new(),
        found: Vec::new(),
        paths_left: size.saturating_mul(PATHS_PER_BYTE).saturating_add(FEW_PATHS),
    };
    for document in documents {
        survey.document = survey.document.saturating_add(1);
        survey.map(document)?;
    }
    Ok(survey.found)
}

/// A walk through the documents of a file. The walk follows the selection rule as decryption does.
struct Survey<'r> {
    rule: &'r mut Rule,
    document: usize,
    comments: CommentStack,
    /// The steps down to the current value.
    steps: Vec<KeyStep>,
    /// What is known of each name on the way to the current value.
    names: Vec<NameOnPath>,
    found: Vec<StoredValue>,
    /// How many bytes of paths may still be listed.
    paths_left: usize,
}

/// What is known of one name of a path, and of the names before it.
#[derive(Clone, Copy, Default)]
struct NameOnPath {
    /// Whether the selection rule matched this name or a name before it.
    is_matched: bool,
    /// The number of bytes of this name and of all names before it.
    bytes: usize,
}

impl Survey<'_> {
    fn map(&mut self, map: &Branch<Stored<'_>>) -> Result<(), SopsFileError> {
        self.comments.enter();
        for item in &map.items {
            self.item(item)?;
        }
        self.comments.leave();
        Ok(())
    }

    fn item(&mut self, item: &Item<Stored<'_>>) -> Result<(), SopsFileError> {
        let name = match &item.key {
            Key::Comment(comment) => return self.comment(comment),
            // Decryption refuses a file with such a key, as sops does.
            Key::Other(_) => return Ok(()),
            Key::Name(name) => name,
        };
        let before = self.path();
        self.names.push(NameOnPath {
            is_matched: self.rule.matches_key(name)? || before.is_matched,
            bytes: before.bytes.saturating_add(name.len()),
        });
        self.step(KeyStep::Name(String::from_utf8_lossy(name).into_owned()), &item.value)?;
        self.names.pop();
        Ok(())
    }

    fn list(&mut self, elements: &[Value<Stored<'_>>]) -> Result<(), SopsFileError> {
        self.comments.enter();
        for (index, element) in elements.iter().enumerate() {
            self.step(KeyStep::Index(index), element)?;
        }
        self.comments.leave();
        Ok(())
    }

    /// Goes down to one value of a map or a list, and back. Comments above a value reach no further than this value.
    fn step(&mut self, step: KeyStep, value: &Value<Stored<'_>>) -> Result<(), SopsFileError> {
        self.steps.push(step);
        let is_comment = self.value(value)?;
        self.steps.pop();
        if !is_comment {
            self.comments.clear();
        }
        Ok(())
    }

    /// Lists what is in a value. Returns whether the value is a comment.
    fn value(&mut self, value: &Value<Stored<'_>>) -> Result<bool, SopsFileError> {
        match value {
            Value::Comment(comment) => return self.comment(comment).map(|()| true),
            Value::Map(map) => self.map(map)?,
            Value::List(elements) => self.list(elements)?,
            Value::Null => self.add(None, ValueState::Empty)?,
            Value::Scalar(kind, text) => return self.scalar(*kind, text),
        }
        Ok(false)
    }

    fn comment(&mut self, comment: &Comment<Stored<'_>>) -> Result<(), SopsFileError> {
        Ok(self.comments.push(self.rule, &comment.text)?)
    }

    /// Lists a scalar. Returns whether the scalar is an encrypted comment: sops stores an encrypted comment of a list as a string.
    fn scalar(&mut self, kind: ScalarType, text: &[u8]) -> Result<bool, SopsFileError> {
        let is_selected = self.rule.selects(self.path().is_matched, &self.comments, false);
        let is_token = kind == ScalarType::Text && Parts::find(text).is_some();
        let (kind, state) = match (is_token, is_selected) {
            (true, true) => match plaintext_type(text) {
                Some(Type::Comment) if matches!(self.steps.last(), Some(KeyStep::Index(_))) => return Ok(true),
                within => (of_scalar(within), ValueState::Encrypted),
            },
            (true, false) => (of_scalar(plaintext_type(text)), ValueState::NotDecrypted),
            (false, true) if kind == ScalarType::Text && text.is_empty() => (Some(kind), ValueState::Empty),
            (false, true) => (Some(kind), ValueState::Unprotected),
            (false, false) => (Some(kind), ValueState::Clear),
        };
        self.add(kind, state).map(|()| false)
    }

    /// Lists the current value.
    fn add(&mut self, kind: Option<ScalarType>, state: ValueState) -> Result<(), SopsFileError> {
        let bytes = self.steps.len().saturating_mul(STEP).saturating_add(self.path().bytes);
        let left = self.paths_left.checked_sub(bytes);
        self.paths_left = left.ok_or_else(|| SopsFileError::metadata("its keys are far too long for its size"))?;
        self.found.push(StoredValue {
            document: self.document,
            key: self.steps.iter().cloned().collect(),
            kind,
            state,
        });
        Ok(())
    }

    /// What is known of the path of the current value.
    fn path(&self) -> NameOnPath {
        self.names.last().copied().unwrap_or_default()
    }
}

/// The type that a token names. `None` if the token is malformed.
fn plaintext_type(token: &[u8]) -> Option<Type> {
    Type::from_name(Parts::find(token)?.type_name).ok()
}

/// The kind of scalar that a type stands for.
fn of_scalar(kind: Option<Type>) -> Option<ScalarType> {
    match kind {
        Some(Type::Scalar(kind)) => Some(kind),
        Some(Type::Comment) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};

    use crate::sops::{SopsFile, format::Format};

    fn check(text: &str, expected: &Expect) {
        let text = format!("{text}sops:\n  lastmodified: \"2026-01-02T03:04:05Z\"\n  age: [{{recipient: age1x, enc: x}}]\n");
        let mut file = SopsFile::parse(Format::Yaml, text.as_bytes()).unwrap();
        let mut lines = String::new();
        for value in file.survey().unwrap() {
            writeln!(lines, "{} {} {:?} {:?}", value.document, value.key, value.kind, value.state).unwrap();
        }
        expected.assert_eq(&lines);
    }

    const TOKEN: &str = "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:";

    #[test]
    fn every_value_is_listed_with_its_state() {
        check(
            &format!(
                "a: {TOKEN}str]\nb:\n  - {TOKEN}int]\n  - {TOKEN}comment]\n  - 5\nc: ''\nd: ~\ne_unencrypted:\n  f: true\n  g: {TOKEN}str]\nh: {TOKEN}x]\ni: {TOKEN}comment]\nj: ENC[AES256_GCM,data:YQ==\n"
            ),
            &expect![[r#"
                1 a Some(Text) Encrypted
                1 ["b"][0] Some(Integer) Encrypted
                1 ["b"][2] Some(Integer) Unprotected
                1 c Some(Text) Empty
                1 d None Empty
                1 e_unencrypted/f Some(Boolean) Clear
                1 e_unencrypted/g Some(Text) NotDecrypted
                1 h None Encrypted
                1 i None Encrypted
                1 j Some(Text) Unprotected
            "#]],
        );
    }

    #[test]
    fn many_values_below_many_lists_are_given_up() {
        let (depth, list) = (120, vec!["1"; 100_000].join(","));
        let section = r#"{"lastmodified": "2026-01-02T03:04:05Z", "age": [{"recipient": "age1x", "enc": "x"}]}"#;
        let lists = format!("{}{list}{}", "[".repeat(depth), "]".repeat(depth));
        let text = format!(r#"{{"a": {lists}, "sops": {section}}}"#);
        let mut file = SopsFile::parse(Format::Json, text.as_bytes()).unwrap();
        assert!(file.survey().is_err());
    }

    #[test]
    fn long_keys_above_many_values_are_given_up() {
        let (key, list) = ("k".repeat(1 << 16), vec!["1"; 1 << 12].join(","));
        let section = r#"{"lastmodified": "2026-01-02T03:04:05Z", "age": [{"recipient": "age1x", "enc": "x"}]}"#;
        let text = format!(r#"{{"{key}": [{list}], "sops": {section}}}"#);
        let mut file = SopsFile::parse(Format::Json, text.as_bytes()).unwrap();
        assert_eq!(file.survey().unwrap_err().problem, "its keys are far too long for its size");
    }
}
