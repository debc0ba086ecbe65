//! The key encapsulation MLKEM768-X25519 (draft-ietf-hpke-pq), also called X-Wing (draft-connolly-cfrg-xwing-kem). The shared
//! secret is safe unless both ML-KEM-768 and X25519 are broken.

use curve25519_dalek::{MontgomeryPoint, traits::IsIdentity};
use ml_kem::{B32, EncodedSizeUser, KemCore, MlKem768, kem::Decapsulate};
use sha3::{
    Sha3_256, Shake256,
    digest::{ExtendableOutput, FixedOutput, Update, XofReader},
};
use zeroize::{Zeroize, Zeroizing};

use crate::keys::x25519::product;

/// The length in bytes of the seed. The seed is the whole private key.
pub(crate) const SEED_BYTES: usize = 32;
/// The length of a ciphertext of ML-KEM-768 in bytes (FIPS 203, table 3).
const PQ_BYTES: usize = 1088;

/// An encapsulated secret: the ciphertext of ML-KEM, then the X25519 share of the sender.
pub(crate) type Encapsulated = [u8; PQ_BYTES + 32];
/// The secret that only the sender and the holder of the private keys know.
pub(crate) type SharedSecret = Zeroizing<[u8; 32]>;

/// The label that X-Wing hashes into the shared secret. The characters draw an X-wing.
const LABEL: &[u8] = br"\.//^\";

/// The private keys of ML-KEM and of X25519. The private key of ML-KEM wipes itself when it is dropped.
pub(crate) struct KeyPair {
    pq: <MlKem768 as KemCore>::DecapsulationKey,
    x25519: Zeroizing<[u8; 32]>,
    /// The public key of X25519, which every decapsulation needs.
    public_x25519: MontgomeryPoint,
}

impl KeyPair {
    /// Derives both private keys from a seed (draft-connolly-cfrg-xwing-kem, 5.2).
    pub(crate) fn from_seed(seed: &[u8]) -> Self {
        let mut stream = Shake256::default().chain(seed).finalize_xof();
        let mut next = || {
            let mut bytes = Zeroizing::new([0; 32]);
            stream.read(bytes.as_mut_slice());
            bytes
        };
        let [mut d, mut z] = [next(), next()].map(|bytes| B32::from(*bytes));
        let (pq, _) = MlKem768::generate_deterministic(&d, &z);
        d.as_mut_slice().zeroize();
        z.as_mut_slice().zeroize();
        let x25519 = next();
        Self {
            pq,
            public_x25519: MontgomeryPoint::mul_base_clamped(*x25519),
            x25519,
        }
    }

    /// The public keys of ML-KEM and of X25519 in a row, 1216 bytes.
    pub(crate) fn public(&self) -> Vec<u8> {
        let pq = self.pq.encapsulation_key().as_bytes();
        [pq.as_slice(), &self.public_x25519.0].concat()
    }

    /// Decapsulates the shared secret. If `encapsulated` was made for other keys, the result is a different secret, not an error.
    ///
    /// Returns `None` if the X25519 share is a point that gives the same secret with every key (RFC 7748, 6.1).
    pub(crate) fn decapsulate(&self, encapsulated: &Encapsulated) -> Option<SharedSecret> {
        let (pq, share) = encapsulated.split_at(PQ_BYTES);
        let share = MontgomeryPoint(share.try_into().ok()?);
        let x25519 = Zeroizing::new(product(&share, *self.x25519));
        if x25519.is_identity() {
            return None;
        }
        let mut pq = self.pq.decapsulate(&pq.try_into().ok()?).ok()?;
        let mut secret = Zeroizing::new([0; 32]);
        Sha3_256::default()
            .chain(pq.as_slice())
            .chain(x25519.as_bytes())
            .chain(share.as_bytes())
            .chain(self.public_x25519.as_bytes())
            .chain(LABEL)
            .finalize_into(secret.as_mut_slice().into());
        pq.as_mut_slice().zeroize();
        Some(secret)
    }
}
