//! A file `.sops.yaml`, as far as it has creation rules.

use super::{error::RulesError, fields::YamlFields, rule::CreationRule};
use crate::sops::format::Format;

/// The creation rules of a file `.sops.yaml`.
pub(crate) struct CreationRules {
    rules: Vec<CreationRule>,
}

impl CreationRules {
    /// Reads the text of a file `.sops.yaml`. A file without creation rules has an empty list of them.
    ///
    /// # Errors
    /// When the text is not valid YAML, or a rule cannot be followed.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, RulesError> {
        let documents = Format::Yaml.parse(text);
        let documents = documents.map_err(|error| RulesError::new(format!("it is not valid yaml: {error}")))?;
        let Some(first) = documents.first() else {
            return Ok(Self { rules: Vec::new() });
        };
        let rules = YamlFields::new(first, "").maps("creation_rules", "rule")?;
        let rules = (1..).zip(&rules).map(|(number, fields)| CreationRule::new(number, fields));
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// All rules, in their order.
    pub(crate) fn all(&self) -> &[CreationRule] {
        &self.rules
    }

    /// All rules, in their order, to add faults to them.
    pub(crate) fn all_mut(&mut self) -> &mut [CreationRule] {
        &mut self.rules
    }

    /// The rule that sops takes for the file at `path`, counted from the directory of `.sops.yaml`: the first one that matches.
    ///
    /// # Errors
    /// When a pattern takes too long.
    pub(crate) fn rule_for(&mut self, path: &[u8]) -> Result<Option<&CreationRule>, RulesError> {
        for rule in &mut self.rules {
            if rule.is_for(path)? {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }
}
