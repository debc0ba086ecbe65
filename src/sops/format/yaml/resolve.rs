//! Finds the value that the text of a YAML scalar stands for.

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

/// A text that is made here and wiped after use. The text may be secret, because the writer also asks for the meaning of
/// decrypted texts.
type WipedText = Zeroizing<String>;

/// Base64 as Go decodes it: padding is required, and the bits behind the last byte are not checked.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The tag of a YAML scalar, which changes how the scalar is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Text,
    Binary,
    Integer,
    Float,
    Boolean,
    Null,
    Time,
    /// Any other YAML tag: the text of the scalar is taken literally.
    Unknown,
}

/// The meaning of a YAML scalar without quotes.
pub(crate) enum Meaning {
    Null,
    /// The text stands for itself, a string.
    Text,
    /// The text stands for a value of this type, with this canonical text.
    Typed(ScalarType, WipedText),
}

impl Tag {
    /// The prefix that the tag handle `!!` stands for.
    pub(crate) const PREFIX: &str = "tag:yaml.org,2002:";
    /// The length of the longest full name of a known tag, in bytes.
    const LONGEST: usize = Self::PREFIX.len() + "timestamp".len();

    /// The tag with this full or short name. Returns `None` for `!`, which counts as no tag.
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

    /// The tag whose full name is `prefix` followed by `suffix`. The longest known name is `tag:yaml.org,2002:timestamp`. If the
    /// name would be longer, the result is [`Tag::Unknown`], and the name is not even built.
    pub(crate) fn prefixed(prefix: &str, suffix: &str) -> Option<Self> {
        if prefix.len() + suffix.len() > Self::LONGEST {
            return Some(Self::Unknown);
        }
        Self::named(&format!("{prefix}{suffix}"))
    }

    /// The short name of the YAML tag, for messages.
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

/// The value of a scalar. `plain` says whether the scalar was written without quotes.
///
/// # Errors
/// When the text does not fit the type that the tag names.
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

/// The bytes of a text. A borrowed text stays borrowed.
pub(crate) fn stored(text: Cow<'_, str>) -> Stored<'_> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The string whose bytes are encoded in the base64 `text` of a `!!binary` scalar.
fn binary<'a>(text: &str) -> Result<Value<Stored<'a>>, String> {
    let digits: String = text.chars().filter(|char| !matches!(char, '\r' | '\n')).collect();
    let bytes = BASE64.decode(digits);
    let bytes = bytes.map_err(|_| "a !!binary value is not base64".to_owned())?;
    Ok(Value::Scalar(ScalarType::Text, Cow::Owned(bytes)))
}

/// The meaning of `text` under a tag that names a type. Returns `None` if the text is not of this type.
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

/// The meaning of `text` without quotes and without a tag. If `times` is false, a time is not recognised.
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

/// The number that `text` spells, after each `_` was removed.
fn numeric(text: &str) -> Option<Meaning> {
    integer(text).or_else(|| decimal(text)).or_else(|| signed_behind_prefix(text))
}

/// Reads an integer with an optional sign: hexadecimal (`0x`), octal (`0o` or `0`), binary (`0b`) or decimal.
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

/// Splits a number into its sign, if there is one, and the rest.
fn split_sign(text: &str) -> (Option<char>, &str) {
    match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.chars().next(), rest),
        None => (None, text),
    }
}

/// The unsigned number that the digits spell. A prefix such as `0x` tells the base.
fn magnitude(digits: &str) -> Option<u64> {
    let bytes = digits.as_bytes();
    let (radix, digits) = match (bytes, digits.get(2..)) {
        ([b'0', b'x' | b'X', _, ..], Some(rest)) => (16, rest),
        ([b'0', b'o' | b'O', _, ..], Some(rest)) => (8, rest),
        ([b'0', b'b' | b'B', _, ..], Some(rest)) => (2, rest),
        ([b'0', _, ..], _) => (8, digits),
        _ => (10, digits),
    };
    // `digits` must not have a sign. `from_str_radix` of the standard library would accept a `+`, so signs are refused here.
    let unsigned = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    unsigned.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// Reads a number with the sign behind the prefix, such as `0b-1` or `0o+7`. go-yaml, the YAML library of sops, accepts such
/// numbers.
fn signed_behind_prefix(text: &str) -> Option<Meaning> {
    let (radix, rest) = match (text.strip_prefix("0b"), text.strip_prefix("0o")) {
        (Some(rest), _) => (2, rest),
        (_, Some(rest)) => (8, rest),
        _ => return None,
    };
    signed(i64::from_str_radix(rest, radix).ok())
}

/// Reads a decimal number with an optional fraction and an optional exponent. Returns `None` if the number is too large for a
/// float.
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
