//! Makes the copies at declared paths those of the generation to which a rollback leads.

use std::{collections::HashSet, os::fd::OwnedFd};

use super::{
    declared_file::DeclaredFile,
    entry::Entry,
    error::{InstallError, failed},
    files,
    former::{self, Former},
    grounds::Grounds,
    live::Current,
    owner::Owner,
    plan, rollback_error,
    site::Site,
    spread,
    units::UnitRequests,
};
use crate::system::{ids::Ids, mode::FileMode};

/// What became of the copies.
#[derive(Default)]
pub(crate) struct Renewed {
    pub(crate) warnings: Vec<String>,
    pub(crate) failures: Vec<InstallError>,
    /// The units of the copies that failed. They are told once a later run has written them.
    pub(crate) postponed: UnitRequests,
}

/// Makes the copies at declared paths those of the generation that is live now. A copy of what this generation lacks is removed.
pub(crate) fn renew(site: &Site, root: &OwnedFd, declared: &[DeclaredFile<'_>]) -> Renewed {
    let copies = declared.iter().filter(|file| file.path.is_some() && file.at_path.is_copy());
    let copies: Vec<_> = copies.collect();
    if copies.is_empty() {
        return Renewed::default();
    }
    renew_all(site, root, &copies).unwrap_or_else(|error| {
        let mut renewed = Renewed {
            failures: vec![error],
            ..Renewed::default()
        };
        for file in copies {
            renewed.postponed.extend(file.restart_units, file.reload_units);
        }
        renewed
    })
}

/// Does what [`renew`] does, with the declared files that have `copies`.
fn renew_all(site: &Site, root: &OwnedFd, copies: &[&DeclaredFile<'_>]) -> Result<Renewed, InstallError> {
    let Some(live) = Current::read(site, root)?.live else {
        return Err(rollback_error::nothing_live(&site.link));
    };
    let mut contents = Vec::new();
    for file in copies {
        contents.push(live.content(&file.place, usize::MAX)?);
    }
    let mut entries = Vec::new();
    let mut vacated = HashSet::new();
    for (file, content) in copies.iter().zip(&contents) {
        let status = files::status(live.dir(), file.place.as_str()).map_err(failed("examine", &live.at().join(&file.place)))?;
        match (content, status) {
            (Some(content), Some(status)) => entries.push(Entry {
                kind: file.kind,
                name: file.name.clone(),
                content: content.expose(),
                mode: FileMode::of(&status),
                owner: match site.directory_owner() {
                    Owner::Caller => Owner::Caller,
                    _ => Owner::Ids(Ids::of(&status)),
                },
                path: file.path.clone(),
                at_path: file.at_path,
                watch_file: None,
                restart_units: file.restart_units,
                reload_units: file.reload_units,
            }),
            _ => vacated.extend(file.path.clone()),
        }
    }
    let grounds = Grounds::look(site, Some(root))?;
    let plan = plan::plan(site, &grounds, &entries);
    let mut spread = spread::spread(site, &grounds, &entries, &plan.wanted);
    spread
        .failures
        .extend(plan.obstacles.into_iter().map(|obstacle| obstacle.error));
    if let Some(places) = spread.places.as_ref().filter(|_| !vacated.is_empty()) {
        let removed = former::remove(&Former {
            site,
            places,
            vacated,
            only_vacated: true,
        });
        spread.warnings.extend(removed.warnings);
    }
    Ok(Renewed {
        postponed: spread.postponed(&entries),
        warnings: spread.warnings,
        failures: spread.failures,
    })
}
