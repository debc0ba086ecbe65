//! One encrypted value: its spelling in a file, and what its plaintext stands for.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use thiserror::Error;

use super::{number, time, tree::Kind};
use crate::plaintext::Plaintext;

/// Base64 as Go's `StdEncoding` reads it: padding required, bits behind the last byte ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`, taken apart and decoded.
pub(crate) struct Token<'a> {
    /// The ciphertext, to be decrypted in place.
    pub(crate) data: Plaintext,
    /// The nonce, of any length.
    pub(crate) iv: Vec<u8>,
    /// What stands behind the ciphertext; the last 16 bytes of both together authenticate.
    pub(crate) tag: Vec<u8>,
    /// The name of the plaintext's type.
    pub(crate) type_name: &'a [u8],
}

/// Why an encrypted value cannot be read. None of it says what the value is.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError {
    /// The text has another form altogether.
    #[error(
        "the value is not encrypted: it is not of the form ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]"
    )]
    NotAToken,
    /// A part of it, by its name, is not Base64.
    #[error("the {0} of the encrypted value is not Base64")]
    Base64(&'static str),
    /// A type that sops does not have, by its name if it is one.
    #[error("the encrypted value has the unknown type {0}")]
    UnknownType(String),
    /// The plaintext does not stand for anything of its type.
    #[error("the decrypted value is not {}", .0.name())]
    Malformed(Kind),
}

impl<'a> Token<'a> {
    /// Reads a token. What follows its last `]` in the line, and further lines, do not count.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, ValueError> {
        let parts = Parts::find(text).ok_or(ValueError::NotAToken)?;
        Ok(Self {
            data: Plaintext::from(decode("data", parts.data)?),
            iv: decode("iv", parts.iv)?,
            tag: decode("tag", parts.tag)?,
            type_name: parts.type_name,
        })
    }
}

/// The four fields of a token as they are written.
struct Parts<'a> {
    data: &'a [u8],
    iv: &'a [u8],
    tag: &'a [u8],
    type_name: &'a [u8],
}

impl<'a> Parts<'a> {
    /// sops finds them with `^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]`, in which every group takes as much as it
    /// can, and none can hold a line feed. So each separator is the last one that leaves room for what follows.
    fn find(text: &'a [u8]) -> Option<Self> {
        let line = text.split(|&byte| byte == b'\n').next()?;
        let body = line.strip_prefix(b"ENC[AES256_GCM,data:")?;
        let body = body.get(..body.iter().rposition(|&byte| byte == b']')?)?;
        let (body, type_name) = split_last(body, b",type:")?;
        let (body, tag) = split_last(body, b",tag:")?;
        let (data, iv) = split_last(body, b",iv:")?;
        (!data.is_empty()).then_some(Self {
            data,
            iv,
            tag,
            type_name,
        })
    }
}

/// Splits at the last `separator` that has something behind it.
fn split_last<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let searched = text.get(..text.len().checked_sub(1)?)?;
    let position = searched
        .windows(separator.len())
        .rposition(|window| window == separator)?;
    let (before, rest) = text.split_at_checked(position)?;
    Some((before, rest.get(separator.len()..)?))
}

/// Decodes one field into a buffer of its own, without a copy of the text unless it holds line ends.
fn decode(field: &'static str, text: &[u8]) -> Result<Vec<u8>, ValueError> {
    let decoded = if text.contains(&b'\r') {
        let joined: Vec<u8> = text.iter().copied().filter(|&byte| byte != b'\r').collect();
        BASE64.decode(joined)
    } else {
        BASE64.decode(text)
    };
    decoded.map_err(|_| ValueError::Base64(field))
}

/// What a decrypted value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// A scalar of this kind.
    Scalar(Kind),
    /// A comment, wherever it stood.
    Comment,
}

impl Type {
    /// The type that a token names. Plaintext of sops' `bytes` crashes sops itself.
    pub(crate) fn from_name(name: &[u8]) -> Result<Self, ValueError> {
        match name {
            b"str" => Ok(Self::Scalar(Kind::Text)),
            b"int" => Ok(Self::Scalar(Kind::Integer)),
            b"float" => Ok(Self::Scalar(Kind::Float)),
            b"bool" => Ok(Self::Scalar(Kind::Boolean)),
            b"time" => Ok(Self::Scalar(Kind::Time)),
            b"comment" => Ok(Self::Comment),
            _ => Err(ValueError::UnknownType(printable(name))),
        }
    }
}

/// A type's name for a message; what looks like anything else, such as text behind the token, is not shown.
fn printable(name: &[u8]) -> String {
    match str::from_utf8(name) {
        Ok(word) if word.len() <= 16 && word.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            word.to_owned()
        }
        _ => "(not a word)".to_owned(),
    }
}

/// Reads a plaintext by the name of its type, and brings it into the canonical form that [`Kind`] describes.
pub(crate) fn canonical(
    type_name: &[u8],
    plaintext: Plaintext,
) -> Result<(Type, Plaintext), ValueError> {
    let kind = match Type::from_name(type_name)? {
        Type::Scalar(kind) => kind,
        Type::Comment => return Ok((Type::Comment, plaintext)),
    };
    if kind == Kind::Text {
        return Ok((Type::Scalar(kind), plaintext));
    }
    let text = str::from_utf8(plaintext.expose()).ok();
    let spelled = text.and_then(|text| match kind {
        Kind::Integer => text.parse::<i64>().ok().map(|integer| integer.to_string()),
        Kind::Float => float(text).map(number::positional),
        Kind::Boolean => boolean(text).map(str::to_owned),
        Kind::Time => time::canonical(text),
        Kind::Text | Kind::Unsigned => None,
    });
    let spelled = spelled.ok_or(ValueError::Malformed(kind))?;
    Ok((Type::Scalar(kind), Plaintext::from(spelled)))
}

/// Go's `strconv.ParseBool`, and the spelling of the result in the MAC.
fn boolean(text: &str) -> Option<&'static str> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some("True"),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some("False"),
        _ => None,
    }
}

/// Go's `strconv.ParseFloat(text, 64)`; too large a number is an error.
fn float(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let spelled_infinite = text.bytes().any(|byte| byte.eq_ignore_ascii_case(&b'n'));
    (number.is_finite() || spelled_infinite).then_some(number)
}
