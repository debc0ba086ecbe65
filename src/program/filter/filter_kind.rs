//! The filters, by their names.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{json, lines, nix, url, xml};
use crate::{
    program::{quotes::Quotes, surroundings::Surroundings},
    sops::env_file::{Take, Unwritable, sh, systemd},
    text::{diagnosis::Diagnosis, printable::named},
};

/// How a value is written into the text of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A string of JSON.
    Json,
    /// A string of YAML.
    Yaml,
    /// A value in a file for `EnvironmentFile=` of systemd.
    Env,
    /// A word of a POSIX shell.
    Sh,
    /// A string of the Nix language.
    Nix,
    /// A part of a URL.
    Url,
    /// Text of XML.
    Xml,
    /// The digits of base64.
    Base64,
    /// The value with this many spaces before each line but the first, for a block of YAML.
    Indent(u8),
    /// The first line, without its end.
    FirstLine,
}

/// The filters that have no number, with their names.
const NAMED: [(&str, Filter); 9] = [
    ("json", Filter::Json),
    ("yaml", Filter::Yaml),
    ("env", Filter::Env),
    ("sh", Filter::Sh),
    ("nix", Filter::Nix),
    ("url", Filter::Url),
    ("xml", Filter::Xml),
    ("base64", Filter::Base64),
    ("first-line", Filter::FirstLine),
];

/// The beginning of the name of [`Filter::Indent`].
const INDENT: &str = "indent-";

/// The names of all filters, for messages.
pub(crate) const NAMES: &str = "json, yaml, env, sh, nix, url, xml, base64, first-line and indent-1 to indent-99";

/// Why a value is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// What the value has that the language has no spelling for.
    Value(&'static str),
    /// Single quotes around the place, between which the language has no escapes.
    SingleQuotes,
    /// Quotes that can be read in two ways.
    UnclearQuotes,
    /// Further text in the same string, which has no quotes.
    PartOfString,
    /// Quotes around a word of a shell, or a part of a script that is not followed.
    NoWord,
}

impl From<Unwritable> for FilterError {
    fn from(fault: Unwritable) -> Self {
        Self::Value(fault)
    }
}

impl FilterError {
    /// What to tell about `filter` and the secret called `secret`.
    pub(crate) fn diagnosis(self, filter: Filter, secret: &str) -> Diagnosis {
        let secret = named(secret);
        match self {
            Self::Value(fault) => Diagnosis::new(
                format!("secret {secret} has {fault}, which the filter {filter} cannot write"),
                "change the value, or use the filter base64 if its reader can decode that",
            ),
            Self::SingleQuotes => Diagnosis::new(
                format!("secret {secret} with the filter {filter} is between single quotes, which know no escapes"),
                "write double quotes, or none",
            ),
            Self::UnclearQuotes => Diagnosis::new(
                format!("it is not clear whether secret {secret} with the filter {filter} is between quotes"),
                "write it as a string of its own on the line",
            ),
            Self::PartOfString => Diagnosis::new(
                format!("secret {secret} with the filter {filter} is a part of a string without quotes"),
                "write double quotes around the whole string",
            ),
            Self::NoWord => Diagnosis::new(
                format!(
                    "secret {secret} with the filter sh is between quotes, in a comment, or behind a here-document or a backquote"
                ),
                "write it outside of quotes, before any here-document",
            ),
        }
    }
}

impl Filter {
    /// The filter with this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let Some(digits) = name.strip_prefix(INDENT) else {
            let found = NAMED.iter().find(|(other, _)| *other == name);
            return found.map(|(_, filter)| *filter);
        };
        let columns = digits.parse().ok().filter(|columns| (1..=lines::MOST).contains(columns))?;
        // A number has one spelling.
        Some(Self::Indent(columns)).filter(|filter| filter.to_string() == name)
    }

    /// What the filter writes of `value` as it is, whatever stands around it.
    pub(crate) fn without_escapes(self, value: &[u8]) -> &[u8] {
        match self {
            Self::FirstLine => lines::first(value),
            Self::Indent(_) => value,
            _ => b"",
        }
    }

    /// The quotes around a place in which this filter writes a string.
    ///
    /// # Errors
    ///
    /// When a string of the language cannot stand at the place.
    pub(crate) fn fit(self, place: &Surroundings<'_>) -> Result<Option<Quotes>, FilterError> {
        let is_value = match self {
            Self::Json => place.is_value(),
            Self::Nix => !place.is_in_nix_string && place.is_value(),
            Self::Yaml => place.is_yaml_value(),
            Self::Env => place.is_variable(),
            Self::Sh if place.takes_shell_word => return Ok(None),
            Self::Sh => return Err(FilterError::NoWord),
            Self::Url | Self::Xml | Self::Base64 | Self::Indent(_) | Self::FirstLine => return Ok(place.quotes),
        };
        match place.quotes {
            _ if !place.is_clear() || self == Self::Nix && place.is_in_nix_string => Err(FilterError::UnclearQuotes),
            None if !is_value => Err(FilterError::PartOfString),
            Some(Quotes::Single) => Err(FilterError::SingleQuotes),
            quotes => Ok(quotes),
        }
    }

    /// Takes `value` as it is written at a place in a text. `quotes` are those around the place. Where there are none, a string has its
    /// own.
    ///
    /// # Errors
    ///
    /// When there is no spelling that its reader would give back as `value`.
    pub fn write(self, value: &[u8], quotes: Option<Quotes>, take: &mut dyn FnMut(&[u8])) -> Result<(), FilterError> {
        match self {
            Self::Json | Self::Yaml => string(quotes, take, |take| json::write(value, take)),
            Self::Nix => string(quotes, take, |take| nix::write(value, take)),
            Self::Env if value.len() > systemd::MOST => Err(FilterError::Value("more bytes than a variable can have")),
            Self::Env => string(quotes, take, |take| systemd::between_double_quotes(value, take)),
            Self::Sh => Ok(sh::write(value, take)?),
            Self::Url => {
                url::write(value, take);
                Ok(())
            }
            Self::Xml => Ok(xml::write(value, take)?),
            Self::Base64 => base64(value, take),
            Self::Indent(columns) => {
                lines::indent(value, columns, take);
                Ok(())
            }
            Self::FirstLine => {
                take(lines::first(value));
                Ok(())
            }
        }
    }
}

/// The name in a placeholder.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Indent(columns) = self {
            return write!(f, "{INDENT}{columns}");
        }
        let name = NAMED.iter().find(|(_, filter)| filter == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

/// Takes a string between double quotes. The quotes are taken if there are none around the place.
fn string(
    quotes: Option<Quotes>,
    take: Take<'_>,
    content: impl FnOnce(Take<'_>) -> Result<(), Unwritable>,
) -> Result<(), FilterError> {
    let quote: &[u8] = match quotes {
        None => b"\"",
        Some(Quotes::Double) => b"",
        Some(Quotes::Single) => return Err(FilterError::SingleQuotes),
    };
    take(quote);
    content(take)?;
    take(quote);
    Ok(())
}

/// Takes the digits of base64 (RFC 4648, 4). They are written in a buffer that is wiped.
fn base64(value: &[u8], take: Take<'_>) -> Result<(), FilterError> {
    let mut digits = Zeroizing::new([0; 4096]);
    for part in value.chunks(3072) {
        let length = STANDARD.encode_slice(part, digits.as_mut_slice());
        let length = length.map_err(|_| FilterError::Value("more bytes than fit"))?;
        take(digits.get(..length).unwrap_or_default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(filter: &str, value: &[u8], quotes: Option<Quotes>) -> Result<String, FilterError> {
        let mut text = Vec::new();
        let filter = Filter::of_name(filter).unwrap();
        filter.write(value, quotes, &mut |part| text.extend_from_slice(part))?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn each_name_is_that_of_its_filter_and_no_other_is() {
        let named = NAMED.iter().map(|(name, _)| (*name).to_owned());
        for name in named.chain((1..=99).map(|columns| format!("indent-{columns}"))) {
            assert_eq!(Filter::of_name(&name).unwrap().to_string(), name);
        }
        for name in [
            "",
            "JSON",
            "indent",
            "indent-",
            "indent-0",
            "indent-04",
            "indent-+4",
            "indent-100",
            "indent-4 ",
        ] {
            assert_eq!(Filter::of_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_string_has_quotes_of_its_own_only_where_there_are_none() {
        let value = b"it's \"$HOME\"\\";
        for (filter, bare, double) in [
            ("json", r#""it's \"$HOME\"\\""#, r#"it's \"$HOME\"\\"#),
            ("yaml", r#""it's \"$HOME\"\\""#, r#"it's \"$HOME\"\\"#),
            ("env", r#""it's \"\$HOME\"\\""#, r#"it's \"\$HOME\"\\"#),
            ("nix", r#""it's \"\$HOME\"\\""#, r#"it's \"\$HOME\"\\"#),
        ] {
            assert_eq!(written(filter, value, None).as_deref(), Ok(bare), "{filter}");
            assert_eq!(
                written(filter, value, Some(Quotes::Double)).as_deref(),
                Ok(double),
                "{filter}"
            );
            assert_eq!(
                written(filter, value, Some(Quotes::Single)),
                Err(FilterError::SingleQuotes),
                "{filter}"
            );
        }
    }

    #[test]
    fn base64_of_a_long_value_is_that_of_the_whole() {
        let value: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        assert_eq!(written("base64", &value, None), Ok(STANDARD.encode(&value)));
    }

    #[test]
    fn the_first_line_is_without_its_end_and_spaces_stand_before_the_others() {
        for (value, first) in [
            ("", ""),
            ("a", "a"),
            ("a\r", "a\r"),
            ("a\nb", "a"),
            ("a\r\nb", "a"),
            ("\nb", ""),
        ] {
            assert_eq!(
                written("first-line", value.as_bytes(), None).as_deref(),
                Ok(first),
                "{value:?}"
            );
        }
        assert_eq!(
            written("indent-2", b"a\n\nb\r\n\r\nc\n", None).as_deref(),
            Ok("a\n\n  b\r\n\r\n  c\n")
        );
    }
}
