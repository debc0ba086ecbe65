//! Puts shares of a data key together, by Shamir's secret sharing as sops uses it.
//!
//! Each byte of a share is a value in GF(2⁸), the finite field with 256 elements. The last byte is the number of the share.
//!
//! Source: A. Shamir, "How to share a secret" (1979). The field is that of AES (FIPS 197, 4.2).

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::system::plaintext::Plaintext;

/// Puts `shares` together to the secret. A wrong or missing share gives a wrong secret, not an error.
///
/// Returns `None` if there are fewer than two shares, or if the lengths of the shares differ. Returns `None` also if a share
/// holds only its number, or if two shares have the same number.
pub(crate) fn combine(shares: &[&[u8]]) -> Option<Plaintext> {
    let split = shares.iter().map(|share| share.split_last());
    let split: Vec<(u8, &[u8])> = split.map(|parts| parts.map(|(x, y)| (*x, y))).collect::<Option<_>>()?;
    let length = split.first()?.1.len();
    if split.len() < 2 || length == 0 || split.iter().any(|(_, y)| y.len() != length) {
        return None;
    }
    let numbers: BTreeSet<u8> = split.iter().map(|(x, _)| *x).collect();
    if numbers.len() < split.len() {
        return None;
    }
    let product = numbers.iter().copied().fold(1, multiply);
    let mut secret = Zeroizing::new(vec![0; length]);
    for (x, y) in &split {
        let weight = weight(*x, &numbers, product);
        for (sum, y) in secret.iter_mut().zip(*y) {
            *sum ^= multiply(weight, *y);
        }
    }
    Some(Plaintext::from(std::mem::take(&mut *secret)))
}

/// The factor by which the bytes of share `x` are multiplied: the Lagrange polynomial of `x` at zero. In this field, addition and
/// subtraction are both XOR.
///
/// `product` is the product of all share numbers. A file may have 255 shares, so dividing `product` by `x` is faster than
/// multiplying all other numbers again.
fn weight(x: u8, numbers: &BTreeSet<u8>, product: u8) -> u8 {
    let others = || numbers.iter().copied().filter(|number| *number != x);
    let numerator = match x {
        0 => others().fold(1, multiply),
        _ => multiply(product, inverse(x)),
    };
    let denominator = others().fold(1, |product, other| multiply(product, x ^ other));
    multiply(numerator, inverse(denominator))
}

/// The inverse of `number`: the byte that gives 1 when multiplied by `number`. For 0 the result is 0.
///
/// Each number but 0 has 1 as its 255th power, so the inverse is the 254th power. The loop turns the power `n` into the power
/// `2n + 1`, seven times, which gives the 127th power. Its square is the 254th power.
fn inverse(number: u8) -> u8 {
    let power_of_127 = (0..7).fold(1, |power, _| multiply(multiply(power, power), number));
    multiply(power_of_127, power_of_127)
}

/// The product of `a` and `b` in the field. The time of the multiplication does not depend on the values, so the time reveals
/// nothing about the secret.
fn multiply(a: u8, b: u8) -> u8 {
    (0..8).rev().fold(0, |product: u8, bit| {
        // If the shift drops a set bit, `0x1b` reduces the result by the polynomial of AES, x⁸ + x⁴ + x³ + x + 1.
        let doubled = (product << 1) ^ (0x1b & (product >> 7).wrapping_neg());
        doubled ^ (b & ((a >> bit) & 1).wrapping_neg())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_fips_197() {
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(multiply(0x57, 0x13), 0xfe);
    }

    #[test]
    fn every_number_but_zero_has_an_inverse() {
        assert!((1..=255).all(|number| multiply(number, inverse(number)) == 1));
    }

    /// Shares of the two bytes 42 and 7, by the polynomials 42 + 3x + 200x² and 7 + 99x + x². Any three shares give the bytes back.
    fn share(x: u8) -> [u8; 3] {
        let at = |constant, linear, quadratic| constant ^ multiply(linear, x) ^ multiply(quadratic, multiply(x, x));
        [at(42, 3, 200), at(7, 99, 1), x]
    }

    #[test]
    fn as_many_shares_as_the_threshold_give_the_secret_and_so_do_more() {
        let shares = [1, 2, 3, 200, 255].map(share);
        for chosen in [vec![0, 1, 2], vec![4, 0, 3], vec![3, 2, 1, 0, 4]] {
            let chosen: Vec<&[u8]> = chosen.into_iter().map(|index: usize| shares[index].as_slice()).collect();
            assert_eq!(combine(&chosen).unwrap().expose(), [42, 7]);
        }
        assert_ne!(combine(&[&share(1), &share(2)]).unwrap().expose(), [42, 7]);
    }

    /// No program gives a share the number zero, because the values of the polynomials at zero are the secret itself.
    #[test]
    fn the_share_of_number_zero_is_the_secret() {
        assert_eq!(combine(&[&share(5), &share(0), &share(9)]).unwrap().expose(), [42, 7]);
    }

    #[test]
    fn shares_that_do_not_go_together_give_nothing() {
        for shares in [
            vec![],
            vec![[1, 2, 3].as_slice()],
            vec![&[1, 2, 3], &[4, 5, 3]],
            vec![&[1, 2, 3], &[4, 5]],
            vec![&[1], &[2]],
            vec![&[], &[]],
        ] {
            assert!(combine(&shares).is_none(), "{shares:?}");
        }
    }
}
