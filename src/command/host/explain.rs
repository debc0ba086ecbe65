//! Tells the whole story of one secret.

use serde::Serialize;

use super::{
    doctor, installation, place, readers,
    story::Story,
    story_page::{lines, page},
    unit_file, who_reads,
};
use crate::{
    command::{audience::Audience, cli::ExplainArguments, layout::json, reply::Reply},
    program::environment::Environment,
    system::root::Root,
    text::diagnosis::Diagnosis,
};

/// The stories of the secrets and templates of one name: several phases may have one.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Explanation {
    /// One story for each installation that has the name.
    pub(crate) stories: Vec<Story>,
}

/// Carries out the command `sops-nix explain`.
///
/// # Errors
///
/// With a message for people, if nothing has this name.
pub(crate) fn answer(arguments: &ExplainArguments, audience: Audience, root: &Root) -> Result<Reply, Diagnosis> {
    let installations = installation::of_own(root, &Environment::read());
    if installations.is_empty() {
        return Err(installation::none());
    }
    who_reads::check(&arguments.name, &installations, root)?;
    let stories = installations
        .iter()
        .flat_map(|installation| Story::of(&arguments.name, installation, &installations, root));
    let explanation = Explanation {
        stories: stories.collect(),
    };
    let units = unit_file::all(&readers::unit_directories(root));
    let places = installations.iter().flat_map(|installation| place::of(installation, root));
    let places: Vec<_> = places.filter(|place| place.name == arguments.name).collect();
    let remarks = doctor::silent(&units, &readers::of_units(&units, &places), &places);
    let text = match audience {
        _ if arguments.json => json(&explanation),
        Audience::Person => explanation.stories.iter().map(page).collect::<Vec<_>>().join("\n"),
        Audience::Script => explanation.stories.iter().map(lines).collect(),
    };
    Ok(Reply {
        text,
        remarks,
        ..Reply::default()
    })
}
