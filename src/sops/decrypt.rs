//! Decrypts the tree of a sops file, and authenticates every encrypted value together with its path.

use super::{
    cipher::DataKey,
    error::{DecryptError, ValuePlace},
    mac::Mac,
    path::Path,
    rules::{CommentStack, Rule},
    text::{LongValues, may_be_shortened},
    tree::{Branch, Comment, Item, Key, Opened, ScalarType, Stored, Value},
    value::{EncryptedValue, TOKEN_START, TokenError, Type, canonical},
};
use crate::system::plaintext::Plaintext;

/// Limits the length of all paths: for each byte of the file, at most this many bytes of paths are authenticated. Each value is
/// authenticated together with its whole path. Without a limit, long keys above many values would take a time that grows with the
/// square of the file size. An encrypted value has at least 80 bytes in the file, so its path may have at least 640 bytes.
const PATHS_PER_BYTE: usize = 8;
/// This many bytes of paths (1 MiB) are always authenticated, even if the file is very small.
const FEW_PATHS: usize = 1 << 20;

/// A walk through the documents of a file, which decrypts their values one after the other and hashes them into `mac`.
pub(crate) struct Decryption<'k> {
    key: &'k DataKey,
    rule: &'k mut Rule,
    pub mac: Mac,
    /// The text of the file, of which the tree is made.
    text: &'k [u8],
    /// The long values that were kept apart from the text.
    long_values: &'k mut LongValues,
    /// Whether any long value was kept apart from the text.
    is_shortened: bool,
    path: Path,
    /// The number of the current document, counted from 1; 0 before the first document. `None` if the file has only one
    /// document.
    document: Option<usize>,
    /// Whether sops encrypted the current document as a separate file.
    is_foreign: bool,
    comments: CommentStack,
    /// How many bytes of paths may still be authenticated.
    paths_left: usize,
}

impl<'k> Decryption<'k> {
    /// A new walk through the file with this text, before its first document. `several` says whether the file has more than one
    /// document.
    pub(crate) fn new(
        key: &'k DataKey,
        rule: &'k mut Rule,
        mac: Mac,
        text: &'k [u8],
        long_values: &'k mut LongValues,
        several: bool,
    ) -> Self {
        Self {
            key,
            rule,
            mac,
            text,
            is_shortened: long_values.count() > 0,
            long_values,
            path: Path::default(),
            document: several.then_some(0),
            is_foreign: false,
            comments: CommentStack::default(),
            paths_left: text.len().saturating_mul(PATHS_PER_BYTE).saturating_add(FEW_PATHS),
        }
    }

    /// Decrypts the next document. `is_foreign` says whether sops encrypted the document as a separate file.
    pub(crate) fn document(&mut self, branch: Branch<Stored<'_>>, is_foreign: bool) -> Result<Branch<Opened>, DecryptError> {
        self.document = self.document.map(|document| document.saturating_add(1));
        self.is_foreign = is_foreign;
        self.branch(branch)
    }

    /// The place of the current value, for a message.
    fn place(&self) -> ValuePlace {
        ValuePlace {
            document: self.document,
            path: self.path.display(),
        }
    }

    /// Decrypts the items of a map in their order. The order matters for comment rules, because a comment selects the item
    /// below it.
    pub(crate) fn branch(&mut self, branch: Branch<Stored<'_>>) -> Result<Branch<Opened>, DecryptError> {
        self.comments.enter();
        let items = branch
            .items
            .into_iter()
            .map(|item| self.item(item))
            .collect::<Result<_, _>>()?;
        self.comments.leave();
        Ok(Branch { items })
    }

    fn item(&mut self, item: Item<Stored<'_>>) -> Result<Item<Opened>, DecryptError> {
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
                self.require_whole(&name)?;
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

    fn value(&mut self, value: Value<Stored<'_>>) -> Result<Value<Opened>, DecryptError> {
        match value {
            Value::Null => Ok(Value::Null),
            Value::Map(branch) => self.branch(branch).map(Value::Map),
            Value::List(elements) => self.list(elements),
            Value::Comment(comment) => self.comment(comment).map(Value::Comment),
            Value::Scalar(kind, text) => self.scalar(kind, text),
        }
    }

    fn list(&mut self, elements: Vec<Value<Stored<'_>>>) -> Result<Value<Opened>, DecryptError> {
        self.comments.enter();
        let mut list = Vec::with_capacity(elements.len());
        for element in elements {
            let value = self.value(element)?;
            // sops stores an encrypted comment of a list as a string. If such a string decrypts to a comment, the comments
            // above it stay active, because they also select the element below it.
            if !matches!(value, Value::Comment(_)) {
                self.comments.clear();
            }
            list.push(value);
        }
        self.comments.leave();
        Ok(Value::List(list))
    }

    /// Decrypts a comment. As in sops, a comment that is no token or does not decrypt is taken literally. There are such
    /// comments, because some versions of sops did not encrypt comments, and because somebody may have added a comment to the
    /// encrypted file. No comment counts for the MAC.
    fn comment(&mut self, comment: Comment<Stored<'_>>) -> Result<Comment<Opened>, DecryptError> {
        self.comments.push(self.rule, &comment.text)?;
        if self.rule.selects(self.path.matched(), &self.comments, true) {
            if comment.text.is_empty() {
                return Ok(Comment {
                    text: Opened::default(),
                    inline: false,
                });
            }
            // A rule may have read the comment, so no long value was kept apart from it: see `SopsFile::decrypt_shortened`.
            if let Ok((_, text)) = self.open(EncryptedValue::parse(&comment.text))? {
                return Ok(Comment {
                    text: text.into(),
                    inline: false,
                });
            }
        }
        Ok(Comment {
            text: Plaintext::from(comment.text.into_owned()).into(),
            inline: comment.inline,
        })
    }

    fn scalar(&mut self, kind: ScalarType, text: Stored<'_>) -> Result<Value<Opened>, DecryptError> {
        // sops refuses to encrypt an integer above `i64::MAX`, so no file written by sops contains such an integer.
        if kind == ScalarType::Unsigned {
            return Err(self.fail(format!("{} cannot be in a sops file", kind.name())));
        }
        let encrypted = self.rule.selects(self.path.matched(), &self.comments, false);
        let (kind, text) = match (encrypted, kind) {
            (false, _) => {
                self.require_whole(&text)?;
                (Type::Scalar(kind), Plaintext::from(text.into_owned()))
            }
            // sops does not encrypt an empty string. So an empty string is accepted here, although nothing authenticates it.
            (true, ScalarType::Text) if text.is_empty() => (Type::Scalar(ScalarType::Text), Plaintext::default()),
            (true, ScalarType::Text) if text.starts_with(TOKEN_START) => {
                let decoded = |field: &[u8]| self.long_values.take(field, self.text);
                let token = EncryptedValue::parse_with(&text, decoded);
                self.open(token)?.map_err(|problem| self.closed(problem))?
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
                Value::Scalar(kind, text.into())
            }
            Type::Comment => Value::Comment(Comment {
                text: text.into(),
                inline: false,
            }),
        })
    }

    /// Fails if a long value may have been kept apart from `text`, which is taken as it stands. An alias of YAML can put an encrypted value
    /// where it is not decrypted, while the value itself is decrypted at its own place.
    fn require_whole(&self, text: &[u8]) -> Result<(), DecryptError> {
        if self.is_shortened && may_be_shortened(text) {
            return Err(DecryptError::LongValue);
        }
        Ok(())
    }

    /// The error for a token that does not decrypt at the current place. If the document is a separate sops file, the error
    /// says so, because that file has another data key.
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

    /// Decrypts a token at the current place. The outer error ends the decryption of the whole file. The inner error concerns only
    /// this token. The inner error need not end the decryption, because a comment that does not decrypt is kept literally.
    fn open(
        &mut self,
        token: Result<EncryptedValue<'_>, TokenError>,
    ) -> Result<Result<(Type, Plaintext), TokenError>, DecryptError> {
        let token = match token {
            Ok(token) => token,
            Err(error) => return Ok(Err(error)),
        };
        let place = self.path.associated();
        // The cipher reads the whole path again for each value, so the length of the path counts each time.
        self.paths_left = self.paths_left.checked_sub(place.len()).ok_or(DecryptError::LongPaths)?;
        let type_name = token.type_name;
        let plaintext = self.key.decrypt(token, place);
        Ok(plaintext.and_then(|plaintext| canonical(type_name, plaintext)))
    }
}
