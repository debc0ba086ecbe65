//! Reports what a publication would do, for a dry run.

use std::collections::HashSet;

use super::{
    changes::{self, Changes},
    entry::Entry,
    error::InstallError,
    former::{self, FormerPlace},
    grounds::Grounds,
    layout::Outlook,
    links,
    live::{Current, steady},
    mount,
    plan::{self, sorted},
    site::Site,
    spread, watch_file,
};

/// The result of a dry run: what a publication would do.
#[derive(Debug)]
pub struct Preview {
    /// Whether a generation is live. If so, a failure would leave that generation unchanged.
    pub is_live: bool,
    /// Whether the live generation would stay, because nothing in it changes.
    pub stays: bool,
    /// The entries and units that would change.
    pub changes: Changes,
    /// The symlinks and copies of former secrets that would go.
    pub former_links: Vec<FormerPlace>,
    /// The obstacles at declared paths and at the paths of watch files.
    pub failures: Vec<InstallError>,
    /// Whether obstacles would stop the run. If so, `failures` contains only the obstacles that would stop it.
    pub is_refused: bool,
}

impl Preview {
    /// Reports what a publication of `entries` would change. Mounts nothing, makes no file or directory, and takes no lock.
    ///
    /// # Errors
    ///
    /// If the live generation cannot be read, or if a publication here would fail before its first write.
    pub fn of(site: &Site, entries: &[Entry<'_>]) -> Result<Self, InstallError> {
        steady(site, || Self::look(site, entries))
    }

    /// Does what [`Preview::of`] does. The result may be wrong if another run publishes meanwhile.
    fn look(site: &Site, entries: &[Entry<'_>]) -> Result<Self, InstallError> {
        let root = mount::open(site)?;
        let grounds = Grounds::look(site, root.as_ref())?;
        if let Some(root) = &root {
            mount::inspect(site, root)?;
        }
        links::check(site)?;
        let current = root
            .as_ref()
            .map(|root| Current::read(site, root))
            .transpose()?
            .unwrap_or_default();
        let mut compared = changes::compare(current.live.as_ref(), entries)?;
        let is_live = current.live.is_some();
        let plan = plan::plan(site, &grounds, entries);
        let outlook = Outlook::of(site, current.live.as_ref(), &compared, entries, &plan.wanted)?;
        compared.changes.directories = outlook.directories;
        // At a first publication, a copy of a secret that fails stays.
        let vacated = if is_live {
            spread::vacated(site, entries)
        } else {
            HashSet::new()
        };
        let (blocking, others) = sorted(plan.obstacles);
        let is_refused = is_live && !blocking.is_empty();
        let mut failures = blocking;
        if !is_refused {
            failures.extend(others);
            let watched = entries.iter().filter_map(|entry| entry.watch_file.as_deref());
            failures.extend(watch_file::obstacles(
                site,
                site.watch_file.as_deref().into_iter().chain(watched),
            ));
        }
        Ok(Self {
            is_live,
            stays: outlook.stays,
            changes: compared.changes,
            former_links: former::preview_with(site, vacated),
            failures,
            is_refused,
        })
    }
}
