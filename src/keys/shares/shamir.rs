//! Shamir's secret sharing as sops uses it: bytes in GF(2⁸), the share's number in its last byte.
//!
//! Source: A. Shamir, "How to share a secret" (1979); the field is that of AES (FIPS 197, 4.2).

use std::iter;

use zeroize::Zeroizing;

use crate::system::plaintext::Plaintext;

/// The secret that `shares` stand for. A wrong or missing share gives a wrong secret and no error. Nothing when there are fewer than
/// two, when their lengths differ, or when two have the same number.
pub(crate) fn combine(shares: &[&[u8]]) -> Option<Plaintext> {
    let split = shares.iter().map(|share| share.split_last());
    let split: Vec<(u8, &[u8])> = split.map(|parts| parts.map(|(x, y)| (*x, y))).collect::<Option<_>>()?;
    let length = split.first()?.1.len();
    if split.len() < 2 || length == 0 || split.iter().any(|(_, y)| y.len() != length) {
        return None;
    }
    let numbers: Vec<u8> = split.iter().map(|(x, _)| *x).collect();
    let logarithms = Logarithms::new();
    let mut secret = Zeroizing::new(vec![0; length]);
    for (x, y) in &split {
        let weight = logarithms.weight(*x, &numbers)?;
        for (sum, y) in secret.iter_mut().zip(*y) {
            *sum ^= multiply(weight, *y);
        }
    }
    Some(Plaintext::from(std::mem::take(&mut *secret)))
}

/// How many powers a generator of the field has: all numbers but zero.
const POWERS: usize = 255;

/// The powers of 3, which generates the field, and their exponents. Only for the numbers of shares, which are no secrets: how long a
/// look into a table takes tells where.
struct Logarithms {
    powers: Vec<u8>,
    exponents: [usize; 256],
}

impl Logarithms {
    fn new() -> Self {
        let powers: Vec<u8> = iter::successors(Some(1), |power| Some(multiply(*power, 3)))
            .take(POWERS)
            .collect();
        let mut exponents = [0; 256];
        for (exponent, power) in powers.iter().enumerate() {
            if let Some(place) = exponents.get_mut(usize::from(*power)) {
                *place = exponent;
            }
        }
        Self { powers, exponents }
    }

    /// The Lagrange polynomial of share `x` at zero, where addition and subtraction are the same. Nothing when another one of `numbers` is
    /// the same.
    fn weight(&self, x: u8, numbers: &[u8]) -> Option<u8> {
        if numbers.iter().filter(|number| **number == x).nth(1).is_some() {
            return None;
        }
        let others = || numbers.iter().filter(|number| **number != x);
        if others().any(|other| *other == 0) {
            return Some(0);
        }
        let exponent = |number: u8| self.exponents.get(usize::from(number)).copied().unwrap_or_default();
        let quotient: usize = others().map(|other| exponent(*other) + POWERS - exponent(x ^ other)).sum();
        self.powers.get(quotient % POWERS).copied()
    }
}

/// The product in the field, in time that does not depend on the factors.
fn multiply(a: u8, b: u8) -> u8 {
    (0..8).rev().fold(0, |product: u8, bit| {
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
    fn the_powers_of_three_are_all_numbers_but_zero() {
        let Logarithms { mut powers, exponents } = Logarithms::new();
        assert!(
            powers
                .iter()
                .enumerate()
                .all(|(exponent, power)| exponents[usize::from(*power)] == exponent)
        );
        powers.sort_unstable();
        assert!(powers.into_iter().eq(1..=255));
    }

    /// Shares of the two bytes 42 and 7, by the polynomials 42 + 3x + 200x² and 7 + 99x + x²: any three give them back.
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

    /// No writer numbers from zero, where the polynomials are the secret itself.
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
