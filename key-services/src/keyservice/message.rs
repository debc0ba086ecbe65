//! The two messages of the call, in the form of Protocol Buffers, as `keyservice.proto` of sops has them.

use zeroize::Zeroizing;

use crate::request::Entry;

/// The message `DecryptRequest`, with the five bytes that gRPC puts before it.
pub(crate) fn request(entry: &Entry) -> Vec<u8> {
    let (number, key, enc) = key(entry);
    let message = [field(1, &field(number, &key)), field(2, enc.as_bytes())].concat();
    let length = u32::try_from(message.len()).unwrap_or_default();
    [&[0], length.to_be_bytes().as_slice(), &message].concat()
}

/// The plaintext in a `DecryptResponse` that has gRPC's five bytes before it. `None` if it is none, or has no plaintext.
pub(crate) fn plaintext(answer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (head, message) = answer.split_first_chunk::<5>()?;
    let [0, length @ ..] = *head else {
        return None;
    };
    let mut rest = message.get(..usize::try_from(u32::from_be_bytes(length)).ok()?)?;
    while !rest.is_empty() {
        let (tag, after) = number(rest)?;
        let (length, after) = number(after)?;
        let (value, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        match (tag >> 3, tag & 7) {
            (1, 2) if !value.is_empty() => return Some(Zeroizing::new(value.to_vec())),
            (_, 2) => rest = after,
            _ => return None,
        }
    }
    None
}

/// The text of a refusal from the form that gRPC gives it in headers: `%` and two digits for what is not printable.
pub(crate) fn reason(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut text = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.zip(part.get(2..)) {
            Some((byte, rest)) => {
                text.push(byte);
                text.extend_from_slice(rest.as_bytes());
            }
            None => text.extend([b"%", part.as_bytes()].concat()),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The number of the kind of key, the key, and the data key as the service has encrypted it.
fn key(entry: &Entry) -> (u8, Vec<u8>, &str) {
    match entry {
        Entry::Kms(key) => {
            let pairs = key.context.iter().map(|(name, value)| field(3, &texts(&[name, value])));
            let named = field(4, key.aws_profile.as_bytes());
            (
                1,
                [texts(&[&key.arn, &key.role]), pairs.collect::<Vec<_>>().concat(), named].concat(),
                &key.enc,
            )
        }
        Entry::GcpKms { resource_id, enc } => (3, texts(&[resource_id]), enc),
        Entry::AzureKv(key) => (4, texts(&[&key.vault_url, &key.name, &key.version]), &key.enc),
        Entry::HcVault(key) => (5, texts(&[&key.vault_address, &key.engine_path, &key.key_name]), &key.enc),
        Entry::Hckms { key_id, enc } => (7, texts(&[key_id]), enc),
    }
}

/// Fields of text, numbered from 1.
fn texts(values: &[&str]) -> Vec<u8> {
    (1..)
        .zip(values)
        .flat_map(|(number, value)| field(number, value.as_bytes()))
        .collect()
}

/// A field of bytes. An empty one is left out, as it is the same.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    if value.is_empty() {
        return Vec::new();
    }
    let mut out = vec![number << 3 | 2];
    let mut length = value.len();
    while length > 127 {
        out.push(u8::try_from(length & 127).unwrap_or_default() | 128);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or_default());
    out.extend_from_slice(value);
    out
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 127) << (7 * place);
        if byte & 128 == 0 {
            return Some((value, bytes.get(place + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::AwsKey;

    #[test]
    fn a_request_has_the_fields_of_the_key() {
        let key = AwsKey {
            arn: "a".to_owned(),
            enc: "E".to_owned(),
            role: "r".to_owned(),
            context: [("k".to_owned(), "v".to_owned())].into(),
            aws_profile: String::new(),
        };
        let message = b"\x0a\x10\x0a\x0e\x0a\x01a\x12\x01r\x1a\x06\x0a\x01k\x12\x01v\x12\x01E";
        assert_eq!(request(&Entry::Kms(key)), [b"\0\0\0\0\x15", message.as_slice()].concat());
    }

    #[test]
    fn a_reason_is_read() {
        assert_eq!(reason("no %C3%BC, 5%25,%0Aand 100%"), "no \u{fc}, 5%,\nand 100%");
        assert_eq!(reason("%zz%1"), "%zz%1");
    }

    #[test]
    fn an_answer_is_read_or_refused() {
        let read = |bytes: &[u8]| plaintext(bytes).map(|text| text.to_vec());
        assert_eq!(read(b"\0\0\0\0\x05\x0a\x03key"), Some(b"key".to_vec()));
        assert_eq!(read(b"\0\0\0\0\x08\x12\x01x\x0a\x03key"), Some(b"key".to_vec()));
        for broken in [
            b"".as_slice(),
            b"\0\0\0\0\0",
            b"\x01\0\0\0\x05\x0a\x03key",
            b"\0\0\0\0\x06\x0a\x03key",
            b"\0\0\0\0\x05\x0a\x7fkey",
        ] {
            assert_eq!(read(broken), None, "{broken:?}");
        }
    }
}
