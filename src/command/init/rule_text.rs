//! The text of a new file `.sops.yaml`.

use super::recipients::NamedRecipient;

/// The text of a file `.sops.yaml` with one rule: for the file `name`, and all these recipients. Every version of sops takes this form.
pub(crate) fn text(name: &str, recipients: &[NamedRecipient]) -> String {
    let keys = recipients
        .iter()
        .map(|named| format!("  - &{} {}\n", named.who, named.recipient));
    let names = recipients.iter().map(|named| format!("          - *{}\n", named.who));
    format!(
        "# Who can decrypt which file. After a change, run: sops-nix check\n\
         keys:\n{}creation_rules:\n  - path_regex: '^{}$'\n    key_groups:\n      - age:\n{}",
        keys.collect::<String>(),
        pattern(name).replace('\'', "''"),
        names.collect::<String>()
    )
}

/// A regular expression that matches this text alone.
fn pattern(text: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/_- ".contains(character) || !character.is_ascii();
    text.chars()
        .flat_map(|character| (!is_plain(character)).then_some('\\').into_iter().chain([character]))
        .collect()
}
