//! Renders templates. Each placeholder is replaced by its value, all other text stays, and nothing that looks like a placeholder is
//! left.
//!
//! The input is a template. Short words, of letters that a hash does not contain, are placeholders too. So placeholders can
//! overlap, and contain each other.
#![no_main]

use std::sync::LazyLock;

use sops_install_secrets::fuzzing::Tokens;
use sops_install_secrets_fuzz::{messages::assert_presentable, timed_fuzz_target};

/// Placeholders and their values. A value contains placeholders. All other bytes of a value never occur in a template.
const SECRETS: [(&str, &[u8]); 5] = [
    ("<SOPS:00:PLACEHOLDER>", b"\xfe1<SOPS:01:PLACEHOLDER>\xff"),
    ("<SOPS:01:PLACEHOLDER>", b"\xfe2yz\xff"),
    ("y", b"\xfe3\xff"),
    ("yz", b"\xfe4\xff"),
    ("zz<", b"\xfe\xff"),
];

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| Tokens::new(SECRETS.map(|(token, _)| token)));

timed_fuzz_target!(|text: &[u8]| {
    let value = |token: usize| Ok(SECRETS[token].1);
    let rendered = TOKENS
        .length(text, value)
        .and_then(|length| TOKENS.render(text, length, value));
    match rendered {
        Ok(rendered) => assert_eq!(rendered.expose(), replaced(text)),
        // There is a value for each placeholder. So the text that is left only looks like a placeholder.
        Err(diagnosis) => {
            assert_presentable(&diagnosis);
            assert!(text.windows(6).any(|window| window == b"<SOPS:"));
        }
    }
});

/// Renders the template in a slow and simple way: from the left, it replaces the longest placeholder at each position. It asserts
/// that no other text looks like a placeholder of the Nix modules, because such a text has to be an error.
fn replaced(mut text: &[u8]) -> Vec<u8> {
    let mut rendered = Vec::new();
    while let Some((first, rest)) = text.split_first() {
        let tokens = SECRETS.iter().filter(|(token, _)| text.starts_with(token.as_bytes()));
        match tokens.max_by_key(|(token, _)| token.len()) {
            Some((token, value)) => {
                rendered.extend_from_slice(value);
                text = &text[token.len()..];
            }
            None => {
                assert!(!looks_like_token(text), "a token is left: {}", text.escape_ascii());
                rendered.push(*first);
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
