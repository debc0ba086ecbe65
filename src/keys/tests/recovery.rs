//! Tests of which key opens which message.

use std::{collections::HashSet, path::Path, sync::LazyLock, time::Duration};

use age_core::format::{FileKey, Stanza};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use super::*;

#[test]
fn an_age_identity_opens_what_is_encrypted_to_it() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    assert!(opens(&keyring, vec![entry_for(&identity.to_public())]));
    assert_eq!(host.notices(&keyring), [""; 0]);
}

#[test]
fn an_ed25519_key_opens_the_converted_and_the_native_recipient() {
    let host = Host::new();
    let Some(path) = host.ssh_key("id", &["-t", "ed25519"]) else {
        return;
    };
    let keyring = of_ssh_key(&path);
    let [Notice::Imported { recipient, .. }] = keyring.notices.as_slice() else {
        panic!("{:?}", keyring.notices)
    };
    assert!(opens(&keyring, vec![entry_for(&recipient.parse().unwrap())]));
    assert!(opens(&keyring, vec![entry_for_ssh(&path)]));
}

#[test]
fn an_rsa_key_opens_the_native_recipient_in_both_of_its_forms() {
    let host = Host::new();
    for form in ["RFC4716", "PEM"] {
        let Some(path) = host.ssh_key(form, &["-t", "rsa", "-b", "2048", "-m", form]) else {
            return;
        };
        let keyring = of_ssh_key(&path);
        assert_eq!(host.notices(&keyring), [""; 0]);
        assert!(opens(&keyring, vec![entry_for_ssh(&path)]), "{form}");
    }
}

#[test]
fn a_key_in_pkcs8_opens_both_recipients() {
    let host = Host::new();
    let Some(path) = host.ssh_key("id", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"]) else {
        return;
    };
    assert!(fs::read_to_string(&path).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(opens(&of_ssh_key(&path), vec![entry_for_ssh(&path)]));
}

#[test]
fn the_recipient_that_a_file_names_plays_no_part() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    let stranger = entry_for(&x25519::Identity::generate().to_public());
    let unnamed = entry("age1nonsense", message(&[&identity.to_public()], DATA_KEY));
    assert!(opens(&keyring, vec![stranger, unnamed]));
}

#[test]
fn one_message_may_have_many_recipients() {
    let host = Host::new();
    let strangers: Vec<_> = (0..20).map(|_| x25519::Identity::generate().to_public()).collect();
    let identity = x25519::Identity::generate();
    let mut recipients: Vec<&dyn Recipient> = strangers.iter().map(|recipient| recipient as _).collect();
    let own = identity.to_public();
    recipients.push(&own);
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    assert!(opens(&keyring, vec![entry("", message(&recipients, DATA_KEY))]));
}

/// A message whose header has `count` stanzas for post-quantum recipients.
fn many_post_quantum(count: usize) -> String {
    let encapsulated = BASE64_STANDARD_NO_PAD.encode([9; 1120]);
    let body = BASE64_STANDARD_NO_PAD.encode([9; 32]);
    let stanza = format!("-> mlkem768x25519 {encapsulated}\n{body}\n");
    let text = format!("age-encryption.org/v1\n{}--- {body}\n0123456789abcdef", stanza.repeat(count));
    armored(text.as_bytes())
}

#[test]
fn one_message_may_have_many_post_quantum_recipients() {
    for (count, failure) in [(1, None), (28, None), (60, Some(EntryFailure::TooLarge))] {
        assert_eq!(age::AgeMessage::parse(&many_post_quantum(count)).err(), failure, "{count}");
    }
}

#[test]
fn the_identity_that_opened_a_file_is_the_first_to_be_tried_on_the_next() {
    let host = Host::new();
    let identities = [x25519::Identity::generate(), x25519::Identity::generate()];
    let keyring = of_age_file(host.file("key.txt", identities.each_ref().map(secret).join("\n")));
    let order = || keyring.hand.ours_first().map(|(index, _)| index).collect::<Vec<_>>();
    assert_eq!(order(), [0, 1]);
    assert!(opens(&keyring, vec![entry_for(&identities[1].to_public())]));
    assert_eq!(order(), [1, 0]);
}

#[test]
fn a_damaged_stanza_does_not_keep_another_entry_from_opening() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    let own = identity.to_public();
    let damaged = entry(
        &own.to_string(),
        replaced(&message(&[&own], DATA_KEY), "-> X25519 ", "-> X25519 x"),
    );
    assert!(opens(&keyring, vec![damaged, entry_for(&own)]));
}

/// `count` entries that look as if they were for the RSA key at `path`, but do not name this key.
fn forged(path: &Path, count: usize) -> Vec<MasterKey> {
    let MasterKey::Age { encrypted, .. } = entry_for_ssh(path) else {
        panic!()
    };
    let forged = changed(&encrypted, |bytes| {
        let name = bytes.windows(7).position(|window| window == b"ssh-rsa").unwrap();
        let line = name + bytes[name..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
        bytes[line] = if bytes[line] == b'A' { b'B' } else { b'A' };
    });
    vec![entry("age1nonsense", forged); count]
}

#[test]
fn a_file_that_is_opened_apart_takes_no_try_from_other_files_and_what_it_lacked_is_known() {
    let host = Host::new();
    let Some(path) = host.ssh_key("id", &["-t", "rsa", "-b", "2048"]) else {
        return;
    };
    let keyring = of_ssh_key(&path);
    for (count, lacks) in [(8, false), (9, true)] {
        let apart = keyring.hand.apart();
        apart.open(&mut DataKeyRecovery::new(&groups(forged(&path, count)), KeyProof::none()));
        assert_eq!(apart.lacked_tries(), lacks, "{count}");
    }
    let left = std::iter::repeat_with(|| keyring.hand.tries.take(effort::KeyCost::Rsa));
    assert_eq!(left.take_while(|taken| *taken).count(), 64);
}

#[test]
fn forged_messages_for_an_rsa_key_are_not_all_tried_and_keep_no_honest_file_closed() {
    let host = Host::new();
    let Some(path) = host.ssh_key("id", &["-t", "rsa", "-b", "2048"]) else {
        return;
    };
    let keyring = of_ssh_key(&path);
    let forged = forged(&path, 300);
    let report = data_key(&keyring, &groups(forged.clone())).err().unwrap().report(&run);
    assert!(
        report.contains("(not all keys of this host were tried, because the limit of tries was reached)"),
        "{report}"
    );
    assert!(report.lines().count() < 120, "{report}");
    assert!(!keyring.hand.tries.take(effort::KeyCost::Rsa), "what files share is used up");
    assert!(opens(&keyring, [forged[..7].to_vec(), vec![entry_for_ssh(&path)]].concat()));
}

#[test]
fn when_the_time_of_a_file_is_over_no_further_entry_is_tried() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    let mut recovery = DataKeyRecovery::new(&groups(vec![entry_for(&identity.to_public())]), KeyProof::none());
    keyring.hand.try_all(&mut recovery, Duration::ZERO);
    let report = keyring.finish(recovery).err().unwrap().report(&run);
    assert!(
        report.contains("(not tried: the entries before this one took too long)"),
        "{report}"
    );
}

/// Messages for strangers, each of which has to be tried with every age identity.
fn for_strangers(count: usize) -> Vec<MasterKey> {
    let text = message(&[&x25519::Identity::generate().to_public()], DATA_KEY);
    (0..count)
        .map(|number| entry(&format!("stranger {number}"), text.clone()))
        .collect()
}

#[test]
fn a_key_that_a_command_brings_opens_a_file_however_often_others_were_tried_before() {
    let host = Host::new();
    let others: Vec<_> = (0..21).map(|_| secret(&x25519::Identity::generate())).collect();
    let late = x25519::Identity::generate();
    let command = format!("cat {}", host.file("late.txt", secret(&late)).display());
    let mut keyring = Keyring::load(&KeySources {
        age_key_files: vec![named(host.file("key.txt", others.join("\n")))],
        age_key_command: Some(command.into()),
        ..KeySources::default()
    });
    while keyring.hand.tries.take(effort::KeyCost::Other) {}
    let entries = [for_strangers(200), vec![entry_for(&late.to_public())]].concat();
    let mut recovery = DataKeyRecovery::new(&groups(entries), KeyProof::none());
    keyring.open(&mut recovery);
    assert!(!recovery.is_open());
    keyring.open_with_programs(&mut [&mut recovery]);
    assert_eq!(keyring.finish(recovery).unwrap().expose(), DATA_KEY);
}

#[test]
fn what_is_wrong_with_an_entry_is_told_also_where_no_more_is_tried() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    let tries = effort::FileTries::new(1, 1);
    while tries.efforts(&keyring.hand.tries).1.take(effort::KeyCost::Other) {}
    let own = identity.to_public();
    let good = message(&[&own], DATA_KEY);
    let altered = changed(&good, |bytes| *bytes.last_mut().unwrap() ^= 1);
    for (recipient, text, failure) in [
        ("stranger", good.as_str(), Some(EntryFailure::NotTried)),
        ("stranger", "x", Some(EntryFailure::BadArmor)),
        (&own.to_string(), altered.as_str(), Some(EntryFailure::Damaged)),
        (&own.to_string(), good.as_str(), None),
    ] {
        assert_eq!(keyring.hand.open_age(recipient, text, &tries).err(), failure, "{recipient}");
    }
}

/// Makes a stanza that names the SSH key of these tests, but has nothing that the key could open.
struct Impostor;

impl Recipient for Impostor {
    fn wrap_file_key(&self, _: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), ::age::EncryptError> {
        let wire = ssh_key::PrivateKey::from_openssh(SSH_KEY)
            .unwrap()
            .public_key()
            .to_bytes()
            .unwrap();
        let tag = BASE64_STANDARD_NO_PAD.encode(&Sha256::digest(wire)[..4]);
        let share = BASE64_STANDARD_NO_PAD.encode([9; 32]);
        let stanza = Stanza {
            tag: "ssh-ed25519".to_owned(),
            args: vec![tag, share],
            body: vec![0; 32],
        };
        Ok((vec![stanza], HashSet::new()))
    }
}

#[test]
fn a_stanza_that_fails_under_one_identity_does_not_keep_another_from_its_own() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let text = message(&[&Impostor, &identity.to_public()], DATA_KEY);
    let mut sources = KeySources {
        ssh_keys: vec![ssh_named(host.file("id", SSH_KEY))],
        ..KeySources::default()
    };
    let keyring = Keyring::load(&sources);
    assert_eq!(
        keyring.hand.open_age("x", &text, &effort::FileTries::new(1, 1)).err(),
        Some(EntryFailure::Damaged)
    );
    sources.age_key = Some(Plaintext::from(secret(&identity)));
    assert!(opens(&Keyring::load(&sources), vec![entry("x", text)]));
}

#[test]
fn data_keys_have_the_length_of_an_aes_key() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    let own = identity.to_public();
    for length in [0, 1, 15, 16, 17, 24, 31, 32, 33, 64, 1000] {
        let key = vec![7; length];
        let result = data_key(&keyring, &groups(vec![entry("x", message(&[&own], &key))]));
        assert_eq!(
            result.is_ok_and(|found| found.expose() == key),
            [16, 24, 32].contains(&length),
            "{length}"
        );
    }
}

#[test]
fn broken_messages_are_told_apart() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    let own = identity.to_public();
    let good = message(&[&own], DATA_KEY);
    let flipped = changed(&good, |bytes| *bytes.last_mut().unwrap() ^= 1);
    let other_mac = changed(&good, |bytes| {
        let mac = bytes.windows(4).position(|window| window == b"--- ").unwrap() + 10;
        bytes[mac] = if bytes[mac] == b'A' { b'B' } else { b'A' };
    });
    let binary = unarmored(&good).iter().map(|byte| char::from(*byte)).collect();
    let altered = "damaged: a key of this host fits, but the content was altered";
    for (encrypted, fault) in [
        (String::new(), "damaged: not an armored age message"),
        (binary, "damaged: not an armored age message"),
        (good.replacen('\n', "\n!", 1), "damaged: not an armored age message"),
        (good.replace("-----END", ""), "damaged: not an armored age message"),
        (format!("{good}x"), "damaged: not an armored age message"),
        (good[..100].to_owned(), "damaged: not an armored age message"),
        (
            changed(&good, |bytes| bytes.truncate(60)),
            "damaged: not a readable age message",
        ),
        (changed(&good, Vec::clear), "damaged: not an armored age message"),
        (replaced(&good, "v1\n", "v2\n"), "damaged: not a readable age message"),
        (
            replaced(&good, "-> X25519 ", "-> X25519 x"),
            "damaged: not a readable age message",
        ),
        (changed(&good, |bytes| bytes.truncate(bytes.len() - 1)), altered),
        (flipped, altered),
        (other_mac, altered),
        (
            message(&[&own], b"short"),
            "damaged: its content does not have the length of a data key",
        ),
        (
            message(&[&x25519::Identity::generate().to_public()], DATA_KEY),
            "damaged: not encrypted to this recipient",
        ),
        (format!("{}{good}", " ".repeat(80_000)), ""),
        (
            armored(&[b"age-encryption.org/v1\n-> a\n".as_slice(), &b"-> a\n\n".repeat(200)].concat()),
            "damaged: too large for a data key",
        ),
        (armored(&vec![b'a'; 80_000]), "damaged: too large for a data key"),
    ] {
        let result = data_key(&keyring, &groups(vec![entry(&own.to_string(), encrypted)]));
        match result {
            Ok(_) => assert_eq!(fault, ""),
            Err(no_key) => assert!(
                no_key.report(&run).contains(&format!("{own}  ({fault})\n")),
                "{fault}: {}",
                no_key.report(&run)
            ),
        }
    }
}

#[test]
fn a_message_behind_a_passphrase_is_never_tried() {
    let host = Host::new();
    let keyring = of_age_file(host.file("key.txt", secret(&x25519::Identity::generate())));
    // A work factor of 2^63 would never end.
    let header = b"age-encryption.org/v1\n-> scrypt bWFzdGVyIG9mIG1hbnkgdQ 63\nMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\n\
                   --- MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\n0123456789abcdef0123456789abcdef";
    assert!(data_key(&keyring, &groups(vec![entry("x", armored(header))])).is_err());
}

/// An identity and a message for it.
static FIXED: LazyLock<(String, String)> = LazyLock::new(|| {
    let identity = x25519::Identity::generate();
    (secret(&identity), message(&[&identity.to_public()], DATA_KEY))
});

thread_local! {
    /// An identity and a message for it, from the published test vectors.
    static HYBRID: (Identity, Vec<u8>) = {
        let vector = include_bytes!("../../../tests/fixtures/age-vectors/hybrid");
        let end = vector.windows(2).position(|window| window == b"\n\n").unwrap();
        let header = str::from_utf8(&vector[..end]).unwrap();
        let text = header.lines().find_map(|line| line.strip_prefix("identity: ")).unwrap();
        let Ok(age::IdentityLine::Identity(identity)) = age::IdentityLine::parse(text.as_bytes(), &Place::Variable("TEST")) else { panic!() };
        (identity, vector[end + 2..].to_vec())
    };
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn no_change_of_a_post_quantum_message_makes_it_panic_or_give_another_key(position: usize, byte: u8) {
        HYBRID.with(|(identity, good)| {
            let mut bytes = good.clone();
            let position = position % bytes.len();
            bytes[position] = byte;
            let opens = age::AgeMessage::parse(&armored(&bytes)).is_ok_and(|message| {
                let content = message.content(identity, &Effort::new(&Tries::of_file(), &Tries::of_run()));
                content.is_ok_and(|mut content| content.read_to_end(&mut Vec::new()).is_ok())
            });
            assert_eq!(opens, bytes == *good);
        });
    }

    #[test]
    fn no_change_of_a_message_makes_it_panic_or_give_another_key(position in 0_usize..1000, byte: u8, length in 0_usize..1000) {
        let (identity, good) = &*FIXED;
        let keyring = Keyring::load(&KeySources { age_key: Some(Plaintext::from(identity.clone())), ..KeySources::default() });
        let mut bytes = unarmored(good);
        let position = position % bytes.len();
        bytes[position] = byte;
        let mut text = good.clone().into_bytes();
        text[position] = byte;
        text.truncate(length + 1);
        for encrypted in [armored(&bytes), String::from_utf8_lossy(&text).into_owned()] {
            if let Ok(key) = data_key(&keyring, &groups(vec![entry("x", encrypted)])) {
                assert_eq!(key.expose(), DATA_KEY);
            }
        }
    }
}
