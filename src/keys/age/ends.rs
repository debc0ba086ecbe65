//! The two ends of an age message: the stanzas that a plugin is shown, and the file key that it gives.

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

/// An identity that opens nothing and remembers what it was shown.
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

/// A file key that is known already, as an identity that opens the one message that it belongs to. Decryption fails by the header's MAC
/// on any other.
pub(crate) struct Known(pub FileKey);

impl Identity for Known {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        Some(Ok(FileKey::init_with_mut(|key| key.copy_from_slice(self.0.expose_secret()))))
    }
}
