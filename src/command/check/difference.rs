//! Compares a sops file with the rule for it.

use super::problem::FileProblem;
use crate::{
    keys::report::recipient::shown_key,
    program::remedy::Editable,
    sops::{
        SopsFile,
        creation_rules::{CreationRule, RecipientKind, RuleRecipient},
        format::Format,
    },
    text::{diagnosis::Diagnosis, printable::quoted},
};

/// All that is not as the rule says: the recipients, how many key groups open the file, and which values are encrypted.
pub(crate) fn problems(sops_file: &SopsFile<'_>, rule: &CreationRule, file: Editable<'_>) -> Vec<FileProblem> {
    if let Some(fault) = rule.faults().first() {
        return vec![FileProblem::new("rule", fault.clone())];
    }
    let groups = &sops_file.metadata().key_groups.groups;
    let groups: Vec<Vec<_>> = groups
        .iter()
        .map(|group| group.keys.iter().map(RuleRecipient::from).collect())
        .collect();
    let mut problems = recipients(&groups, rule, file);
    if problems.is_empty() {
        problems.extend(threshold(sops_file, rule, file));
    }
    problems.extend(selection(sops_file, rule, file));
    problems
}

/// Recipients that only one of the two names. As in sops, the first key group is compared with the first one, and so on.
fn recipients(groups: &[Vec<RuleRecipient>], rule: &CreationRule, file: Editable<'_>) -> Vec<FileProblem> {
    let several = groups.len().max(rule.groups.len()) > 1;
    let (mut missing, mut extra) = (Vec::new(), Vec::new());
    for index in 0..groups.len().max(rule.groups.len()) {
        let of_file = groups.get(index).map(Vec::as_slice).unwrap_or_default();
        let of_rule = rule.groups.get(index).map(Vec::as_slice).unwrap_or_default();
        let place = if several {
            format!(" in key group {}", index.saturating_add(1))
        } else {
            String::new()
        };
        let absent = of_rule
            .iter()
            .filter(|wanted| !of_file.iter().any(|found| wanted.means(found)));
        missing.extend(absent.map(|recipient| recipient_text(recipient) + &place));
        let unnamed = of_file
            .iter()
            .filter(|found| !of_rule.iter().any(|wanted| wanted.means(found)));
        extra.extend(unnamed.map(|recipient| recipient_text(recipient) + &place));
    }
    let number = rule.number;
    let problem = |kind, found: Vec<String>, what: String| {
        let cause = format!("{what}: {}", found.join(", "));
        (!found.is_empty()).then(|| FileProblem::new(kind, Diagnosis::new(cause, file.sops("updatekeys"))))
    };
    let missing = problem(
        "missing-recipient",
        missing,
        format!("it cannot be opened by these recipients of rule {number}"),
    );
    let extra = problem(
        "extra-recipient",
        extra,
        format!("it can be opened by recipients that rule {number} does not name"),
    );
    missing.into_iter().chain(extra).collect()
}

fn recipient_text(recipient: &RuleRecipient) -> String {
    let (kind, shown) = shown_key(recipient.kind, &recipient.name);
    match recipient.kind {
        RecipientKind::Age => shown,
        _ => format!("{kind} {shown}"),
    }
}

/// `sops updatekeys` keeps the number of groups that open a file, so the file must be encrypted anew.
fn threshold(sops_file: &SopsFile<'_>, rule: &CreationRule, file: Editable<'_>) -> Option<FileProblem> {
    let groups = &sops_file.metadata().key_groups;
    let (found, wanted) = (groups.needed(), rule.needed());
    if rule.groups.len() < 2 || found == wanted {
        return None;
    }
    let number = rule.number;
    let cause = format!("{found} key groups open it together, but rule {number} wants {wanted}");
    Some(FileProblem::new("threshold", Diagnosis::new(cause, file.encrypt_anew())))
}

/// The values that are encrypted. `sops updatekeys` does not change them either. In a binary file, sops ignores this part of a rule.
fn selection(sops_file: &SopsFile<'_>, rule: &CreationRule, file: Editable<'_>) -> Option<FileProblem> {
    if file.format() == Format::Binary {
        return None;
    }
    let (field, value) = sops_file.rule();
    let found = (field, String::from_utf8_lossy(value).into_owned());
    let default = || ("unencrypted_suffix", "_unencrypted".to_owned());
    let wanted = rule.selection().cloned().unwrap_or_else(default);
    let number = rule.number;
    let cause = if found != wanted {
        let text = |(field, value): &(&str, String)| format!("{field} {}", quoted(value));
        format!(
            "it was encrypted with {}, but rule {number} says {}",
            text(&found),
            text(&wanted)
        )
    } else if sops_file.metadata().mac_only_encrypted != rule.mac_only_encrypted {
        let wanted = rule.mac_only_encrypted;
        format!(
            "it was encrypted with mac_only_encrypted {}, but rule {number} says {wanted}",
            !wanted
        )
    } else {
        return None;
    };
    let remedy = format!(
        "if the rule is wrong, correct it; if it is right, also about what stays in the clear, {}",
        file.encrypt_anew()
    );
    Some(FileProblem::new("selection", Diagnosis::new(cause, remedy)))
}
