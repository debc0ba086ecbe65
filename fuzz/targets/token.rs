//! Reads tokens. A token is found exactly where the pattern of sops finds one, and its plaintext is read as Go reads it.
//!
//! The first byte of the input chooses what the rest is: a token as in a file, or a plaintext of a known type.
#![no_main]

use std::sync::LazyLock;

use regex::bytes::Regex;
use sops_install_secrets::sops::{DecryptError, SopsFile, format::Format, number, time};
use sops_install_secrets_fuzz::{messages::assert_discreet, sealing, timed_fuzz_target};

/// The pattern with which sops finds tokens, unchanged.
static PATTERN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?-u)^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]").expect("a pattern"));

const TYPES: [&str; 6] = ["str", "int", "float", "bool", "time", "comment"];

timed_fuzz_target!(|input: &[u8]| {
    let Some((choice, text)) = input.split_first() else { return };
    match TYPES.get(usize::from(*choice)) {
        Some(type_name) => plaintext(type_name, text),
        None => stored(text),
    }
});

/// Puts any bytes in the place of a value.
fn stored(token: &[u8]) {
    let Ok(text) = str::from_utf8(token) else { return };
    let Err(error) = open(text, &sealing::mac([])) else {
        // An empty string is never encrypted. A token that was made with the known key may come from the seeds.
        assert!(text.is_empty() || PATTERN.is_match(token));
        return;
    };
    let is_token = PATTERN.is_match(token);
    assert_eq!(no_token(&error), !is_token, "{error}");
    if !text.starts_with("ENC[AES256_GCM") {
        assert_discreet(&error);
    }
}

/// Whether the error says that the value is no token: it is another text, or only the beginning of a token.
fn no_token(error: &DecryptError) -> bool {
    match error {
        DecryptError::NotEncrypted { .. } => true,
        DecryptError::Value { problem, .. } => problem.starts_with("the value is cut off or changed"),
        _ => false,
    }
}

/// Encrypts a plaintext of a type. It is either read, and its canonical form then makes up the MAC, or it is refused.
fn plaintext(type_name: &str, plain: &[u8]) {
    let token = sealing::token(plain, b"k:", type_name);
    let Ok(token) = String::from_utf8(token) else { return };
    // The pattern of sops does not find a token without data.
    if plain.is_empty() {
        return;
    }
    let canonical = canonical(type_name, plain);
    let mac = sealing::mac(canonical.as_deref());
    match (open(&token, &mac), canonical) {
        (Ok(()), Some(_)) => {}
        (Ok(()), None) => assert_eq!(type_name, "comment"),
        (Err(error), None) => {
            assert_discreet(&error);
            assert!(error.to_string().contains("the decrypted value is not "), "{error}");
        }
        (Err(error), Some(text)) => panic!("{error}: {type_name} {} as {}", plain.escape_ascii(), text.escape_ascii()),
    }
}

/// The text of the value that the MAC covers. `None` if the plaintext is not of this type, or if the MAC does not cover the type.
fn canonical(type_name: &str, plain: &[u8]) -> Option<Vec<u8>> {
    if type_name == "str" {
        return Some(plain.to_vec());
    }
    let text = str::from_utf8(plain).ok()?;
    let canonical = match type_name {
        "int" => text.parse::<i64>().ok()?.to_string(),
        "float" => number::positional(float(text)?),
        "bool" if ["1", "t", "T", "TRUE", "true", "True"].contains(&text) => "True".to_owned(),
        "bool" if ["0", "f", "F", "FALSE", "false", "False"].contains(&text) => "False".to_owned(),
        "time" => time::canonical(text)?,
        _ => return None,
    };
    Some(canonical.into_bytes())
}

/// Reads a number as Go's `ParseFloat` does, but without hexadecimal numbers and underscores. Infinity must be written by its name,
/// and `nan` has no sign.
fn float(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let lower = text.to_ascii_lowercase();
    match () {
        () if number.is_nan() => (lower == "nan").then_some(number),
        () if number.is_infinite() => lower.contains("inf").then_some(number),
        () => Some(number),
    }
}

/// Decrypts a file with the value.
fn open(value: &str, mac: &[u8]) -> Result<(), DecryptError> {
    let file = serde_json::json!({"k": value, "sops": {
        "age": [{"recipient": "age1x", "enc": "x"}], "lastmodified": "2026-01-02T03:04:05Z", "mac": String::from_utf8_lossy(mac),
    }})
    .to_string();
    let file = SopsFile::parse(Format::Json, file.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    file.decrypt(&sealing::data_key()).map(|_| ())
}
