//! Reads the field `as`: the form in which a secret or a template is written.

use serde::de::IgnoredAny;

use super::{findings::Findings, named_entry::NamedEntry};
use crate::{
    sops::{
        env_file::{EnvFile, Form},
        format::Format,
        part::PartForm,
    },
    text::printable::named,
};

/// The form of the text of a template; `None` if `as` is not set.
pub(crate) fn of_text(what: NamedEntry<'_>, name: &str, findings: &mut Findings) -> Option<Form> {
    let remedy = "set \"systemd-env\", \"docker-env\", \"dotenv\" or \"sh\"";
    known(what, name, Form::of_name(name), remedy, findings)
}

/// The name of the form of a single value by itself, as sops prints it. It is that of each key in a YAML or JSON file without `as`.
pub(crate) const VALUE: &str = "value";

/// The form of a part of a sops file; `None` if `as` is not set, or is [`VALUE`].
pub(crate) fn of_part(what: NamedEntry<'_>, name: &str, format: Format, findings: &mut Findings) -> Option<PartForm> {
    if format == Format::Binary && !name.is_empty() {
        findings.error(
            format!("{what} has \"as\", but its format is binary, which is bytes without parts"),
            "remove \"as\"",
        );
        return None;
    }
    let remedy = "set \"value\", \"json\", \"yaml\", \"lines\", \"systemd-env\", \"docker-env\", \"dotenv\" or \"sh\"";
    let name = Some(name).filter(|name| *name != VALUE)?;
    known(what, name, PartForm::of_name(name), remedy, findings)
}

/// Finds a `mockValue` that cannot be written in the form of its secret.
pub(crate) fn check_mock(what: NamedEntry<'_>, form: PartForm, text: &str, findings: &mut Findings) {
    let fault = match form {
        PartForm::Variables(form) => {
            if let Err(error) = EnvFile::of_dotenv(form, text.as_bytes()) {
                findings.error(format!("the mockValue of {what}: {error}"), error.remedy());
            }
            return;
        }
        PartForm::Json if serde_json::from_str::<IgnoredAny>(text).is_err() => "it is no JSON, as which it is to be written",
        PartForm::Lines if text.contains('\r') => "it has a carriage return, and a line of a host has none",
        PartForm::Json | PartForm::Lines | PartForm::Yaml => return,
    };
    findings.error(format!("the mockValue of {what}: {fault}"), "correct mockValue");
}

/// Returns `form`, which has this name in the manifest. Notes a name that is set but not known.
fn known<F>(what: NamedEntry<'_>, name: &str, form: Option<F>, remedy: &str, findings: &mut Findings) -> Option<F> {
    if form.is_none() && !name.is_empty() {
        findings.error(format!("{what} has the unknown \"as\" {}", named(name)), remedy);
    }
    form
}
