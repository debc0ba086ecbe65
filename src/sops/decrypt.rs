//! Decrypts the tree of a file, and authenticates every encrypted value with its place.

use super::{
    cipher::DataKey,
    error::{DecryptError, ValuePlace},
    mac::Mac,
    rules::{CommentStack, Rule},
    tree::{Branch, Comment, Item, Key, ScalarType, Stored, Value, shown_path},
    value::{EncryptedValue, TOKEN_START, TokenError, Type, canonical},
};
use crate::system::plaintext::Plaintext;

/// The most bytes of paths that are authenticated for each byte of the file. Every value is authenticated with its whole path, so
/// without a limit, long keys above many values would take a time that grows with the square of the size. A value that sops wrote
/// has 80 bytes beside its path, so its path may have 640 bytes.
const PATHS_PER_BYTE: usize = 8;
/// The bytes of paths that are authenticated in any case, in however small a file: 1 MiB.
const FEW_PATHS: usize = 1 << 20;

/// Decrypts the documents of a file one after the other, and hashes their values into `mac`.
pub(crate) struct Decryption<'k> {
    key: &'k DataKey,
    rule: &'k mut Rule,
    pub mac: Mac,
    path: Path,
    /// The number of the current document, from 1, if the file has several. 0 before the first.
    document: Option<usize>,
    /// Whether sops encrypted the current document as a file of its own.
    is_foreign: bool,
    comments: CommentStack,
    /// How many bytes of paths may still be authenticated.
    paths_left: usize,
}

/// The keys down to the current place. Positions in lists are not part of it, because sops does not authenticate them.
#[derive(Default)]
struct Path {
    /// Every key, followed by a colon: the text with which sops authenticates the place of a value.
    joined: Vec<u8>,
    steps: Vec<PathKey>,
}

/// A key of the path.
struct PathKey {
    /// The offset in the joined path at which the key begins.
    start: usize,
    /// Whether the selection rule matched this key or one above it.
    matched: bool,
}

impl Path {
    /// Enters the value of a key.
    fn push(&mut self, key: &[u8], matched: bool) {
        let step = PathKey {
            start: self.joined.len(),
            matched: matched || self.matched(),
        };
        self.steps.push(step);
        self.joined.extend_from_slice(key);
        self.joined.push(b':');
    }

    /// Leaves the value of the last key.
    fn pop(&mut self) {
        if let Some(step) = self.steps.pop() {
            self.joined.truncate(step.start);
        }
    }

    /// Whether the selection rule matched a key of the path.
    fn matched(&self) -> bool {
        self.steps.last().is_some_and(|step| step.matched)
    }

    /// The associated data of a value at this place: the joined path, or a single colon at the root.
    fn associated(&self) -> &[u8] {
        if self.joined.is_empty() { b":" } else { &self.joined }
    }

    /// For messages.
    fn display(&self) -> String {
        let ends = self.steps.iter().skip(1).map(|step| step.start);
        let keys = self.steps.iter().zip(ends.chain([self.joined.len()]));
        let keys = keys.filter_map(|(step, end)| self.joined.get(step.start..end.checked_sub(1)?));
        shown_path(&keys.collect::<Vec<_>>())
    }
}

impl<'k> Decryption<'k> {
    /// Starts before the first document of a file of `size` bytes. `several`: the file has more than one document.
    pub(crate) fn new(key: &'k DataKey, rule: &'k mut Rule, mac: Mac, size: usize, several: bool) -> Self {
        Self {
            key,
            rule,
            mac,
            path: Path::default(),
            document: several.then_some(0),
            is_foreign: false,
            comments: CommentStack::default(),
            paths_left: size.saturating_mul(PATHS_PER_BYTE).saturating_add(FEW_PATHS),
        }
    }

    /// Decrypts the next document.
    pub(crate) fn document(&mut self, branch: Branch<Stored<'_>>, is_foreign: bool) -> Result<Branch<Plaintext>, DecryptError> {
        self.document = self.document.map(|document| document.saturating_add(1));
        self.is_foreign = is_foreign;
        self.branch(branch)
    }

    /// The current place, for a message.
    fn place(&self) -> ValuePlace {
        ValuePlace {
            document: self.document,
            path: self.path.display(),
        }
    }

    /// Decrypts a map. The order of comments and entries decides what the comment rules select.
    pub(crate) fn branch(&mut self, branch: Branch<Stored<'_>>) -> Result<Branch<Plaintext>, DecryptError> {
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
                key: Key::Comment(self.comment(comment)?),
                value: Value::Null,
            }),
            Key::Other(type_name) => Err(DecryptError::Key {
                place: self.place(),
                type_name,
            }),
            Key::Name(name) => {
                let matched = self.rule.matches_key(&name)?;
                self.path.push(&name, matched);
                let value = self.value(item.value)?;
                if !matches!(value, Value::Comment(_)) {
                    self.comments.clear();
                }
                self.path.pop();
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
            Value::Comment(comment) => self.comment(comment).map(Value::Comment),
            Value::Scalar(kind, text) => self.scalar(kind, text),
        }
    }

    fn list(&mut self, elements: Vec<Value<Stored<'_>>>) -> Result<Value<Plaintext>, DecryptError> {
        self.comments.enter();
        let mut list = Vec::with_capacity(elements.len());
        for element in elements {
            let value = self.value(element)?;
            // sops stores an encrypted comment of a list as one more string. If an element decrypts to a comment, the comments
            // before it stay active.
            if !matches!(value, Value::Comment(_)) {
                self.comments.clear();
            }
            list.push(value);
        }
        self.comments.leave();
        Ok(Value::List(list))
    }

    /// Decrypts a comment. A comment that is no token, or does not decrypt, is taken as it stands, as sops does: some versions of
    /// sops did not encrypt comments, and whoever edits an encrypted file may add one. No comment counts for the MAC.
    fn comment(&mut self, comment: Comment<Stored<'_>>) -> Result<Comment<Plaintext>, DecryptError> {
        self.comments.push(self.rule, &comment.text)?;
        if self.rule.selects(self.path.matched(), &self.comments, true) {
            if comment.text.is_empty() {
                return Ok(Comment {
                    text: Plaintext::default(),
                    inline: false,
                });
            }
            if let Ok((_, text)) = self.open(&comment.text)? {
                return Ok(Comment { text, inline: false });
            }
        }
        Ok(Comment {
            text: Plaintext::from(comment.text.into_owned()),
            inline: comment.inline,
        })
    }

    fn scalar(&mut self, kind: ScalarType, text: Stored<'_>) -> Result<Value<Plaintext>, DecryptError> {
        // sops refuses a tree with such an integer, so no file that it wrote has one.
        if kind == ScalarType::Unsigned {
            return Err(self.fail(format!("{} cannot be in a sops file", kind.name())));
        }
        let encrypted = self.rule.selects(self.path.matched(), &self.comments, false);
        let (kind, text) = match (encrypted, kind) {
            (false, _) => (Type::Scalar(kind), Plaintext::from(text.into_owned())),
            // sops does not encrypt an empty string, so nothing authenticates this one.
            (true, ScalarType::Text) if text.is_empty() => (Type::Scalar(ScalarType::Text), Plaintext::default()),
            (true, ScalarType::Text) if text.starts_with(TOKEN_START) => {
                self.open(&text)?.map_err(|problem| self.closed(problem))?
            }
            (true, _) => {
                return Err(DecryptError::NotEncrypted {
                    place: self.place(),
                    found: kind.name(),
                });
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

    /// The error for a token that does not decrypt at the current place. In a document that is a sops file of its own, the reason
    /// is that it has another data key.
    fn closed(&self, problem: TokenError) -> DecryptError {
        match (problem, self.document) {
            (TokenError::Authentication, Some(document)) if self.is_foreign => DecryptError::Joined { document },
            (problem, _) => self.fail(problem.to_string()),
        }
    }

    fn fail(&self, problem: String) -> DecryptError {
        DecryptError::Value {
            place: self.place(),
            problem,
        }
    }

    /// Decrypts a token at the current place. The outer error ends the decryption of the file. The inner error concerns this
    /// token alone: a comment may be left as it stands.
    fn open(&mut self, text: &[u8]) -> Result<Result<(Type, Plaintext), TokenError>, DecryptError> {
        let token = match EncryptedValue::parse(text) {
            Ok(token) => token,
            Err(error) => return Ok(Err(error)),
        };
        let place = self.path.associated();
        // The cipher authenticates the whole path again for each value, so each time counts.
        self.paths_left = self.paths_left.checked_sub(place.len()).ok_or(DecryptError::LongPaths)?;
        let type_name = token.type_name;
        let plaintext = self.key.decrypt(token, place);
        Ok(plaintext.and_then(|plaintext| canonical(type_name, plaintext)))
    }
}
