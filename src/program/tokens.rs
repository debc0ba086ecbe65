//! Finds placeholders in the text of a template.
//!
//! There are three spellings. A manifest gives each secret a placeholder of its own, such as `<SOPS:HASH:PLACEHOLDER>`. The Nix modules put a
//! filter into it, as in `<SOPS:HASH:json:PLACEHOLDER>`. In a template, people write the name of the secret: `@sops:NAME@`, or
//! `@sops:NAME|json@`.

use std::collections::HashMap;

use memchr::{memchr_iter, memchr2_iter, memmem::Finder};

use super::{
    filter::Filter,
    marks::{CLOSING, Marks, NAME_CLOSING, NAME_OPENING, OPENING, PIPE},
};
use crate::manifest::Manifest;

/// The placeholders of a manifest, prepared for the search in templates.
///
/// Each place where the text has the beginning that all placeholders share is looked up in a table. The Nix modules make placeholders
/// of one length, so this is one look-up. An automaton of all placeholders would need far more memory than manifest and templates.
pub struct Tokens<'t> {
    /// The beginning that all placeholders share. `None` if there is no placeholder.
    start: Option<Finder<'t>>,
    /// The secret of each placeholder.
    secrets: HashMap<&'t [u8], &'t str>,
    /// The lengths of the placeholders in bytes, the longest first.
    lengths: Vec<usize>,
    /// The spellings with filters and names, if the manifest has these.
    spellings: Option<Spellings<'t>>,
    pub(crate) marks: Marks,
}

/// The spellings with filters and names.
struct Spellings<'t> {
    /// The secret of each placeholder of the Nix modules, by what stands before [`CLOSING`].
    stems: HashMap<&'t [u8], &'t str>,
    /// The names of the secrets.
    names: HashMap<&'t [u8], &'t str>,
    /// The length of the longest name with a filter that is looked for, in bytes.
    longest: usize,
}

/// What stands for a value: the name of the secret, and how its value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'t> {
    /// The name of the secret.
    pub secret: &'t str,
    /// The filter; `None` if the value is written as it is.
    pub filter: Option<Filter>,
}

/// A placeholder in a text: what it stands for, and where it begins and ends.
#[derive(Clone, Copy)]
pub(crate) struct Found<'t> {
    pub(crate) reference: Reference<'t>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Limit: a text of at most 256 bytes is taken for a placeholder, or for what is between the ends of one with a name. Placeholders of the
/// Nix modules have about 85 bytes.
pub(crate) const LONGEST: usize = 256;
/// The length of the longest filter with the character before it.
const LONGEST_FILTER: usize = 11;

impl<'t> Tokens<'t> {
    /// The placeholders of a manifest. Only a manifest with a `version` has filters and names.
    pub(crate) fn of(manifest: &'t Manifest) -> Self {
        let placeholders = manifest.placeholders.iter();
        let tokens = Self::new(placeholders.map(|placeholder| (placeholder.token.as_str(), placeholder.secret.as_str())));
        if manifest.is_of_sops_nix {
            return tokens;
        }
        tokens.with_names(manifest.secrets.iter().map(|secret| secret.name.as_str()))
    }

    /// Prepares the search for placeholders, each with the name of its secret. No placeholder may be empty, and no two may be the same.
    pub fn new(placeholders: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let secrets: HashMap<_, _> = placeholders
            .into_iter()
            .map(|(token, secret)| (token.as_bytes(), secret))
            .collect();
        let mut lengths: Vec<_> = secrets.keys().map(|token| token.len()).collect();
        lengths.sort_unstable_by(|one, other| other.cmp(one));
        lengths.dedup();
        Self {
            start: secrets.keys().copied().reduce(shared).map(Finder::new),
            secrets,
            lengths,
            spellings: None,
            marks: Marks::new(),
        }
    }

    /// The same search, also for placeholders with filters, and for the `names` of secrets.
    #[must_use]
    pub fn with_names(mut self, names: impl IntoIterator<Item = &'t str>) -> Self {
        let stem = |(token, secret): (&&'t [u8], &&'t str)| Some((token.strip_suffix(CLOSING)?, *secret));
        let names: HashMap<_, _> = names.into_iter().map(|name| (name.as_bytes(), name)).collect();
        let longest = names.keys().map(|name| name.len()).max().unwrap_or_default();
        self.spellings = Some(Spellings {
            stems: self.secrets.iter().filter_map(stem).collect(),
            names,
            longest: longest.saturating_add(LONGEST_FILTER).min(LONGEST),
        });
        self
    }

    /// The names that `@sops:NAME@` can have; `None` if this is no placeholder.
    pub(crate) fn names(&self) -> Option<impl Iterator<Item = &'t [u8]>> {
        Some(self.spellings.as_ref()?.names.keys().copied())
    }

    /// The first placeholder of the manifest in `text` from the position `from` on. Of several that begin at one place, the longest counts.
    fn find(&self, text: &[u8], mut from: usize) -> Option<Found<'t>> {
        let finder = self.start.as_ref()?;
        loop {
            let start = finder.find(text.get(from..)?)?.saturating_add(from);
            let mut ends = self.lengths.iter().map(|length| start.saturating_add(*length));
            let found = |end| Some((*self.secrets.get(text.get(start..end)?)?, end));
            if let Some((secret, end)) = ends.find_map(found) {
                let reference = Reference { secret, filter: None };
                return Some(Found { reference, start, end });
            }
            from = start.saturating_add(1);
        }
    }
}

impl<'t> Spellings<'t> {
    /// The first placeholder with a filter or a name in `text` from the position `from` on.
    fn find(&self, marks: &Marks, text: &[u8], from: usize) -> Option<Found<'t>> {
        let rest = text.get(from..)?;
        memchr2_iter(b'<', b'@', rest).find_map(|offset| {
            let (rest, start) = (rest.get(offset..)?, offset.saturating_add(from));
            let (reference, length) = self.filtered(marks, rest).or_else(|| self.named(rest))?;
            let end = start.saturating_add(length);
            Some(Found { reference, start, end })
        })
    }

    /// The placeholder `<SOPS:HASH:FILTER:PLACEHOLDER>` at the beginning of `text`, and its length.
    fn filtered(&self, marks: &Marks, text: &[u8]) -> Option<(Reference<'t>, usize)> {
        let text = text.get(..LONGEST.min(text.len()))?;
        let inside = text.starts_with(OPENING).then(|| marks.closing.find(text))??;
        // Most placeholders have no filter, so only the last few bytes are searched for one.
        let (_, filter) = split_last(text.get(inside.saturating_sub(LONGEST_FILTER)..inside)?, b':')?;
        let stem = text.get(..inside.checked_sub(filter.len())?.checked_sub(1)?)?;
        let (secret, filter) = (*self.stems.get(stem)?, Some(filter_of(filter)?));
        Some((Reference { secret, filter }, inside.saturating_add(CLOSING.len())))
    }

    /// The placeholder `@sops:NAME@` or `@sops:NAME|FILTER@` at the beginning of `text`, and its length. The longest name counts.
    fn named(&self, text: &[u8]) -> Option<(Reference<'t>, usize)> {
        let text = text.strip_prefix(NAME_OPENING)?;
        let window = text.get(..text.len().min(self.longest.saturating_add(1)))?;
        memchr_iter(NAME_CLOSING, window).rev().find_map(|end| {
            let reference = self.reference(window.get(..end)?)?;
            Some((reference, NAME_OPENING.len().saturating_add(end).saturating_add(1)))
        })
    }

    fn reference(&self, inside: &[u8]) -> Option<Reference<'t>> {
        if let Some(secret) = self.names.get(inside) {
            return Some(Reference { secret, filter: None });
        }
        let (name, filter) = split_last(inside, PIPE)?;
        Some(Reference {
            secret: self.names.get(name)?,
            filter: Some(filter_of(filter)?),
        })
    }
}

/// The placeholders of a text, one after the other. Each spelling is looked for once in the whole text.
pub(crate) struct Places<'a, 't> {
    tokens: &'a Tokens<'t>,
    text: &'a [u8],
    /// The next placeholder of the manifest.
    plain: Next<'t>,
    /// The next placeholder with a filter or a name.
    spelled: Next<'t>,
}

/// The next placeholder of one spelling.
#[derive(Clone, Copy)]
enum Next<'t> {
    /// It has not been looked for yet.
    Unknown,
    Found(Found<'t>),
    /// There is none.
    Nothing,
}

impl<'t> Next<'t> {
    /// The same placeholder if it begins at the position `from` or behind it, else the one that `find` finds.
    fn from(self, from: usize, find: impl FnOnce() -> Option<Found<'t>>) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Found(found) if found.start >= from => self,
            Self::Unknown | Self::Found(_) => find().map_or(Self::Nothing, Self::Found),
        }
    }

    fn found(self) -> Option<Found<'t>> {
        match self {
            Self::Found(found) => Some(found),
            Self::Unknown | Self::Nothing => None,
        }
    }
}

impl<'a, 't> Places<'a, 't> {
    pub(crate) fn of(tokens: &'a Tokens<'t>, text: &'a [u8]) -> Self {
        Self {
            tokens,
            text,
            plain: Next::Unknown,
            spelled: Next::Unknown,
        }
    }

    /// The first placeholder from the position `from` on, which never goes back. Of two that begin at one place, the longer counts.
    pub(crate) fn next(&mut self, from: usize) -> Option<Found<'t>> {
        let (text, tokens) = (self.text, self.tokens);
        self.plain = self.plain.from(from, || tokens.find(text, from));
        self.spelled = self
            .spelled
            .from(from, || tokens.spellings.as_ref()?.find(&tokens.marks, text, from));
        let both = [self.plain.found(), self.spelled.found()];
        both.into_iter()
            .flatten()
            .min_by_key(|found| (found.start, usize::MAX.saturating_sub(found.end)))
    }
}

/// The beginning that both texts have.
fn shared<'t>(one: &'t [u8], other: &[u8]) -> &'t [u8] {
    let length = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    one.get(..length).unwrap_or_default()
}

/// What stands before and behind the last `separator`.
pub(crate) fn split_last(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let (before, behind) = text.split_at_checked(text.iter().rposition(|&byte| byte == separator)?)?;
    Some((before, behind.get(1..)?))
}

fn filter_of(name: &[u8]) -> Option<Filter> {
    Filter::of_name(str::from_utf8(name).ok()?)
}
