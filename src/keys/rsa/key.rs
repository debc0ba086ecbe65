//! An RSA private key, and its decryption in two halves, one for each prime (RFC 8017, 5.1.2).

use crypto_bigint::{
    BoxedUint, ConcatenatingMul, NonZero, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use ssh_key::{Mpint, private::RsaKeypair};
use zeroize::Zeroizing;

use super::padding;

/// A secret number, which is wiped when it is dropped.
type SecretNumber = Zeroizing<BoxedUint>;

/// An RSA private key with two primes, ready for use.
pub(crate) struct RsaKey {
    modulus: BoxedUint,
    /// The length of the modulus in bytes.
    length: usize,
    first: Half,
    second: Half,
    /// The inverse of the second prime modulo the first one.
    coefficient: Zeroizing<BoxedMontyForm>,
}

/// A prime of a key, and the private exponent for it.
struct Half {
    prime: BoxedMontyParams,
    exponent: SecretNumber,
}

impl RsaKey {
    /// Checks a key, and computes the numbers that make decryption fast. Of the numbers of the key, the coefficient is not used,
    /// so it may be missing or wrong. The size of the key and the order of its primes do not matter.
    ///
    /// Returns `None` if the other numbers do not belong together. Such a key cannot decrypt what its public half encrypts.
    pub(crate) fn new(pair: &RsaKeypair) -> Option<Self> {
        let (modulus, public) = (number(&pair.public.n)?, number(&pair.public.e)?);
        let private = number(&pair.private.d)?;
        let (p, q) = (number(&pair.private.p)?, number(&pair.private.q)?);
        let (first, second) = (Half::new(&p, &private, &public)?, Half::new(&q, &private, &public)?);
        if first.modulus().concatenating_mul(second.modulus()) != *modulus {
            return None;
        }
        Some(Self {
            modulus: BoxedUint::clone(&modulus),
            length: digits(&pair.public.n)?.len(),
            coefficient: Zeroizing::new(first.residue(second.modulus()).invert().into_option()?),
            first,
            second,
        })
    }

    /// Decrypts a message with the padding of PKCS#1 v1.5 (RFC 8017, 7.2.2). Returns `None` if `encrypted` is no such message for
    /// this key.
    pub(crate) fn decrypt_pkcs1(&self, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        padding::pkcs1(&self.block(encrypted)?)
    }

    /// Decrypts a message with the padding OAEP, with SHA-256 and `label` (RFC 8017, 7.1.2). Returns `None` if `encrypted` is no
    /// such message for this key.
    pub(crate) fn decrypt_oaep(&self, encrypted: &[u8], label: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        padding::oaep(self.block(encrypted)?, label)
    }

    /// Decrypts `encrypted` to a block, which is the message with its padding. The block is as long as the modulus. Returns `None`
    /// if `encrypted` is a number that is not smaller than the modulus.
    pub(crate) fn block(&self, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let encrypted = BoxedUint::from_be_slice(encrypted, self.modulus.bits_precision()).ok()?;
        if encrypted >= self.modulus {
            return None;
        }
        let bytes = Zeroizing::new(self.decrypt(&encrypted).to_be_bytes());
        let start = bytes.len().checked_sub(self.length)?;
        Some(Zeroizing::new(bytes.get(start..)?.to_vec()))
    }

    /// Decrypts the number `encrypted` modulo each of the two primes, and puts both residues together to one number.
    fn decrypt(&self, encrypted: &BoxedUint) -> SecretNumber {
        let first = self.first.power(encrypted);
        let second = Zeroizing::new(self.second.power(encrypted).retrieve());
        let difference = Zeroizing::new(&*first - &*self.first.residue(&second));
        let quotient = Zeroizing::new(Zeroizing::new(&*difference * &*self.coefficient).retrieve());
        let product = Zeroizing::new(quotient.concatenating_mul(self.second.modulus()));
        Zeroizing::new(product.wrapping_add(&*second))
    }
}

impl Half {
    /// Returns `None` if `prime` is even or 1, or if the exponents `private` and `public` do not undo each other modulo `prime`.
    fn new(prime: &BoxedUint, private: &BoxedUint, public: &BoxedUint) -> Option<Self> {
        let order = Zeroizing::new(prime.wrapping_sub(BoxedUint::one()));
        let order = Zeroizing::new(NonZero::new(BoxedUint::clone(&order)).into_option()?);
        let exponent = Zeroizing::new(private.rem(&order));
        let product = Zeroizing::new(exponent.concatenating_mul(public));
        let is_inverse = bool::from(Zeroizing::new(product.rem(&order)).is_one());
        let prime = Odd::new(prime.clone()).into_option().filter(|_| is_inverse)?;
        Some(Self {
            prime: BoxedMontyParams::new(prime),
            exponent,
        })
    }

    /// The prime.
    fn modulus(&self) -> &BoxedUint {
        self.prime.modulus()
    }

    /// The residue of `number` modulo the prime.
    fn residue(&self, number: &BoxedUint) -> Zeroizing<BoxedMontyForm> {
        let residue = number.rem(self.prime.modulus().as_nz_ref());
        Zeroizing::new(BoxedMontyForm::new(residue, &self.prime))
    }

    /// The power of `number` to the private exponent, modulo the prime.
    fn power(&self, number: &BoxedUint) -> Zeroizing<BoxedMontyForm> {
        Zeroizing::new(self.residue(number).pow(&self.exponent))
    }
}

/// The bytes of a positive number, without zeros in front. Returns `None` for zero and for negative numbers.
fn digits(number: &Mpint) -> Option<&[u8]> {
    number.as_positive_bytes().filter(|bytes| !bytes.is_empty())
}

/// A positive number for the computation. Its length in bytes is no secret.
fn number(number: &Mpint) -> Option<SecretNumber> {
    let bytes = digits(number)?;
    let bits = u32::try_from(bytes.len()).ok()?.checked_mul(8)?;
    BoxedUint::from_be_slice(bytes, bits).ok().map(Zeroizing::new)
}
