//! Reads SSH private keys, converts SSH keys to age identities, and opens the age stanzas that name an SSH key.

mod conversion;
mod identity;
mod numbers;
mod openssh;
mod public;
mod recipient;
mod text;

pub(crate) use conversion::{convert, converted_recipient};
pub(crate) use identity::SshIdentity;
pub(crate) use public::{LineMark, PublicLine, public_key};
pub(crate) use recipient::{recipient, shown, shown_recipient};
pub(crate) use text::{MAX_BYTES, private_key, public_half};

#[cfg(test)]
mod tests {
    use base64::{
        Engine,
        prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
    };
    use sha2::Digest as _;
    use ssh_key::{Mpint, PrivateKey, PublicKey};

    use super::{
        numbers::positive,
        text::{pkcs1_key, pkcs8_key},
        *,
    };
    use crate::keys::{place::Place, ssh_keys::keys};

    /// The age recipient that a public SSH key is converted to, without the private key.
    fn converted(public: &str) -> String {
        let key = PublicKey::from_openssh(public).unwrap();
        converted_recipient(&key.key_data().ed25519().unwrap().0).unwrap()
    }

    /// An OpenSSH public key of these 32 bytes.
    fn public(bytes: &[u8; 32]) -> String {
        let wire = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), bytes].concat();
        format!("ssh-ed25519 {}", BASE64_STANDARD.encode(wire))
    }

    /// Test 1 of RFC 8032, 7.1: a seed and its public key.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69,
        0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    const PUBLIC: [u8; 32] = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3,
        0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ];

    /// What stands before the seed of an ed25519 key in PKCS#8 (RFC 8410, 7).
    const PKCS8_PREFIX: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

    #[test]
    fn the_known_pair_of_ssh_and_age_recipients_holds() {
        assert_eq!(
            converted("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICFrs5OngYGD5FHUaYqr3gAk7NApAuFCL3cVaHLSWRXL"),
            "age1wy42r2p2c67ckywgq8xj7ejf6eykqfu623wktxeh729rtagu4fkqkvsudc"
        );
    }

    #[test]
    fn a_converted_identity_belongs_to_the_converted_public_key() {
        let identity = convert(&SEED);
        assert_eq!(identity.recipient(), converted(&public(&PUBLIC)));
    }

    #[test]
    fn a_key_in_pkcs8_gets_the_public_key_of_its_seed() {
        let body = BASE64_STANDARD.encode([PKCS8_PREFIX.as_slice(), &SEED].concat());
        let text = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let key = private_key(text.as_bytes()).unwrap();
        assert_eq!(recipient(key.public_key()).unwrap(), public(&PUBLIC));
    }

    #[test]
    fn a_recipient_is_shown_by_its_fingerprint() {
        let shown = shown_recipient(&format!("{} root@host", public(&PUBLIC))).unwrap();
        let wire = public(&PUBLIC);
        let wire = BASE64_STANDARD.decode(wire.split_once(' ').unwrap().1).unwrap();
        let digest = BASE64_STANDARD_NO_PAD.encode(sha2::Sha256::digest(wire));
        assert_eq!(shown, format!("ssh-ed25519 SHA256:{digest}"));
    }

    /// A 512-bit RSA key in PKCS#1, made by openssl.
    const RSA_512: &str = "MIIBOgIBAAJBAMM73HZp9q/D0YuHoU1es/kv6liZ/DH3PxC0meH4KPnoZXP4Pca1Yl2TS2uO/5UsZSTAsAqyc2/hiW+JlGP2nQ0CAwEAAQJADe\
        Tcs7Cm1ath5kQovpDWzg0S6GtM/2FRI6c2rFY01FQNvLL67wfCttT1Hy9jeZK0Q+x7a2m05z393slZGOC1AQIhAPBuOyPQxaAP77B6QGfcr9Qp\
        StUhhig5AEApmhycCgM1AiEAz+BgB9jOuuprLrHT731OlCGfKtWSJkb31tfDH9ZQ1XkCIQCpgU14hquNmS6nAMl/b/sWXLZBZI0stmMS2UGpge\
        kdMQIgfKSM8CePzYPBwL3f1jnMZAXE6mokt87VzHyTAwP+dAECIBbdqe0vQoqiRZHZtglYgdsKA7XmVjHGj2VGiRzz76UR";

    /// Good keys of every form: a PEM label, and the bytes below it.
    fn forms() -> [(&'static str, Vec<u8>); 4] {
        let pkcs1 = BASE64_STANDARD.decode(RSA_512).unwrap();
        let rsa = pkcs1_key(&pkcs1).unwrap();
        let pkcs8 = [PKCS8_PREFIX.as_slice(), &SEED].concat();
        let ed25519 = pkcs8_key(&pkcs8).unwrap();
        let openssh = |key: PrivateKey| key.to_bytes().unwrap().to_vec();
        [
            ("RSA ", pkcs1),
            ("", pkcs8),
            ("OPENSSH ", openssh(rsa)),
            ("OPENSSH ", openssh(ed25519)),
        ]
    }

    fn place() -> Place {
        Place::File("key".into())
    }

    /// The number of identities that the key gives, plus 1 if the key itself opens stanzas.
    fn made_ready(label: &str, bytes: &[u8]) -> usize {
        let body = BASE64_STANDARD.encode(bytes);
        let text = format!("-----BEGIN {label}PRIVATE KEY-----\n{body}\n-----END {label}PRIVATE KEY-----\n");
        let native = private_key(text.as_bytes()).ok().and_then(SshIdentity::new);
        keys(&place(), text.as_bytes()).map_or(0, |keys| keys.identities.len()) + usize::from(native.is_some())
    }

    #[test]
    fn a_positive_number_is_written_as_the_library_writes_it() {
        for number in [&[][..], &[0], &[0, 0, 1], &[0x7f, 0xff], &[0x80], &[0, 0xff, 0], &[0xff; 512]] {
            assert_eq!(positive(number), Mpint::from_positive_bytes(number).ok(), "{number:?}");
        }
    }

    #[test]
    fn every_form_of_a_key_is_read() {
        assert_eq!(forms().map(|(label, bytes)| made_ready(label, &bytes)), [2, 3, 2, 3]);
    }

    proptest::proptest! {
        #[test]
        fn no_ssh_key_makes_us_panic(form in 0..4_usize, position: usize, byte: u8, end: usize, garbage: Vec<u8>) {
            let (label, mut bytes) = forms()[form].clone();
            let position = position % bytes.len();
            bytes[position] = byte;
            made_ready(label, &bytes);
            bytes.truncate(end % bytes.len());
            made_ready(label, &bytes);
            made_ready(label, &garbage);
            let _ = keys(&place(), &garbage);
        }
    }
}
