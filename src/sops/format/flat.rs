//! What the two flat formats, dotenv and INI, share: typed values as text, and nested metadata in flat keys.

use crate::{plaintext::Plaintext, sops::tree::Kind};

pub(super) fn emit_scalar(kind: Kind, text: &Plaintext) -> Plaintext {
    let _ = (kind, text);
    Plaintext::default()
}
