//! From the stored tree to the decrypted one, with every value authenticated.

use super::{
    DecryptError,
    cipher::DataKey,
    mac::Mac,
    rules::{CommentStack, Rule},
    tree::{Branch, Comment, Item, Key, Kind, Stored, Value, shown},
    value::{Token, Type, canonical},
};
use crate::plaintext::Plaintext;

/// Decrypts whole documents and takes them into `mac`.
pub(super) struct Walk<'k> {
    pub key: &'k DataKey,
    pub rule: &'k Rule,
    pub mac: Mac,
    pub path: Path,
    pub comments: CommentStack,
}

/// The keys down to the current place. List positions are no part of it.
#[derive(Default)]
pub(super) struct Path(Vec<Vec<u8>>);

impl Path {
    /// What sops authenticates a value's place with: every key followed by a colon, one colon alone at the root.
    fn associated(&self) -> Vec<u8> {
        let mut joined = self.0.join(&b':');
        joined.push(b':');
        joined
    }

    /// For messages: keys joined by slashes, as a manifest writes them.
    fn display(&self) -> String {
        self.0.iter().map(|key| shown(key)).collect::<Vec<_>>().join("/")
    }
}

impl Walk<'_> {
    /// Decrypts a map. The order of comments and entries decides what the comment rules select.
    pub fn branch(&mut self, branch: Branch<Stored<'_>>) -> Result<Branch<Plaintext>, DecryptError> {
        self.comments.enter();
        let items = branch
            .items
            .into_iter()
            .map(|item| self.item(item))
            .collect::<Result<_, _>>()?;
        self.comments.leave();
        Ok(Branch { items })
    }

    fn item(&mut self, item: Item<Stored<'_>>) -> Result<Item<Plaintext>, DecryptError> {
        match item.key {
            Key::Comment(comment) => Ok(Item {
                key: Key::Comment(self.comment(comment)),
                value: Value::Null,
            }),
            Key::Other(type_name) => Err(DecryptError::Key {
                path: self.path.display(),
                type_name,
            }),
            Key::Name(name) => {
                self.path.0.push(name);
                let value = self.value(item.value)?;
                if !matches!(value, Value::Comment(_)) {
                    self.comments.clear();
                }
                let name = self.path.0.pop().unwrap_or_default();
                Ok(Item {
                    key: Key::Name(name),
                    value,
                })
            }
        }
    }

    fn value(&mut self, value: Value<Stored<'_>>) -> Result<Value<Plaintext>, DecryptError> {
        match value {
            Value::Null => Ok(Value::Null),
            Value::Map(branch) => self.branch(branch).map(Value::Map),
            Value::List(elements) => self.list(elements),
            Value::Comment(comment) => Ok(Value::Comment(self.comment(comment))),
            Value::Scalar(kind, text) => self.scalar(kind, text),
        }
    }

    fn list(&mut self, elements: Vec<Value<Stored<'_>>>) -> Result<Value<Plaintext>, DecryptError> {
        self.comments.enter();
        let mut list = Vec::with_capacity(elements.len());
        for element in elements {
            let value = self.value(element)?;
            // sops stores an encrypted comment of a list as one more value.
            if !matches!(value, Value::Comment(_)) {
                self.comments.clear();
            }
            list.push(value);
        }
        self.comments.leave();
        Ok(Value::List(list))
    }

    /// Versions of sops that did not encrypt comments left them in the clear, and whoever edits an encrypted file may add one. So a
    /// comment that is no token, or does not open, is taken as it stands. No comment counts for the MAC.
    fn comment(&mut self, comment: Comment<Stored<'_>>) -> Comment<Plaintext> {
        self.comments.push(self.rule, &comment.text);
        if self.rule.selects(&self.path.0, &self.comments, true) {
            if comment.text.is_empty() {
                return Comment {
                    text: Plaintext::default(),
                    inline: false,
                };
            }
            if let Ok((_, text)) = self.open(&comment.text) {
                return Comment { text, inline: false };
            }
        }
        Comment {
            text: Plaintext::from(comment.text.into_owned()),
            inline: comment.inline,
        }
    }

    fn scalar(&mut self, kind: Kind, text: Stored<'_>) -> Result<Value<Plaintext>, DecryptError> {
        let fail = |path: &Path, problem: String| DecryptError::Value {
            path: path.display(),
            problem,
        };
        if kind == Kind::Unsigned {
            return Err(fail(&self.path, format!("{} cannot be in a sops file", kind.name())));
        }
        let encrypted = self.rule.selects(&self.path.0, &self.comments, false);
        let (kind, text) = match (encrypted, kind) {
            (false, _) => (Type::Scalar(kind), Plaintext::from(text.into_owned())),
            // sops stores an empty string as it is.
            (true, Kind::Text) if text.is_empty() => (Type::Scalar(Kind::Text), Plaintext::default()),
            (true, Kind::Text) => self.open(&text).map_err(|problem| fail(&self.path, problem))?,
            (true, _) => {
                return Err(fail(
                    &self.path,
                    format!("it is {} that should be encrypted; set it with sops edit", kind.name()),
                ));
            }
        };
        Ok(match kind {
            Type::Scalar(kind) => {
                self.mac.update(encrypted, kind, text.expose());
                Value::Scalar(kind, text)
            }
            Type::Comment => Value::Comment(Comment { text, inline: false }),
        })
    }

    fn open(&self, text: &[u8]) -> Result<(Type, Plaintext), String> {
        let token = Token::parse(text).map_err(|error| error.to_string())?;
        let type_name = token.type_name;
        let plaintext = self
            .key
            .decrypt(token, &self.path.associated())
            .map_err(|error| error.to_string())?;
        canonical(type_name, plaintext).map_err(|error| error.to_string())
    }
}
