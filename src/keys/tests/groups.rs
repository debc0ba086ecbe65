//! Tests of files with key groups: which of the shares that were found are put together. sops itself puts only the first share of
//! every group together.

use aes_gcm::{
    AesGcm, Nonce,
    aead::{Aead, KeyInit, Payload, consts::U32},
    aes::Aes256,
};
use base64::prelude::{BASE64_STANDARD, Engine};

use super::*;
use crate::sops::{SopsFile, format::Format as SopsFormat};

const TIME: &str = "2026-11-21T10:00:00Z";

/// The proof of a file whose MAC is encrypted with [`DATA_KEY`].
fn proof() -> KeyProof {
    let cipher = AesGcm::<Aes256, U32>::new(DATA_KEY.into());
    let payload = Payload {
        msg: b"ABCDEF",
        aad: TIME.as_bytes(),
    };
    let sealed = cipher.encrypt(Nonce::<U32>::from_slice(&[3; 32]), payload).unwrap();
    let (data, tag) = sealed.split_at(6);
    let [data, iv, tag] = [data, &[3; 32], tag].map(|bytes| BASE64_STANDARD.encode(bytes));
    let mac = format!("ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:str]");
    let file = format!(r#"{{"sops": {{"lastmodified": "{TIME}", "mac": "{mac}", "age": [{{"recipient": "", "enc": ""}}]}}}}"#);
    let file = SopsFile::parse(SopsFormat::Json, file.as_bytes()).unwrap();
    file.metadata().proof()
}

/// A product in the field of AES, by doubling (FIPS 197, 4.2.1).
fn product(a: u8, b: u8) -> u8 {
    let doubled = |a: u8| (a << 1) ^ if a & 0x80 == 0 { 0 } else { 0x1b };
    match b {
        0 => 0,
        b => (if b & 1 == 1 { a } else { 0 }) ^ product(doubled(a), b >> 1),
    }
}

/// Share `x` of [`DATA_KEY`], of which `threshold` shares are needed. Each byte is a value of a polynomial. The last byte is the
/// number of the share.
fn share(x: u8, threshold: u8) -> Vec<u8> {
    let polynomial = |(byte, secret): (usize, &u8)| {
        let coefficient = |power: u8| u8::try_from(byte).unwrap().wrapping_mul(7) ^ power.wrapping_mul(29) | 1;
        let higher = (1..threshold)
            .rev()
            .fold(0, |sum, power| product(sum ^ coefficient(power), x));
        secret ^ higher
    };
    let bytes = DATA_KEY.iter().enumerate().map(polynomial);
    bytes.chain([x]).collect()
}

/// A share of something else than [`DATA_KEY`].
fn wrong(x: u8) -> Vec<u8> {
    [&[x ^ 0x55; 32][..], &[x]].concat()
}

/// The search for the data key of a file whose entries give the shares in `groups`. The entries are tried in this order.
fn recovery(threshold: usize, groups: &[Vec<Vec<u8>>]) -> DataKeyRecovery {
    let key = |part: &Vec<u8>| entry("", BASE64_STANDARD.encode(part));
    let group = |parts: &Vec<Vec<u8>>| KeyGroup {
        keys: parts.iter().map(key).collect(),
    };
    let groups = KeyGroups {
        groups: groups.iter().map(group).collect(),
        threshold,
    };
    let mut recovery = DataKeyRecovery::new(&groups, proof());
    recovery.advance(|_, key| match key {
        MasterKey::Age { encrypted, .. } => Some(Ok(Plaintext::from(BASE64_STANDARD.decode(encrypted).unwrap()))),
        _ => None,
    });
    recovery
}

/// Groups of one entry each.
fn single(parts: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
    parts.into_iter().map(|part| vec![part]).collect()
}

fn assert_opens(mut recovery: DataKeyRecovery) {
    assert!(recovery.is_open());
    assert_eq!(recovery.take_key().unwrap().expose(), DATA_KEY);
}

#[test]
fn the_first_groups_open_a_file_where_they_are_enough() {
    let recovery = recovery(2, &single((1..=5).map(|x| share(x, 2))));
    assert_eq!(recovery.groups().iter().filter(|group| group.is_open()).count(), 2);
    assert_opens(recovery);
}

#[test]
fn a_wrong_share_counts_only_if_the_groups_before_it_are_not_enough() {
    let parts = |wrong_one| single((1..=3).map(move |x| if x == wrong_one { wrong(x) } else { share(x, 2) }));
    assert_opens(recovery(2, &parts(3)));
    for wrong_one in [1, 2] {
        assert!(!recovery(2, &parts(wrong_one)).is_open());
    }
}

#[test]
fn all_shares_are_put_together_where_the_recorded_threshold_is_too_low() {
    for threshold in 2..=20 {
        assert_opens(recovery(2, &single((1..=20).map(|x| share(x, threshold)))));
    }
}

#[test]
fn two_shares_with_one_number_are_no_key() {
    let mut recovery = recovery(2, &single([share(1, 2), share(1, 2), share(3, 2)]));
    assert!(!recovery.is_open());
    assert!(recovery.take_key().is_none());
}

#[test]
fn a_wrong_key_in_a_group_does_not_keep_its_next_entry_from_being_used() {
    assert_opens(recovery(2, &[vec![wrong(1), share(1, 2)], vec![share(2, 2)]]));
    assert_opens(recovery(2, &[vec![share(1, 2)], vec![wrong(2), share(2, 2)]]));
    assert_opens(recovery(2, &[vec![wrong(1), share(1, 2)], vec![wrong(2), share(2, 2)]]));
    assert_opens(recovery(0, &[vec![vec![9; 32], DATA_KEY.to_vec()]]));
}

#[test]
fn without_a_key_that_fits_the_first_shares_are_the_best_there_is() {
    let mut recovery = recovery(2, &single([share(1, 3), share(2, 3)]));
    assert!(!recovery.is_open());
    assert!(recovery.take_key().is_some_and(|key| key.expose() != DATA_KEY));
}
