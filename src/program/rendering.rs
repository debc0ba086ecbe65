//! Renders the templates of a manifest, in memory.

use std::collections::{BTreeSet, HashSet};

use memchr::memmem;

use super::{
    contents::Values,
    env_template, environment_files,
    failure::names,
    lacks::{Absent, Lacks},
    limit::Limit,
    template::{Measured, Slot},
    template_error::{TemplateError, TemplateLack, of_template},
    template_text::TemplateText,
    tokens::Tokens,
};
use crate::{
    manifest::{Manifest, OnFailure, Template},
    sops::env_file::Take,
    system::{budget, confinement::Confined, plaintext::Plaintext, read::Reader},
    text::{
        diagnosis::Diagnosis,
        printable::{named, printable},
    },
};

/// Renders all templates, and returns them in the order of the manifest. If a template cannot be rendered, `None` is in its place,
/// and a failure is returned for it. A template that needs one of the `absent` or `awaited` secrets is absent or awaited as well.
///
/// The limit `maxSize` holds once for all secrets together, and once more for all rendered templates together. The shortest
/// template is rendered first, whatever the order of the manifest. So a template with a very long secret does not take the room of
/// shorter templates. Template files are read on `thread`.
pub(crate) fn render(
    manifest: &Manifest,
    values: &Values<'_>,
    (absent, awaited): (&[Absent], &HashSet<&str>),
    thread: Confined,
) -> (Vec<Option<Plaintext>>, Lacks) {
    if manifest.templates.is_empty() {
        return (Vec::new(), Lacks::default());
    }
    let renderer = Renderer::new(manifest, values, absent, awaited);
    let mut reader = Reader::new(thread, budget::TEMPLATE_FILES);
    let mut drafts: Vec<_> = manifest
        .templates
        .iter()
        .map(|template| renderer.draft(template, &mut reader))
        .enumerate()
        .collect();
    drafts.sort_by_key(|(_, draft)| draft.as_ref().map_or(0, |draft| draft.measured.length));
    let mut room = manifest.max_size;
    let finish = |(position, draft): (usize, Result<RenderableTemplate<'_>, TemplateError>)| {
        let text = draft.and_then(|draft| Ok(renderer.finish(&draft, &mut room)?));
        (position, text)
    };
    let mut texts: Vec<_> = drafts.into_iter().map(finish).collect();
    texts.sort_by_key(|(position, _)| *position);
    let mut lacks = Lacks::default();
    let keep = |(template, (_, text)): (&Template, (usize, Result<Plaintext, TemplateError>))| {
        text.map_err(|error| lacks.add(error.of(template))).ok()
    };
    let kept = manifest.templates.iter().zip(texts).map(keep).collect();
    (kept, lacks)
}

/// The warning about values of `secrets` between quotes in `text`, in the place of which a filter would be better. `None` if there are none.
fn doubt(secrets: &BTreeSet<&str>, text: &[u8]) -> Option<Diagnosis> {
    let first = secrets.first()?;
    let typed = format!("@sops:{first}@");
    let filtered = match memmem::find(text, typed.as_bytes()) {
        Some(_) => printable(&format!("@sops:{first}|json@")),
        None => format!("config.sops.filtered.{}.json", named(first)),
    };
    let all: Vec<_> = secrets.iter().map(|secret| named(secret)).collect();
    Some(Diagnosis::new(
        format!(
            "between quotes, there is a quote, a backslash or a line end of {}",
            names(&all)
        ),
        format!("use a filter between double quotes, such as {filtered}"),
    ))
}

/// A template whose text has been read and measured.
struct RenderableTemplate<'m> {
    template: &'m Template,
    text: TemplateText<'m>,
    measured: Measured<'m>,
}

/// The placeholders and values that all templates of a manifest are rendered with.
struct Renderer<'m> {
    manifest: &'m Manifest,
    tokens: Tokens<'m>,
    declared: HashSet<&'m str>,
    /// The secrets that may be left out if they fail.
    tolerated: HashSet<&'m str>,
    /// The optional secrets that are absent.
    absent: HashSet<&'m str>,
    /// The secrets that only a key service could give.
    awaited: &'m HashSet<&'m str>,
    values: &'m Values<'m>,
}

impl<'m> Renderer<'m> {
    fn new(manifest: &'m Manifest, values: &'m Values<'m>, absent: &'m [Absent], awaited: &'m HashSet<&'m str>) -> Self {
        Self {
            manifest,
            tokens: Tokens::of(manifest),
            declared: manifest.secrets.iter().map(|secret| secret.name.as_str()).collect(),
            tolerated: manifest
                .secrets
                .iter()
                .filter(|secret| secret.on_failure != OnFailure::Abort)
                .map(|secret| secret.name.as_str())
                .collect(),
            absent: absent.iter().flat_map(|absent| &absent.entries).map(String::as_str).collect(),
            awaited,
            values,
        }
    }

    fn draft(&self, template: &'m Template, reader: &mut Reader) -> Result<RenderableTemplate<'m>, TemplateError> {
        let text = TemplateText::of(template, reader)?;
        match self.tokens.measure(text.expose(), |slot, take| self.write(slot, take)) {
            Ok(measured) => Ok(RenderableTemplate {
                template,
                text,
                measured,
            }),
            Err(diagnosis) => Err(self.error(text.expose(), diagnosis)),
        }
    }

    /// Why `text` cannot be rendered. `first` is the reason that stands first in it. What is absent or awaited counts only if nothing
    /// else is wrong.
    fn error(&self, text: &[u8], first: Diagnosis) -> TemplateError {
        let error = |diagnosis, why| TemplateError { diagnosis, why };
        let is_absent = |secret: &str| self.absent.contains(secret);
        if self.measure_without(text, is_absent).is_ok() {
            return error(first, TemplateLack::Absence);
        }
        let may_come = |secret: &str| is_absent(secret) || self.awaited.contains(secret);
        let Err(diagnosis) = self.measure_without(text, may_come) else {
            return error(first, TemplateLack::Awaiting);
        };
        let may_be_left_out = |secret: &str| may_come(secret) || self.tolerated.contains(secret);
        if self.measure_without(text, may_be_left_out).is_ok() {
            error(diagnosis, TemplateLack::Tolerated)
        } else {
            error(diagnosis, TemplateLack::Fault)
        }
    }

    /// Measures `text`, with nothing in the place of those secrets without a value that are `left_out`.
    fn measure_without(&self, text: &[u8], left_out: impl Fn(&str) -> bool) -> Result<Measured<'m>, Diagnosis> {
        self.tokens.measure(text, |slot, take| {
            let secret = slot.reference.secret;
            if left_out(secret) && !self.values.contains_key(secret) {
                return Ok(());
            }
            self.write(slot, take)
        })
    }

    fn finish(&self, draft: &RenderableTemplate<'m>, room: &mut usize) -> Result<Plaintext, Diagnosis> {
        let mut occupy = |length| {
            let left = room.checked_sub(length);
            *room = left.ok_or_else(|| Limit::of(self.manifest).exceeded("templates"))?;
            Ok::<_, Diagnosis>(())
        };
        let length = draft.measured.length;
        occupy(length)?;
        let (text, write) = (draft.text.expose(), |slot: Slot<'m, '_>, take: Take<'_>| {
            self.write(slot, take)
        });
        let Some(form) = draft.template.form else {
            let rendered = self.render_plainly(draft)?;
            if let Some(warning) = self.misread(draft, &rendered) {
                tracing::warn!("{warning}");
            }
            return Ok(rendered);
        };
        let rendered = env_template::render(&self.tokens, text, form, length, write)?;
        // Quotes and backslashes are more than the plain form has.
        occupy(rendered.len().saturating_sub(length))?;
        Ok(rendered)
    }

    /// Renders a template as it is written. Warns if values stand as they are between quotes, and probably should not. A manifest without
    /// a `version` has no filters, and gets no such warning.
    fn render_plainly(&self, draft: &RenderableTemplate<'m>) -> Result<Plaintext, Diagnosis> {
        let mut doubtful = BTreeSet::new();
        let write = |mut slot: Slot<'m, '_>, take: Take<'_>| {
            let secret = slot.reference.secret;
            let value = self.value(secret)?;
            if !self.manifest.is_of_sops_nix && slot.is_doubtful(value) {
                doubtful.insert(secret);
            }
            slot.write(value, take)
        };
        let rendered = self.tokens.render(draft.text.expose(), &draft.measured, write)?;
        if let Some(warning) = doubt(&doubtful, draft.text.expose()) {
            tracing::warn!("{}", warning.of(of_template(draft.template)));
        }
        Ok(rendered)
    }

    /// The warning about variables that systemd would change, if units read the template by `EnvironmentFile=`.
    fn misread(&self, draft: &RenderableTemplate<'_>, rendered: &Plaintext) -> Option<Diagnosis> {
        let units = &draft.template.placement.environment_file_of;
        if units.is_empty() {
            return None;
        }
        let write = |slot: Slot<'m, '_>, take: Take<'_>| self.write(slot, take);
        let misread = env_template::misread_template(&self.tokens, draft.text.expose(), rendered.expose(), write);
        environment_files::warning(&of_template(draft.template), units, &misread.ok()?)
    }

    /// Takes what is written at `slot`.
    fn write(&self, slot: Slot<'m, '_>, take: Take<'_>) -> Result<(), Diagnosis> {
        let value = self.value(slot.reference.secret)?;
        slot.write(value, take)
    }

    fn value(&self, name: &str) -> Result<&'m [u8], Diagnosis> {
        if let Some(content) = self.values.get(name) {
            return Ok(content.expose());
        }
        let needs = |why: &str| format!("it needs secret {}, which {why}", named(name));
        Err(if self.absent.contains(name) {
            Diagnosis::bare(needs("is optional, and left out"))
        } else if self.declared.contains(name) {
            Diagnosis::bare(needs("failed"))
        } else {
            Diagnosis::new(
                needs("this manifest does not install"),
                "declare that secret without neededForUsers",
            )
        })
    }
}
