//! Reads a sops file, and answers with its inspection.

use std::path::Path;

use super::{inspection::Inspection, lines, page};
use crate::{
    command::{
        audience::Audience,
        cli::{InputType, InspectArguments},
        input::Input,
        layout::json,
        reply::Reply,
        sops_text,
    },
    program::remedy::{self, Editable},
    sops::{SopsFileError, format::Format},
    text::diagnosis::Diagnosis,
};

/// Limit: at most 64 MiB are inspected from standard input or a fifo.
const LARGEST_STREAM: usize = 64 << 20;

/// Carries out the command `sops-nix inspect`.
///
/// # Errors
///
/// Returns a message for people if the file cannot be read, or is no sops file.
pub(crate) fn answer(arguments: &InspectArguments, audience: Audience) -> Result<Reply, Diagnosis> {
    let input = Input::read(&arguments.file, sops_text::LARGEST, LARGEST_STREAM)?;
    let inspection = inspect(&input, arguments.input_type.map(Format::from))?;
    let text = match audience {
        _ if arguments.json => json(&inspection),
        Audience::Person => page::text(&inspection),
        Audience::Script => lines::text(&inspection),
    };
    Ok(Reply {
        text,
        ..Reply::default()
    })
}

/// Inspects a file. `told` is the format that the user named, if any.
fn inspect(input: &Input, told: Option<Format>) -> Result<Inspection, Diagnosis> {
    let path = input.path.as_deref().unwrap_or(Path::new("-"));
    let text = input.text.expose();
    let fail = |diagnosis: Diagnosis| {
        // A command about standard input would name no file.
        let remedy = diagnosis.remedy.filter(|_| input.path.is_some());
        let cause = diagnosis.cause;
        Diagnosis { cause, remedy }.of(format_args!("cannot use {} as a sops file", input.name))
    };
    let editable = Editable::new(path, told.unwrap_or_else(|| remedy::of_ending(path)));
    let (format, mut file) = sops_text::parse(text, editable, told.is_some()).map_err(fail)?;
    let unusable = |error: SopsFileError| fail(remedy::unusable(&error, text, editable.read_as(format)));
    Inspection::new(&input.name, format, &mut file).map_err(unusable)
}

impl From<InputType> for Format {
    fn from(told: InputType) -> Self {
        match told {
            InputType::Yaml => Self::Yaml,
            InputType::Json => Self::Json,
            InputType::Dotenv => Self::Dotenv,
            InputType::Ini => Self::Ini,
            InputType::Binary => Self::Binary,
        }
    }
}
