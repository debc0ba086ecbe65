//! One age identity or SSH key of this host: how it opens stanzas, and how messages name it.

use std::sync::OnceLock;

use ::age::{DecryptError, x25519};
use age_core::format::{FileKey, Stanza};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use ssh_key::{HashAlg, PrivateKey};

use super::{
    effort::{Effort, KeyCost},
    hybrid::{self, HybridIdentity},
    problem::Place,
    ssh,
};

/// A private key that opens age messages.
pub(crate) struct Identity {
    secret: PrivateHalf,
    /// The recipient in full. It is computed on first use, since that takes long for a post-quantum identity.
    recipient: OnceLock<String>,
    place: Place,
}

/// The private half.
enum PrivateHalf {
    /// From an identity text.
    Age(x25519::Identity),
    /// From an identity text, post-quantum.
    Hybrid(HybridIdentity),
    /// The age identity that an SSH key was converted to.
    Converted(x25519::Identity),
    /// An SSH key itself, for stanzas that name it.
    Ssh(Box<SshSecret>),
}

/// An SSH key for stanzas of its own. The identity of the `age` crate is made on first use: for an RSA key that takes longer than the rest
/// of a run.
struct SshSecret {
    key: PrivateKey,
    /// The public key, without comment.
    recipient: String,
    /// How the first line of a stanza for this key begins: the type of the stanza, and the tag of the key.
    stanza: String,
    native: OnceLock<Option<::age::ssh::Identity>>,
}

impl Identity {
    /// An identity from an identity text.
    pub(crate) fn from_age(secret: x25519::Identity, place: Place) -> Self {
        Self::new(PrivateHalf::Age(secret), place)
    }

    /// A post-quantum identity from an identity text.
    pub(crate) fn from_hybrid(secret: HybridIdentity, place: Place) -> Self {
        Self::new(PrivateHalf::Hybrid(secret), place)
    }

    /// The age identity that an SSH key was converted to.
    pub(crate) fn from_conversion(secret: x25519::Identity, place: Place) -> Self {
        Self::new(PrivateHalf::Converted(secret), place)
    }

    /// An SSH key for stanzas of its own. `None` if its public half cannot be encoded.
    pub(crate) fn from_ssh(key: PrivateKey, place: Place) -> Option<Self> {
        let recipient = ssh::recipient(key.public_key())?;
        let digest = Sha256::digest(key.public_key().to_bytes().ok()?);
        let tag = BASE64_STANDARD_NO_PAD.encode(digest.get(..4)?);
        let stanza = format!("-> {} {tag}", key.algorithm().as_str());
        let secret = SshSecret {
            key,
            recipient,
            stanza,
            native: OnceLock::new(),
        };
        Some(Self::new(PrivateHalf::Ssh(Box::new(secret)), place))
    }

    /// An identity whose recipient is still to be made.
    fn new(secret: PrivateHalf, place: Place) -> Self {
        let recipient = OnceLock::new();
        Self {
            secret,
            recipient,
            place,
        }
    }

    /// The recipient in full, as a `.sops.yaml` takes it.
    pub(crate) fn recipient(&self) -> &str {
        self.recipient.get_or_init(|| self.secret.recipient())
    }

    /// The recipient as messages show it: an age key in full, a post-quantum one by its first and last characters, an SSH key by its
    /// fingerprint.
    pub(crate) fn shown(&self) -> String {
        match &self.secret {
            PrivateHalf::Age(_) | PrivateHalf::Converted(_) => self.recipient().to_owned(),
            PrivateHalf::Hybrid(_) => hybrid::by_its_ends(self.recipient()),
            PrivateHalf::Ssh(secret) => ssh::shown(secret.key.algorithm().as_str(), &secret.key.fingerprint(HashAlg::Sha256)),
        }
    }

    /// Where it comes from.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether it was converted from an SSH key.
    pub(crate) fn is_converted(&self) -> bool {
        matches!(self.secret, PrivateHalf::Converted(_))
    }

    /// Whether it is a native SSH key.
    pub(crate) fn is_ssh(&self) -> bool {
        matches!(self.secret, PrivateHalf::Ssh(_))
    }

    /// Whether `recipient`, as a sops file spells it, is this identity. An SSH recipient may carry a comment.
    pub(crate) fn is_named(&self, recipient: &str) -> bool {
        let theirs = recipient.split_whitespace();
        let ours = || self.recipient().split_whitespace();
        match self.secret {
            PrivateHalf::Ssh(_) => ours().take(2).eq(theirs.take(2)),
            PrivateHalf::Age(_) | PrivateHalf::Converted(_) => ours().eq(theirs),
            // The form is checked first, so that the own recipient is not computed for a name of another kind.
            PrivateHalf::Hybrid(_) => hybrid::is_recipient(recipient) && ours().eq(theirs),
        }
    }

    /// The identity to try on the age message with these bytes. An SSH stanza names its key; so if no stanza names an SSH key, the result
    /// is `None` and the identity of the `age` crate is not made.
    pub(crate) fn candidate<'i>(&'i self, message: &[u8], effort: &'i Effort<'i>) -> Option<Candidate<'i>> {
        let key: &dyn ::age::Identity = match &self.secret {
            PrivateHalf::Age(secret) | PrivateHalf::Converted(secret) => secret,
            PrivateHalf::Hybrid(secret) => secret,
            PrivateHalf::Ssh(secret) if contains(message, secret.stanza.as_bytes()) => {
                secret.native.get_or_init(|| ssh::native(&secret.key)).as_ref()?
            }
            PrivateHalf::Ssh(_) => return None,
        };
        let secret = &self.secret;
        Some(Candidate { key, secret, effort })
    }
}

/// An identity for the stanzas of one message. `effort` limits how often it is tried.
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
    /// The kind of key that is tried on a stanza. `None` if the stanza itself shows that it is for another key, so that a try costs
    /// nothing.
    fn cost(&self, stanza: &Stanza) -> Option<KeyCost> {
        let Stanza { tag, args, .. } = stanza;
        let is_for_it = match self {
            Self::Age(_) | Self::Converted(_) => tag == "X25519",
            Self::Hybrid(_) => tag == hybrid::STANZA_TYPE,
            Self::Ssh(secret) => args.first().is_some_and(|name| secret.stanza == format!("-> {tag} {name}")),
        };
        let kind = if tag == "ssh-rsa" { KeyCost::Rsa } else { KeyCost::Other };
        is_for_it.then_some(kind)
    }

    /// The recipient in full.
    fn recipient(&self) -> String {
        match self {
            Self::Age(secret) | Self::Converted(secret) => secret.to_public().to_string(),
            Self::Hybrid(secret) => secret.recipient(),
            Self::Ssh(secret) => secret.recipient.clone(),
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
    fn a_native_ssh_identity_is_made_only_for_a_message_that_names_it() {
        let key = PrivateKey::try_from(ssh_key::private::KeypairData::Ed25519(
            ssh_key::private::Ed25519Keypair::from_bytes(&[1; 64]).unwrap(),
        ));
        let identity = Identity::from_ssh(key.unwrap(), Place::File(Path::new("id").to_owned())).unwrap();
        let PrivateHalf::Ssh(secret) = &identity.secret else {
            panic!()
        };
        let (file, run) = (Tries::of_file(), Tries::of_run());
        let effort = Effort::new(&file, &run);
        assert!(identity.candidate(b"-> ssh-ed25519 AAAAAA share\n", &effort).is_none());
        assert!(secret.native.get().is_none());
        let named = format!("{} share\n", secret.stanza);
        assert!(identity.candidate(named.as_bytes(), &effort).is_some());
        assert!(secret.native.get().is_some());
    }
}
