//! The forms of a part, by the names that they have in a manifest.

use crate::sops::env_file::Form;

/// The form in which a part of a sops file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartForm {
    /// JSON, as sops prints it.
    Json,
    /// YAML, as sops prints it.
    Yaml,
    /// One line for each element of a list.
    Lines,
    /// The variables of a map, for one reader.
    Variables(Form),
}

impl PartForm {
    /// The form with this name in a manifest.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let forms = [Self::Json, Self::Yaml, Self::Lines].into_iter();
        let mut forms = forms.chain(Form::ALL.map(Self::Variables));
        forms.find(|form| form.name() == name)
    }

    /// The name of the form in a manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Lines => "lines",
            Self::Variables(form) => form.name(),
        }
    }
}
