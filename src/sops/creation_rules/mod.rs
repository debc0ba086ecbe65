//! The creation rules of a file `.sops.yaml`: for whom sops encrypts a file, and what of it.

mod error;
mod fields;
mod file;
mod groups;
mod recipient;
mod rule;

pub(crate) use file::CreationRules;
pub(crate) use recipient::{RecipientKind, RuleRecipient};
pub(crate) use rule::CreationRule;
