//! One file `.sops.yaml`, and the directory that its rules are about.

use std::path::{Path, PathBuf};

use super::candidate::FileToCheck;
use crate::{
    command::{input::Input, rule_place::RULE_FILE},
    keys::{is_age_recipient, report::recipient::shown_age},
    sops::creation_rules::{CreationRule, CreationRules, RecipientKind},
    text::{
        diagnosis::Diagnosis,
        identity::{has_identity, without_identity},
        printable::{named, shown},
    },
};

/// The most bytes of a file `.sops.yaml` that is read.
const LARGEST: usize = 16 << 20;

/// A file `.sops.yaml`.
pub(crate) struct RuleFile {
    /// What messages call it.
    pub(crate) name: String,
    /// The directory that it is in.
    directory: PathBuf,
    rules: CreationRules,
}

impl RuleFile {
    /// Reads the file in a directory. `current` is the directory in which commands are typed.
    ///
    /// # Errors
    ///
    /// With a message for people, if the file cannot be read, or sops could not follow it.
    pub(crate) fn read(directory: &Path, current: &Path) -> Result<Self, Diagnosis> {
        let path = directory.join(RULE_FILE);
        let path = path.strip_prefix(current).unwrap_or(&path);
        let text = Input::read(path, LARGEST, LARGEST)?.text;
        let name = shown(path);
        let parsed = CreationRules::parse(text.expose());
        let mut rules = parsed.map_err(|error| Diagnosis::new(format!("cannot use {name}: {error}"), "correct the file"))?;
        if rules.all().is_empty() {
            let cause = format!("{name} has no creation_rules");
            return Err(Diagnosis::new(
                cause,
                "add one with the recipients; to print those of this host, run: sops-nix keys",
            ));
        }
        for rule in rules.all_mut() {
            if let Some(fault) = unusable_recipient(rule) {
                rule.add_fault(fault);
            }
        }
        Ok(Self {
            name,
            directory: directory.to_owned(),
            rules,
        })
    }

    /// Why sops encrypts nothing by some of the rules, or not what they say.
    pub(crate) fn faults(&self) -> Vec<Diagnosis> {
        let faults = self.rules.all().iter().flat_map(CreationRule::faults);
        faults.map(|fault| fault.clone().of(&self.name)).collect()
    }

    /// What sops ignores in the file.
    pub(crate) fn remarks(&self) -> Vec<Diagnosis> {
        let unknown = self.rules.all().iter().flat_map(|rule| {
            let fields = rule.unknown.iter();
            fields.map(|(field, nearest)| self.ignored(rule, field, nearest.as_deref()))
        });
        unknown.collect()
    }

    fn ignored(&self, rule: &CreationRule, field: &str, nearest: Option<&str>) -> Diagnosis {
        let cause = format!(
            "sops ignores the field {} in rule {} of {}",
            named(without_identity(field)),
            rule.number,
            self.name
        );
        Diagnosis {
            cause,
            remedy: nearest.map(|nearest| format!("did you mean {}?", named(nearest))),
        }
    }

    /// The rule for a file.
    ///
    /// # Errors
    ///
    /// With a message for people, if a pattern takes too long.
    pub(crate) fn rule_for(&mut self, candidate: &FileToCheck) -> Result<Option<&CreationRule>, Diagnosis> {
        let path = candidate.path.strip_prefix(&self.directory).unwrap_or(&candidate.path);
        let rule = self.rules.rule_for(path.as_os_str().as_encoded_bytes());
        rule.map_err(|error| Diagnosis::new(format!("cannot use {}: {error}", self.name), "correct the pattern"))
    }
}

/// A text below `age` that is no recipient. sops then encrypts nothing by the rule.
fn unusable_recipient(rule: &CreationRule) -> Option<Diagnosis> {
    let recipients = rule.groups.iter().flatten();
    let mut of_age = recipients.filter(|recipient| recipient.kind == RecipientKind::Age);
    let recipient = of_age.find(|recipient| !is_age_recipient(&recipient.name) && !has_identity(&recipient.name))?;
    let shown = shown_age(&recipient.name);
    let cause = format!("rule {} has {shown} below \"age\", which is no age recipient", rule.number);
    Some(Diagnosis::new(
        cause,
        "correct that recipient; to print the recipients of this host, run: sops-nix keys",
    ))
}
