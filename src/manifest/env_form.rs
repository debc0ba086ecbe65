//! Reads the field `as`: for which reader a file of environment variables is written.

use super::{findings::Findings, named_entry::NamedEntry};
use crate::{
    sops::{
        env_file::{EnvFile, Form},
        format::Format,
    },
    text::printable::named,
};

/// The form of the text of a template; `None` if `as` is not set.
pub(crate) fn of_text(what: NamedEntry<'_>, name: &str, findings: &mut Findings) -> Option<Form> {
    let form = Form::of_name(name);
    if form.is_none() && !name.is_empty() {
        findings.error(
            format!("{what} has the unknown \"as\" {}", named(name)),
            "set \"systemd-env\", \"docker-env\", \"dotenv\" or \"sh\"",
        );
    }
    form
}

/// The form of a whole sops file, which has to be a dotenv file; `None` if `as` is not set.
pub(crate) fn of_file(what: NamedEntry<'_>, name: &str, format: Format, findings: &mut Findings) -> Option<Form> {
    let form = of_text(what, name, findings)?;
    if format != Format::Dotenv {
        findings.error(
            format!("{what} has \"as\", but its format is {format}"),
            "remove \"as\", or set the format to \"dotenv\"",
        );
    }
    Some(form)
}

/// Finds a `mockValue` that cannot be written in the form of its secret.
pub(crate) fn check_mock(what: NamedEntry<'_>, form: Form, text: &str, findings: &mut Findings) {
    if let Err(error) = EnvFile::of_dotenv(form, text.as_bytes()) {
        findings.error(format!("the mockValue of {what}: {error}"), error.remedy());
    }
}
