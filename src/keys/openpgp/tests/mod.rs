//! Tests with real messages of gpg and sops, and with damaged messages.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    keys::effort::Tries,
    sops::{SopsFile, format::Format, metadata::MasterKey},
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The rows of a table, without comments: the fields of each line.
fn rows(path: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(fixtures().join(path)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn ssh_key(path: &str) -> ssh_key::PrivateKey {
    ssh_key::PrivateKey::from_openssh(fs::read(fixtures().join(path)).unwrap()).unwrap()
}

/// The key that nearly all messages are for.
fn key() -> PgpKey {
    PgpKey::from_ssh(&ssh_key("keys/ssh_rsa")).unwrap()
}

fn message(name: &str) -> String {
    fs::read_to_string(fixtures().join(format!("openpgp/messages/{name}.asc"))).unwrap()
}

fn content(name: &str) -> Vec<u8> {
    fs::read(fixtures().join("openpgp/content").join(name)).unwrap()
}

fn open(armored: &str, key: &PgpKey) -> Result<Vec<u8>, EntryFailure> {
    let content = PgpMessage::parse(armored)?.open(key, &Effort::new(&Tries::of_file(), &Tries::of_run()))?;
    Ok(content.expose().to_vec())
}

/// The bytes of a message as a sender would armor them, without a checksum.
fn armor(bytes: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(bytes);
    format!("-----BEGIN PGP MESSAGE-----\n\n{text}\n-----END PGP MESSAGE-----\n")
}

/// The session key of a message for `key`.
fn session(message: &PgpMessage, key: &PgpKey) -> SessionKey {
    message.recipients[0]
        .session(key)
        .unwrap_or_else(|failure| panic!("{failure:?}"))
}

#[test]
fn fingerprints_are_those_of_ssh_to_pgp() {
    let rows = rows("openpgp/fingerprints.tsv");
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert_eq!(
            PgpKey::from_ssh(&ssh_key(&row[0])).unwrap().fingerprint(),
            row[1],
            "{}",
            row[0]
        );
    }
}

#[test]
fn only_an_rsa_key_without_passphrase_becomes_an_openpgp_key() {
    for name in ["ssh_ed25519", "ssh_ecdsa", "ssh_passphrase"] {
        assert!(PgpKey::from_ssh(&ssh_key(&format!("keys/{name}"))).is_none(), "{name}");
    }
}

#[test]
fn messages_of_gpg_open_as_gpg_says_or_stay_closed_with_the_reason() {
    let key = key();
    let rows = rows("openpgp/messages.tsv");
    assert!(rows.len() > 35, "only {} messages", rows.len());
    for row in rows {
        let said = match open(&message(&row[0]), &key) {
            Ok(opened) => row[1]
                .split('|')
                .next()
                .filter(|name| content(name) == opened)
                .map(str::to_owned),
            Err(failure) => row[1].split_once('|').map(|(name, _)| format!("{name}|{failure:?}")),
        };
        assert_eq!(said.as_ref(), Some(&row[1]), "{}", row[0]);
    }
}

#[test]
fn each_of_several_recipients_opens_the_message() {
    let recipients = [
        ("openpgp/keys/rsa_2048", true),
        ("openpgp/keys/rsa_4096", true),
        ("openpgp/keys/rsa_3072", false),
    ];
    for (path, is_recipient) in recipients {
        let key = PgpKey::from_ssh(&ssh_key(path)).unwrap();
        let expected = if is_recipient {
            Ok(content("part"))
        } else {
            Err(EntryFailure::NotOurs)
        };
        assert!(open(&message("several"), &key) == expected, "{path}");
        assert!(open(&message("several-hidden"), &key) == expected, "{path}");
    }
}

#[test]
fn a_key_is_prepared_only_for_a_message_that_may_be_for_it() {
    let key = key();
    assert!(open(&message("second"), &key) == Err(EntryFailure::NotOurs));
    assert!(!key.is_prepared());
    assert!(open(&message("other-hidden"), &key) == Err(EntryFailure::NotOurs));
    assert!(key.is_prepared());
}

#[test]
fn files_of_sops_to_a_converted_key_open_and_decrypt() {
    let key = key();
    let rows = rows("openpgp/sops/index.tsv");
    assert_eq!(rows.len(), 5);
    for row in rows {
        let path = fixtures().join("openpgp/sops").join(&row[0]);
        let source = fs::read(&path).unwrap();
        let format = match row[1].as_str() {
            "yaml" => Format::Yaml,
            "json" => Format::Json,
            "dotenv" => Format::Dotenv,
            "ini" => Format::Ini,
            _ => Format::Binary,
        };
        let file = SopsFile::parse(format, &source).unwrap();
        let MasterKey::Pgp { fingerprint, encrypted } = &file.metadata().key_groups.groups[0].keys[0] else {
            panic!("{}: no OpenPGP key", row[0]);
        };
        assert_eq!(fingerprint, key.fingerprint());
        let Ok(data_key) = PgpMessage::parse(encrypted)
            .unwrap()
            .open(&key, &Effort::new(&Tries::of_file(), &Tries::of_run()))
        else {
            panic!("{} stays closed", row[0]);
        };
        let decrypted = file.decrypt(&data_key).unwrap();
        let expected = fs::read(fixtures().join(format!("openpgp/sops/{}.decrypted", row[0]))).unwrap();
        assert!(
            decrypted.into_whole(usize::MAX).unwrap().unwrap().expose() == expected,
            "{}",
            row[0]
        );
    }
}

#[test]
fn armor_is_taken_as_it_comes() {
    let key = key();
    let message = message("default");
    let body = message.lines().skip(2).collect::<Vec<_>>();
    let (base64, checksum) = body.split_at(body.iter().position(|line| line.starts_with('=')).unwrap());
    let begin = "-----BEGIN PGP MESSAGE-----";
    let base64_lines = base64.join("\n");
    let variants = [
        message.replace('\n', "\r\n"),
        message.replace('\n', "\n\n"),
        message.replace('\n', " \t\n"),
        format!("  {}", message.replace('\n', "\n  ")),
        message.trim_ascii().to_owned(),
        message.replace(checksum[0], "=AAAA"),
        message.replace(&format!("{}\n", checksum[0]), ""),
        message.replace(begin, &format!("{begin}\nVersion: GnuPG v1.4.9 (GNU/Linux)\nComment:")),
        message
            .replace(&format!("{begin}\n"), begin)
            .replacen(begin, &format!("{begin}\n"), 1),
        message.replace(&base64_lines, &base64.concat()),
        format!("a line before\n\n{message}\na line behind\n"),
        format!("{message}{}", self::message("other")),
    ];
    for (number, variant) in variants.iter().enumerate() {
        assert!(open(variant, &key) == Ok(content("part")), "variant {number}:\n{variant}");
    }
}

#[test]
fn what_is_no_armored_message_is_bad_armor() {
    let message = message("default");
    let half = message.len() / 2;
    for text in [
        String::new(),
        "hQGMA4WFDbTjbt38".to_owned(),
        message[..half].to_owned(),
        message.replace("BEGIN PGP MESSAGE", "BEGIN PGP SIGNATURE"),
        message.replacen("hQ", "h*", 1),
        message.replace("-----BEGIN PGP MESSAGE-----\n", ""),
    ] {
        assert!(open(&text, &key()) == Err(EntryFailure::BadArmor), "{text}");
    }
    assert!(open(&armor(&[]), &key()) == Err(EntryFailure::BadHeader));
}

#[test]
fn a_message_beyond_the_limit_is_not_even_parsed() {
    let message = message("default");
    let padded = |length: usize| format!("{message}{}", " ".repeat(length - message.len()));
    assert!(open(&padded(64 << 10), &key()) == Ok(content("part")));
    assert!(open(&padded((64 << 10) + 1), &key()) == Err(EntryFailure::TooLarge));
}

#[test]
fn no_changed_bit_of_the_protected_data_goes_unnoticed() {
    let key = key();
    for name in ["default", "compression-zip"] {
        let mut message = PgpMessage::parse(&message(name)).unwrap();
        let session = session(&message, &key);
        assert!(message.read(&session).is_ok());
        for bit in 0..message.data.len() * 8 {
            message.data[bit / 8] ^= 1 << (bit % 8);
            assert!(
                message.read(&session).err() == Some(EntryFailure::Damaged),
                "{name}, bit {bit}"
            );
            message.data[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..message.data.len() {
            let data = message.data[..length].to_vec();
            let cut = PgpMessage {
                recipients: vec![],
                data,
            };
            assert!(
                cut.read(&session).err() == Some(EntryFailure::Damaged),
                "{name}, {length} bytes"
            );
        }
    }
}

#[test]
fn a_message_with_a_changed_bit_anywhere_gives_its_content_or_nothing() {
    let key = key();
    let bytes = armor::decode(&message("default")).unwrap();
    let mut opened = 0;
    // Another test changes the data bit by bit. Here each change takes an RSA computation, so only some bytes are changed.
    for index in (0..16).chain((16..bytes.len()).step_by(29)) {
        let mut changed = bytes.clone();
        changed[index] ^= 1 << (index % 8);
        match open(&armor(&changed), &key) {
            Ok(secret) => {
                assert!(secret == content("part"), "byte {index}");
                opened += 1;
            }
            Err(failure) => assert!(
                !matches!(failure, EntryFailure::TooLarge | EntryFailure::BadArmor),
                "byte {index}: {failure:?}"
            ),
        }
    }
    assert!(opened <= 3, "{opened} changes made no difference");
}

#[test]
fn a_session_key_must_be_as_long_as_its_cipher_wants_and_have_its_sum() {
    let mut text = vec![7];
    text.extend([1; 16]);
    text.extend([0, 16]);
    assert!(SessionKey::parse(&text).is_ok());
    for index in 0..text.len() {
        let mut changed = text.clone();
        changed[index] ^= 2;
        assert!(
            SessionKey::parse(&changed).err() == Some(EntryFailure::Damaged),
            "byte {index}"
        );
    }
    let short = [&[7][..], &[1; 15], &[0, 15]].concat();
    assert!(SessionKey::parse(&short).err() == Some(EntryFailure::Damaged));
    let plain = [&[0][..], &[0, 0]].concat();
    assert!(SessionKey::parse(&plain).err() == Some(EntryFailure::Damaged));
}

/// The body of the only packet, and its tag.
fn packet(bytes: &[u8]) -> Option<(u8, Vec<u8>)> {
    let mut packets = PacketReader::new(bytes);
    let packet = packets.next()?.ok()?;
    packets.next().is_none().then(|| (packet.tag, packet.body.expose().to_vec()))
}

/// A packet in today's format, with a length of four bytes.
fn packet_of(tag: u8, body: &[u8]) -> Vec<u8> {
    [
        &[0xc0 | tag, 255],
        &u32::try_from(body.len()).unwrap().to_be_bytes()[..],
        body,
    ]
    .concat()
}

/// A session key for the recipient with the key ID `id`. The encrypted number has `bytes` bytes.
fn recipient(id: [u8; 8], bytes: usize) -> Vec<u8> {
    let bits = u16::try_from(bytes * 8).unwrap().to_be_bytes();
    packet_of(
        tag::PUBLIC_KEY_SESSION_KEY,
        &[&[3], &id[..], &[1], &bits, &vec![0x7f; bytes]].concat(),
    )
}

/// A message with these session keys, and data.
fn message_for(recipients: &[Vec<u8>]) -> String {
    armor(&[recipients.concat(), packet_of(tag::PROTECTED_DATA, &[1; 60])].concat())
}

/// The number of bytes of a number that is encrypted with the key of these tests, which has 3072 bits.
const FULL: usize = 384;

#[test]
fn a_number_that_is_too_short_or_too_long_for_the_key_is_never_tried() {
    let key = key();
    for bytes in [0, 1, FULL / 2, FULL - 9, FULL + 1, 512] {
        for id in [[0; 8], key.id()] {
            assert!(
                open(&message_for(&[recipient(id, bytes)]), &key) == Err(EntryFailure::NotOurs),
                "{bytes}"
            );
        }
    }
    assert!(!key.is_prepared());
    for bytes in [FULL - 8, FULL] {
        let key = self::key();
        assert!(
            open(&message_for(&[recipient([0; 8], bytes)]), &key) == Err(EntryFailure::NotOurs),
            "{bytes}"
        );
        assert!(key.is_prepared(), "{bytes}");
    }
}

#[test]
fn a_message_of_more_recipients_than_anybody_writes_is_too_large() {
    let of = |count| PgpMessage::parse(&message_for(&vec![recipient([0; 8], 1); count]));
    assert!(of(32).is_ok_and(|message| message.recipients.len() == 32));
    assert!(of(33).err() == Some(EntryFailure::TooLarge));
    assert!(of(3000).err() == Some(EntryFailure::TooLarge));
}

#[test]
fn of_many_hidden_recipients_the_first_are_tried_and_the_rest_is_too_many() {
    let key = key();
    let own = armor::decode(&message("hidden")).unwrap();
    let behind = |count: usize| armor(&[recipient([0; 8], FULL).repeat(count), own.clone()].concat());
    assert!(open(&behind(7), &key) == Ok(content("part")));
    assert!(open(&behind(8), &key) == Err(EntryFailure::TooLarge));
}

#[test]
fn packets_beyond_all_measure_are_not_read() {
    let marker = [0xca, 0];
    let literal = [&[0xcb, 9, b'b', 0, 0, 0, 0, 0][..], b"abc"].concat();
    let after = |count: usize, last: &[u8]| [marker.repeat(count), last.to_vec()].concat();
    let message = armor::decode(&message("default")).unwrap();
    assert!(open(&armor(&after(62, &message)), &key()) == Ok(content("part")));
    assert!(PgpMessage::parse(&armor(&after(23_000, &message))).err() == Some(EntryFailure::TooLarge));
    assert!(content::literal(&after(63, &literal)).is_ok());
    assert!(content::literal(&after(64, &literal)).err() == Some(EntryFailure::TooLarge));
    let bytes = marker.repeat(23_000);
    assert_eq!(PacketReader::new(&bytes).take_while(Result::is_ok).count(), 64);
}

#[test]
fn messages_of_a_kind_that_is_not_supported_are_not_called_damaged() {
    let key = key();
    // The data of draft-ietf-openpgp-rfc4880bis, 5.16, and of RFC 9580, 5.13.2. They have these fields: version, cipher, mode, size
    // of pieces, and a salt or a nonce.
    let kinds = [
        (tag::AEAD_DATA, [&[1, 9, 2, 16][..], &[5; 60]].concat(), AEAD),
        (tag::PROTECTED_DATA, [&[2, 9, 2, 6][..], &[5; 80]].concat(), AEAD),
        (tag::UNPROTECTED_DATA, vec![5; 60], UNPROTECTED),
    ];
    for (tag, body, kind) in kinds {
        let text = armor(&[recipient(key.id(), FULL), packet_of(tag, &body)].concat());
        assert!(open(&text, &key) == Err(EntryFailure::Unsupported(kind)), "{tag}");
    }
    assert!(!key.is_prepared());
}

#[test]
fn packet_lengths_are_those_of_the_examples_of_rfc_9580() {
    // RFC 9580, 4.2.1.5.
    let lengths: [(&[u8], usize); 3] = [
        (&[0x64], 100),
        (&[0xc5, 0xfb], 1723),
        (&[0xff, 0x00, 0x01, 0x86, 0xa0], 100_000),
    ];
    for (length, bytes) in lengths {
        let body = vec![5; bytes];
        let all = [&[0xcb], length, &body].concat();
        assert!(packet(&all) == Some((tag::LITERAL, body)), "{bytes}");
        assert!(packet(&all[..all.len() - 1]).is_none(), "{bytes}, one byte less");
    }
    let pieces = [(&[0xef][..], 32768), (&[0xe1], 2), (&[0xf0], 65536), (&[0xc5, 0xdd], 1693)];
    let partial: Vec<_> = pieces
        .iter()
        .flat_map(|(length, bytes)| [length.to_vec(), vec![6; *bytes]].concat())
        .collect();
    assert!(packet(&[&[0xd2], &partial[..]].concat()) == Some((tag::PROTECTED_DATA, vec![6; 32768 + 2 + 65536 + 1693])));
    assert!(packet(&[&[0xd2], &partial[..partial.len() - 1695]].concat()).is_none());
}

#[test]
fn packets_in_the_legacy_format_are_read() {
    // RFC 9580, 4.2.2: the length has one, two or four bytes. Without a length, the body takes all the rest.
    for header in [&[0xac, 3][..], &[0xad, 0, 3], &[0xae, 0, 0, 0, 3], &[0xaf]] {
        assert!(
            packet(&[header, b"abc"].concat()) == Some((tag::LITERAL, b"abc".to_vec())),
            "{header:x?}"
        );
    }
    assert!(packet(&[0x2c, 3, 1, 2, 3]).is_none());
}

#[test]
fn numbers_are_those_of_the_examples_of_rfc_9580() {
    // RFC 9580, 3.2.
    assert_eq!(packet::number(&[0x00, 0x01, 0x01]), Some(&[1][..]));
    assert_eq!(packet::number(&[0x00, 0x09, 0x01, 0xff]), Some(&[1, 0xff][..]));
    assert_eq!(packet::number(&[0x00, 0x09, 0x01]), None);
}

#[test]
fn compression_within_compression_has_an_end() {
    let literal = [&[0xcb, 9, b'b', 0, 0, 0, 0, 0][..], b"abc"].concat();
    let wrap = |packets: &[u8]| [&[0xa3, 0], packets].concat();
    let (once, twice) = (wrap(&literal), wrap(&wrap(&literal)));
    for packets in [&literal, &once, &twice] {
        assert!(content::literal(packets).is_ok_and(|secret| secret.expose() == b"abc"));
    }
    assert!(content::literal(&wrap(&twice)).err() == Some(EntryFailure::Damaged));
}

#[test]
fn decrypted_packets_without_a_literal_are_damaged() {
    for packets in [
        &[][..],
        &[0xca, 3, b'P', b'G', b'P'],
        &[0xcb, 0],
        &[0xcb, 2, b'b', 200],
        &[0xd2, 1, 1],
        &[0xa3],
        &[0xa3, 9, 1],
    ] {
        assert!(content::literal(packets).err() == Some(EntryFailure::Damaged), "{packets:x?}");
    }
}

proptest! {
    #[test]
    fn garbage_in_armor_is_refused(bytes in vec(any::<u8>(), 0..600)) {
        prop_assert!(open(&armor(&bytes), &key()).is_err());
    }

    #[test]
    fn garbage_that_looks_like_a_message_is_refused(tag in 0x80..=0xff_u8, body in vec(any::<u8>(), 0..80), rest in vec(any::<u8>(), 0..80)) {
        let length = u8::try_from(body.len()).unwrap();
        let bytes = [&[tag, length], &body[..], &[0xd2, u8::try_from(rest.len()).unwrap()], &rest].concat();
        prop_assert!(open(&armor(&bytes), &key()).is_err());
    }

    #[test]
    fn any_text_is_no_reason_to_panic(text in "(-----BEGIN PGP MESSAGE-----\n)?[ -~\n=]{0,200}(-----END PGP MESSAGE-----)?") {
        let _ = open(&text, &key());
    }

    #[test]
    fn any_content_is_no_reason_to_panic(first in prop::sample::select(vec![0xa3_u8, 0xc8, 0xcb, 0xaf]), algorithm in 0..4_u8, rest in vec(any::<u8>(), 0..300)) {
        let _ = content::literal(&[&[first, algorithm], &rest[..]].concat());
        let _ = content::literal(&[&[first], &rest[..]].concat());
    }

    #[test]
    fn any_data_under_a_session_key_is_refused(cipher in 0..16_u8, key in vec(any::<u8>(), 0..40), data in vec(any::<u8>(), 0..200)) {
        let sum = key.iter().map(|byte| u16::from(*byte)).sum::<u16>().to_be_bytes();
        if let Ok(session) = SessionKey::parse(&[&[cipher], &key[..], &sum].concat()) {
            prop_assert!(session.open(&[&[1], &data[..]].concat()).is_none());
        }
    }
}
