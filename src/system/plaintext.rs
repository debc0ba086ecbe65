//! The one type that holds secret bytes.

use std::io;

use zeroize::{Zeroize, Zeroizing};

/// Secret bytes: plaintext of a sops file, a rendered template, or key material.
///
/// The type has no `Debug`, `Display`, `Clone` or `Serialize`, so it cannot reach a log, an error or a second place in memory by
/// accident, and it wipes its memory when it is dropped or has to grow. The one way to the bytes is [`Plaintext::expose`].
///
/// The limit of this: wiping covers the buffers that we own. Copies in registers, in spilled stack slots of the cryptographic
/// libraries and in the kernel are out of reach; the process is therefore also made undumpable.
#[derive(Default)]
pub struct Plaintext(Zeroizing<Vec<u8>>);

impl Plaintext {
    /// An empty value that can take `capacity` bytes without moving.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    /// The bytes themselves. Every call is a place where a secret leaves this type, so keep the calls few.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes for work in place, such as decryption.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no byte at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends `bytes`. When the buffer has to move, the old one is wiped.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Keeps the first `length` bytes and wipes the rest.
    pub fn truncate(&mut self, length: usize) {
        if let Some(rest) = self.0.get_mut(length..) {
            rest.zeroize();
            self.0.truncate(length);
        }
    }

    /// Makes room for `additional` bytes. `Vec` by itself would move the bytes and free the old buffer without wiping it.
    fn reserve(&mut self, additional: usize) {
        let needed = self.0.len().saturating_add(additional);
        if needed > self.0.capacity() {
            let mut grown = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
            grown.extend_from_slice(&self.0);
            self.0 = Zeroizing::new(grown);
        }
    }
}

/// Takes over a buffer: it is not copied, and wiped from now on.
impl From<Vec<u8>> for Plaintext {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// Takes over a string's buffer: it is not copied, and wiped from now on.
impl From<String> for Plaintext {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

/// Secret bytes: borrowed from a decrypted file, so that a large secret is not in memory twice, or made for this use.
pub enum Content<'a> {
    /// Bytes of a decrypted file.
    Borrowed(&'a Plaintext),
    /// Bytes of their own: a rendered template, a whole file as text.
    Owned(Plaintext),
}

impl Content<'_> {
    /// The bytes; see [`Plaintext::expose`].
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        match self {
            Self::Borrowed(text) => text.expose(),
            Self::Owned(text) => text.expose(),
        }
    }

    /// The bytes as a value of their own. Borrowed bytes are copied.
    #[must_use]
    pub fn into_plaintext(self) -> Plaintext {
        match self {
            Self::Borrowed(text) => Plaintext::from(text.expose().to_vec()),
            Self::Owned(text) => text,
        }
    }
}

impl io::Write for Plaintext {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_keeps_every_byte() {
        let mut text = Plaintext::with_capacity(1);
        for byte in 0..=255_u8 {
            text.push(&[byte]);
        }
        assert_eq!(text.expose(), (0..=255_u8).collect::<Vec<_>>());
    }

    #[test]
    fn truncating_wipes_what_it_cuts_off() {
        let mut text = Plaintext::from(b"secret".to_vec());
        text.truncate(2);
        assert_eq!(text.expose(), b"se");
        text.truncate(9);
        assert_eq!(text.len(), 2);
    }
}
