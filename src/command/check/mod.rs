//! Checks that everything is encrypted that `.sops.yaml` says, for whom it says.

mod candidate;
mod checker;
mod difference;
mod examination;
mod listing;
mod problem;
mod rule_file;
mod site;

pub(crate) use checker::answer;
