//! Finds the value that the text of a scalar stands for.

use std::{borrow::Cow, mem};

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use super::timestamp;
use crate::sops::{
    number,
    tree::{ScalarType, Stored, Value},
};

/// Text that is made here and wiped after use: the writer asks what decrypted text would be read as, so it may be secret.
type WipedText = Zeroizing<String>;

/// Base64 as Go decodes it: padded, the bits behind the last byte unchecked.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// A tag that changes how a scalar is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Text,
    Binary,
    Integer,
    Float,
    Boolean,
    Null,
    Time,
    /// Any other: the text is taken as it stands.
    Unknown,
}

/// What plain text stands for.
pub(crate) enum Meaning {
    Null,
    /// Itself.
    Text,
    /// A value with its canonical text.
    Typed(ScalarType, WipedText),
}

impl Tag {
    /// What `!!` stands for.
    pub(crate) const PREFIX: &str = "tag:yaml.org,2002:";
    /// Length of the longest full name that makes a difference.
    const LONGEST: usize = Self::PREFIX.len() + "timestamp".len();

    /// The tag with this full name; none for `!`, which stands for no tag.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let short = (name.strip_prefix(Self::PREFIX)).or_else(|| name.strip_prefix("!!"));
        Some(match short {
            None if name == "!" => return None,
            Some("str") => Self::Text,
            Some("binary") => Self::Binary,
            Some("int") => Self::Integer,
            Some("float") => Self::Float,
            Some("bool") => Self::Boolean,
            Some("null") => Self::Null,
            Some("timestamp") => Self::Time,
            _ => Self::Unknown,
        })
    }

    /// The tag with the full name that begins with `prefix`. The longest that counts is `tag:yaml.org,2002:timestamp`; others are not
    /// even put together.
    pub(crate) fn prefixed(prefix: &str, suffix: &str) -> Option<Self> {
        if prefix.len() + suffix.len() > Self::LONGEST {
            return Some(Self::Unknown);
        }
        Self::named(&format!("{prefix}{suffix}"))
    }

    /// The tag's short name.
    fn name(self) -> &'static str {
        match self {
            Self::Text => "!!str",
            Self::Binary => "!!binary",
            Self::Integer => "!!int",
            Self::Float => "!!float",
            Self::Boolean => "!!bool",
            Self::Null => "!!null",
            Self::Time => "!!timestamp",
            Self::Unknown => "!",
        }
    }
}

/// The value of a scalar.
///
/// # Errors
/// When the text is not of the tag's type.
pub(crate) fn value<'a>(text: &Cow<'a, str>, plain: bool, tag: Option<Tag>) -> Result<Value<Stored<'a>>, String> {
    let meaning = match tag {
        None if plain => meaning(text, true),
        None | Some(Tag::Text | Tag::Unknown) => Meaning::Text,
        Some(Tag::Binary) => return binary(text),
        Some(tag) => tagged(text, tag).ok_or_else(|| format!("a value is not a {}", tag.name()))?,
    };
    Ok(match meaning {
        Meaning::Null => Value::Null,
        Meaning::Text => Value::Scalar(ScalarType::Text, stored(text.clone())),
        Meaning::Typed(kind, mut text) => Value::Scalar(kind, Cow::Owned(mem::take(&mut *text).into_bytes())),
    })
}

/// The bytes of a text.
pub(crate) fn stored(text: Cow<'_, str>) -> Stored<'_> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The bytes that the base64 `text` encodes. Their value is a string, too.
fn binary<'a>(text: &str) -> Result<Value<Stored<'a>>, String> {
    let digits: String = text.chars().filter(|char| !matches!(char, '\r' | '\n')).collect();
    let bytes = BASE64.decode(digits);
    let bytes = bytes.map_err(|_| "a !!binary value is not base64".to_owned())?;
    Ok(Value::Scalar(ScalarType::Text, Cow::Owned(bytes)))
}

/// What `text` stands for under a tag that names a type; `None` if the text is of another type.
fn tagged(text: &str, tag: Tag) -> Option<Meaning> {
    let meaning = meaning(text, tag == Tag::Time);
    let kind = match &meaning {
        Meaning::Null => return (tag == Tag::Null).then_some(meaning),
        Meaning::Text => return None,
        Meaning::Typed(kind, _) => *kind,
    };
    match (tag, kind) {
        (Tag::Integer, ScalarType::Integer | ScalarType::Unsigned)
        | (Tag::Float, ScalarType::Float)
        | (Tag::Boolean, ScalarType::Boolean)
        | (Tag::Time, ScalarType::Time) => Some(meaning),
        (Tag::Float, ScalarType::Integer) => match meaning {
            Meaning::Typed(_, digits) => digits.parse().ok().map(float),
            _ => None,
        },
        _ => None,
    }
}

/// What `text` stands for if it is plain and has no tag. Without `times`, a time is not recognised.
pub(crate) fn meaning(text: &str, times: bool) -> Meaning {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Meaning::Null,
        "true" | "True" | "TRUE" => return typed(ScalarType::Boolean, "True"),
        "false" | "False" | "FALSE" => return typed(ScalarType::Boolean, "False"),
        ".nan" | ".NaN" | ".NAN" => return float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'.') => decimal(text),
        Some(b'0'..=b'9' | b'+' | b'-') => times
            .then(|| timestamp::canonical(text))
            .flatten()
            .map(|time| Meaning::Typed(ScalarType::Time, time))
            .or_else(|| numeric(&WipedText::new(text.replace('_', "")))),
        _ => None,
    }
    .unwrap_or(Meaning::Text)
}

fn typed(kind: ScalarType, text: &(impl ToString + ?Sized)) -> Meaning {
    Meaning::Typed(kind, WipedText::new(text.to_string()))
}

fn float(number: f64) -> Meaning {
    Meaning::Typed(ScalarType::Float, WipedText::new(number::positional(number)))
}

/// A number, `_` removed.
fn numeric(text: &str) -> Option<Meaning> {
    integer(text).or_else(|| decimal(text)).or_else(|| signed_behind_prefix(text))
}

/// A whole number, maybe with a sign, in base 16, 8, 2 (`0x`, `0o` or `0`, `0b`) or 10.
fn integer(text: &str) -> Option<Meaning> {
    let (sign, digits) = split_sign(text);
    let magnitude = magnitude(digits)?;
    match sign {
        Some('-') => signed(0_i64.checked_sub_unsigned(magnitude)),
        _ => match (i64::try_from(magnitude), sign) {
            (Ok(number), _) => signed(Some(number)),
            (Err(_), None) => Some(typed(ScalarType::Unsigned, &magnitude)),
            (Err(_), Some(_)) => None,
        },
    }
}

fn signed(number: Option<i64>) -> Option<Meaning> {
    number.map(|number| typed(ScalarType::Integer, &number))
}

/// The sign in front, if there is one, and the rest.
fn split_sign(text: &str) -> (Option<char>, &str) {
    match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.chars().next(), rest),
        None => (None, text),
    }
}

/// The number that the digits spell. Their prefix tells the base.
fn magnitude(digits: &str) -> Option<u64> {
    let bytes = digits.as_bytes();
    let (radix, digits) = match (bytes, digits.get(2..)) {
        ([b'0', b'x' | b'X', _, ..], Some(rest)) => (16, rest),
        ([b'0', b'o' | b'O', _, ..], Some(rest)) => (8, rest),
        ([b'0', b'b' | b'B', _, ..], Some(rest)) => (2, rest),
        ([b'0', _, ..], _) => (8, digits),
        _ => (10, digits),
    };
    // The standard library would accept a second sign.
    let unsigned = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    unsigned.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// `0b-1`, `0o+7`: accepted by the library that sops reads YAML with.
fn signed_behind_prefix(text: &str) -> Option<Meaning> {
    let (radix, rest) = match (text.strip_prefix("0b"), text.strip_prefix("0o")) {
        (Some(rest), _) => (2, rest),
        (_, Some(rest)) => (8, rest),
        _ => return None,
    };
    signed(i64::from_str_radix(rest, radix).ok())
}

/// A decimal number with maybe a fraction and an exponent, not too large.
fn decimal(text: &str) -> Option<Meaning> {
    let (_, unsigned) = split_sign(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, split_sign(exponent).1),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let well_formed = is_digits(whole)
        && is_digits(fraction)
        && is_digits(exponent)
        && !exponent.is_empty()
        && !(whole.is_empty() && fraction.is_empty());
    let number: f64 = well_formed.then(|| text.parse().ok()).flatten()?;
    number.is_finite().then(|| float(number))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
