//! The parts of an age message that pass between this program and a plugin: its stanzas, and its file key.

use std::cell::RefCell;

use ::age::{DecryptError, Decryptor, Identity, secrecy::ExposeSecret as _};
use age_core::format::{FileKey, Stanza};

/// The stanzas of an age message without armor. Nothing when its header cannot be read or has none.
pub(crate) fn stanzas(message: &[u8]) -> Option<Vec<Stanza>> {
    let collector = Collector::default();
    let decryptor = Decryptor::new_buffered(message).ok()?;
    // It opens nothing, so this always fails.
    let _ = decryptor.decrypt(std::iter::once(&collector as &dyn Identity));
    Some(collector.0.into_inner()).filter(|stanzas| !stanzas.is_empty())
}

/// An identity that opens no stanza, and collects those that it is shown.
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

/// A known file key, as an identity that claims to open every stanza. Decryption then checks the MAC of the header with the file key, so it
/// fails for every message but the right one.
pub(crate) struct Known(pub FileKey);

impl Identity for Known {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        Some(Ok(FileKey::init_with_mut(|key| key.copy_from_slice(self.0.expose_secret()))))
    }
}
