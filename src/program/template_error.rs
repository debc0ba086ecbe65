//! Why a template cannot be rendered.

use super::{
    failure::Failure,
    lacks::{Absent, Lacks},
};
use crate::{
    install::EntryKind,
    manifest::Template,
    text::{diagnosis::Diagnosis, printable::named},
};

/// Why a template cannot be rendered.
pub(crate) struct TemplateError {
    /// The reason, as a message for people.
    pub(crate) diagnosis: Diagnosis,
    /// What kind of reason it is.
    pub(crate) why: TemplateLack,
}

/// What kind of reason it is that a template cannot be rendered.
pub(crate) enum TemplateLack {
    /// It needs optional secrets which are absent.
    Absence,
    /// It needs secrets which only a key service could give, and nothing else is wrong.
    Awaiting,
    /// It needs secrets which may be left out if they fail, and nothing else is wrong.
    Tolerated,
    /// Something else is wrong.
    Fault,
}

impl TemplateError {
    /// What is lacking because of this error of `template`.
    pub(crate) fn of(self, template: &Template) -> Lacks {
        let failed = |diagnosis, is_tolerated| Failure {
            is_tolerated,
            ..failure(template, diagnosis)
        };
        match self.why {
            TemplateLack::Absence => Lacks::from(Absent {
                reason: self.diagnosis,
                kind: EntryKind::Template,
                entries: vec![template.name.to_string()],
                sops_file: None,
            }),
            TemplateLack::Awaiting => Lacks::awaiting(failed(self.diagnosis, true)),
            TemplateLack::Tolerated => Lacks::from(failed(self.diagnosis, true)),
            TemplateLack::Fault => Lacks::from(failed(self.diagnosis, false)),
        }
    }
}

impl From<Diagnosis> for TemplateError {
    fn from(diagnosis: Diagnosis) -> Self {
        Self {
            diagnosis,
            why: TemplateLack::Fault,
        }
    }
}

/// The failure of a template.
pub(crate) fn failure(template: &Template, diagnosis: Diagnosis) -> Failure {
    Failure {
        diagnosis: diagnosis.of(of_template(template)),
        kind: EntryKind::Template,
        entries: vec![template.name.to_string()],
        sops_file: None,
        is_tolerated: false,
    }
}

/// What a message calls a template.
pub(crate) fn of_template(template: &Template) -> String {
    format!("template {}", named(template.name.as_str()))
}
