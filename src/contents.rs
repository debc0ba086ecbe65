//! The bytes of every secret and template, decided in memory.

use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use crate::{
    failure::Failure,
    file,
    files::{Contents, Source, too_much},
    manifest::{Body, Manifest, Placeholder, Template},
    plaintext::Plaintext,
    template::Tokens,
};

/// Larger template files are refused, in bytes: 64 MiB.
const LARGEST_TEMPLATE: usize = 1 << 26;

/// The secrets whose bytes are at hand, by name.
pub type Values<'m> = HashMap<&'m str, Arc<Plaintext>>;

/// Gives every secret its bytes. A file that failed has been reported as a whole.
pub fn values<'m>(files: Vec<(Source<'m>, Option<Contents>)>, failures: &mut Vec<Failure>) -> Values<'m> {
    let mut values = Values::new();
    for (source, contents) in files {
        for (secret, content) in source.secrets().iter().zip(contents.into_iter().flatten()) {
            match content {
                Ok(content) => {
                    values.insert(&secret.name, content);
                }
                Err(error) => failures.push(source.fail_one(secret, &error)),
            }
        }
    }
    values
}

/// Renders every template, in the order of the manifest. One that cannot be is a failure and `None`.
pub fn render(manifest: &Manifest, values: &Values<'_>, failures: &mut Vec<Failure>) -> Vec<Option<Plaintext>> {
    if manifest.templates.is_empty() {
        return Vec::new();
    }
    let tokens = Tokens::new(manifest.placeholders.iter().map(|placeholder| placeholder.token.as_str()));
    let declared = manifest.secrets.iter().map(|secret| secret.name.as_str()).collect();
    let secrets = values.values().map(|content| content.len()).fold(0, usize::saturating_add);
    let mut room = manifest.max_size.saturating_sub(secrets);
    let rendered = manifest.templates.iter().map(|template| {
        let tokens = tokens.as_ref().map_err(ToString::to_string)?;
        let text = render_one(manifest, template, tokens, &declared, values, room)?;
        room = room.saturating_sub(text.len());
        Ok(text)
    });
    let keep = |(template, result): (&Template, Result<Plaintext, String>)| {
        result
            .map_err(|problem| {
                failures.push(Failure {
                    message: format!("template {}: {problem}", template.name),
                    entries: vec![template.name.clone()],
                    sops_file: None,
                });
            })
            .ok()
    };
    manifest.templates.iter().zip(rendered).map(keep).collect()
}

fn render_one(
    manifest: &Manifest,
    template: &Template,
    tokens: &Tokens,
    declared: &HashSet<&str>,
    values: &Values<'_>,
    room: usize,
) -> Result<Plaintext, String> {
    let text = body(&template.name, &template.body)?;
    let fits = |left: Option<usize>| left.ok_or_else(|| too_much(manifest.max_size));
    // Tokens become shorter or longer. It is enough to count what they become, and all of the text.
    let left = Cell::new(fits(room.checked_sub(text.len()))?);
    let value = |token: usize| match manifest.placeholders.get(token) {
        Some(placeholder) => {
            let content = value(declared, values, placeholder)?;
            left.set(fits(left.get().checked_sub(content.len()))?);
            Ok(content)
        }
        None => Err("it contains a placeholder of no secret".to_owned()),
    };
    tokens.render(text.expose(), value).map_err(|error| error.to_string())
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

/// The file goes before the inline text; the Nix modules make the file from the text, so they agree unless a user gave both.
fn body(name: &str, body: &Body) -> Result<Plaintext, String> {
    let Some(path) = &body.file else {
        return Ok(Plaintext::from(body.content.clone()));
    };
    match file::read(path, LARGEST_TEMPLATE) {
        Ok(file) => Ok(file.text),
        Err(error) if body.content.is_empty() => Err(unreadable(path, &error)),
        Err(error) => {
            tracing::warn!("template {name}: {}; its content is used instead", unreadable(path, &error));
            Ok(Plaintext::from(body.content.clone()))
        }
    }
}

fn unreadable(path: &Path, error: &file::ReadError) -> String {
    format!("cannot read its file {}: {error}", path.display())
}
