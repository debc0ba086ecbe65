//! Messages that name keys of the host, but that no key opens. So the program has to try each of them.

use std::fs;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::{
    claims::with_recipients,
    inputs::Inputs,
    made::{Made, metadata},
};

/// Limits: a file has at most so many recipient entries, and at most so many key groups.
const MOST_ENTRIES: usize = 10_000;
const MOST_GROUPS: usize = 255;

/// A test key that is on the host, in the file `path`.
struct HostKey {
    path: String,
    /// The public half: the kind of the key, and its Base64.
    recipient: String,
    blob: Vec<u8>,
}

impl HostKey {
    fn of_tests(name: &str) -> Self {
        let path = format!("{}/tests/fixtures/keys/{name}", env!("CARGO_MANIFEST_DIR"));
        let public = fs::read_to_string(format!("{path}.pub")).unwrap();
        let [kind, text, ..] = public.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("not a public key: {public}");
        };
        Self {
            path,
            recipient: format!("{kind} {text}"),
            blob: BASE64_STANDARD.decode(text).unwrap(),
        }
    }

    /// The text by which an age stanza names the key.
    fn tag(&self) -> String {
        unpadded(&Sha256::digest(&self.blob)[..4])
    }

    /// The fields of the public half, without the first field, which is the kind of the key.
    fn fields(&self) -> Vec<&[u8]> {
        let (mut rest, mut fields) = (self.blob.as_slice(), Vec::new());
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let (field, behind) = behind.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap());
            fields.push(field);
            rest = behind;
        }
        fields.split_off(1)
    }
}

fn unpadded(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes).trim_end_matches('=').to_owned()
}

/// Breaks `text` into lines of 64 characters.
fn wrapped(text: &str) -> String {
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    lines.join("\n")
}

/// An age message with these stanzas.
fn age_message(stanzas: &str) -> String {
    let header = format!("age-encryption.org/v1\n{stanzas}--- {}\n", unpadded(&[0; 32]));
    let text = BASE64_STANDARD.encode([header.as_bytes(), &[0; 32]].concat());
    format!(
        "-----BEGIN AGE ENCRYPTED FILE-----\n{}\n-----END AGE ENCRYPTED FILE-----\n",
        wrapped(&text)
    )
}

/// A file with as many equal entries as fit into `size` bytes, but at most [`MOST_ENTRIES`].
fn with_entries(inputs: &mut Inputs, size: usize, field: &str, entry: Value) -> Made {
    let count = (size / entry.to_string().len()).min(MOST_ENTRIES);
    with_recipients(inputs, field, vec![entry; count].into())
}

fn with_messages(inputs: &mut Inputs, size: usize, recipient: &str, stanzas: &str) -> Made {
    let entry = json!({ "recipient": recipient, "enc": age_message(stanzas) });
    with_entries(inputs, size, "age", entry)
}

/// So many X25519 stanzas. Such a stanza names no key, so any age key may be meant.
fn x25519_stanzas(count: usize) -> String {
    let share = unpadded(&[9; 32]);
    format!("-> X25519 {share}\n{share}\n").repeat(count)
}

pub fn unnamed_x25519(inputs: &mut Inputs, size: usize) -> Made {
    with_messages(inputs, size, "age1", &x25519_stanzas(60))
}

pub fn named_x25519(inputs: &mut Inputs, size: usize) -> Made {
    let metadata = metadata(inputs);
    let recipient = metadata["age"][0]["recipient"].as_str().unwrap();
    with_messages(inputs, size, recipient, &x25519_stanzas(8))
}

pub fn named_ssh_ed25519(inputs: &mut Inputs, size: usize) -> Made {
    let key = HostKey::of_tests("ssh_ed25519");
    let share = unpadded(&[9; 32]);
    let stanza = format!("-> ssh-ed25519 {} {share}\n{share}\n", key.tag());
    let made = with_messages(inputs, size, &key.recipient, &stanza.repeat(8));
    made.with_field("ageSshKeyPaths", json!([key.path]))
}

/// Stanzas that name an RSA key, as many as fit into the lines that a message may have.
fn rsa_stanzas(key: &HostKey) -> String {
    let body = wrapped(&unpadded(&vec![1; key.fields()[1].len() - 1]));
    let stanza = format!("-> ssh-rsa {}\n{body}\n", key.tag());
    stanza.repeat(120 / stanza.lines().count())
}

pub fn unnamed_ssh_rsa(inputs: &mut Inputs, size: usize) -> Made {
    let key = HostKey::of_tests("ssh_rsa");
    let made = with_messages(inputs, size, "age1", &rsa_stanzas(&key));
    made.with_field("ageSshKeyPaths", json!([key.path]))
}

/// Puts the entries into as many key groups as a file may have. Each group may need a try of a key.
fn in_groups(inputs: &mut Inputs, size: usize, field: &str, entry: &Value) -> Made {
    let count = size / MOST_GROUPS / entry.to_string().len();
    let group = json!({ field: vec![entry; count.max(1)] });
    with_recipients(inputs, "key_groups", vec![group; MOST_GROUPS].into())
}

pub fn named_ssh_rsa(inputs: &mut Inputs, size: usize) -> Made {
    let key = HostKey::of_tests("ssh_rsa");
    let entry = json!({ "recipient": key.recipient, "enc": age_message(&rsa_stanzas(&key)) });
    in_groups(inputs, size, "age", &entry).with_field("ageSshKeyPaths", json!([key.path]))
}

/// Messages that name the OpenPGP key made from the RSA test key, <https://www.rfc-editor.org/rfc/rfc4880#section-5.1>.
pub fn named_pgp(inputs: &mut Inputs, size: usize) -> Made {
    let key = HostKey::of_tests("ssh_rsa");
    let fingerprint = pgp_fingerprint(&key);
    let number = mpi(&vec![1; key.fields()[1].len() - 1]);
    let session_key = packet(1, &[&[3], &fingerprint[12..], &[1], number.as_slice()].concat());
    let message = [session_key.repeat(8), packet(18, &[1; 64])].concat();
    let text = wrapped(&BASE64_STANDARD.encode(message));
    let entry = json!({
        "fp": fingerprint.iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}")),
        "enc": format!("-----BEGIN PGP MESSAGE-----\n\n{text}\n-----END PGP MESSAGE-----\n"),
    });
    in_groups(inputs, size, "pgp", &entry).with_field("sshKeyPaths", json!([key.path]))
}

/// The OpenPGP fingerprint (RFC 4880, section 12.2) of the key, if the key was made in 1970.
fn pgp_fingerprint(key: &HostKey) -> Vec<u8> {
    let fields = key.fields();
    let body = [&[4, 0, 0, 0, 0, 1], mpi(fields[1]).as_slice(), &mpi(fields[0])].concat();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    Sha1::digest([&[0x99], length.as_slice(), &body].concat()).to_vec()
}

/// A number as OpenPGP writes it: first the count of its bits, then its bytes.
fn mpi(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap();
    let number = &number[start..];
    let bits = number.len() * 8 - usize::try_from(number[0].leading_zeros()).unwrap();
    [&u16::try_from(bits).unwrap().to_be_bytes(), number].concat()
}

/// A packet in the new format, with a length of four bytes.
fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[0xc0 | tag, 0xff], length.as_slice(), body].concat()
}
