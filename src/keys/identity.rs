//! One age identity or SSH key of this host: how it opens the stanzas of a message, and how messages name it.

use std::sync::OnceLock;

use ::age::DecryptError;
use age_core::format::{FileKey, Stanza};
use ssh_key::PrivateKey;

use super::{
    effort::{Effort, KeyCost},
    hybrid::{self, HybridIdentity},
    place::Place,
    ssh::SshIdentity,
    x25519::{self, X25519Identity},
};

/// A private key that opens age messages: an age identity or an SSH key.
pub(crate) struct Identity {
    secret: PrivateHalf,
    /// The complete recipient. The recipient is computed on first use, because the computation takes long for a post-quantum
    /// identity.
    recipient: OnceLock<String>,
    place: Place,
}

/// The private half of an [`Identity`].
enum PrivateHalf {
    /// An X25519 identity from a text of age identities.
    Age(X25519Identity),
    /// A post-quantum hybrid identity from a text of age identities.
    Hybrid(HybridIdentity),
    /// The age identity that an ed25519 SSH key was converted to.
    Converted(X25519Identity),
    /// An SSH key itself, which opens the age stanzas that name the key.
    Ssh(Box<SshIdentity>),
}

impl Identity {
    /// Makes an identity from a secret that was read from a line of age identities.
    pub(crate) fn from_age(secret: X25519Identity, place: Place) -> Self {
        Self::new(PrivateHalf::Age(secret), place)
    }

    /// Makes a post-quantum identity from a secret that was read from a line of age identities.
    pub(crate) fn from_hybrid(secret: HybridIdentity, place: Place) -> Self {
        Self::new(PrivateHalf::Hybrid(secret), place)
    }

    /// Makes an identity from the age secret that an SSH key was converted to.
    pub(crate) fn from_conversion(secret: X25519Identity, place: Place) -> Self {
        Self::new(PrivateHalf::Converted(secret), place)
    }

    /// Makes an identity for the stanzas that name an SSH key. Returns `None` if the public half of the key cannot be encoded.
    pub(crate) fn from_ssh(key: PrivateKey, place: Place) -> Option<Self> {
        Some(Self::new(PrivateHalf::Ssh(Box::new(SshIdentity::new(key)?)), place))
    }

    /// Makes an identity. Its recipient is computed later.
    fn new(secret: PrivateHalf, place: Place) -> Self {
        let recipient = OnceLock::new();
        Self {
            secret,
            recipient,
            place,
        }
    }

    /// The complete recipient, in the form that a `.sops.yaml` takes.
    pub(crate) fn recipient(&self) -> &str {
        self.recipient.get_or_init(|| self.secret.recipient())
    }

    /// The recipient as messages show it. An age recipient is shown in full, a post-quantum one by its first and last characters,
    /// and an SSH key by its fingerprint.
    pub(crate) fn shown(&self) -> String {
        match &self.secret {
            PrivateHalf::Age(_) | PrivateHalf::Converted(_) => self.recipient().to_owned(),
            PrivateHalf::Hybrid(_) => hybrid::by_its_ends(self.recipient()),
            PrivateHalf::Ssh(secret) => secret.shown(),
        }
    }

    /// The key source that the identity comes from.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether the identity was converted from an SSH key.
    pub(crate) fn is_converted(&self) -> bool {
        matches!(self.secret, PrivateHalf::Converted(_))
    }

    /// Whether the identity is an SSH key itself, not a key converted from one.
    pub(crate) fn is_ssh(&self) -> bool {
        matches!(self.secret, PrivateHalf::Ssh(_))
    }

    /// Whether `recipient`, as a sops file spells it, is the recipient of this identity. A comment at the end of an SSH recipient
    /// does not matter.
    pub(crate) fn is_named(&self, recipient: &str) -> bool {
        let theirs = recipient.split_whitespace();
        let ours = || self.recipient().split_whitespace();
        match self.secret {
            PrivateHalf::Ssh(_) => ours().take(2).eq(theirs.take(2)),
            PrivateHalf::Age(_) | PrivateHalf::Converted(_) => ours().eq(theirs),
            // The form of `recipient` is checked first. Computing the recipient of this identity takes long, and is useless if
            // `recipient` is of another kind.
            PrivateHalf::Hybrid(_) => hybrid::is_recipient(recipient) && ours().eq(theirs),
        }
    }

    /// The key to try on the age message `message`. Returns `None` for an SSH key that no stanza of the message names.
    pub(crate) fn candidate<'i>(&'i self, message: &[u8], effort: &'i Effort<'i>) -> Option<Candidate<'i>> {
        let key: &dyn ::age::Identity = match &self.secret {
            PrivateHalf::Age(secret) | PrivateHalf::Converted(secret) => secret,
            PrivateHalf::Hybrid(secret) => secret,
            PrivateHalf::Ssh(secret) if contains(message, secret.line().as_bytes()) => &**secret,
            PrivateHalf::Ssh(_) => return None,
        };
        let secret = &self.secret;
        Some(Candidate { key, secret, effort })
    }
}

/// A key that is tried on the stanzas of one message. `effort` limits how often the key is tried.
pub(crate) struct Candidate<'i> {
    key: &'i dyn ::age::Identity,
    secret: &'i PrivateHalf,
    effort: &'i Effort<'i>,
}

impl ::age::Identity for Candidate<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        let may_be_tried = self.secret.cost(stanza).is_none_or(|kind| self.effort.take(kind));
        may_be_tried.then(|| self.key.unwrap_stanza(stanza)).flatten()
    }
}

impl PrivateHalf {
    /// The kind of key that a try on this stanza uses. Returns `None` if the stanza itself shows that it is for another key. A
    /// try on such a stanza takes no time and is not counted.
    fn cost(&self, stanza: &Stanza) -> Option<KeyCost> {
        let is_for_it = match self {
            Self::Age(_) | Self::Converted(_) => stanza.tag == x25519::STANZA_TYPE,
            Self::Hybrid(_) => stanza.tag == hybrid::STANZA_TYPE,
            Self::Ssh(secret) => secret.is_named_by(stanza),
        };
        let kind = if stanza.tag == "ssh-rsa" {
            KeyCost::Rsa
        } else {
            KeyCost::Other
        };
        is_for_it.then_some(kind)
    }

    /// The complete recipient that belongs to this private half.
    fn recipient(&self) -> String {
        match self {
            Self::Age(secret) | Self::Converted(secret) => secret.recipient(),
            Self::Hybrid(secret) => secret.recipient(),
            Self::Ssh(secret) => secret.recipient().to_owned(),
        }
    }
}

/// Whether `needle` occurs in `bytes`.
fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ::age::Identity as _;

    use super::*;
    use crate::keys::effort::Tries;

    const OTHER_SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICFrs5OngYGD5FHUaYqr3gAk7NApAuFCL3cVaHLSWRXL";

    #[test]
    fn the_keys_of_a_post_quantum_identity_are_made_only_for_a_file_that_may_be_encrypted_to_it() {
        let text = include_str!("../../tests/fixtures/keys/hybrid.txt").lines().last().unwrap();
        let secret = HybridIdentity::parse(text).unwrap();
        let identity = Identity::from_hybrid(secret, Place::File(Path::new("key.txt").to_owned()));
        let PrivateHalf::Hybrid(secret) = &identity.secret else {
            panic!()
        };
        let opens = |tag: &str, args: &[&str]| {
            let args = args.iter().map(|&arg| arg.to_owned()).collect();
            let (tag, body) = (tag.to_owned(), vec![0; 32]);
            let (file, run) = (Tries::of_file(), Tries::of_run());
            let effort = Effort::new(&file, &run);
            identity
                .candidate(b"", &effort)
                .unwrap()
                .unwrap_stanza(&Stanza { tag, args, body })
        };
        assert!(!identity.is_named("age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u"));
        assert!(!identity.is_named(OTHER_SSH));
        assert!(opens("X25519", &["AAAA"]).is_none());
        assert!(opens("mlkem768x25519", &["AAAA"]).unwrap().is_err());
        assert!(!secret.has_keys());
        assert!(!identity.is_named("age1pq1qqqqqq"));
        assert!(secret.has_keys());
    }

    #[test]
    fn an_rsa_key_is_made_ready_only_for_a_stanza_that_names_it() {
        let text = include_str!("../../tests/fixtures/keys/ssh_rsa");
        let key = PrivateKey::from_openssh(text).unwrap();
        let identity = Identity::from_ssh(key, Place::File(Path::new("id").to_owned())).unwrap();
        let PrivateHalf::Ssh(secret) = &identity.secret else {
            panic!()
        };
        let (file, run) = (Tries::of_file(), Tries::of_run());
        let effort = Effort::new(&file, &run);
        assert!(identity.candidate(b"-> ssh-rsa AAAAAA\n", &effort).is_none());
        let named = format!("{}\n", secret.line());
        let candidate = identity.candidate(named.as_bytes(), &effort).unwrap();
        let opens = |arg: &str| {
            let (tag, args, body) = ("ssh-rsa".to_owned(), vec![arg.to_owned()], vec![1; 384]);
            candidate.unwrap_stanza(&Stanza { tag, args, body })
        };
        assert!(opens("AAAAAA").is_none() && !secret.is_ready());
        assert!(opens(named.trim_end().rsplit(' ').next().unwrap()).unwrap().is_err());
        assert!(secret.is_ready());
    }
}
