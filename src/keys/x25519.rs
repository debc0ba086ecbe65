//! X25519 identities of age, and how they open stanzas of the type `X25519` (C2SP, `age.md`).
//!
//! The `age` crate computes the public half of an identity again for each stanza, which takes as long as the secret that is shared
//! with the sender. Here it is computed once.

use std::{hint::black_box, sync::OnceLock};

use ::age::{DecryptError, x25519};
use age_core::{
    format::{FileKey, Stanza},
    primitives::{aead_decrypt, hkdf},
};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use bech32::{Bech32, Hrp, primitives::decode::CheckedHrpstring};
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint};
use zeroize::{Zeroize as _, Zeroizing};

use crate::system::plaintext::Plaintext;

/// The type of the stanzas for X25519 recipients.
pub(crate) const STANZA_TYPE: &str = "X25519";
/// The label that age ties to each use of such an identity.
const LABEL: &[u8] = b"age-encryption.org/v1/X25519";
/// The human-readable parts of an identity and of a recipient in Bech32.
const IDENTITY_HRP: Hrp = Hrp::parse_unchecked("age-secret-key-");
const RECIPIENT_HRP: Hrp = Hrp::parse_unchecked("age");
/// The length of a file key in bytes.
pub(crate) const FILE_KEY: usize = 16;

/// An X25519 identity of age.
pub(crate) struct X25519Identity {
    secret: Zeroizing<[u8; 32]>,
    /// The public half, computed on first use.
    public: OnceLock<MontgomeryPoint>,
}

impl X25519Identity {
    /// The identity with this secret number.
    pub(crate) fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        let public = OnceLock::new();
        Self { secret, public }
    }

    /// Parses the text of an identity. Returns `None` if `text` is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse::<x25519::Identity>().ok()?;
        let decoded = CheckedHrpstring::new::<Bech32>(text).ok()?;
        let mut secret = Zeroizing::new([0; 32]);
        secret.iter_mut().zip(decoded.byte_iter()).for_each(|(to, from)| *to = from);
        Some(Self::new(secret))
    }

    /// The text of the identity.
    pub(crate) fn text(&self) -> Option<Plaintext> {
        let mut text = Plaintext::default();
        bech32::encode_upper_to_writer::<Bech32, _>(&mut text, IDENTITY_HRP, &*self.secret).ok()?;
        Some(text)
    }

    /// The recipient that belongs to the identity.
    pub(crate) fn recipient(&self) -> String {
        recipient(self.public())
    }

    fn public(&self) -> &MontgomeryPoint {
        self.public.get_or_init(|| MontgomeryPoint::mul_base_clamped(*self.secret))
    }

    /// The file key in a stanza. A stanza does not name its recipient. So a stanza that does not open counts as one for another
    /// identity, and the result is `Ok(None)`.
    ///
    /// # Errors
    ///
    /// `InvalidHeader` if the stanza is malformed.
    fn open(&self, stanza: &Stanza) -> Result<Option<FileKey>, DecryptError> {
        let share = share(stanza).ok_or(DecryptError::InvalidHeader)?;
        let shared = Zeroizing::new(product(&share, *self.secret));
        if shared.as_bytes().iter().fold(0, |bits, byte| bits | byte) == 0 {
            return Err(DecryptError::InvalidHeader);
        }
        let salt = [share.to_bytes(), self.public().to_bytes()].concat();
        let key = Zeroizing::new(hkdf(&salt, LABEL, shared.as_bytes()));
        let opened = aead_decrypt(&key, FILE_KEY, &stanza.body).map(Zeroizing::new);
        Ok(opened.ok().and_then(|bytes| file_key(&bytes)))
    }
}

impl ::age::Identity for X25519Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag == STANZA_TYPE {
            self.open(stanza).transpose()
        } else {
            None
        }
    }
}

/// The X25519 function (RFC 7748) of a point and a secret number.
///
/// Half of all points, and all that an honest sender makes, are on a curve that can also be written in the Edwards form. There, the
/// multiplication takes half as long with the vectors of an x86-64 processor (AVX2). With the way there and back it is two thirds.
pub(crate) fn product(point: &MontgomeryPoint, number: [u8; 32]) -> MontgomeryPoint {
    let mut edwards = if has_vectors() { point.to_edwards(0) } else { None };
    if let Some(edwards) = &mut edwards {
        let mut product = edwards.mul_clamped(number);
        let result = product.to_montgomery();
        wipe(edwards);
        wipe(&mut product);
        result
    } else {
        point.mul_clamped(number)
    }
}

/// Whether the processor has the vectors for which [`product`] takes the Edwards form.
#[cfg(target_arch = "x86_64")]
fn has_vectors() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

/// No processor of this kind has them.
#[cfg(not(target_arch = "x86_64"))]
fn has_vectors() -> bool {
    false
}

/// Wipes a point. `zeroize` sets two of its four coordinates by simple assignments, which a compiler leaves out unless somebody may read
/// them afterwards.
fn wipe(point: &mut EdwardsPoint) {
    point.zeroize();
    black_box(point);
}

/// The recipient for this point.
pub(crate) fn recipient(public: &MontgomeryPoint) -> String {
    // A text of 32 bytes is not too long for Bech32, so there is no error.
    bech32::encode::<Bech32>(RECIPIENT_HRP, public.as_bytes()).unwrap_or_default()
}

/// The share of the sender in a stanza. Returns `None` if the stanza is malformed.
fn share(stanza: &Stanza) -> Option<MontgomeryPoint> {
    let [share] = stanza.args.as_slice() else { return None };
    let share = BASE64_STANDARD_NO_PAD.decode(share).ok()?.try_into().ok()?;
    // The sealed file key is followed by its tag.
    (stanza.body.len() == FILE_KEY + 16).then_some(MontgomeryPoint(share))
}

/// A file key with these bytes. Returns `None` if there are too many or too few.
pub(crate) fn file_key(bytes: &[u8]) -> Option<FileKey> {
    let bytes: &[u8; FILE_KEY] = bytes.try_into().ok()?;
    Some(FileKey::init_with_mut(|key| *key = *bytes))
}

#[cfg(test)]
mod tests {
    use ::age::{Identity as _, secrecy::ExposeSecret as _};
    use curve25519_dalek::constants::EIGHT_TORSION;
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// The stanza that age makes for `recipient`, and the file key in it.
    fn sealed(recipient: &x25519::Recipient) -> (Stanza, FileKey) {
        let key = FileKey::new(Box::new([5; FILE_KEY]));
        let (mut stanzas, _) = ::age::Recipient::wrap_file_key(recipient, &key).unwrap();
        (stanzas.remove(0), key)
    }

    #[test]
    fn an_identity_opens_what_age_encrypts_to_it_and_nothing_else() {
        let [theirs, other] = [x25519::Identity::generate(), x25519::Identity::generate()];
        let text = theirs.to_string();
        let ours = X25519Identity::parse(text.expose_secret()).unwrap();
        assert_eq!(ours.text().unwrap().expose(), text.expose_secret().as_bytes());
        assert_eq!(ours.recipient(), theirs.to_public().to_string());
        let (stanza, key) = sealed(&theirs.to_public());
        let opened = ours.unwrap_stanza(&stanza).unwrap().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(opened.expose_secret(), key.expose_secret());
        assert!(ours.unwrap_stanza(&sealed(&other.to_public()).0).is_none());
    }

    #[test]
    fn the_product_is_that_of_the_ladder_for_points_of_every_kind() {
        let of_small_order = EIGHT_TORSION.map(|point| point.to_montgomery());
        // The first has no Edwards form. The others are not written in the shortest way.
        let special = [0xec, 0xed, 0xee, 0xff].map(|first| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (first, 0x7f);
            MontgomeryPoint(bytes)
        });
        // Half of these points are on the curve, and half on its twist.
        let any = (0..200_u8).map(|number| MontgomeryPoint(Sha256::digest([number]).into()));
        let (mut with_edwards_form, mut all) = (0, 0);
        for point in of_small_order.into_iter().chain(special).chain(any) {
            for number in [[0; 32], [0x5a; 32], [0xff; 32]] {
                assert_eq!(
                    product(&point, number).to_bytes(),
                    point.mul_clamped(number).to_bytes(),
                    "{point:?}"
                );
            }
            with_edwards_form += usize::from(point.to_edwards(0).is_some());
            all += 1;
        }
        assert!(
            (all / 4..all * 3 / 4).contains(&with_edwards_form),
            "{with_edwards_form} of {all}"
        );
    }

    #[test]
    fn a_malformed_stanza_is_refused_as_age_refuses_it() {
        let theirs = x25519::Identity::generate();
        let ours = X25519Identity::parse(theirs.to_string().expose_secret()).unwrap();
        let good = || sealed(&theirs.to_public()).0;
        let changed = |change: fn(&mut Stanza)| {
            let mut stanza = good();
            change(&mut stanza);
            stanza
        };
        for stanza in [
            changed(|stanza| stanza.args.clear()),
            changed(|stanza| stanza.args.push("x".to_owned())),
            changed(|stanza| stanza.args[0].push('=')),
            changed(|stanza| stanza.args[0].truncate(42)),
            changed(|stanza| stanza.args[0].replace_range(42.., "z")),
            changed(|stanza| stanza.args[0] = BASE64_STANDARD_NO_PAD.encode([0; 32])),
            changed(|stanza| stanza.body.push(0)),
            changed(|stanza| stanza.tag = "x25519".to_owned()),
            changed(|stanza| stanza.body[0] ^= 1),
            good(),
        ] {
            let result = |identity: &dyn ::age::Identity| identity.unwrap_stanza(&stanza).map(|opened| opened.is_ok());
            assert_eq!(result(&ours), result(&theirs), "{:?} {:?}", stanza.tag, stanza.args);
        }
    }
}
