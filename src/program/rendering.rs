//! Renders the templates of a manifest, in memory.

use std::{collections::HashSet, path::Path};

use super::{
    contents::Values,
    env_template,
    failure::Failure,
    lacks::{Absent, Lacks},
    limit::Limit,
    template::Tokens,
};
use crate::{
    install::{EntryKind, EntryName},
    manifest::{Body, Manifest, OnFailure, Placeholder, Template},
    sops::env_file::Form,
    system::{
        budget,
        confinement::Confined,
        plaintext::Plaintext,
        read::{ReadError, Reader},
    },
    text::{
        diagnosis::Diagnosis,
        printable::{named, shown},
    },
};

/// Limit: a template file has at most 64 MiB, far more than any real template. Larger files are refused.
const LARGEST_TEMPLATE: usize = 1 << 26;

/// Renders all templates, and returns them in the order of the manifest. If a template cannot be rendered, `None` is in its place,
/// and a failure is returned for it. A template that needs one of the `absent` secrets is absent as well.
///
/// The limit `maxSize` holds once for all secrets together, and once more for all rendered templates together. The shortest
/// template is rendered first, whatever the order of the manifest. So a template with a very long secret does not take the room of
/// shorter templates. Template files are read on `thread`.
pub(crate) fn render(
    manifest: &Manifest,
    values: &Values<'_>,
    absent: &[Absent],
    thread: Confined,
) -> (Vec<Option<Plaintext>>, Lacks) {
    if manifest.templates.is_empty() {
        return (Vec::new(), Lacks::default());
    }
    let renderer = Renderer::new(manifest, values, absent);
    let mut reader = Reader::new(thread, budget::TEMPLATE_FILES);
    let mut drafts: Vec<_> = manifest
        .templates
        .iter()
        .map(|template| renderer.draft(template, &mut reader))
        .enumerate()
        .collect();
    drafts.sort_by_key(|(_, draft)| draft.as_ref().map_or(0, |draft| draft.length));
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

/// Why a template cannot be rendered.
struct TemplateError {
    diagnosis: Diagnosis,
    /// Whether the only reason is that it needs optional secrets which are absent.
    is_absence: bool,
    /// Whether the only reason is that it needs secrets which may be left out if they fail.
    is_tolerated: bool,
}

impl TemplateError {
    /// What is lacking because of this error of `template`.
    fn of(self, template: &Template) -> Lacks {
        let (kind, entries) = (EntryKind::Template, vec![template.name.to_string()]);
        if self.is_absence {
            return Lacks::from(Absent {
                reason: self.diagnosis,
                kind,
                entries,
                sops_file: None,
            });
        }
        Lacks::from(Failure {
            diagnosis: self.diagnosis.of(format_args!("template {}", named(template.name.as_str()))),
            kind,
            entries,
            sops_file: None,
            is_tolerated: self.is_tolerated,
        })
    }
}

impl From<Diagnosis> for TemplateError {
    fn from(diagnosis: Diagnosis) -> Self {
        Self {
            diagnosis,
            is_absence: false,
            is_tolerated: false,
        }
    }
}

/// A template whose text has been read, and whose length is known.
struct RenderableTemplate<'m> {
    text: TemplateText<'m>,
    /// For which reader its variables are written, if it is for one.
    form: Option<Form>,
    /// The length of the rendered template, in bytes.
    length: usize,
}

/// The text of a template.
enum TemplateText<'m> {
    /// The text that is in the manifest. It is not copied, because it may be long.
    Inline(&'m str),
    /// The text that was read from a file.
    File(Plaintext),
}

impl TemplateText<'_> {
    fn expose(&self) -> &[u8] {
        match self {
            Self::Inline(text) => text.as_bytes(),
            Self::File(text) => text.expose(),
        }
    }
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
    values: &'m Values<'m>,
}

impl<'m> Renderer<'m> {
    fn new(manifest: &'m Manifest, values: &'m Values<'m>, absent: &'m [Absent]) -> Self {
        Self {
            manifest,
            tokens: Tokens::new(manifest.placeholders.iter().map(|placeholder| placeholder.token.as_str())),
            declared: manifest.secrets.iter().map(|secret| secret.name.as_str()).collect(),
            tolerated: manifest
                .secrets
                .iter()
                .filter(|secret| secret.on_failure != OnFailure::Abort)
                .map(|secret| secret.name.as_str())
                .collect(),
            absent: absent.iter().flat_map(|absent| &absent.entries).map(String::as_str).collect(),
            values,
        }
    }

    fn draft(&self, template: &'m Template, reader: &mut Reader) -> Result<RenderableTemplate<'m>, TemplateError> {
        let text = body(&template.name, &template.body, reader)?;
        match self.tokens.length(text.expose(), |token| self.value(token)) {
            Ok(length) => Ok(RenderableTemplate {
                text,
                form: template.form,
                length,
            }),
            Err(diagnosis) => Err(self.error(text.expose(), diagnosis)),
        }
    }

    /// Why `text` cannot be rendered. `first` is the reason that stands first in it. What is absent counts only if nothing else is
    /// wrong.
    fn error(&self, text: &[u8], first: Diagnosis) -> TemplateError {
        let is_absent = |secret: &str| self.absent.contains(secret);
        let Err(diagnosis) = self.length_without(text, is_absent) else {
            return TemplateError {
                diagnosis: first,
                is_absence: true,
                is_tolerated: false,
            };
        };
        let may_be_left_out = |secret: &str| is_absent(secret) || self.tolerated.contains(secret);
        TemplateError {
            diagnosis,
            is_absence: false,
            is_tolerated: self.length_without(text, may_be_left_out).is_ok(),
        }
    }

    /// The length of the rendered `text`, with nothing in the place of those secrets without a value that are `left_out`.
    fn length_without(&self, text: &[u8], left_out: impl Fn(&str) -> bool) -> Result<usize, Diagnosis> {
        let is_left_out = |token: usize| {
            let placeholder = self.manifest.placeholders.get(token);
            placeholder.is_some_and(|placeholder| left_out(&placeholder.secret))
        };
        self.tokens.length(text, |token| match self.value(token) {
            Err(_) if is_left_out(token) => Ok(&[]),
            value => value,
        })
    }

    fn finish(&self, draft: &RenderableTemplate<'_>, room: &mut usize) -> Result<Plaintext, Diagnosis> {
        let mut occupy = |length| {
            let left = room.checked_sub(length);
            *room = left.ok_or_else(|| Limit::of(self.manifest).exceeded("templates"))?;
            Ok::<_, Diagnosis>(())
        };
        occupy(draft.length)?;
        let (text, value) = (draft.text.expose(), |token| self.value(token));
        let Some(form) = draft.form else {
            return self.tokens.render(text, draft.length, value);
        };
        let rendered = env_template::render(&self.tokens, text, form, draft.length, value)?;
        // Quotes and backslashes are more than the plain form has.
        occupy(rendered.len().saturating_sub(draft.length))?;
        Ok(rendered)
    }

    /// The value of the placeholder with the index `token` in the manifest.
    fn value(&self, token: usize) -> Result<&'m [u8], Diagnosis> {
        match self.manifest.placeholders.get(token) {
            Some(placeholder) => self.value_of(placeholder),
            None => Err(Diagnosis::bare("it contains a placeholder of no secret")),
        }
    }

    fn value_of(&self, placeholder: &Placeholder) -> Result<&'m [u8], Diagnosis> {
        let name = placeholder.secret.as_str();
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

/// The text of a template. The text comes from `file`. If there is no file, or if the file cannot be read, the inline text is
/// taken. The Nix modules make the file from the inline text, so both are equal, unless the user gave both.
fn body<'m>(name: &EntryName, body: &'m Body, reader: &mut Reader) -> Result<TemplateText<'m>, Diagnosis> {
    let Some(path) = &body.file else {
        return Ok(TemplateText::Inline(&body.content));
    };
    match reader.read(path, LARGEST_TEMPLATE) {
        Ok(file) => Ok(TemplateText::File(file.text)),
        Err(error) if body.content.is_empty() => Err(unreadable(path, &error)),
        Err(error) => {
            let Diagnosis { cause, remedy } = unreadable(path, &error);
            let cause = format!(
                "template {}: {cause}, so the field \"content\" is used instead",
                named(name.as_str())
            );
            tracing::warn!("{}", Diagnosis { cause, remedy });
            Ok(TemplateText::Inline(&body.content))
        }
    }
}

fn unreadable(path: &Path, error: &ReadError) -> Diagnosis {
    error.diagnosis().of(format_args!("cannot read its file {}", shown(path)))
}
