//! Reads texts of age identities, as `age-keygen` writes them.

use super::{message::ARMOR, plugin_identity::PluginIdentity};
use crate::keys::{
    foreign::Foreign,
    hybrid::{self, HybridIdentity},
    identity::Identity,
    place::Place,
    problem::Cause,
    recognize,
    x25519::X25519Identity,
};

/// Limit: a file of age identities may have at most this many bytes (16 MiB). age itself has the same limit.
pub(crate) const MAX_IDENTITY_BYTES: usize = 16 << 20;
/// Limit: of each source, at most this many bad lines are reported one by one. Further bad lines are only counted.
pub(crate) const MAX_BAD_LINES: usize = 10;

/// The cause to report if the text of a key source holds something else than age identities, such as an SSH key. Returns `None`
/// if the text may hold identities.
pub(crate) fn foreign_content(text: &[u8]) -> Option<Cause> {
    let text = text.trim_ascii_start();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    if line.starts_with(b"age-encryption.org/") || line.starts_with(ARMOR.as_bytes()) {
        Some(Cause::EncryptedIdentities)
    } else if line.starts_with(b"-----BEGIN PGP ") {
        Some(Cause::Foreign(Foreign::OpenPgp))
    } else if line.starts_with(b"-----BEGIN ") && line.ends_with(b" PRIVATE KEY-----") {
        Some(Cause::SshKey)
    } else {
        // A public SSH key may be one bad line among good identities. So a public key does not make the whole text useless. The
        // line is reported later.
        recognize::ssh_key(text).filter(|cause| *cause != Cause::PublicSshKey)
    }
}

/// The lines of a text of age identities, with their numbers. Empty lines and comments are left out.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    (1..)
        .zip(lines)
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
}

/// The words of a text of age identities, with the numbers of their lines. In `SOPS_AGE_KEY`, several identities may stand on one
/// line.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    lines(text).flat_map(|(number, line)| {
        let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.map(move |word| (number, word))
    })
}

/// One identity from a text of age identities.
pub(crate) enum IdentityLine {
    /// An identity that this process can use by itself.
    Identity(Identity),
    /// An identity that only a plugin can use.
    Plugin(PluginIdentity),
}

impl IdentityLine {
    /// Parses one word of a text of age identities. `place` is the key source, for messages.
    ///
    /// # Errors
    ///
    /// The [`Cause`] to report if the word is no age identity.
    pub(crate) fn parse(text: &[u8], place: &Place) -> Result<Self, Cause> {
        let text = str::from_utf8(text).map_err(|_| Cause::BadLine)?;
        Self::parse_alone(text, place).ok_or_else(|| Self::refusal(text, place))
    }

    /// Parses a text that is an identity and nothing else.
    fn parse_alone(text: &str, place: &Place) -> Option<Self> {
        if text.starts_with("AGE-PLUGIN-") {
            PluginIdentity::parse(text).map(Self::Plugin)
        } else if text.starts_with(hybrid::IDENTITY_PREFIX) {
            HybridIdentity::parse(text).map(|secret| Self::Identity(Identity::from_hybrid(secret, place.clone())))
        } else {
            X25519Identity::parse(text).map(|secret| Self::Identity(Identity::from_age(secret, place.clone())))
        }
    }

    /// Why a text is no identity.
    fn refusal(text: &str, place: &Place) -> Cause {
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-';
        let has_identity = |text: &str| {
            text.split(|character| !is_part(character))
                .any(|part| Self::parse_alone(part, place).is_some())
        };
        if text.starts_with("age1") {
            Cause::RecipientLine
        } else if recognize::ssh_key(text.as_bytes()).is_some() {
            Cause::PublicSshKey
        } else if has_identity(text) {
            Cause::OtherText
        } else {
            Cause::BadLine
        }
    }
}
