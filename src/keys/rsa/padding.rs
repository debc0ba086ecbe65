//! Takes the padding of RSA messages off. A wrong padding has the same result after the same time, whichever part of it is wrong.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroizing;

/// The length in bytes of a hash and of a seed in OAEP with SHA-256.
const HASH: usize = 32;

/// The message in a block with the padding of PKCS#1 v1.5 (RFC 8017, 7.2.2): the bytes 0 and 2, at least eight other bytes that are
/// not 0, then 0 and the message.
pub(crate) fn pkcs1(block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (head, rest) = block.split_first_chunk::<2>()?;
    let mut is_padding = Choice::from(1);
    let mut end = 0_u32;
    for (index, byte) in (0_u32..).zip(rest) {
        let is_end = is_padding & byte.ct_eq(&0);
        end.conditional_assign(&index, is_end);
        is_padding &= !is_end;
    }
    let is_valid = head.ct_eq(&[0, 2]) & !is_padding & end.ct_gt(&7);
    after(rest, end, is_valid)
}

/// The message in a block with the padding OAEP (RFC 8017, 7.1.2): the byte 0, a masked seed, and masked data. The data are the hash of
/// the label, zeros, the byte 1, and the message.
pub(crate) fn oaep(mut block: Zeroizing<Vec<u8>>, label: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (first, rest) = block.split_first_mut()?;
    let (seed, data) = rest.split_at_mut_checked(HASH)?;
    mask(seed, data);
    mask(data, seed);
    let (hash, rest) = data.split_at_checked(HASH)?;
    let mut is_valid = first.ct_eq(&0) & hash.ct_eq(&Sha256::digest(label));
    let mut is_padding = Choice::from(1);
    let mut end = 0_u32;
    for (index, byte) in (0_u32..).zip(rest) {
        let is_end = is_padding & byte.ct_eq(&1);
        end.conditional_assign(&index, is_end);
        is_padding &= !is_end;
        is_valid &= !is_padding | byte.ct_eq(&0);
    }
    after(rest, end, is_valid & !is_padding)
}

/// The bytes of `rest` after the index `end`. Returns `None` if the padding is not valid.
fn after(rest: &[u8], end: u32, is_valid: Choice) -> Option<Zeroizing<Vec<u8>>> {
    let start = usize::try_from(end).ok()?.checked_add(1)?;
    let message = rest.get(start..).filter(|_| bool::from(is_valid))?;
    Some(Zeroizing::new(message.to_vec()))
}

/// Applies to `bytes` the mask that belongs to `seed`, by exclusive or (MGF1 with SHA-256; RFC 8017, B.2.1).
fn mask(bytes: &mut [u8], seed: &[u8]) {
    for (counter, chunk) in (0_u32..).zip(bytes.chunks_mut(HASH)) {
        let mask = Sha256::new()
            .chain_update(seed)
            .chain_update(counter.to_be_bytes())
            .finalize();
        chunk.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
}
