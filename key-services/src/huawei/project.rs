//! The project of a region, which is part of each call. The identity service knows it.

use serde::Deserialize;

use super::{call::Call, chain::Identity, endpoint, refusal};
use crate::{
    caller::Caller,
    fault::{Fault, Kind},
    form::encode,
    quote::quote,
};

/// What to do if there is not exactly one project.
const REMEDY: &str = "set HUAWEICLOUD_SDK_PROJECT_ID to the one that has the key";

/// What the identity service answers.
#[derive(Deserialize)]
struct Listed {
    projects: Vec<Project>,
}

#[derive(Deserialize)]
struct Project {
    id: String,
}

/// The project of `region`: the one that is named, or else the only one that the identity service knows.
///
/// # Errors
///
/// If the service does not answer or refuses, or knows none or several.
pub(crate) fn find(caller: &Caller<'_>, identity: &Identity, region: &str) -> Result<String, Fault> {
    if let Some(project) = &identity.project {
        return Ok(project.clone());
    }
    let shown = identity.credentials.identity();
    let call = Call {
        method: "GET",
        server: &endpoint::iam(region, identity.iam.as_deref(), caller.environment)?,
        path: "/v3/projects",
        query: &format!("name={}", encode(region)),
        project: None,
        body: b"",
    };
    let answer = call.ask(caller, &identity.credentials).map_err(|fault| {
        let cause = format!("{}; it is asked for the project", fault.cause);
        let remedy = fault.remedy.as_deref().unwrap_or("correct its address").to_owned();
        Fault { cause, ..fault }.remedy(format!("{remedy}, or set HUAWEICLOUD_SDK_PROJECT_ID"))
    });
    let answer = answer.map_err(|fault| fault.asked_by(&*shown))?;
    if answer.status != 200 {
        let right = "iam:projects:listProjects for this identity, or set HUAWEICLOUD_SDK_PROJECT_ID";
        return Err(refusal::fault(&answer, right, &identity.credentials.secrets()).asked_by(shown));
    }
    let odd = || {
        Fault::new(
            Kind::ServiceFailed,
            "the identity service of Huawei gave an answer without projects",
        )
    };
    let mut projects = serde_json::from_slice::<Listed>(answer.body.expose())
        .map_err(|_| odd().remedy(REMEDY))?
        .projects;
    let cause = match (projects.pop(), projects.len()) {
        (Some(project), 0) => return Ok(project.id),
        (None, _) => format!("the account has no project in the region {}", quote(region, &[])),
        (Some(_), others) => format!("the account has {} projects in the region {}", others + 1, quote(region, &[])),
    };
    Err(Fault::new(Kind::Other, cause).asked_by(shown).remedy(REMEDY))
}
