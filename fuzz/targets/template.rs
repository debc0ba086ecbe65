//! Renders templates. Each placeholder is replaced by its value, all other text stays, and nothing that looks like a placeholder is
//! left.
//!
//! The input is a template. Short words, of letters that a hash does not contain, are placeholders too. So placeholders can
//! overlap, and contain each other.
#![no_main]

use std::sync::LazyLock;

use sops_install_secrets::fuzzing::{Slot, Tokens};
use sops_install_secrets_fuzz::{messages::assert_presentable, timed_fuzz_target};

/// Placeholders and their values. A value contains placeholders. All other bytes of a value never occur in a template. Each placeholder
/// is also the name of its secret.
const SECRETS: [(&str, &[u8]); 5] = [
    ("<SOPS:00:PLACEHOLDER>", b"\xfe1<SOPS:01:PLACEHOLDER>\xff"),
    ("<SOPS:01:PLACEHOLDER>", b"\xfe2yz\xff"),
    ("y", b"\xfe3@sops:y@\xff"),
    ("yz", b"\xfe4\xff"),
    ("zz<", b"\xfe\xff"),
];

static TOKENS: LazyLock<Tokens> =
    LazyLock::new(|| Tokens::new(SECRETS.map(|(token, _)| (token, token))).with_names(SECRETS.map(|(token, _)| token)));

/// All that is replaced, and what by. Of the filters, one writes nothing that is in a template.
static SPELLED: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let mut spelled = Vec::new();
    for (token, value) in SECRETS {
        let first = value.split(|&byte| byte == b'\n').next().unwrap_or_default().to_vec();
        spelled.push((token.to_owned(), value.to_vec()));
        spelled.push((format!("@sops:{token}@"), value.to_vec()));
        spelled.push((format!("@sops:{token}|first-line@"), first.clone()));
        if let Some(stem) = token.strip_suffix(":PLACEHOLDER>") {
            spelled.push((format!("{stem}:first-line:PLACEHOLDER>"), first));
        }
    }
    spelled
});

timed_fuzz_target!(|text: &[u8]| {
    // Other filters are in tests/readers, with the parsers of their languages.
    if text
        .windows(4)
        .any(|window| matches!(window, b"json" | b"yaml" | b"base" | b"inde"))
        || has_short_filter(text)
    {
        return;
    }
    let write = |slot: Slot<'_, '_>, take: &mut dyn FnMut(&[u8])| {
        let value = SECRETS.iter().find(|(token, _)| *token == slot.reference.secret);
        slot.write(value.map(|(_, value)| *value).unwrap_or_default(), take)
    };
    let rendered = TOKENS
        .measure(text, write)
        .and_then(|measured| TOKENS.render(text, &measured, write));
    match rendered {
        Ok(rendered) => assert_eq!(rendered.expose(), replaced(text)),
        // There is a value for each placeholder. So the text that is left only looks like a placeholder.
        Err(diagnosis) => {
            assert_presentable(&diagnosis);
            assert!(text.windows(6).any(|window| matches!(window, b"<SOPS:" | b"@sops:")));
        }
    }
});

/// Whether the text has the name of a filter of two or three letters, with what stands before it.
fn has_short_filter(text: &[u8]) -> bool {
    let names: [&[u8]; 5] = [b"env", b"sh", b"nix", b"url", b"xml"];
    let begins = |rest: &[u8]| names.iter().any(|name| rest.starts_with(name));
    text.windows(4)
        .any(|window| matches!(window[0], b'|' | b':') && begins(&window[1..]))
}

/// Renders the template in a slow and simple way: from the left, it replaces the longest placeholder at each position. It asserts
/// that no other text looks like a placeholder, because such a text has to be an error.
fn replaced(mut text: &[u8]) -> Vec<u8> {
    let (mut rendered, mut before) = (Vec::new(), None);
    while let Some((first, rest)) = text.split_first() {
        let tokens = SPELLED.iter().filter(|(token, _)| text.starts_with(token.as_bytes()));
        match tokens.max_by_key(|(token, _)| token.len()) {
            Some((token, value)) => {
                rendered.extend_from_slice(value);
                // A value is part of a word, such as the password before the name of a host.
                before = Some(b'x');
                text = &text[token.len()..];
            }
            None => {
                assert!(!looks_like_token(text), "a token is left: {}", text.escape_ascii());
                let is_host = before.is_some_and(|byte: u8| byte.is_ascii_alphanumeric() || b"%._-".contains(&byte));
                assert!(is_host || !text.starts_with(b"@sops:x@"), "a name is left");
                rendered.push(*first);
                before = Some(*first);
                text = rest;
            }
        }
    }
    rendered
}

/// Whether the text begins like a placeholder that the Nix modules make, which contains a hash.
fn looks_like_token(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"<SOPS:") else {
        return false;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    (1..=64).contains(&digits) && rest[digits..].starts_with(b":PLACEHOLDER>")
}
