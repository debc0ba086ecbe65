//! MLKEM768-X25519 (draft-ietf-hpke-pq), which is X-Wing (draft-connolly-cfrg-xwing-kem): a shared secret that is safe as long as one of
//! ML-KEM-768 and X25519 is not broken.

use curve25519_dalek::{MontgomeryPoint, traits::IsIdentity};
use ml_kem::{B32, EncodedSizeUser, KemCore, MlKem768, kem::Decapsulate};
use sha3::{
    Sha3_256, Shake256,
    digest::{ExtendableOutput, FixedOutput, Update, XofReader},
};
use zeroize::{Zeroize, Zeroizing};

/// The length of the seed that is the whole private key.
pub(crate) const SEED_BYTES: usize = 32;
/// The length of a ciphertext of ML-KEM-768 in bytes (FIPS 203, table 3).
const PQ_BYTES: usize = 1088;

/// An encapsulated secret: the ciphertext of ML-KEM, then the sender's share of X25519.
pub(crate) type Encapsulated = [u8; PQ_BYTES + 32];
/// The secret that the sender and the holder of the keys share.
pub(crate) type SharedSecret = Zeroizing<[u8; 32]>;

/// The label that X-Wing hashes into the shared secret, a picture of an X-wing.
const LABEL: &[u8] = br"\.//^\";

/// The private keys of ML-KEM and of X25519. The former wipes itself when it is dropped.
pub(crate) struct KeyPair {
    pq: <MlKem768 as KemCore>::DecapsulationKey,
    x25519: Zeroizing<[u8; 32]>,
}

impl KeyPair {
    /// The keys of a seed (draft-connolly-cfrg-xwing-kem, 5.2).
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
        Self { pq, x25519: next() }
    }

    /// Both public keys, 1216 bytes.
    pub(crate) fn public(&self) -> Vec<u8> {
        let pq = self.pq.encapsulation_key().as_bytes();
        [pq.as_slice(), &self.public_x25519().0].concat()
    }

    /// The public key of X25519.
    fn public_x25519(&self) -> MontgomeryPoint {
        MontgomeryPoint::mul_base_clamped(*self.x25519)
    }

    /// The secret in `encapsulated`. If that was made for other keys, the result is another secret, not an error. `None` if the share of
    /// X25519 is a point that gives the same secret with every key (RFC 7748, 6.1).
    pub(crate) fn decapsulate(&self, encapsulated: &Encapsulated) -> Option<SharedSecret> {
        let (pq, share) = encapsulated.split_at(PQ_BYTES);
        let share = MontgomeryPoint(share.try_into().ok()?);
        let x25519 = Zeroizing::new(share.mul_clamped(*self.x25519));
        if x25519.is_identity() {
            return None;
        }
        let mut pq = self.pq.decapsulate(&pq.try_into().ok()?).ok()?;
        let mut secret = Zeroizing::new([0; 32]);
        Sha3_256::default()
            .chain(pq.as_slice())
            .chain(x25519.as_bytes())
            .chain(share.as_bytes())
            .chain(self.public_x25519().as_bytes())
            .chain(LABEL)
            .finalize_into(secret.as_mut_slice().into());
        pq.as_mut_slice().zeroize();
        Some(secret)
    }
}
