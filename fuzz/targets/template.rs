//! Templates: each token becomes its value, all else stays, and nothing that looks like a token is left.
//!
//! The input is a template, in which short words (of letters that no hash has) are tokens too, so that they overlap and contain each other.
#![no_main]

use std::sync::LazyLock;

use sops_install_secrets::fuzzing::Tokens;
use sops_install_secrets_fuzz::{messages::assert_presentable, timed_fuzz_target};

/// Tokens and their values; the values hold tokens, and no byte of a template that is not a byte of a token.
const SECRETS: [(&str, &[u8]); 5] = [
    ("<SOPS:00:PLACEHOLDER>", b"\xfe1<SOPS:01:PLACEHOLDER>\xff"),
    ("<SOPS:01:PLACEHOLDER>", b"\xfe2yz\xff"),
    ("y", b"\xfe3\xff"),
    ("yz", b"\xfe4\xff"),
    ("zz<", b"\xfe\xff"),
];

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| Tokens::new(SECRETS.map(|(token, _)| token)).expect("tokens"));

timed_fuzz_target!(|text: &[u8]| {
    let value = |token: usize| Ok(SECRETS[token].1);
    let rendered = TOKENS.length(text, value).and_then(|length| TOKENS.render(text, length, value));
    match rendered {
        Ok(rendered) => assert_eq!(rendered.expose(), replaced(text)),
        // Every value is there, so what is left looks like a token and is none.
        Err(diagnosis) => {
            assert_presentable(&diagnosis);
            assert!(text.windows(6).any(|window| window == b"<SOPS:"));
        }
    }
});

/// The same, the slow way: from the left, the longest token that stands there. A token of the Nix modules' form that is none is not
/// expected, because it has to be an error.
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

/// The form that the Nix modules give tokens: a hash.
fn looks_like_token(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"<SOPS:") else {
        return false;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    (1..=64).contains(&digits) && rest[digits..].starts_with(b":PLACEHOLDER>")
}
