//! Tests with keys of many kinds from openssl, with small keys of which every ciphertext is tried, and with bad padding.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::LazyLock,
};

use crypto_bigint::{
    BoxedUint, ConcatenatingMul as _, NonZero, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use proptest::prelude::*;
use ssh_key::{
    Mpint,
    private::{RsaKeypair, RsaPrivateKey},
    public::RsaPublicKey,
};

use super::*;
use crate::keys::ssh;

/// A label for OAEP. The option `rsa_oaep_label` below has the same label in hex digits.
const LABEL: &[u8] = b"a label";

/// The output of openssl for these arguments and this input.
fn openssl(arguments: &str, input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    let command = command.args(arguments.split(' ')).stdin(Stdio::piped());
    let mut openssl = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    openssl.stdin.take().unwrap().write_all(input).unwrap();
    let printed = openssl.wait_with_output().unwrap();
    assert!(printed.status.success(), "openssl {arguments}");
    printed.stdout
}

/// A new key of openssl, as PEM. Returns `None`, and prints a line, if there is no openssl.
fn new_key(arguments: &str) -> Option<Vec<u8>> {
    if let Err(error) = Command::new("openssl").arg("version").output() {
        eprintln!("skipped: openssl: {error}");
        return None;
    }
    Some(openssl(&format!("genrsa -traditional {arguments}"), b""))
}

fn pair(pem: &[u8]) -> RsaKeypair {
    ssh::private_key(pem).unwrap().key_data().rsa().unwrap().clone()
}

/// A message that openssl encrypts to the key, once with each padding.
fn encrypted(pem: &[u8], message: &[u8]) -> [Vec<u8>; 2] {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), pem).unwrap();
    let oaep = "rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_oaep_label:61206c6162656c";
    ["rsa_padding_mode:pkcs1", oaep].map(|padding| {
        let key = key.path().display();
        openssl(&format!("pkeyutl -encrypt -inkey {key} -pkeyopt {padding}"), message)
    })
}

#[test]
fn every_kind_of_key_opens_what_openssl_encrypts_to_it() {
    for arguments in ["1024", "-3 1024", "1031", "1500", "-3 2048", "2049", "3072", "4096"] {
        let Some(pem) = new_key(arguments) else { return };
        let good = pair(&pem);
        let (mut turned, mut without_coefficient) = (good.clone(), good.clone());
        std::mem::swap(&mut turned.private.p, &mut turned.private.q);
        without_coefficient.private.iqmp = Mpint::from_bytes(&[]).unwrap();
        for message in [&b"x"[..], &[0; 16]] {
            let [pkcs1, oaep] = encrypted(&pem, message);
            for pair in [&good, &turned, &without_coefficient] {
                let key = RsaKey::new(pair).unwrap();
                assert_eq!(key.decrypt_pkcs1(&pkcs1).unwrap().as_slice(), message, "{arguments}");
                assert_eq!(key.decrypt_oaep(&oaep, LABEL).unwrap().as_slice(), message, "{arguments}");
                assert!(key.decrypt_oaep(&oaep, b"another label").is_none());
                assert!(key.decrypt_oaep(&pkcs1, LABEL).is_none());
                // The masked bytes of OAEP look like the padding of PKCS#1 in about one message of 400.
                assert!(key.decrypt_pkcs1(&oaep).is_none_or(|other| other.as_slice() != message));
            }
        }
    }
}

#[test]
fn a_number_as_large_as_the_modulus_or_larger_is_no_ciphertext() {
    let Some(pem) = new_key("1024") else { return };
    let pair = pair(&pem);
    let key = RsaKey::new(&pair).unwrap();
    let modulus = pair.public.n.as_positive_bytes().unwrap();
    for number in [modulus, &[0xff; 128], &[1; 129], &[0xff; 1000]] {
        assert!(key.decrypt_pkcs1(number).is_none() && key.decrypt_oaep(number, LABEL).is_none());
    }
}

fn number(value: u64) -> Mpint {
    Mpint::from_positive_bytes(&value.to_be_bytes()).unwrap()
}

/// A key with these numbers: both exponents, and both primes.
fn small_pair([public, private, first, second]: [u64; 4]) -> RsaKeypair {
    RsaKeypair {
        public: RsaPublicKey {
            e: number(public),
            n: number(first * second),
        },
        private: RsaPrivateKey {
            d: number(private),
            iqmp: number(0),
            p: number(first),
            q: number(second),
        },
    }
}

fn power(base: u64, exponent: u64, modulus: u64) -> u64 {
    (0..exponent).fold(1, |power, _| power * base % modulus)
}

#[test]
fn small_keys_decrypt_every_number_and_bad_keys_are_refused() {
    let mut good = 0;
    for numbers in small_numbers() {
        let [public, private, first, second] = numbers;
        let is_inverse = |prime| public * private % (prime - 1) == 1;
        let is_good = first != second && is_inverse(first) && is_inverse(second);
        let key = RsaKey::new(&small_pair(numbers));
        assert_eq!(key.is_some(), is_good, "{numbers:?}");
        let Some(key) = key else { continue };
        good += 1;
        for encrypted in 0..first * second {
            let block = key.block(&encrypted.to_be_bytes()).unwrap();
            let decrypted = block.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            assert_eq!(
                decrypted,
                power(encrypted, private, first * second),
                "{encrypted} with {numbers:?}"
            );
        }
    }
    assert!(good > 100, "{good}");
}

/// Numbers for small keys: two exponents and two primes.
fn small_numbers() -> Vec<[u64; 4]> {
    let pairs = |numbers: &[u64]| -> Vec<[u64; 2]> {
        let with_all = |one: &u64| numbers.iter().map(|other| [*one, *other]).collect::<Vec<_>>();
        numbers.iter().flat_map(with_all).collect()
    };
    let exponents = pairs(&[1, 2, 3, 5, 7, 11, 25]);
    let with_all = |[first, second]: [u64; 2]| {
        let exponents = exponents.iter();
        exponents.map(move |[public, private]| [*public, *private, first, second])
    };
    pairs(&[3, 5, 7, 11, 13, 17]).into_iter().flat_map(with_all).collect()
}

#[test]
fn a_key_whose_numbers_do_not_belong_together_is_refused() {
    let (Some(good), Some(other)) = (new_key("1024"), new_key("1024")) else {
        return;
    };
    let (good, other) = (pair(&good), pair(&other));
    assert!(RsaKey::new(&good).is_some());
    let changes: [fn(&mut RsaKeypair, &RsaKeypair); 6] = [
        |key, other| key.public.n = other.public.n.clone(),
        |key, other| key.private.d = other.private.d.clone(),
        |key, other| key.private.p = other.private.p.clone(),
        |key, _| key.private.p = number(1),
        |key, _| key.private.q = number(0),
        |key, _| key.public.e = number(3),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut key = good.clone();
        change(&mut key, &other);
        assert!(RsaKey::new(&key).is_none(), "change {index}");
    }
}

#[test]
fn the_padding_of_pkcs1_is_checked_in_all_its_parts() {
    let block = |head: &[u8], padding: usize, rest: &[u8]| [head, &vec![7; padding], rest].concat();
    let message = |block: Vec<u8>| padding::pkcs1(&block).map(|message| message.to_vec());
    assert_eq!(message(block(&[0, 2], 8, b"\0message")).unwrap(), b"message");
    assert_eq!(message(block(&[0, 2], 100, b"\0\0\0")).unwrap(), [0, 0]);
    assert_eq!(message(block(&[0, 2], 8, b"\0")).unwrap(), b"");
    for bad in [
        block(&[0, 2], 7, b"\0message"),
        block(&[1, 2], 8, b"\0message"),
        block(&[0, 1], 8, b"\0message"),
        block(&[0, 2], 8, b"message"),
        block(&[0, 2], 0, b""),
        vec![0],
        vec![],
    ] {
        assert_eq!(message(bad.clone()), None, "{bad:?}");
    }
}

/// A new prime of openssl.
fn prime(bits: u32) -> BoxedUint {
    let printed = openssl(&format!("prime -generate -hex -bits {bits}"), b"");
    BoxedUint::from_str_radix_vartime(String::from_utf8(printed).unwrap().trim(), 16).unwrap()
}

/// A key of these primes for the public exponent 65537.
fn pair_of(first: &BoxedUint, second: &BoxedUint) -> RsaKeypair {
    let one = BoxedUint::one();
    let order = first.wrapping_sub(&one).concatenating_mul(&second.wrapping_sub(&one));
    let public = NonZero::new(BoxedUint::from(65537_u64)).unwrap();
    // The private exponent times 65537 is one more than a multiple of the order. So the loop looks for a number of this kind that
    // is divisible by 65537.
    let (private, _) = (1_u64..65537)
        .map(|factor| order.concatenating_mul(&BoxedUint::from(factor)).wrapping_add(&one))
        .map(|multiple| multiple.div_rem_vartime(&public))
        .find(|(_, rest)| bool::from(rest.is_zero()))
        .unwrap();
    let number = |number: &BoxedUint| Mpint::from_positive_bytes(&number.to_be_bytes()).unwrap();
    RsaKeypair {
        public: RsaPublicKey {
            e: number(&public),
            n: number(&first.concatenating_mul(second)),
        },
        private: RsaPrivateKey {
            d: number(&private),
            iqmp: Mpint::from_bytes(&[]).unwrap(),
            p: number(first),
            q: number(second),
        },
    }
}

#[test]
fn primes_of_different_lengths_make_a_key_in_either_order() {
    if new_key("1024").is_none() {
        return;
    }
    let (long, short) = (prime(1536), prime(512));
    // The padding of PKCS#1 v1.5 around a message of five bytes, 256 bytes in all (RFC 8017, 7.2.1).
    let block = [&[0, 2][..], &[7; 248], b"\0hello"].concat();
    let modulus = Odd::new(long.concatenating_mul(&short)).unwrap();
    let number = BoxedUint::from_be_slice(&block, modulus.bits_precision()).unwrap();
    let encrypted = BoxedMontyForm::new(number, &BoxedMontyParams::new(modulus)).pow(&BoxedUint::from(65537_u64));
    let encrypted = encrypted.retrieve().to_be_bytes();
    for pair in [pair_of(&long, &short), pair_of(&short, &long)] {
        let key = RsaKey::new(&pair).unwrap();
        assert_eq!(key.decrypt_pkcs1(&encrypted).unwrap().as_slice(), b"hello");
    }
}

/// A valid key of 1024 bits. `None` if there is no openssl; a printed line then says so.
static VALID: LazyLock<Option<RsaKey>> = LazyLock::new(|| RsaKey::new(&pair(&new_key("1024")?)));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_numbers_of_a_key_make_us_panic(first: Vec<u8>, second: Vec<u8>, private: Vec<u8>, public: u8) {
        let value = |bytes: &[u8]| bytes.iter().take(4).fold(0, |number, byte| number << 8 | u64::from(*byte));
        let mut pair = small_pair([public.into(), 0, value(&first), value(&second)]);
        pair.private.d = Mpint::from_positive_bytes(&private).unwrap();
        let mut of_any_size = pair.clone();
        of_any_size.private.p = Mpint::from_positive_bytes(&first).unwrap();
        for pair in [pair, of_any_size] {
            let _ = RsaKey::new(&pair);
        }
    }

    #[test]
    fn no_block_makes_us_panic(block in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = padding::pkcs1(&block);
        let _ = padding::oaep(block.into(), b"");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn no_ciphertext_makes_us_panic(encrypted in prop::collection::vec(any::<u8>(), 0..=130)) {
        if let Some(key) = VALID.as_ref() {
            let _ = key.decrypt_oaep(&encrypted, b"");
            let _ = key.decrypt_pkcs1(&encrypted);
        }
    }

    #[test]
    fn every_ciphertext_below_the_modulus_has_a_block(encrypted in prop::collection::vec(any::<u8>(), 0..128)) {
        if let Some(key) = VALID.as_ref() {
            prop_assert_eq!(key.block(&encrypted).unwrap().len(), 128);
        }
    }
}
