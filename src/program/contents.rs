//! The contents of all secrets and rendered templates, in memory.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use super::{
    failure::Failure,
    limit::Limit,
    sops_files::{Source, WantedContents},
    template::Tokens,
};
use crate::{
    manifest::{Body, Manifest, Placeholder, Template},
    system::{
        budget,
        confinement::Confined,
        plaintext::Plaintext,
        read::{ReadError, Reader},
    },
};

/// Larger template files are refused, in bytes: 64 MiB.
const LARGEST_TEMPLATE: usize = 1 << 26;

/// The contents of the secrets that did not fail, by name.
pub(crate) type Values<'m> = HashMap<&'m str, Arc<Plaintext>>;

/// Gives every secret its bytes. What failed comes beside it: whole files first, then single secrets.
pub(crate) fn values(files: Vec<(Source<'_>, Result<WantedContents, Failure>)>) -> (Values<'_>, Vec<Failure>) {
    let mut values = Values::new();
    let (mut failures, mut failed_secrets) = (Vec::new(), Vec::new());
    for (source, contents) in files {
        let contents = contents.map_err(|failure| failures.push(failure)).unwrap_or_default();
        for (secret, content) in source.secrets().iter().zip(contents) {
            match content {
                Ok(content) => drop(values.insert(&secret.name, content)),
                Err(error) => failed_secrets.push(source.fail_one(secret, &error)),
            }
        }
    }
    failures.extend(failed_secrets);
    (values, failures)
}

/// Renders every template, in the order of the manifest. One that cannot be is `None`, and its failure comes beside it.
///
/// All templates together have a limit of their own, as large as that of all secrets. Short ones come first, so that a secret that
/// somebody made long takes no room from other templates. Template files are read on `thread`.
pub(crate) fn render(manifest: &Manifest, values: &Values<'_>, thread: Confined) -> (Vec<Option<Plaintext>>, Vec<Failure>) {
    if manifest.templates.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let renderer = Renderer::new(manifest, values);
    let mut reader = Reader::new(thread, budget::TEMPLATE_FILES);
    let mut drafts: Vec<_> = manifest
        .templates
        .iter()
        .map(|template| renderer.draft(template, &mut reader))
        .enumerate()
        .collect();
    drafts.sort_by_key(|(_, draft)| draft.as_ref().map_or(0, |draft| draft.length));
    let mut room = manifest.max_size;
    let finish = |(position, draft): (usize, Result<RenderableTemplate, String>)| {
        let text = draft.and_then(|draft| renderer.finish(&draft, &mut room));
        (position, text)
    };
    let mut texts: Vec<_> = drafts.into_iter().map(finish).collect();
    texts.sort_by_key(|(position, _)| *position);
    let mut failures = Vec::new();
    let keep = |(template, (_, text)): (&Template, (usize, Result<Plaintext, String>))| {
        text.map_err(|problem| failures.push(fail(template, &problem))).ok()
    };
    let kept = manifest.templates.iter().zip(texts).map(keep).collect();
    (kept, failures)
}

fn fail(template: &Template, problem: &str) -> Failure {
    Failure {
        message: format!("template {}: {problem}", template.name),
        entries: vec![template.name.clone()],
        sops_file: None,
    }
}

/// A template that can be rendered.
struct RenderableTemplate {
    text: Plaintext,
    /// How many bytes it will have.
    length: usize,
}

/// What the templates of a manifest are rendered with.
struct Renderer<'m> {
    manifest: &'m Manifest,
    tokens: Result<Tokens, String>,
    declared: HashSet<&'m str>,
    values: &'m Values<'m>,
}

impl<'m> Renderer<'m> {
    fn new(manifest: &'m Manifest, values: &'m Values<'m>) -> Self {
        let tokens = Tokens::new(manifest.placeholders.iter().map(|placeholder| placeholder.token.as_str()));
        Self {
            manifest,
            tokens: tokens.map_err(|error| error.to_string()),
            declared: manifest.secrets.iter().map(|secret| secret.name.as_str()).collect(),
            values,
        }
    }

    fn draft(&self, template: &Template, reader: &mut Reader) -> Result<RenderableTemplate, String> {
        let text = body(&template.name, &template.body, reader)?;
        let length = self.tokens.as_ref()?.length(text.expose(), |token| self.value(token));
        Ok(RenderableTemplate {
            length: length.map_err(|error| error.to_string())?,
            text,
        })
    }

    fn finish(&self, draft: &RenderableTemplate, room: &mut usize) -> Result<Plaintext, String> {
        let left = room.checked_sub(draft.length);
        *room = left.ok_or_else(|| Limit::of(self.manifest).exceeded("templates"))?;
        let rendered = self
            .tokens
            .as_ref()?
            .render(draft.text.expose(), draft.length, |token| self.value(token));
        rendered.map_err(|error| error.to_string())
    }

    /// The value that replaces a placeholder, given by its position in the manifest.
    fn value(&self, token: usize) -> Result<&'m [u8], String> {
        match self.manifest.placeholders.get(token) {
            Some(placeholder) => value(&self.declared, self.values, placeholder),
            None => Err("it contains a placeholder of no secret".to_owned()),
        }
    }
}

fn value<'v>(declared: &HashSet<&str>, values: &'v Values<'_>, placeholder: &Placeholder) -> Result<&'v [u8], String> {
    let name = &placeholder.secret;
    match values.get(name.as_str()) {
        Some(content) => Ok(content.expose()),
        None if declared.contains(name.as_str()) => Err(format!("it needs secret {name}, which failed")),
        None => Err(format!(
            "it needs secret {name}, which this manifest does not install; declare it, and without neededForUsers"
        )),
    }
}

/// The text of a template: that of its file, or the inline text if there is no file or it cannot be read. The Nix modules make the
/// file from the inline text, so the two are equal unless the user gave both.
fn body(name: &str, body: &Body, reader: &mut Reader) -> Result<Plaintext, String> {
    let Some(path) = &body.file else {
        return Ok(Plaintext::from(body.content.clone()));
    };
    match reader.read(path, LARGEST_TEMPLATE) {
        Ok(file) => Ok(file.text),
        Err(error) if body.content.is_empty() => Err(unreadable(path, &error)),
        Err(error) => {
            tracing::warn!("template {name}: {}; its content is used instead", unreadable(path, &error));
            Ok(Plaintext::from(body.content.clone()))
        }
    }
}

fn unreadable(path: &Path, error: &ReadError) -> String {
    format!("cannot read its file {}: {error}", path.display())
}
