//! Checks the names of the units that a manifest wants restarted or reloaded.

use super::{findings::Findings, named_entry::NamedEntry};
use crate::{install::units::full_name, system::service_manager::IS_SYSTEMD, text::printable::named};

/// Returns the full names of those units that can be given to systemd. The others are findings.
pub(crate) fn units(what: NamedEntry<'_>, field: &str, units: Vec<String>, findings: &mut Findings) -> Vec<String> {
    if !units.is_empty() {
        need_systemd(IS_SYSTEMD, what, field, findings);
    }
    let (good, bad): (Vec<_>, Vec<_>) = units.into_iter().partition(|unit| is_unit_name(unit));
    for unit in bad {
        let finding = format!("{field} of {what} contains {}, which is not the name of a unit", named(&unit));
        findings.forgivable(
            finding,
            "it is ignored",
            "write the full name of a unit, such as nginx.service",
        );
    }
    good.iter().map(|unit| full_name(unit)).collect()
}

/// Unit requests on a system without systemd are an error: nobody would carry them out.
fn need_systemd(is_there: bool, what: NamedEntry<'_>, field: &str, findings: &mut Findings) {
    if !is_there {
        findings.error(
            format!("{what} has {field}, but this system has no systemd"),
            format!("remove {field}; what reads the file has to notice a change itself"),
        );
    }
}

/// Whether `unit` is a valid name of a unit: 1 to 255 of the characters that systemd.unit(5) allows. A leading dash is refused,
/// because systemctl would take the name for an option.
fn is_unit_name(unit: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || ":-_.\\@".contains(character);
    !unit.is_empty() && unit.len() <= 255 && !unit.starts_with('-') && unit.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_refused_where_there_is_no_systemd() {
        let said = |is_there| {
            let mut findings = Findings::new(Some(1));
            need_systemd(is_there, NamedEntry::Secret("a"), "restartUnits", &mut findings);
            findings.errors.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(said(true), Vec::<String>::new());
        let refusal = "secret \"a\" has restartUnits, but this system has no systemd; remove restartUnits; what reads the file has to notice a change itself";
        assert_eq!(said(false), [refusal]);
    }
}
