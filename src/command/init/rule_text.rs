//! The text of a new file `.sops.yaml`.

use std::path::Path;

use super::recipients::NamedRecipient;
use crate::{
    command::input::Input,
    sops::creation_rules::{CreationRule, CreationRules, RecipientKind},
};

/// The most bytes of a file `.sops.yaml` that is read.
const LARGEST: usize = 16 << 20;

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

/// The age recipients that the rules in a file name. A file that cannot be used names none: `sops-nix check` says what is wrong with it.
pub(crate) fn recipients_in(path: &Path) -> Vec<String> {
    let text = Input::read(path, LARGEST, LARGEST).ok();
    let rules = text.and_then(|input| CreationRules::parse(input.text.expose()).ok());
    let of_rule = |rule: &CreationRule| rule.groups.iter().flatten().cloned().collect::<Vec<_>>();
    let all = rules.iter().flat_map(CreationRules::all).flat_map(of_rule);
    all.filter(|recipient| recipient.kind == RecipientKind::Age)
        .map(|recipient| recipient.name)
        .collect()
}

/// A regular expression that matches this text alone.
fn pattern(text: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/_- ".contains(character) || !character.is_ascii();
    text.chars()
        .flat_map(|character| (!is_plain(character)).then_some('\\').into_iter().chain([character]))
        .collect()
}
