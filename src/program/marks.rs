//! What placeholders begin and end with.

use memchr::memmem::Finder;

/// The beginning of each placeholder that the Nix modules make.
pub(crate) const OPENING: &[u8] = b"<SOPS:";
/// The end of each placeholder that the Nix modules make.
pub(crate) const CLOSING: &[u8] = b":PLACEHOLDER>";
/// The beginning of a placeholder with the name of its secret.
pub(crate) const NAME_OPENING: &[u8] = b"@sops:";
/// The end of a placeholder with the name of its secret.
pub(crate) const NAME_CLOSING: u8 = b'@';
/// What stands before the filter in a placeholder with a name.
pub(crate) const PIPE: u8 = b'|';

/// The marks that are looked for in texts. Prepared once, each search in a short text takes a fraction of the time.
pub(crate) struct Marks {
    pub(crate) closing: Finder<'static>,
    pub(crate) name_opening: Finder<'static>,
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self {
            closing: Finder::new(CLOSING),
            name_opening: Finder::new(NAME_OPENING),
        }
    }
}
