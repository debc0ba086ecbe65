//! The type for secret bytes, which wipes its memory.

use std::io;

use zeroize::Zeroize;

/// Secret bytes: the plaintext of a sops file, a rendered template, or key material.
///
/// The type has no `Debug`, `Display`, `Clone` or `Serialize`. So secret bytes cannot get into a log, an error or a second place
/// in memory by accident. When the value is dropped, its memory is wiped. When the value has to grow, the old memory is wiped.
/// The only ways to the bytes are [`Plaintext::expose`] and [`Plaintext::expose_mut`].
///
/// Wiping has a limit: it covers only the buffers of this type. Copies in registers, in stack memory of cryptographic libraries and
/// in the kernel cannot be wiped. For this reason, core dumps of the process are forbidden too.
#[derive(Default)]
pub struct Plaintext(Vec<u8>);

impl Plaintext {
    /// An empty value with room for `capacity` bytes, so that the first `capacity` bytes are never moved.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// The secret bytes. At every call of this function a secret leaves the protected type, so there should be few calls.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret bytes, to be changed in place, as by decryption.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The number of secret bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the value has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of bytes for which there is room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Appends `bytes`. If the buffer has to grow, the old buffer is wiped.
    pub fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            self.grow(needed.max(self.0.capacity().saturating_mul(2)));
        }
        self.0.extend_from_slice(bytes);
    }

    /// Keeps the first `length` bytes and wipes the rest.
    pub fn truncate(&mut self, length: usize) {
        if let Some(rest) = self.0.get_mut(length..) {
            rest.zeroize();
            self.0.truncate(length);
        }
    }

    /// Makes room for `capacity` bytes in all. `Vec` alone would move the bytes, and free the old buffer without wiping it.
    pub fn grow(&mut self, capacity: usize) {
        if capacity > self.0.capacity() {
            let mut grown = Vec::with_capacity(capacity);
            grown.extend_from_slice(&self.0);
            *self = Self(grown);
        }
    }
}

/// Wipes the whole buffer: the bytes, and what may be left of earlier ones behind them.
impl Drop for Plaintext {
    fn drop(&mut self) {
        // As a slice. `Vec` would be wiped byte by byte, which takes many times as long.
        self.0.as_mut_slice().zeroize();
        self.0.spare_capacity_mut().zeroize();
    }
}

/// Takes over the buffer `bytes`. The bytes are not copied, and are wiped when the value is dropped.
impl From<Vec<u8>> for Plaintext {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// Takes over the buffer of the string `text`. The bytes are not copied, and are wiped when the value is dropped.
impl From<String> for Plaintext {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
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

    /// What is at an address of this process.
    #[cfg(target_os = "linux")]
    fn read_memory(address: usize, into: &mut [u8]) {
        use std::os::unix::fs::FileExt as _;
        let memory = std::fs::File::open("/proc/self/mem").unwrap();
        memory.read_exact_at(into, u64::try_from(address).unwrap()).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn dropping_wipes_the_bytes_and_what_was_behind_them() {
        const PATTERN: [u8; 16] = *b"\xa7plaintext\xa7\x5a\xa7\x5a\xa7\x5a";
        let content = PATTERN.repeat(4096);
        let has_pattern = |memory: &[u8]| memory.windows(PATTERN.len()).any(|window| window == PATTERN);
        // The buffer is made first, so that it does not get the memory that is given back.
        let mut memory = vec![0; content.len()];
        for kept in [content.len(), content.len() / 2, 0] {
            let mut text = Plaintext::from(content.clone());
            text.0.truncate(kept);
            let address = text.expose().as_ptr().addr();
            read_memory(address, &mut memory);
            assert!(has_pattern(&memory));
            drop(text);
            read_memory(address, &mut memory);
            assert!(!has_pattern(&memory), "{kept}");
        }
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
