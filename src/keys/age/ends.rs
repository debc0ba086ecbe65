//! Takes apart an age message for a plugin: gives the stanzas of its header, and opens the message with the file key that the
//! plugin found.

use std::cell::RefCell;

use ::age::{DecryptError, Decryptor, Identity, secrecy::ExposeSecret as _};
use age_core::format::{FileKey, Stanza};

/// The stanzas of an age message without armor. Returns `None` if the header cannot be read or has no stanza.
pub(crate) fn stanzas(message: &[u8]) -> Option<Vec<Stanza>> {
    let collector = Collector::default();
    let decryptor = Decryptor::new_buffered(message).ok()?;
    // The result is ignored: the collector opens no stanza, so decryption always fails. Only the collected stanzas are needed.
    let _ = decryptor.decrypt(std::iter::once(&collector as &dyn Identity));
    Some(collector.0.into_inner()).filter(|stanzas| !stanzas.is_empty())
}

/// An identity that opens no stanza, and collects each stanza that it is asked to open.
#[derive(Default)]
struct Collector(RefCell<Vec<Stanza>>);

impl Identity for Collector {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.0.borrow_mut().push(Stanza {
            tag: stanza.tag.clone(),
            args: stanza.args.clone(),
            body: stanza.body.clone(),
        });
        None
    }
}

/// A known file key, in the form of an identity that claims to open every stanza. Decryption then checks the MAC of the header
/// with the file key. So decryption fails if the file key belongs to another message.
pub(crate) struct Known(pub FileKey);

impl Identity for Known {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        Some(Ok(FileKey::init_with_mut(|key| key.copy_from_slice(self.0.expose_secret()))))
    }
}
