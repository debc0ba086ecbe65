//! Reads a post-quantum hybrid age identity, and opens stanzas with it.

use std::sync::OnceLock;

use ::age::DecryptError;
use age_core::{
    format::{FileKey, Stanza},
    primitives::bech32_encode,
};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use bech32::{Bech32, Hrp, primitives::decode::CheckedHrpstring};
use zeroize::Zeroizing;

use super::{
    hpke,
    kem::{self, Encapsulated, KeyPair},
};
use crate::system::plaintext::Plaintext;

/// The beginning of the text of a post-quantum identity.
pub(crate) const IDENTITY_PREFIX: &str = "AGE-SECRET-KEY-PQ-1";
/// The beginning of a post-quantum recipient.
const RECIPIENT_PREFIX: &str = "age1pq1";
/// The human-readable parts of an identity and of a recipient in Bech32. Each is the prefix without the separator `1`.
const IDENTITY_HRP: Hrp = Hrp::parse_unchecked("AGE-SECRET-KEY-PQ-");
const RECIPIENT_HRP: Hrp = Hrp::parse_unchecked("age1pq");
/// The type of the stanzas for post-quantum recipients. The type is the first word of a stanza.
pub(crate) const STANZA_TYPE: &str = "mlkem768x25519";
/// The `info` parameter of HPKE. The parameter separates the use in age from all other uses of HPKE (C2SP, `age.md`).
const HPKE_INFO: &[u8] = b"age-encryption.org/mlkem768x25519";

/// A post-quantum hybrid identity: the seed, and the key pair. The key pair is derived from the seed on first use, because the
/// derivation takes longer than reading an identity file.
pub(crate) struct HybridIdentity {
    seed: Plaintext,
    pair: OnceLock<Box<KeyPair>>,
}

impl HybridIdentity {
    /// Parses an identity. Only one spelling is accepted, in capital letters. Returns `None` if `text` is no such identity.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let decoded = CheckedHrpstring::new::<Bech32>(text).ok()?;
        let mut seed = Plaintext::with_capacity(kem::SEED_BYTES);
        decoded.byte_iter().for_each(|byte| seed.push(&[byte]));
        let spelling = Zeroizing::new(bech32::encode_upper::<Bech32>(IDENTITY_HRP, seed.expose()).ok()?);
        let pair = OnceLock::new();
        (seed.len() == kem::SEED_BYTES && *spelling == text).then_some(Self { seed, pair })
    }

    /// The recipient of the identity, a text of almost 2000 characters.
    pub(crate) fn recipient(&self) -> String {
        bech32_encode(RECIPIENT_HRP, &self.pair().public())
    }

    /// The key pair of the seed, derived on the first call.
    fn pair(&self) -> &KeyPair {
        self.pair.get_or_init(|| Box::new(KeyPair::from_seed(self.seed.expose())))
    }

    /// Whether the key pair was derived already.
    #[cfg(test)]
    pub(crate) fn has_keys(&self) -> bool {
        self.pair.get().is_some()
    }

    /// The file key in a stanza of the type `mlkem768x25519`. A stanza does not name its recipient. So a stanza that does not open
    /// counts as a stanza for another identity, and the result is `Ok(None)`.
    ///
    /// # Errors
    ///
    /// `InvalidHeader` if the stanza is malformed.
    fn open(&self, stanza: &Stanza) -> Result<Option<FileKey>, DecryptError> {
        let (encapsulated, sealed) = parts(stanza).ok_or(DecryptError::InvalidHeader)?;
        let shared = self.pair().decapsulate(&encapsulated).ok_or(DecryptError::InvalidHeader)?;
        Ok(FileKey::try_init_with_mut(|key| hpke::open(&shared, HPKE_INFO, sealed, key).ok_or(())).ok())
    }
}

impl ::age::Identity for HybridIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag == STANZA_TYPE {
            self.open(stanza).transpose()
        } else {
            None
        }
    }
}

/// The encapsulated secret and the sealed file key of a stanza. Returns `None` if either value is missing, has a wrong length, or
/// is not in canonical base64.
fn parts(stanza: &Stanza) -> Option<(Encapsulated, &hpke::SealedFileKey)> {
    let [encapsulated] = stanza.args.as_slice() else { return None };
    let encapsulated = BASE64_STANDARD_NO_PAD.decode(encapsulated).ok()?;
    Some((encapsulated.try_into().ok()?, stanza.body.as_slice().try_into().ok()?))
}

/// Whether `name`, from a sops file, has the form of a post-quantum hybrid recipient.
pub(crate) fn is_recipient(name: &str) -> bool {
    name.trim().starts_with(RECIPIENT_PREFIX) && name.trim().bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Shortens a very long recipient for messages to its first 20 and last 8 characters. Shorter recipients are not changed.
pub(crate) fn by_its_ends(recipient: &str) -> String {
    const LONG: usize = 120;
    let recipient = recipient.trim();
    let length = recipient.chars().count();
    if length <= LONG {
        return recipient.to_owned();
    }
    let head = recipient.chars().take(20);
    let tail = recipient.chars().skip(length.saturating_sub(8));
    head.chain(['…']).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use bech32::{Fe32, primitives::iter::Fe32IterExt};

    use super::*;

    /// What age-keygen wrote: two comments, the recipient as a third, and the identity.
    const KEY_FILE: &str = include_str!("../../../tests/fixtures/keys/hybrid.txt");

    fn identity() -> &'static str {
        KEY_FILE.lines().last().unwrap()
    }

    fn recipient() -> &'static str {
        let mut lines = KEY_FILE.lines();
        lines.find_map(|line| line.strip_prefix("# public key: ")).unwrap()
    }

    fn bech32(prefix: &str, data: &[u8]) -> String {
        bech32::encode_upper::<Bech32>(Hrp::parse(prefix).unwrap(), data).unwrap()
    }

    #[test]
    fn an_identity_has_the_recipient_that_age_keygen_gives_it() {
        assert_eq!(HybridIdentity::parse(identity()).unwrap().recipient(), recipient());
    }

    #[test]
    fn an_identity_has_one_spelling() {
        let good = bech32("AGE-SECRET-KEY-PQ-", &[7; 32]);
        assert!(HybridIdentity::parse(&good).is_some());
        for bad in [
            String::new(),
            good.to_lowercase(),
            good.replace("AGE", "age"),
            good.replacen("PQ-1Q", "PQ-1P", 1),
            good.replacen("PQ-1", "PQ-1Q", 1),
            format!("{good} "),
            format!("{good}Q"),
            bech32("AGE-SECRET-KEY-", &[7; 32]),
            bech32("AGE-SECRET-KEY-PQ-", &[]),
            bech32("AGE-SECRET-KEY-PQ-", &[7; 31]),
            bech32("AGE-SECRET-KEY-PQ-", &[7; 33]),
            bech32("AGE-SECRET-KEY-PQ-", &[7; 500]),
        ] {
            assert!(HybridIdentity::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn bits_left_over_in_an_identity_are_zero() {
        let data = [Fe32::Q; 51].into_iter();
        let spelt = |last| {
            let data = data.clone().chain([last]).with_checksum::<Bech32>(&IDENTITY_HRP).chars();
            data.collect::<String>().to_uppercase()
        };
        assert!(HybridIdentity::parse(&spelt(Fe32::Q)).is_some());
        assert!(HybridIdentity::parse(&spelt(Fe32::P)).is_none());
    }

    #[test]
    fn a_recipient_is_shown_by_both_of_its_ends() {
        let (head, tail) = (&recipient()[..20], &recipient()[recipient().len() - 8..]);
        assert_eq!(by_its_ends(&format!(" {}\n", recipient())), format!("{head}…{tail}"));
        assert_eq!(by_its_ends("age1pq1short"), "age1pq1short");
        assert!(is_recipient(recipient()));
        assert!(!is_recipient("age1pq1\u{1b}[2J"));
        assert!(!is_recipient(
            "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u"
        ));
    }
}
