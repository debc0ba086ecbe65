//! Checks the templates of a manifest without any value.

use std::collections::HashSet;

use super::{env_template, lacks::Lacks, template::Slot, template_error::failure, template_text::TemplateText, tokens::Tokens};
use crate::{
    manifest::{Manifest, Template},
    sops::env_file::Take,
    system::{budget, confinement::Confined, read::Reader},
    text::{diagnosis::Diagnosis, printable::named},
};

/// Finds the templates that no values could make good: with a placeholder of no secret, or of no filter. A template whose file is
/// on another machine is not checked, nor are those of a manifest without a `version`, because the program of sops-nix checks none.
pub(crate) fn check(manifest: &Manifest) -> Lacks {
    if manifest.is_of_sops_nix || manifest.templates.is_empty() {
        return Lacks::default();
    }
    let (tokens, mut reader) = (Tokens::of(manifest), Reader::new(Confined::default(), budget::TEMPLATE_FILES));
    let declared: HashSet<_> = manifest.secrets.iter().map(|secret| secret.name.as_str()).collect();
    let fault = |template| {
        let text = TemplateText::at_hand(template, &mut reader)?;
        fault(template, text.expose(), &tokens, &declared).map(|diagnosis| (template, diagnosis))
    };
    let faults = manifest.templates.iter().filter_map(fault);
    faults.fold(Lacks::default(), |lacks, (template, diagnosis)| {
        lacks.and(failure(template, diagnosis).into())
    })
}

/// What is wrong with the text of a template.
fn fault(template: &Template, text: &[u8], tokens: &Tokens<'_>, declared: &HashSet<&str>) -> Option<Diagnosis> {
    let write = |slot: Slot<'_, '_>, take: Take<'_>| {
        if declared.contains(slot.reference.secret) {
            slot.write(b"", take)
        } else {
            let secret = named(slot.reference.secret);
            Err(Diagnosis::new(
                format!("it needs secret {secret}, which this manifest does not install"),
                "declare that secret without neededForUsers",
            ))
        }
    };
    // A run looks at the whole text first, with its comments.
    let render = |form| env_template::render(tokens, text, form, 0, write).err();
    tokens.measure(text, write).err().or_else(|| template.form.and_then(render))
}
