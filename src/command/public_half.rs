//! Reads the public half of an SSH key, as it lies in a file of its own.

use std::path::Path;

use crate::{
    keys::{MAX_SSH_KEY_BYTES, SshRecipients, public_key},
    system::read::Reader,
};

/// The recipients of a file with a public key.
pub(crate) fn public_key_in(path: &Path, reader: &mut Reader) -> Option<SshRecipients> {
    let file = reader.read(path, MAX_SSH_KEY_BYTES).ok()?;
    let text = str::from_utf8(file.text.expose()).ok()?;
    SshRecipients::of_line(&public_key(text.lines().next()?)?).ok()
}
