//! One encrypted value: its spelling in a file, and the meaning of its plaintext.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use thiserror::Error;

use super::{number, time, tree::ScalarType};
use crate::system::plaintext::Plaintext;

/// Base64 as Go's `StdEncoding` reads it: padding is required, and the bits behind the last byte are ignored.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The text with which every encrypted value begins.
pub(crate) const TOKEN_START: &[u8] = b"ENC[AES256_GCM,";
/// The text behind which the data of an encrypted value stands.
pub(crate) const DATA_START: &[u8] = b"ENC[AES256_GCM,data:";

/// A token, `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`, split into its fields and decoded.
pub(crate) struct EncryptedValue<'a> {
    /// The ciphertext of the token, which is decrypted in place.
    pub(crate) data: Plaintext,
    /// The nonce of the token, for AES-GCM.
    pub(crate) iv: Vec<u8>,
    /// The authentication tag, normally of 16 bytes. If this field has another length, it is appended to `data`, and the last 16
    /// bytes of the result are the tag.
    pub(crate) tag: Vec<u8>,
    /// The name of the plaintext's type, such as `str`.
    pub(crate) type_name: &'a [u8],
}

/// Why a token (an encrypted value) does not give its value. No variant contains plaintext.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// The token does not authenticate. The key is wrong, or somebody changed or moved the token after sops encrypted it.
    #[error("the value does not authenticate: it was changed or moved after sops encrypted it")]
    Authentication,
    /// The token, or its plaintext, is malformed. The text tells how.
    #[error("{0}")]
    Malformed(String),
}

/// The message for a text that is no token at all.
const NO_TOKEN: &str = "the value is cut off or changed: it does not have the form ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]";

impl<'a> EncryptedValue<'a> {
    /// Reads a token. Text behind the last `]` of the first line is ignored, and so are all further lines.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, TokenError> {
        Self::parse_with(text, |_| None)
    }

    /// Reads a token whose data may have been decoded already. `decoded` gives such data for the field that stands in for it.
    pub(crate) fn parse_with(text: &'a [u8], decoded: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Result<Self, TokenError> {
        let parts = Parts::find(text).ok_or_else(|| TokenError::Malformed(NO_TOKEN.to_owned()))?;
        let data = decoded(parts.data).map_or_else(|| decode("data", parts.data), Ok)?;
        Ok(Self {
            data: Plaintext::from(data),
            iv: decode("iv", parts.iv)?,
            tag: decode("tag", parts.tag)?,
            type_name: parts.type_name,
        })
    }
}

/// The four fields of a token, before they are decoded.
pub(crate) struct Parts<'a> {
    data: &'a [u8],
    iv: &'a [u8],
    tag: &'a [u8],
    /// The name of the plaintext's type, such as `str`.
    pub(crate) type_name: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Finds the fields of a token. sops uses the expression `^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]`. Each
    /// group takes as much text as possible, and no group contains a line feed. So each separator is the last one that leaves
    /// text for the groups that follow.
    pub(crate) fn find(text: &'a [u8]) -> Option<Self> {
        let line = text.split(|&byte| byte == b'\n').next()?;
        let body = line.strip_prefix(DATA_START)?;
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

/// Splits a text at the last `separator` that has text behind it. Returns the text before and the text behind the separator.
fn split_last<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let searched = text.get(..text.len().checked_sub(1)?)?;
    let position = searched.windows(separator.len()).rposition(|window| window == separator)?;
    let (before, rest) = text.split_at_checked(position)?;
    Some((before, rest.get(separator.len()..)?))
}

/// Decodes one field into a new buffer. A text is copied first only if it contains carriage returns, which Go skips.
fn decode(field: &str, text: &[u8]) -> Result<Vec<u8>, TokenError> {
    let decoded = if text.contains(&b'\r') {
        let joined: Vec<u8> = text.iter().copied().filter(|&byte| byte != b'\r').collect();
        BASE64.decode(joined)
    } else {
        BASE64.decode(text)
    };
    decoded.map_err(|_| TokenError::Malformed(format!("the {field} of the encrypted value is not Base64")))
}

/// The type of a decrypted value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// The decrypted value is a scalar of this kind.
    Scalar(ScalarType),
    /// The decrypted value is a comment, wherever this comment stands in the file.
    Comment,
}

impl Type {
    /// The type that a token names. The type `bytes` counts as unknown, because sops itself crashes on a value of this type.
    pub(crate) fn from_name(name: &[u8]) -> Result<Self, TokenError> {
        match name {
            b"str" => Ok(Self::Scalar(ScalarType::Text)),
            b"int" => Ok(Self::Scalar(ScalarType::Integer)),
            b"float" => Ok(Self::Scalar(ScalarType::Float)),
            b"bool" => Ok(Self::Scalar(ScalarType::Boolean)),
            b"time" => Ok(Self::Scalar(ScalarType::Time)),
            b"comment" => Ok(Self::Comment),
            _ => Err(TokenError::Malformed(format!(
                "the encrypted value has an unknown type: {}",
                printable(name)
            ))),
        }
    }
}

/// The name of a type, for a message. A name that is not a short word is not shown, because it may be any text of the file.
fn printable(name: &[u8]) -> String {
    match str::from_utf8(name) {
        Ok(word) if word.len() <= 16 && word.bytes().all(|byte| byte.is_ascii_alphanumeric()) => word.to_owned(),
        _ => "(not a word)".to_owned(),
    }
}

/// Reads a plaintext as the type that the token names. Returns the type, and the text in the canonical form that [`ScalarType`]
/// describes.
pub(crate) fn canonical(type_name: &[u8], plaintext: Plaintext) -> Result<(Type, Plaintext), TokenError> {
    let kind = match Type::from_name(type_name)? {
        Type::Scalar(kind) => kind,
        Type::Comment => return Ok((Type::Comment, plaintext)),
    };
    if kind == ScalarType::Text {
        return Ok((Type::Scalar(kind), plaintext));
    }
    let text = str::from_utf8(plaintext.expose()).ok();
    let spelled = text.and_then(|text| match kind {
        ScalarType::Integer => text.parse::<i64>().ok().map(|integer| integer.to_string()),
        ScalarType::Float => float(text).map(number::positional),
        ScalarType::Boolean => boolean(text).map(str::to_owned),
        ScalarType::Time => time::canonical(text),
        ScalarType::Text | ScalarType::Unsigned => None,
    });
    let spelled = spelled.ok_or_else(|| TokenError::Malformed(format!("the decrypted value is not {}", kind.name())))?;
    Ok((Type::Scalar(kind), Plaintext::from(spelled)))
}

/// Reads a boolean as Go's `strconv.ParseBool` does. Returns the spelling that sops hashes for the MAC.
fn boolean(text: &str) -> Option<&'static str> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some("True"),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some("False"),
        _ => None,
    }
}

/// Reads a float as Go's `strconv.ParseFloat(text, 64)` does. A number that is too large is an error, and so is a sign before
/// `nan`. Unlike Go, this function refuses hexadecimal floats and underscores between digits. No program writes such floats
/// when it encrypts.
fn float(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let name = if number.is_nan() {
        text
    } else {
        text.trim_start_matches(['+', '-'])
    };
    (number.is_finite() || name.starts_with(['i', 'I', 'n', 'N'])).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error for a malformed token, with this text.
    fn malformed<T>(text: &str) -> Result<T, TokenError> {
        Err(TokenError::Malformed(text.to_owned()))
    }

    /// Data, iv, tag and type of a token.
    fn parts(text: &[u8]) -> Result<[Vec<u8>; 4], TokenError> {
        let token = EncryptedValue::parse(text)?;
        Ok([token.data.expose().to_vec(), token.iv, token.tag, token.type_name.to_vec()])
    }

    fn read(type_name: &str, text: &str) -> Result<(Type, String), TokenError> {
        let (kind, text) = canonical(type_name.as_bytes(), Plaintext::from(text.to_owned()))?;
        Ok((kind, String::from_utf8(text.expose().to_vec()).unwrap()))
    }

    #[test]
    fn a_token_is_taken_apart_and_decoded() {
        let token = b"ENC[AES256_GCM,data:QUI=,iv:aXY=,tag:dGFn,type:str]";
        assert_eq!(parts(token).unwrap(), [&b"AB"[..], b"iv", b"tag", b"str"]);
    }

    #[test]
    fn what_follows_a_token_does_not_count_unless_it_closes_another_bracket() {
        let type_of = |text: &[u8]| parts(text).unwrap()[3].clone();
        assert_eq!(type_of(b"ENC[AES256_GCM,data:QQ==,iv:QQ==,tag:QQ==,type:str] behind"), b"str");
        assert_eq!(type_of(b"ENC[AES256_GCM,data:QQ==,iv:QQ==,tag:QQ==,type:str]\n]"), b"str");
        assert_eq!(type_of(b"ENC[AES256_GCM,data:QQ==,iv:QQ==,tag:QQ==,type:str]x]"), b"str]x");
        assert_eq!(type_of(b"ENC[AES256_GCM,data:QQ==,iv:QQ==,tag:QQ==,type:,type:]"), b",type:");
    }

    #[test]
    fn each_field_takes_as_much_as_it_can() {
        let text = b"ENC[AES256_GCM,data:QQ==,iv:Q,iv:QQ==,tag:QQ==,type:str]";
        assert_eq!(parts(text), malformed("the data of the encrypted value is not Base64"));
        let text = b"ENC[AES256_GCM,data:QQ==,iv:QQ==,tag:QQ==,type:,type:str]";
        assert_eq!(parts(text), malformed("the tag of the encrypted value is not Base64"));
    }

    #[test]
    fn other_texts_are_no_tokens() {
        for text in [
            "",
            "plain",
            " ENC[AES256_GCM,data:QQ==,iv:QQ==,tag:QQ==,type:str]",
            "ENC[AES256_GCM,data:,iv:QQ==,tag:QQ==,type:str]",
            "ENC[AES256_GCM,data:QQ==,iv:,tag:QQ==,type:str]",
            "ENC[AES256_GCM,data:QQ==,iv:QQ==,tag:,type:str]",
            "ENC[AES256_GCM,data:QQ==,iv:QQ==,tag:QQ==,type:]",
            "ENC[AES256_GCM,data:QQ==,iv:QQ==,tag:QQ==,type:str",
            "ENC[AES256_GCM,data:QQ\n==,iv:QQ==,tag:QQ==,type:str]",
            "ENC[AES256_GCM,iv:QQ==,data:QQ==,tag:QQ==,type:str]",
        ] {
            assert_eq!(parts(text.as_bytes()), malformed(NO_TOKEN), "{text}");
        }
    }

    #[test]
    fn base64_is_read_as_go_reads_it() {
        let data = |text: &str| {
            parts(format!("ENC[AES256_GCM,data:{text},iv:QQ==,tag:QQ==,type:str]").as_bytes()).map(|[data, ..]| data)
        };
        assert_eq!(data("QR==").unwrap(), b"A", "bits behind the last byte");
        assert_eq!(data("Q\rQ=\r=").unwrap(), b"A", "line ends");
        assert_eq!(data("\r").unwrap(), b"");
        for text in ["QQ", "QQ=", "QQ===", "Q Q==", "Q-==", "QQ==QQ=="] {
            let refused = malformed("the data of the encrypted value is not Base64");
            assert_eq!(data(text), refused, "{text}");
        }
    }

    #[test]
    fn plaintext_becomes_canonical_by_its_type() {
        for (type_name, text, kind, expected) in [
            ("str", "007", ScalarType::Text, "007"),
            ("int", "+007", ScalarType::Integer, "7"),
            ("int", "-9223372036854775808", ScalarType::Integer, "-9223372036854775808"),
            ("float", "1e3", ScalarType::Float, "1000"),
            ("float", "-0", ScalarType::Float, "-0"),
            ("float", "InFiNiTy", ScalarType::Float, "+Inf"),
            ("float", "-inf", ScalarType::Float, "-Inf"),
            ("float", "nan", ScalarType::Float, "NaN"),
            ("float", "1e-400", ScalarType::Float, "0"),
            ("bool", "t", ScalarType::Boolean, "True"),
            ("bool", "FALSE", ScalarType::Boolean, "False"),
            (
                "time",
                "2001-12-14T21:59:43.10-05:00",
                ScalarType::Time,
                "2001-12-14T21:59:43.1-05:00",
            ),
        ] {
            assert_eq!(
                read(type_name, text),
                Ok((Type::Scalar(kind), expected.to_owned())),
                "{type_name} {text}"
            );
        }
        assert_eq!(read("comment", " c"), Ok((Type::Comment, " c".to_owned())));
    }

    #[test]
    fn plaintext_of_another_type_is_refused_without_showing_it() {
        for (type_name, text, kind) in [
            ("int", "9223372036854775808", ScalarType::Integer),
            ("int", "1_000", ScalarType::Integer),
            ("int", " 1", ScalarType::Integer),
            ("int", "", ScalarType::Integer),
            ("float", "1e400", ScalarType::Float),
            ("float", "-nan", ScalarType::Float),
            ("float", "1.5 ", ScalarType::Float),
            ("bool", "yes", ScalarType::Boolean),
            ("bool", "tRUE", ScalarType::Boolean),
            ("time", "2001-12-14", ScalarType::Time),
        ] {
            let refused = malformed(&format!("the decrypted value is not {}", kind.name()));
            assert_eq!(read(type_name, text), refused, "{type_name} {text}");
        }
    }

    #[test]
    fn unknown_types_are_named_if_they_are_words() {
        for (type_name, shown) in [("bytes", "bytes"), ("Str", "Str"), ("str] secret", "(not a word)"), ("", "")] {
            let refused = malformed(&format!("the encrypted value has an unknown type: {shown}"));
            assert_eq!(read(type_name, "x"), refused);
        }
    }
}
